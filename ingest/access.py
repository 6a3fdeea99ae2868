"""Who may do what: the least roles of the deployer and the operator, and the accounts of the workflows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256

from ingest.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Role:
    """A custom role of the project; `id` is its last part. `permissions` maps each to what it is needed for."""

    id: str
    title: str
    permissions: dict[str, str]


# Cloud Scheduler grants on projects only, so these are custom roles on the project instead of narrower grants.
_PLAN = {
    "cloudscheduler.jobs.get": "read a job: plan, status",
    "cloudscheduler.jobs.list": "list the jobs: preflight, status, gate",
    "iam.serviceAccounts.get": "plan ingest-identity",
    "iam.serviceAccounts.getIamPolicy": "plan ingest-identity",
    "run.services.getIamPolicy": "plan ingest-identity",
}
PREVIEWER = Role(id="ingestPreviewer", title="Ingest previewer: plans, and reads no data", permissions=_PLAN)
OPERATOR = Role(
    id="ingestOperator",
    title="Ingest operator: looks, plans and gates",
    permissions=_PLAN
    | {"bigquery.jobs.create": "run the queries of gate, freshness and reconcile; tables are granted on the dataset"},
)
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
ROLES = (DEPLOYER, OPERATOR, PREVIEWER)

DEPLOYER_ACCOUNT = "ingest-deployer"
OPERATOR_ACCOUNT = "ingest-operator"
PREVIEWER_ACCOUNT = "ingest-previewer"
"""Ids of the accounts that the workflows of `github_repository` sign in as."""

ENVIRONMENT = "production"
"""GitHub's environment, whose reviewers approve a deploy; only its runs on main may sign in as the deployer."""

MAIN = "refs/heads/main"
"""The branch whose runs may sign in as the operator, who reads the tables; others only preview."""


@dataclass(frozen=True, kw_only=True)
class Runs:
    """The runs of workflows that may sign in as an account: of these files, started by one of these events.

    `ref` is "" for any branch; `environment` is "" for none in particular.
    """

    account: str
    workflows: tuple[str, ...]
    events: tuple[str, ...]
    ref: str = MAIN
    environment: str = ""


RUNS = {
    "deploys": Runs(
        account=DEPLOYER_ACCOUNT,
        workflows=("deploy", "rollback"),
        events=("push", "workflow_dispatch"),
        environment=ENVIRONMENT,
    ),
    "on_main": Runs(
        account=OPERATOR_ACCOUNT,
        workflows=("deploy", "gate", "drift"),
        events=("push", "schedule", "workflow_dispatch"),
    ),
    "previews": Runs(account=PREVIEWER_ACCOUNT, workflows=("pull-request",), events=("pull_request",), ref=""),
}
"""By the attribute of the sign-in. An event is part of it: a run on `pull_request_target` has main as its branch."""


def account(settings: Settings, account_id: str) -> str:
    """The email of a service account of the settings' project."""
    return f"{account_id}@{settings.project}.iam.gserviceaccount.com"


def deployers(settings: Settings) -> list[str]:
    """The IAM members that deploy, the workflows' account among them."""
    return _once(*settings.deployers, *_of_workflows(settings, DEPLOYER_ACCOUNT))


def operators(settings: Settings) -> list[str]:
    """The IAM members that look and gate, the workflows' account among them."""
    return _once(*settings.operators, *_of_workflows(settings, OPERATOR_ACCOUNT))


def previewers(settings: Settings) -> list[str]:
    """The IAM members that plan and read no data: the account of the workflows' previews."""
    return _of_workflows(settings, PREVIEWER_ACCOUNT)


def identifier(member: str) -> str:
    """A name for Terraform that no other member has, though Terraform takes few of a member's characters."""
    return f"{re.sub(r'[^A-Za-z0-9]+', '_', member)}_{sha256(member.encode()).hexdigest()[:6]}"


def _once(*members: str) -> list[str]:
    return list(dict.fromkeys(members))


def _of_workflows(settings: Settings, account_id: str) -> list[str]:
    return [f"serviceAccount:{account(settings, account_id)}"] if settings.github_repository else []
