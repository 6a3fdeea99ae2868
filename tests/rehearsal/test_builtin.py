"""The built-in applier does what Terraform does with the real google provider."""

from __future__ import annotations

from typing import Any

import pytest

from operations.terraform.engine import Planned
from tests.given.stage import STACKS, Open, Stage
from twin.scheduler import Fields

pytestmark = pytest.mark.terraform


def deploy(stage: Stage, night: int) -> tuple[list[Planned], list[tuple[str, str]], dict[str, Fields]]:
    """The plan, the writes and the jobs after them, without the times."""
    stage.workspace.use(night)
    engine = stage.make_engine()
    planned = engine.plan(STACKS)
    engine.apply(STACKS)
    jobs = {
        name: {key: value for key, value in job.items() if not key.endswith("Time")}
        for name, job in stage.twin.scheduler.jobs.items()
    }
    return planned, stage.twin.scheduler.take_writes(), jobs


@pytest.mark.parametrize(
    ("settings", "order"),
    [
        ({"strategy": "phased"}, [0, 0, 1, 2, 2, 3, 1, 0]),
        ({"strategy": "immediate"}, [0, 1, 2, 0]),
        ({"strategy": "phased"}, [3]),
        ({"adopt_existing": "false"}, [0, 2, 1]),
        ({"invoker_service_account": "invoker@example.iam.gserviceaccount.com"}, [1, 2]),
    ],
    ids=["phased, there and back", "immediate, there and back", "the last night first", "nothing live", "with OIDC"],
)
def test_both_engines_plan_and_write_the_same_and_end_the_same(
    settings: dict[str, str], order: list[int], provider: None, stage: Open
) -> None:
    with stage(engine="built-in", **settings) as ours, stage(engine="terraform", **settings) as theirs:
        for night in order:
            assert deploy(ours, night) == deploy(theirs, night), f"night {night}"


def test_both_engines_treat_hostile_live_jobs_alike(provider: None, stage: Open) -> None:
    hostile: dict[str, Fields] = {
        "v2-sync-jobs-daily": {"attemptDeadline": "600s", "description": "by hand"},
        "v2-sync-payroll-daily": {"retryConfig": {"retryCount": 3, "maxDoublings": 16}, "timeZone": "America/Denver"},
    }
    results: list[Any] = []
    for engine in ("built-in", "terraform"):
        with stage("post:invoices", engine=engine) as it:
            for name, body in hostile.items():
                full = next(job for job in it.twin.scheduler.jobs if job.endswith(f"/{name}"))
                it.twin.scheduler.patch(full, body, list(body))
            it.twin.scheduler.pause(next(job for job in it.twin.scheduler.jobs if "customers" in job))
            it.twin.scheduler.take_writes()
            results.append([deploy(it, night) for night in (0, 1, 2, 1)])

    assert results[0] == results[1]


def test_the_rehearsal_with_terraform_tells_what_the_one_without_tells(provider: None, stage: Open) -> None:
    told = []
    for engine in ("built-in", "terraform"):
        with stage(engine=engine) as it:
            it.rehearsal.play()
            assert it.rehearsal.passed, [step.problems for step in it.rehearsal.steps]
            told.append([(s.title, s.writes, s.attempts, s.problems) for s in it.rehearsal.steps])

    assert told[0] == told[1]
