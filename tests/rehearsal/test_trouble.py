"""Faults on the twin, one at a time, and their repair."""

from __future__ import annotations

from typing import Any

import pytest

from ingest.rollout import STRATEGIES, state_at
from rehearsal.faults import parse
from rehearsal.trouble import Trouble
from tests.given.domain import in_phoenix
from tests.given.twin import named
from twin.twin import Twin

PHASED = STRATEGIES["phased"]
JOBS = named("v2-sync-jobs-daily")


def trouble(twin: Twin, *texts: str) -> Trouble:
    return Trouble([parse(text, PHASED) for text in texts], twin)


def job(twin: Twin, name: str = JOBS) -> dict[str, Any]:
    return dict(twin.scheduler.jobs[name])


def test_a_live_job_made_with_post_is_so_from_the_start_until_it_is_repaired(twin: Twin) -> None:
    made = trouble(twin, "post:jobs")
    made.seed()
    assert job(twin)["httpTarget"]["httpMethod"] == "POST"
    made.fix(0, state_at(PHASED, 0))

    assert job(twin)["httpTarget"]["httpMethod"] == "GET"


def test_a_taken_name_is_free_again_after_the_repair(twin: Twin) -> None:
    made = trouble(twin, "taken:returns")
    made.seed()
    assert job(twin, named("v2-sync-returns-daily"))["httpTarget"]["uri"].endswith("/somebody-elses")
    made.fix(1, state_at(PHASED, 1))

    assert named("v2-sync-returns-daily") not in twin.scheduler.jobs


def test_the_service_fails_for_the_entity_on_its_night_alone(twin: Twin) -> None:
    made = trouble(twin, "fails:jobs@2")
    made.before_deploy(1)
    assert twin.ingestor.behaviours == {}
    made.before_deploy(2)
    assert {name: one.http_status for name, one in twin.ingestor.behaviours.items()} == {"jobs": 500}
    made.fix(2, state_at(PHASED, 2))

    assert twin.ingestor.behaviours == {}


@pytest.mark.parametrize(("night", "state"), [(0, "ENABLED"), (2, "PAUSED")], ids=["adopted", "declared"])
def test_a_pause_is_ended_by_hand_only_where_no_deploy_ends_it(night: int, state: str, twin: Twin) -> None:
    made = trouble(twin, f"paused:jobs@{night}")
    made.after_deploy(night)
    assert job(twin)["state"] == "PAUSED"
    made.fix(night, state_at(PHASED, night))

    assert job(twin)["state"] == state


def test_rows_that_were_deleted_come_back(twin: Twin) -> None:
    twin.warehouse.load("returns", range(10), in_phoenix("2026-10-20T00:30"))
    made = trouble(twin, "shrinks:returns")
    made.before_gate(2)
    assert twin.warehouse.count("returns") == 5
    made.fix(2, state_at(PHASED, 2))

    assert twin.warehouse.count("returns") == 10


def test_the_first_deploy_of_the_night_is_killed_and_none_after(twin: Twin) -> None:
    made = trouble(twin, "killed@2")

    assert [made.kills(night) for night in (1, 2, 2)] == [False, True, False]


def test_none_of_it_counts_as_a_write_of_ours(twin: Twin) -> None:
    made = trouble(twin, "post:jobs", "taken:returns@1", "edited:payments@1", "paused:payroll@1")
    made.seed()
    made.before_deploy(1)
    made.after_deploy(1)
    made.fix(1, state_at(PHASED, 1))

    assert job(twin, named("v2-sync-payments-daily"))["schedule"] == "0 1 * * *"
    assert twin.scheduler.take_writes() == []


def test_neighbours_and_public_routes_are_there_from_their_night_on(twin: Twin) -> None:
    made = trouble(twin, "neighbour@1", "route:technicians")
    made.seed()
    assert twin.ingestor.reference_path == "/ingest-ref"
    made.before_deploy(0)
    assert named("v2-rebuild-dim-jobs-daily") not in twin.scheduler.jobs
    made.before_deploy(1)

    assert job(twin, named("v2-rebuild-dim-jobs-daily"))["schedule"] == "0 4 * * *"
    assert [made.needs_a_setting(night) for night in (1, 3)] == [False, True]


def test_a_dropped_token_comes_back_and_a_service_that_was_open_is_open_again(twin: Twin) -> None:
    token = {"serviceAccountEmail": "a@b.example", "audience": twin.settings.base_url}
    twin.scheduler.patch(JOBS, {"httpTarget": {"oidcToken": token}}, ["httpTarget.oidcToken"])
    made, plain = trouble(twin, "token-dropped"), trouble(twin, "token-dropped@1")
    made.after_deploy(0)
    assert "oidcToken" not in job(twin)["httpTarget"]
    assert not twin.identity.is_open
    made.fix(0, state_at(PHASED, 0))
    assert job(twin)["httpTarget"]["oidcToken"] == token
    assert not twin.identity.is_open

    twin.scheduler.jobs[JOBS]["httpTarget"].pop("oidcToken")
    plain.after_deploy(1)
    plain.fix(1, state_at(PHASED, 1))
    assert twin.identity.is_open


def test_a_row_of_the_future_is_gone_after_the_repair(twin: Twin) -> None:
    made = trouble(twin, "future-row:jobs")
    rows = twin.warehouse.rows("jobs")
    made.before_gate(0)
    at = twin.warehouse.max_loaded_at("jobs")
    assert at is not None
    assert at > twin.clock.now
    made.fix(0, state_at(PHASED, 0))

    assert twin.warehouse.rows("jobs") == rows
