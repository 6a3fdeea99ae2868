"""The built-in applier does what Terraform does with the real google provider."""

from __future__ import annotations

from typing import Any

import pytest

from tests.given.adopt import change, job_of
from tests.given.deploys import BY_HAND, daily, schedules
from tests.given.stage import Open
from tests.given.twin import named
from twin.scheduler import Fields

pytestmark = pytest.mark.terraform


Writes = list[tuple[str, str]]
FINANCIAL = ["phase-financial"]
"""Where a job's stack is of no matter, one is enough."""
LIVE_FINANCIAL = ["estimates", "invoices", "payments"]
CRITICAL_FINANCIAL = ["inventory-bills", "purchase-orders", "returns"]
PHASED: list[tuple[int, Writes]] = [
    (0, []),
    (0, []),
    (1, daily("create", CRITICAL_FINANCIAL)),
    (2, daily("patch", LIVE_FINANCIAL)),
    (1, daily("patch", LIVE_FINANCIAL)),
    (0, daily("delete", CRITICAL_FINANCIAL)),
]
LAST_FIRST: list[tuple[int, Writes]] = [
    (3, [*daily("create", CRITICAL_FINANCIAL), *daily("patch", LIVE_FINANCIAL)]),
    (3, []),
]
NOTHING_LIVE: list[tuple[int, Writes]] = [
    (0, daily("create", LIVE_FINANCIAL)),
    (2, [*daily("create", CRITICAL_FINANCIAL), *daily("patch", LIVE_FINANCIAL)]),
    (1, daily("patch", LIVE_FINANCIAL)),
]


@pytest.mark.parametrize(
    ("adopt_existing", "walk"),
    [("true", PHASED), ("true", LAST_FIRST), ("false", NOTHING_LIVE)],
    ids=["there and back", "the last night first", "nothing live"],
)
def test_both_engines_plan_and_write_the_same_and_end_the_same(
    adopt_existing: str, walk: list[tuple[int, Writes]], provider: None, stage: Open
) -> None:
    settings = {"adopt_existing": adopt_existing}
    with stage(engine="built-in", **settings) as ours, stage(engine="terraform", **settings) as theirs:
        as_found = theirs.jobs()
        for night, expected in walk:
            planned, writes = theirs.deploy(night, FINANCIAL)
            assert ours.deploy(night, FINANCIAL) == (planned, writes), f"night {night}"
            assert ours.jobs() == theirs.jobs(), f"night {night}"
            # After a create the provider resumes the job, which changes nothing.
            assert sorted(write for write in writes if write[0] != "resume") == sorted(expected), f"night {night}"
            if night == 0:
                assert schedules(theirs.twin.scheduler).items() <= BY_HAND.items()
                assert expected or theirs.jobs() == as_found, "an import changes nothing"


def test_both_engines_treat_hostile_live_jobs_alike(provider: None, stage: Open) -> None:
    hostile: dict[str, Fields] = {
        "estimates": {"attemptDeadline": "600s", "description": "by hand"},
        "payments": {"retryConfig": {"retryCount": 3, "maxDoublings": 16}, "timeZone": "America/Denver"},
    }
    results: list[Any] = []
    for engine in ("built-in", "terraform"):
        with stage("post:invoices", engine=engine) as it:
            for entity, body in hostile.items():
                change(it.twin, entity, body)
            it.twin.scheduler.pause(named(job_of("estimates")))
            it.twin.scheduler.take_writes()
            results.append([(*it.deploy(night, FINANCIAL), it.jobs()) for night in (0, 2, 1)])

    assert results[0] == results[1]
