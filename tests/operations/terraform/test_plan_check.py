"""What a plan may do without being asked about, and what not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.preview import Preview, preview
from ingest.rollout import IDENTITY_STACK
from ingest.settings import Settings
from operations.terraform.deployed import from_plan
from operations.terraform.engine import Planned
from operations.terraform.plan_check import releases, unexpected_changes
from tests.given.domain import EMAIL, IDENTITY, SETTINGS, WITH_INVOKER, in_phoenix, night
from tests.given.planned import attributes, resource

EVENING = in_phoenix("2026-10-20T21:00")
TOKEN = {"oidc_service_account_email": "by-hand@p.iam.gserviceaccount.com", "oidc_audience": None}


def shown(planned: Sequence[Planned], settings: Settings) -> Preview:
    before = from_plan(planned, settings)
    return preview(settings, before.world, before.label, EVENING)


def unexpected(settings: Settings, *planned: Planned) -> list[str]:
    return unexpected_changes(shown(planned, settings), planned, settings)


def update(settings: Settings, name: str, live: dict[str, Any], recorded: dict[str, Any] | None) -> Planned:
    action = "import and update" if recorded is None else "update"
    after = attributes(settings.world()[name], settings)
    return resource(name, action, before=live, after=after, recorded=recorded)


@given(st.data(), st.sampled_from(["phased", "immediate"]))
def test_what_any_night_made_of_a_job_is_expected_wherever_a_deploy_was_cut_off(
    data: st.DataObject, strategy: str
) -> None:
    settings = replace(WITH_INVOKER, strategy=strategy)
    settings = replace(settings, night=data.draw(st.sampled_from(settings.rollout.numbers)))
    planned = []
    for name in settings.world():
        worlds = [world for n in settings.rollout.numbers if name in (world := settings.world(n))]
        live, recorded = (attributes(data.draw(st.sampled_from(worlds))[name], settings) for _ in range(2))
        planned.append(update(settings, name, live, recorded))

    assert unexpected(settings, *planned) == []


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"schedule": "0 1 * * *"}, "schedule is 0 1 * * *, and this deploy sets it to 55 4 * * *"),
        ({"uri": "https://other.example/x?key=secret"}, "uri is https://other.example/x?key=..., and"),
        ({"time_zone": "UTC"}, "time_zone is UTC, and this deploy sets it to America/Phoenix"),
        ({"time_zone": "A\n::error::"}, "time_zone is A ::error::, and this deploy sets it to America/Phoenix"),
        ({"attempt_deadline": "60s"}, "attempt_deadline is 60s, and"),
        ({"retry_count": 5}, "retry_count is 5, and"),
        ({"description": "mine"}, "description is mine, and"),
        ({"http_method": "POST"}, "http_method is POST, and"),
        ({"headers": {"X-Key": "secret"}}, "this deploy changes its headers"),
        ({"body": "c2VjcmV0"}, "this deploy changes its body"),
        (TOKEN, "oidc_service_account_email is by-hand@p.iam.gserviceaccount.com, and"),
        ({"paused": True}, "is paused, and this deploy resumes it"),
    ],
)
def test_what_somebody_did_to_a_job_is_named_before_it_is_undone(changed: dict[str, Any], text: str) -> None:
    settings = night(2)
    recorded = attributes(settings.world()["returns"], settings)
    live = attributes(settings.world()["returns"], settings, **changed)
    (found,) = unexpected(settings, update(settings, "returns", live, recorded))

    assert found.startswith(f"returns: {text}")
    assert "somebody changed the live job" in found
    assert "secret" not in found


def test_a_setting_that_changed_since_the_last_deploy_is_no_work_of_somebodys_hand() -> None:
    before = night(2)
    after = replace(before, attempt_deadline_seconds=900, reference_path="/ingest-ref", time_zone="UTC")
    live = attributes(before.world()["returns"], before)
    plan = update(after, "returns", live, live)

    assert unexpected(after, plan) == []
    (change,) = [c for c in shown([plan], after).changes if c.entity.name == "returns"]
    assert {"attempt_deadline", "time_zone"} <= set(change.fields)
    assert "follows the settings' time zone instead of America/Phoenix" in change.notes


def test_a_pause_is_named_also_when_an_import_brought_it_into_the_state() -> None:
    settings = night(2)
    paused = attributes(settings.world()["jobs"], settings, paused=True)
    (found,) = unexpected(settings, update(settings, "jobs", paused, paused))

    assert "is paused, and this deploy resumes it" in found


def test_a_job_that_was_recorded_as_paused_is_resumed_on_its_night_without_a_question() -> None:
    planned = SETTINGS.world(2)["jobs"].declared
    assert planned
    found = replace(planned, schedule="0 2 * * *", paused=True)
    settings = replace(night(2), found={"jobs": found})
    live = attributes(settings.world(0)["jobs"], settings)

    assert unexpected(settings, update(settings, "jobs", live, live)) == []


@pytest.mark.parametrize("recorded", [True, False])
def test_the_request_of_a_job_that_was_never_recorded_is_not_taken_from_it(*, recorded: bool) -> None:
    """Seven live jobs with a token: a night that shifts them would take the tokens off."""
    settings = night(1, "immediate")
    live = attributes(settings.world(0)["jobs"], settings, **TOKEN)
    (found,) = unexpected(settings, update(settings, "jobs", live, live if recorded else None))

    assert "oidc_service_account_email is by-hand@p.iam.gserviceaccount.com" in found
    assert "or it was never recorded: `ingest-rollout adopt --record` keeps it as it is" in found


def test_a_job_that_was_deleted_by_hand_is_named() -> None:
    settings = night(2)
    held = attributes(settings.world()["returns"], settings)

    assert unexpected(settings, resource("returns", "create", after=held, recorded=held)) == [
        "returns: was deleted by hand; this deploy makes it again"
    ]
    assert unexpected(settings, resource("returns", "create", after=held)) == []


def test_a_job_is_not_replaced_unasked() -> None:
    settings = replace(night(2), region="us-east1")
    held = attributes(night(2).world()["returns"], night(2))
    (found,) = unexpected(settings, resource("returns", "replace", before=held, after=held, recorded=held))

    assert found.startswith("returns: the plan deletes the live job and makes it again")


def test_going_back_removes_what_its_nights_made_and_nothing_else() -> None:
    settings = night(0)
    made, adopted, gone = (
        resource(name, "delete", before=held, recorded=held)
        for name, held in (
            ("returns", attributes(night(1).world()["returns"], settings)),
            ("estimates", attributes(night(1).world()["estimates"], settings)),
            ("memberships", attributes(night(1).world()["returns"], settings) | {"name": "v2-sync-memberships-daily"}),
        )
    )
    found = shown([made, adopted, gone], settings)
    left = releases(found, [made, adopted, gone])

    assert unexpected_changes(found, [made, adopted, gone], settings) == []
    assert [(one.planned.name, one.to) for one in left] == [("estimates", None), ("memberships", None)]
    assert left[1].warning.text == (
        "memberships: no night has it any more; it leaves the state of phase-financial, and the live job "
        "v2-sync-memberships-daily stays"
    )


def test_a_job_of_another_group_goes_from_one_state_to_the_other() -> None:
    settings = night(2)
    held = attributes(settings.world()["customers"], settings)
    plan = [
        resource("customers", "delete", "phase-core", before=held, recorded=held),
        resource("customers", "import", "phase-labor", before=held, after=held),
    ]
    found = shown(plan, settings)
    (left,) = releases(found, plan)

    assert unexpected_changes(found, plan, settings) == []
    assert left.to == "phase-labor"
    assert (
        left.warning.text == "customers: goes from phase-core to phase-labor in Terraform's state; the live job stays"
    )


@pytest.mark.parametrize(("action", "count"), [("create", 0), ("delete", 1), ("update", 1), ("replace", 1)])
def test_the_plan_may_make_the_invoker_and_do_nothing_else_to_it(action: str, count: int) -> None:
    settings = replace(WITH_INVOKER, night=IDENTITY)
    invoker = Planned(IDENTITY_STACK, "google_service_account.invoker", action, [])

    assert len(unexpected(settings, invoker)) == count


def test_a_token_that_the_rollout_gave_is_taken_off_on_the_way_back() -> None:
    settings = replace(WITH_INVOKER, night=3)
    live = attributes(WITH_INVOKER.world(IDENTITY)["jobs"], settings)
    assert EMAIL in str(live)

    assert unexpected(settings, update(settings, "jobs", live, live)) == []
