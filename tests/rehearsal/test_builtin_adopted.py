"""With a recorded baseline, night 0 is a pure import and coming back to it restores what was live, field by field."""

from __future__ import annotations

from typing import Any

import pytest

from operations.errors import OperationError
from operations.terraform.engine import Planned
from tests.given.adopt import OIDC, add_live, change, change_target, give_headers_and_bodies, job_of, make_hostile
from tests.given.stage import Open
from tests.given.twin import named
from twin.scheduler import Fields
from twin.twin import Twin

LIVE = {"appointments", "customers", "estimates", "invoices", "jobs", "payments", "payroll"}
CRITICAL = {"inventory_bills", "payroll_adjustments", "purchase_orders", "returns"}


def by_action(planned: list[Planned]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for one in planned:
        found.setdefault(one.action, set()).add(one.address.partition(".")[2])
    return found


def as_sent(job: Fields) -> dict[str, Any]:
    """A request, without where it goes and without what is added on the way."""
    target = {key: value for key, value in job["httpTarget"].items() if key != "uri"}
    target["headers"] = {key: value for key, value in target.get("headers", {}).items() if key.startswith("X-T")}
    return target


def test_hostile_jobs_are_adopted_unchanged_and_restored_whole(adopted_stage: Open) -> None:
    with adopted_stage("built-in") as it:
        before = it.jobs()

        planned, writes = it.deploy(0)
        assert (by_action(planned), writes) == ({"import": LIVE}, [])
        assert it.jobs() == before
        assert it.deploy(0) == ([], [])

        planned, _ = it.deploy(1)
        assert by_action(planned) == {"create": CRITICAL}
        assert before.items() <= it.jobs().items()

        planned, _ = it.deploy(2)
        assert by_action(planned) == {"create": {"locations"}, "update": LIVE}
        shifted = it.jobs()
        assert all(as_sent(shifted[name]) == as_sent(before[name]) for name in before)
        assert shifted[named(job_of("invoices"))]["httpTarget"]["httpMethod"] == "POST"
        assert shifted[named(job_of("estimates"))]["httpTarget"]["oidcToken"] == OIDC
        assert all(shifted[name]["state"] == "ENABLED" for name in before)
        assert all(shifted[name] != job for name, job in before.items())

        planned, writes = it.deploy(1)
        assert by_action(planned) == {"delete": {"locations"}, "update": LIVE}
        assert [job for verb, job in writes if verb == "delete"] == ["v2-sync-locations-daily"]
        assert {name: job for name, job in it.jobs().items() if name in before} == before
        assert it.deploy(1) == ([], [])


def made_before_its_night(twin: Twin) -> None:
    """Jobs of the nights 1 and 3 that somebody has made already, beside the seven."""
    give_headers_and_bodies(twin)
    add_live(twin, "returns", "0 2,14 * * *")
    change_target(twin, "returns", {"oidcToken": OIDC, "headers": {"X-Tenant": "44"}})
    change(twin, "returns", {"description": "by hand", "attemptDeadline": "700s"})
    add_live(twin, "campaigns", "15 6 * * SUN")
    twin.scheduler.take_writes()


def test_a_job_of_a_later_night_is_imported_moves_on_its_night_and_comes_back(adopted_stage: Open) -> None:
    found = LIVE | {"returns", "campaigns"}
    with adopted_stage("built-in", made_before_its_night) as it:
        before = it.jobs()
        returns = named(job_of("returns"))

        planned, writes = it.deploy(0)
        assert (by_action(planned), writes) == ({"import": found}, [])
        assert it.deploy(0) == ([], [])

        planned, _ = it.deploy(1)
        assert by_action(planned) == {"create": CRITICAL - {"returns"}, "update": {"returns"}}
        moved = it.jobs()
        assert moved[returns]["schedule"] == "55 4 * * *"
        assert as_sent(moved[returns]) == as_sent(before[returns])
        assert {name: job for name, job in moved.items() if name in before and name != returns} == {
            name: job for name, job in before.items() if name != returns
        }

        planned, _ = it.deploy(3)
        assert {"returns", "campaigns"} & {one.address.partition(".")[2] for one in planned} == {"campaigns"}
        assert all(as_sent(it.jobs()[name]) == as_sent(job) for name, job in before.items())

        planned, writes = it.deploy(0)
        assert not found & {job for verb, job in writes if verb == "delete"}
        assert it.jobs() == before
        assert it.deploy(0) == ([], [])


def as_bad_as_may_be(twin: Twin) -> None:
    make_hostile(twin)
    made_before_its_night(twin)


@pytest.mark.terraform
def test_both_engines_plan_and_write_the_same_and_end_the_same(provider: None, adopted_stage: Open) -> None:
    with (
        adopted_stage("built-in", as_bad_as_may_be) as ours,
        adopted_stage("terraform", as_bad_as_may_be) as theirs,
    ):
        # The nights of the two tests above, so that what they say of one engine is so of the other.
        for night in (0, 0, 1, 3, 1, 0):
            assert ours.deploy(night) == theirs.deploy(night), f"night {night}"
            assert ours.jobs() == theirs.jobs(), f"night {night}"


def with_tokens(twin: Twin) -> None:
    """A closed service: each of the seven sends a token."""
    for entity in sorted(LIVE):
        change_target(twin, entity, {"oidcToken": OIDC | {"audience": twin.settings.base_url}})
    twin.scheduler.take_writes()


def test_on_a_closed_service_the_tokens_are_kept_and_a_job_created_without_one_is_refused(
    adopted_stage: Open,
) -> None:
    with adopted_stage("built-in", with_tokens, "immediate") as it:
        it.rehearsal.play()
        adopt, shift, *_ = it.rehearsal.steps
        created = {job_of(entity) for entity in (*CRITICAL, "locations")}

        assert (adopt.problems, adopt.failures, adopt.writes) == ([], 0, [])
        (warning,) = [one for one in shift.preview.warnings if one.kind == "no token"]
        assert {job_of(entity) for entity in warning.entity.split(", ")} == created
        assert {attempt.job for attempt in shift.attempts if not attempt.ok} == created
        assert {attempt.job for attempt in shift.attempts if attempt.ok} == {job_of(entity) for entity in LIVE}
        assert shift.blocked


def test_a_job_that_is_live_and_not_recorded_stops_the_night_before_anything_is_applied(adopted_stage: Open) -> None:
    with adopted_stage("built-in") as it:
        it.deploy(0)
        add_live(it.twin, "payroll_adjustments", "0 1 * * *")
        before = it.jobs()
        with pytest.raises(OperationError, match=r"v2-sync-payroll-adjustments-daily: live and not recorded.*--record"):
            it.deploy(1)

        assert it.jobs() == before
