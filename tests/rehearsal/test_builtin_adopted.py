"""With a recorded baseline, night 0 is a pure import and coming back to it restores what was live, field by field."""

from __future__ import annotations

import pytest

from operations.terraform.engine import Planned
from tests.given.adopt import give_headers_and_bodies, job_of
from tests.given.stage import Open
from tests.given.twin import named

LIVE = {"appointments", "customers", "estimates", "invoices", "jobs", "payments", "payroll"}
CRITICAL = {"inventory_bills", "payroll_adjustments", "purchase_orders", "returns"}


def by_action(planned: list[Planned]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for one in planned:
        found.setdefault(one.action, set()).add(one.address.partition(".")[2])
    return found


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
        assert all(shifted[name]["httpTarget"]["httpMethod"] == "GET" for name in before)
        assert all(shifted[name]["state"] == "ENABLED" for name in before)
        assert all(shifted[name] != job for name, job in before.items())

        planned, writes = it.deploy(1)
        assert by_action(planned) == {"delete": {"locations"}, "update": LIVE}
        assert [job for verb, job in writes if verb == "delete"] == ["v2-sync-locations-daily"]
        assert {name: job for name, job in it.jobs().items() if name in before} == before
        assert it.deploy(1) == ([], [])


@pytest.mark.terraform
def test_both_engines_plan_and_write_the_same_and_end_the_same(provider: None, adopted_stage: Open) -> None:
    with adopted_stage("built-in") as ours, adopted_stage("terraform") as theirs:
        # First the nights of the test above, so that what it says of one engine is so of the other.
        for night in (0, 0, 1, 2, 1, 1, 0, 3, 0):
            assert ours.deploy(night) == theirs.deploy(night), f"night {night}"
            assert ours.jobs() == theirs.jobs(), f"night {night}"


@pytest.mark.terraform
def test_terraform_restores_headers_and_bodies(provider: None, adopted_stage: Open) -> None:
    with adopted_stage("terraform", give_headers_and_bodies) as it:
        before = it.jobs()

        planned, writes = it.deploy(0)
        assert (by_action(planned), writes) == ({"import": LIVE}, [])
        it.deploy(2)
        assert "body" not in it.jobs()[named(job_of("invoices"))]["httpTarget"]
        it.deploy(0)

        # What Cloud Scheduler adds by itself, the twin does not add.
        for job in before.values():
            for added in ("X-Google-Internal", "Content-Length"):
                job["httpTarget"]["headers"].pop(added, None)
        after = it.jobs()
        after[named(job_of("jobs"))]["httpTarget"]["headers"]["Content-Type"] = "application/octet-stream"
        assert after == before
