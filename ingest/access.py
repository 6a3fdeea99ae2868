"""Who may do what: the least roles of the deployer and the operator, and the accounts of the workflows."""

from __future__ import annotations

from dataclasses import dataclass

from ingest.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Role:
    """A custom role of the project; `id` is its last part. `permissions` maps each to what it is needed for."""

    id: str
    title: str
    permissions: dict[str, str]


# Cloud Scheduler grants on projects only, so these are custom roles on the project instead of narrower grants.
_LOOK = {
    "cloudscheduler.jobs.get": "read a job: plan, status",
    "cloudscheduler.jobs.list": "list the jobs: preflight, status, gate",
    "cloudscheduler.locations.get": "tell whether the region has Cloud Scheduler",
    "logging.logEntries.list": "read what an attempt answered, in the console",
    "bigquery.jobs.create": "run the queries of gate and freshness; the tables are granted on the dataset",
    "resourcemanager.projects.get": "preflight's question for permissions",
}
_IDENTITY = {
    "iam.serviceAccounts.get": "plan ingest-identity",
    "iam.serviceAccounts.getIamPolicy": "plan ingest-identity",
    "run.services.getIamPolicy": "plan ingest-identity",
}
OPERATOR = Role(id="ingestOperator", title="Ingest operator: looks, plans and gates", permissions=_LOOK | _IDENTITY)
DEPLOYER = Role(
    id="ingestDeployer",
    title="Ingest deployer: deploys nights",
    permissions=OPERATOR.permissions
    | {
        "cloudscheduler.jobs.create": "the jobs that a night adds",
        "cloudscheduler.jobs.update": "shift, and what drifted",
        "cloudscheduler.jobs.delete": "rollback of a job that a night added",
        "cloudscheduler.jobs.enable": "jobs.resume, which the provider calls after a create",
        "cloudscheduler.jobs.pause": "a job that was found paused",
    },
)
ROLES = (DEPLOYER, OPERATOR)

DEPLOYER_ACCOUNT = "ingest-deployer"
OPERATOR_ACCOUNT = "ingest-operator"
"""Ids of the accounts that the workflows of `github_repository` sign in as."""

ENVIRONMENT = "production"
"""GitHub's environment, whose reviewers approve a deploy; only its runs may sign in as the deployer."""


def account(settings: Settings, account_id: str) -> str:
    """The email of a service account of the settings' project."""
    return f"{account_id}@{settings.project}.iam.gserviceaccount.com"


def deployers(settings: Settings) -> list[str]:
    """The IAM members that deploy, the workflows' account among them."""
    return [*settings.deployers, *_of_workflows(settings, DEPLOYER_ACCOUNT)]


def operators(settings: Settings) -> list[str]:
    """The IAM members that look and gate, the workflows' account among them."""
    return [*settings.operators, *_of_workflows(settings, OPERATOR_ACCOUNT)]


def _of_workflows(settings: Settings, account_id: str) -> list[str]:
    return [f"serviceAccount:{account(settings, account_id)}"] if settings.github_repository else []
