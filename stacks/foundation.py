"""FoundationStack: what an administrator sets up once, so that others can deploy with little power."""

from __future__ import annotations

import re

from constructs import Construct
from constructs.bindings import (
    BigqueryDatasetIamMember,
    IamWorkloadIdentityPool,
    IamWorkloadIdentityPoolProvider,
    IamWorkloadIdentityPoolProviderOidc,
    ProjectIamCustomRole,
    ProjectIamMember,
    ServiceAccount,
    ServiceAccountIamMember,
    StorageBucket,
    StorageBucketIamMember,
    StorageBucketIamMemberCondition,
    StorageBucketVersioning,
    TerraformOutput,
    TerraformResourceLifecycle,
)
from ingest.access import (
    DEPLOYER,
    DEPLOYER_ACCOUNT,
    ENVIRONMENT,
    OPERATOR,
    OPERATOR_ACCOUNT,
    Role,
    deployers,
    operators,
)
from ingest.settings import Settings
from stacks.base import IngestStack

FOUNDATION_STACK = "ingest-foundation"

_ISSUER = "https://token.actions.githubusercontent.com"

# Terraform's lock of a state in a bucket is an object of that name: a plan makes and deletes it.
_LOCKS = 'resource.type == "storage.googleapis.com/Object" && resource.name.endsWith(".tflock")'


class FoundationStack(IngestStack):
    """The bucket of the shared state, the two custom roles and their members, and the sign-in of GitHub's workflows."""

    def __init__(self, scope: Construct, *, settings: Settings) -> None:
        super().__init__(scope, FOUNDATION_STACK, settings=settings)
        self._settings = settings
        self._accounts: list[ServiceAccount] = []
        if settings.github_repository:
            self._workflows()
        for role, members in ((DEPLOYER, deployers(settings)), (OPERATOR, operators(settings))):
            if members:
                self._role(role, members)
        if settings.backend_bucket:
            self._state()

    def _workflows(self) -> None:
        """Workload identity federation: GitHub's token, instead of a key."""
        repository = self._settings.github_repository
        pool = IamWorkloadIdentityPool(
            self, "Pool", workload_identity_pool_id="github", display_name="GitHub workflows"
        )
        pool.override_logical_id("github")
        provider = IamWorkloadIdentityPoolProvider(
            self,
            "Issuer",
            workload_identity_pool_id=pool.workload_identity_pool_id,
            workload_identity_pool_provider_id="github",
            display_name=repository[:32],
            oidc=IamWorkloadIdentityPoolProviderOidc(issuer_uri=_ISSUER),
            attribute_mapping={"google.subject": "assertion.sub", "attribute.repository": "assertion.repository"},
            # Every repository of GitHub has this issuer: without a condition, all of them could sign in.
            attribute_condition=f'assertion.repository == "{repository}"',
        )
        provider.override_logical_id("github")
        # A subject names the environment only in jobs that run in it, after its reviewers approved.
        subject = f"principal://iam.googleapis.com/{pool.name}/subject/repo:{repository}:environment:{ENVIRONMENT}"
        anybody = f"principalSet://iam.googleapis.com/{pool.name}/attribute.repository/{repository}"
        for account_id, who in ((DEPLOYER_ACCOUNT, subject), (OPERATOR_ACCOUNT, anybody)):
            account = ServiceAccount(
                self, account_id, account_id=account_id, display_name=f"{repository}: {account_id}"[:100]
            )
            account.override_logical_id(_identifier(account_id))
            self._accounts.append(account)
            signs_in = ServiceAccountIamMember(
                self,
                f"SignsIn {account_id}",
                service_account_id=account.name,
                role="roles/iam.workloadIdentityUser",
                member=who,
            )
            signs_in.override_logical_id(f"signs_in_{_identifier(account_id)}")
        output = TerraformOutput(
            self, "Provider", value=provider.name, description="The workflows' variable WORKLOAD_IDENTITY_PROVIDER"
        )
        output.override_logical_id("workload_identity_provider")

    def _role(self, role: Role, members: list[str]) -> None:
        settings = self._settings
        custom = ProjectIamCustomRole(
            self, role.id, role_id=role.id, title=role.title, permissions=sorted(role.permissions)
        )
        custom.override_logical_id(role.id)
        for member in members:
            name = f"{role.id}_{_identifier(member)}"
            project = ProjectIamMember(
                self, name, project=settings.project, role=custom.name, member=member, depends_on=self._accounts
            )
            project.override_logical_id(name)
            tables = BigqueryDatasetIamMember(
                self,
                f"{name} tables",
                dataset_id=settings.dataset,
                role="roles/bigquery.dataViewer",
                member=member,
                depends_on=self._accounts,
            )
            tables.override_logical_id(name)

    def _state(self) -> None:
        settings = self._settings
        bucket = StorageBucket(
            self,
            "State",
            name=settings.backend_bucket,
            location=settings.region,
            uniform_bucket_level_access=True,
            public_access_prevention="enforced",
            # An older state is the only way back from a broken one.
            versioning=StorageBucketVersioning(enabled=True),
            lifecycle=TerraformResourceLifecycle(prevent_destroy=True),
        )
        bucket.override_logical_id("state")
        for member in deployers(settings):
            self._state_member(bucket, "writes", "roles/storage.objectUser", member)
        for member in operators(settings):
            self._state_member(bucket, "reads", "roles/storage.objectViewer", member)
            self._state_member(
                bucket,
                "locks",
                "roles/storage.objectUser",
                member,
                StorageBucketIamMemberCondition(title="locks only", expression=_LOCKS),
            )

    def _state_member(
        self,
        bucket: StorageBucket,
        verb: str,
        role: str,
        member: str,
        condition: StorageBucketIamMemberCondition | None = None,
    ) -> None:
        name = f"{verb}_state_{_identifier(member)}"
        grant = StorageBucketIamMember(
            self, name, bucket=bucket.name, role=role, member=member, condition=condition, depends_on=self._accounts
        )
        grant.override_logical_id(name)


def _identifier(text: str) -> str:
    """What Terraform takes as a resource's name."""
    return re.sub(r"[^A-Za-z0-9]", "_", text)
