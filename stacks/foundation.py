"""FoundationStack: what an administrator sets up once, so that others can deploy with little power."""

from __future__ import annotations

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
    OPERATOR,
    PREVIEWER,
    RUNS,
    Role,
    Runs,
    deployers,
    identifier,
    operators,
    previewers,
)
from ingest.catalogue import GROUPS
from ingest.rollout import IDENTITY_STACK
from ingest.settings import Settings
from stacks.base import IngestStack

FOUNDATION_STACK = "ingest-foundation"
PHASES = [group.stack for group in GROUPS]

_ISSUER = "https://token.actions.githubusercontent.com"


class FoundationStack(IngestStack):
    """The bucket of the shared state, the three custom roles with their members, the sign-in of GitHub's workflows."""

    def __init__(self, scope: Construct, *, settings: Settings) -> None:
        super().__init__(scope, FOUNDATION_STACK, settings=settings)
        self._settings = settings
        self._accounts: list[ServiceAccount] = []
        if settings.github_repository:
            self._workflows()
        for role, members, reads_tables in (
            (DEPLOYER, deployers(settings), True),
            (OPERATOR, operators(settings), True),
            (PREVIEWER, previewers(settings), False),
        ):
            if members:
                self._role(role, members, reads_tables=reads_tables)
        if settings.backend_bucket:
            self._state()

    def _workflows(self) -> None:
        """Workload identity federation: GitHub's token, instead of a key."""
        pool = IamWorkloadIdentityPool(
            self,
            "Pool",
            workload_identity_pool_id=self._settings.workload_identity_pool,
            display_name="GitHub workflows",
        )
        pool.override_logical_id("github")
        self._issuer(pool)
        for attribute, runs in RUNS.items():
            self._workflow_account(runs.account, f"principalSet://iam.googleapis.com/{pool.name}/attribute.{attribute}")

    def _issuer(self, pool: IamWorkloadIdentityPool) -> None:
        """GitHub as a provider of the pool, for the one repository."""
        settings = self._settings
        repository = settings.github_repository
        provider = IamWorkloadIdentityPoolProvider(
            self,
            "Issuer",
            workload_identity_pool_id=pool.workload_identity_pool_id,
            workload_identity_pool_provider_id="github",
            display_name=repository[:32],
            oidc=IamWorkloadIdentityPoolProviderOidc(issuer_uri=_ISSUER),
            attribute_mapping={
                "google.subject": "assertion.sub",
                **{
                    f"attribute.{name}": f'{_condition(runs, repository)} ? assertion.repository : "none"'
                    for name, runs in RUNS.items()
                },
            },
            # Every repository of GitHub has this issuer: without a condition, all of them could sign in. A name can be
            # given up and taken by somebody else, the numbers cannot.
            attribute_condition=_all_of(
                f'assertion.repository == "{repository}"',
                f'assertion.repository_id == "{settings.github_repository_id}"',
                f'assertion.repository_owner_id == "{settings.github_repository_owner_id}"',
            ),
        )
        provider.override_logical_id("github")
        output = TerraformOutput(
            self, "Provider", value=provider.name, description="The workflows' variable WORKLOAD_IDENTITY_PROVIDER"
        )
        output.override_logical_id("workload_identity_provider")

    def _workflow_account(self, account_id: str, members: str) -> None:
        """An account that those `members` of the pool whose attribute is the repository sign in as."""
        repository = self._settings.github_repository
        name = account_id.replace("-", "_")
        account = ServiceAccount(
            self, account_id, account_id=account_id, display_name=f"{repository}: {account_id}"[:100]
        )
        account.override_logical_id(name)
        self._accounts.append(account)
        signs_in = ServiceAccountIamMember(
            self,
            f"SignsIn {account_id}",
            service_account_id=account.name,
            role="roles/iam.workloadIdentityUser",
            member=f"{members}/{repository}",
        )
        signs_in.override_logical_id(f"signs_in_{name}")
        variable = f"{name.removeprefix('ingest_')}_service_account"
        email = TerraformOutput(
            self, f"{account_id} email", value=account.email, description=f"The workflows' {variable.upper()}"
        )
        email.override_logical_id(variable)

    def _role(self, role: Role, members: list[str], *, reads_tables: bool) -> None:
        settings = self._settings
        custom = ProjectIamCustomRole(
            self, role.id, role_id=role.id, title=role.title, permissions=sorted(role.permissions)
        )
        custom.override_logical_id(role.id)
        for member in members:
            name = f"{role.id}_{identifier(member)}"
            project = ProjectIamMember(
                self, name, project=settings.project, role=custom.name, member=member, depends_on=self._accounts
            )
            project.override_logical_id(name)
            if not reads_tables:
                continue
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
        # A state decides what the next deploy does, with the rights of whoever deploys: an administrator's are not the
        # deployers' to write. Terraform's lock is an object beside the state, which a plan makes and deletes.
        states = [f"{stack}/default.tfstate" for stack in PHASES]
        locks = [
            f"{stack}/default.tflock"
            for stack in (*PHASES, *([IDENTITY_STACK] * bool(settings.invoker_service_account)))
        ]
        for member in deployers(settings):
            self._state_member(bucket, "reads", "roles/storage.objectViewer", member)
            self._state_member(
                bucket, "writes", "roles/storage.objectUser", member, self._only("phases and locks", *states, *locks)
            )
        for member in (*operators(settings), *previewers(settings)):
            self._state_member(bucket, "reads", "roles/storage.objectViewer", member)
        # The workflows plan without a lock: whoever may push a branch could take away that of a deploy.
        for member in settings.operators:
            self._state_member(bucket, "locks", "roles/storage.objectUser", member, self._only("locks only", *locks))

    def _only(self, title: str, *objects: str) -> StorageBucketIamMemberCondition:
        """For those objects below the state's prefix. IAM takes 12 operators in a condition at most."""
        settings = self._settings
        folder = f"projects/_/buckets/{settings.backend_bucket}/objects/{settings.backend_prefix}"
        expression = " || ".join(f'resource.name == "{folder}/{name}"' for name in objects)
        return StorageBucketIamMemberCondition(title=title, expression=expression)

    def _state_member(
        self,
        bucket: StorageBucket,
        verb: str,
        role: str,
        member: str,
        condition: StorageBucketIamMemberCondition | None = None,
    ) -> None:
        name = f"{verb}_state_{identifier(member)}"
        grant = StorageBucketIamMember(
            self, name, bucket=bucket.name, role=role, member=member, condition=condition, depends_on=self._accounts
        )
        grant.override_logical_id(name)


def _condition(runs: Runs, repository: str) -> str:
    """Whether a token is of one of the runs, by CEL on the claims that GitHub puts into it.

    The token's own subject would do for the environment, but its form is the repository's choice (GitHub's immutable
    subject claims, 2026), and it names neither branch nor workflow.
    """
    files = [f"{repository}/.github/workflows/{name}.yml@" for name in runs.workflows]
    if runs.ref:
        of_workflow = " || ".join(f'assertion.workflow_ref == "{file}{runs.ref}"' for file in files)
    else:
        of_workflow = " || ".join(f'assertion.workflow_ref.startsWith("{file}")' for file in files)
    events = " || ".join(f'assertion.event_name == "{event}"' for event in runs.events)
    terms = [f'assertion.ref == "{runs.ref}"'] if runs.ref else []
    if runs.environment:
        terms += ["has(assertion.environment)", f'assertion.environment == "{runs.environment}"']
    return _all_of(*terms, f"({events})", f"({of_workflow})")


def _all_of(*terms: str) -> str:
    return " && ".join(terms)
