"""With a recorded baseline, night 0 is a pure import and coming back to it restores what was live, field by field."""

from __future__ import annotations

import json

import pytest

from operations.terraform.engine import Planned
from tests.given.adopt import give_headers_and_bodies, job_of
from tests.given.stage import STACKS, Open, Stage
from tests.given.twin import named
from twin.scheduler import Fields
from twin.twin import Twin

LIVE = {"appointments", "customers", "estimates", "invoices", "jobs", "payments", "payroll"}
CRITICAL = {"inventory_bills", "payroll_adjustments", "purchase_orders", "returns"}
ENGINES = ["built-in", pytest.param("terraform", marks=pytest.mark.terraform)]

Writes = list[tuple[str, str]]


def deploy(stage: Stage, night: int) -> tuple[list[Planned], Writes]:
    stage.workspace.use(night)
    engine = stage.make_engine()
    planned = engine.plan(STACKS)
    engine.apply(STACKS)
    return planned, stage.twin.scheduler.take_writes()


def by_action(planned: list[Planned]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for one in planned:
        found.setdefault(one.action, set()).add(one.address.partition(".")[2])
    return found


def as_it_is(twin: Twin) -> dict[str, Fields]:
    """Every field of every job but the times."""
    jobs = json.loads(json.dumps(twin.scheduler.jobs))
    return {name: {k: v for k, v in job.items() if not k.endswith("Time")} for name, job in jobs.items()}


@pytest.mark.parametrize("engine", ENGINES)
def test_hostile_jobs_are_adopted_unchanged_and_restored_whole(
    engine: str, adopted_stage: Open, request: pytest.FixtureRequest
) -> None:
    if engine == "terraform":
        request.getfixturevalue("provider")
    with adopted_stage(engine) as it:
        before = as_it_is(it.twin)

        planned, writes = deploy(it, 0)
        assert (by_action(planned), writes) == ({"import": LIVE}, [])
        assert as_it_is(it.twin) == before
        assert deploy(it, 0) == ([], [])

        planned, _ = deploy(it, 1)
        assert by_action(planned) == {"create": CRITICAL}
        assert before.items() <= as_it_is(it.twin).items()

        planned, _ = deploy(it, 2)
        assert by_action(planned) == {"create": {"locations"}, "update": LIVE}
        shifted = as_it_is(it.twin)
        assert all(shifted[name]["httpTarget"]["httpMethod"] == "GET" for name in before)
        assert all(shifted[name]["state"] == "ENABLED" for name in before)
        assert all(shifted[name] != job for name, job in before.items())

        planned, writes = deploy(it, 1)
        assert by_action(planned) == {"delete": {"locations"}, "update": LIVE}
        assert [job for verb, job in writes if verb == "delete"] == ["v2-sync-locations-daily"]
        assert {name: job for name, job in as_it_is(it.twin).items() if name in before} == before
        assert deploy(it, 1) == ([], [])


@pytest.mark.terraform
def test_both_engines_plan_and_write_the_same_and_end_the_same(provider: None, adopted_stage: Open) -> None:
    with adopted_stage("built-in") as ours, adopted_stage("terraform") as theirs:
        for night in (0, 1, 2, 1, 0, 3, 0):
            assert deploy(ours, night) == deploy(theirs, night), f"night {night}"
            assert as_it_is(ours.twin) == as_it_is(theirs.twin), f"night {night}"


@pytest.mark.terraform
def test_terraform_restores_headers_and_bodies(provider: None, adopted_stage: Open) -> None:
    with adopted_stage("terraform", give_headers_and_bodies) as it:
        before = as_it_is(it.twin)

        planned, writes = deploy(it, 0)
        assert (by_action(planned), writes) == ({"import": LIVE}, [])
        deploy(it, 2)
        assert "body" not in as_it_is(it.twin)[named(job_of("invoices"))]["httpTarget"]
        deploy(it, 0)

        # What Cloud Scheduler adds by itself, the twin does not add.
        for job in before.values():
            for added in ("X-Google-Internal", "Content-Length"):
                job["httpTarget"]["headers"].pop(added, None)
        after = as_it_is(it.twin)
        after[named(job_of("jobs"))]["httpTarget"]["headers"]["Content-Type"] = "application/octet-stream"
        assert after == before
