"""Invoker: the account whose token the jobs send, and what it may do."""

from __future__ import annotations

from constructs import Construct
from constructs.bindings import CloudRunV2ServiceIamMember, ServiceAccount, ServiceAccountIamMember
from ingest.access import deployers, identifier
from ingest.settings import Settings


class Invoker(Construct):
    """May call the ingest service, and nothing else: roles/run.invoker on that one service; no key is made.

    Cloud Scheduler signs the token for whoever may act as the account when the job is written, so the deployers get
    roles/iam.serviceAccountUser on it where it is created here; an account of somebody else's is theirs to grant.
    (Source: cloud.google.com/scheduler/docs/http-target-auth.)
    """

    def __init__(self, scope: Construct, *, settings: Settings) -> None:
        super().__init__(scope, "Invoker")
        email = settings.invoker_service_account
        created = []
        if settings.create_invoker:
            account = ServiceAccount(
                self,
                "Account",
                account_id=email.partition("@")[0],
                display_name="Ingest invoker",
                description=f"Its token lets Cloud Scheduler call {settings.cloud_run_service}",
            )
            account.override_logical_id("invoker")
            created.append(account)
        grant = CloudRunV2ServiceIamMember(
            self,
            "MayInvoke",
            project=settings.project,
            location=settings.region,
            name=settings.cloud_run_service,
            role="roles/run.invoker",
            member=f"serviceAccount:{email}",
            depends_on=created or None,
        )
        grant.override_logical_id("may_invoke")
        for member in deployers(settings) if created else ():
            acts = ServiceAccountIamMember(
                self,
                f"ActsAs {member}",
                service_account_id=f"projects/{settings.project}/serviceAccounts/{email}",
                role="roles/iam.serviceAccountUser",
                member=member,
                depends_on=created,
            )
            acts.override_logical_id(f"acts_as_{identifier(member)}")
