"""The identity night on the twin: the service is closed to requests without a token, and every job still gets in."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from ingest.rollout import IDENTITY_STACK
from ingest.settings import Settings
from operations.errors import OperationError
from rehearsal.builtin_identity import IdentityClient
from tests.given.domain import EMAIL, SETTINGS
from tests.given.stage import Open
from twin.identity import IAM_ENDPOINT, RUN_ENDPOINT, Identity
from twin.scheduler import Fields
from twin.server import serve

INVOKER = {"invoker_service_account": EMAIL, "create_invoker": "true", "deployers": "group:data@example.com"}
TOKEN = {"serviceAccountEmail": EMAIL, "audience": SETTINGS.base_url}
MEMBER = {"project": SETTINGS.project, "location": SETTINGS.region, "name": SETTINGS.cloud_run_service}


@pytest.fixture
def identity(with_invoker: Settings) -> Identity:
    return Identity(with_invoker)


@pytest.fixture
def client(identity: Identity) -> Iterator[IdentityClient]:
    with serve(identity) as address:
        yield IdentityClient({IAM_ENDPOINT: f"{address}/", RUN_ENDPOINT: f"{address}/v2/"})


def grant(client: IdentityClient, member: str, **changed: str) -> None:
    resource = {**MEMBER, "role": "roles/run.invoker", "member": member, **changed}
    client.create("google_cloud_run_v2_service_iam_member.may_invoke", resource, SETTINGS.project)


@pytest.mark.parametrize(
    "token",
    [None, TOKEN | {"serviceAccountEmail": "other@p.iam.gserviceaccount.com"}, TOKEN | {"audience": "https://other"}],
    ids=["none", "of another account", "for another service"],
)
def test_a_closed_service_lets_only_the_invokers_token_through(
    token: dict[str, str] | None, identity: Identity, client: IdentityClient
) -> None:
    assert identity.may_invoke(None)
    identity.open_to_anybody(False)
    assert not identity.may_invoke(TOKEN)
    grant(client, f"serviceAccount:{EMAIL}")
    assert identity.may_invoke(TOKEN)
    assert not identity.may_invoke(token)
    identity.open_to_anybody(True)
    assert identity.may_invoke(token)


def test_a_grant_keeps_what_others_were_granted(identity: Identity, client: IdentityClient) -> None:
    grant(client, f"serviceAccount:{EMAIL}")
    grant(client, "user:a@example.com")
    assert identity.may_invoke(None)
    identity.open_to_anybody(False)
    assert identity.may_invoke(TOKEN)


def test_what_the_twin_does_not_have_is_said_in_a_line(client: IdentityClient) -> None:
    with pytest.raises(OperationError, match=r"services/elsewhere:getIamPolicy: 404"):
        grant(client, "user:a@example.com", name="elsewhere")
    account = {"account_id": "ingest-invoker", "display_name": "", "description": ""}
    client.create("google_service_account.invoker", account, SETTINGS.project)
    with pytest.raises(OperationError, match="409"):
        client.create("google_service_account.invoker", account, SETTINGS.project)


def rehearse(stage: Open, engine: str) -> tuple[list[tuple[Any, ...]], dict[str, Fields]]:
    """Each step's title, writes, runs and failures, and the jobs at the end."""
    with stage(engine=engine, **INVOKER) as it:
        it.rehearsal.play()
        assert it.rehearsal.passed, [step.problems for step in it.rehearsal.steps]
        assert EMAIL in it.twin.identity.accounts
        steps = [(step.title, step.writes, len(step.attempts), step.failures) for step in it.rehearsal.steps]
        return steps, it.jobs()


def test_the_rehearsal_has_the_night_closes_the_service_and_comes_back(stage: Open) -> None:
    played, jobs = rehearse(stage, "built-in")
    steps = {title: (writes, runs, failed) for title, writes, runs, failed in played}

    writes, runs, failed = steps["night 4, identity"]
    assert ([verb for verb, _ in writes], failed) == (["patch"] * 16, 0)
    assert runs > 16
    assert steps["night 4, second deploy"][0] == []
    assert steps["back to night 1"][2] == 0
    assert not [name for name, job in jobs.items() if "oidcToken" in job["httpTarget"]], "the tokens are off again"


def granted(identity: Identity) -> set[tuple[str, str, str]]:
    """Each role that a member has on something; how a policy groups and orders them is of no matter."""
    policies = identity.policies.items()
    return {(on, one["role"], member) for on, each in policies for one in each["bindings"] for member in one["members"]}


@pytest.mark.terraform
def test_terraform_and_the_built_in_applier_do_the_same_on_that_night(provider: None, stage: Open) -> None:
    results: list[Any] = []
    for engine in ("terraform", "built-in"):
        with stage(engine=engine, **INVOKER) as it:
            deploys = [(it.deploy(night, [IDENTITY_STACK, "phase-labor"]), it.jobs()) for night in (3, 4, 4, 1)]
            results.append((deploys, it.twin.identity.accounts.keys(), granted(it.twin.identity)))

    assert results[0] == results[1]
    assert EMAIL in results[0][1]


def test_a_job_without_a_token_is_turned_away_by_a_closed_service(stage: Open) -> None:
    with stage() as it:
        it.twin.identity.open_to_anybody(False)
        it.twin.advance(it.twin.clock.now + timedelta(hours=8))
        assert {attempt.code_name for attempt in it.twin.dispatcher.attempts} == {"PERMISSION_DENIED"}


def test_a_job_that_was_edited_before_the_night_identity_holds_it(stage: Open) -> None:
    with stage("edited:jobs@4", **INVOKER) as it:
        it.rehearsal.play()

        (held,) = [step for step in it.rehearsal.steps if step.blocked]
        assert held.title == "night 4, identity"
        assert held.problems[0].startswith("jobs: schedule is 0 1 * * *, and this deploy sets it to 0 4 * * *")
        assert it.rehearsal.passed
