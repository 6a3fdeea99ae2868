"""The built-in applier does what Terraform does with the real google provider."""

from __future__ import annotations

from typing import Any

import pytest

from tests.given.deploys import BY_HAND, CRITICAL, LIVE, REFERENCE, daily, schedules, weekly
from tests.given.stage import Open
from twin.scheduler import Fields

pytestmark = pytest.mark.terraform


Writes = list[tuple[str, str]]
PHASED: list[tuple[int, Writes]] = [
    (0, []),
    (0, []),
    (1, daily("create", CRITICAL)),
    (2, [*daily("create", ["locations"]), *daily("patch", LIVE)]),
    (2, []),
    (3, weekly("create", REFERENCE)),
    (1, [*daily("delete", ["locations"]), *weekly("delete", REFERENCE), *daily("patch", LIVE)]),
    (0, daily("delete", CRITICAL)),
]
IMMEDIATE: list[tuple[int, Writes]] = [
    (0, []),
    (1, [*daily("create", [*CRITICAL, "locations"]), *daily("patch", LIVE)]),
    (2, weekly("create", REFERENCE)),
    (0, [*daily("delete", [*CRITICAL, "locations"]), *weekly("delete", REFERENCE), *daily("patch", LIVE)]),
]
LAST_FIRST: list[tuple[int, Writes]] = [
    (3, [*daily("create", [*CRITICAL, "locations"]), *weekly("create", REFERENCE), *daily("patch", LIVE)]),
    (3, []),
]
NOTHING_LIVE: list[tuple[int, Writes]] = [
    (0, daily("create", LIVE)),
    (2, [*daily("create", [*CRITICAL, "locations"]), *daily("patch", LIVE)]),
    (1, [*daily("delete", ["locations"]), *daily("patch", LIVE)]),
]


@pytest.mark.parametrize(
    ("settings", "walk"),
    [
        ({"strategy": "phased"}, PHASED),
        ({"strategy": "immediate"}, IMMEDIATE),
        ({"strategy": "phased"}, LAST_FIRST),
        ({"adopt_existing": "false"}, NOTHING_LIVE),
    ],
    ids=["phased, there and back", "immediate, there and back", "the last night first", "nothing live"],
)
def test_both_engines_plan_and_write_the_same_and_end_the_same(
    settings: dict[str, str], walk: list[tuple[int, Writes]], provider: None, stage: Open
) -> None:
    with stage(engine="built-in", **settings) as ours, stage(engine="terraform", **settings) as theirs:
        as_found = theirs.jobs()
        for night, expected in walk:
            planned, writes = theirs.deploy(night)
            assert ours.deploy(night) == (planned, writes), f"night {night}"
            assert ours.jobs() == theirs.jobs(), f"night {night}"
            # After a create the provider resumes the job, which changes nothing.
            assert sorted(write for write in writes if write[0] != "resume") == sorted(expected), f"night {night}"
            if night == 0:
                times = schedules(theirs.twin.scheduler)
                assert {name: times[name] for name in BY_HAND} == BY_HAND
                assert expected or theirs.jobs() == as_found, "an import changes nothing"


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
            results.append([(*it.deploy(night), it.jobs()) for night in (0, 1, 2, 1)])

    assert results[0] == results[1]
