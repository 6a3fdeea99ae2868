"""Every night through the real cdktf CLI, Terraform and google provider, with the exact writes that reach the API."""

from __future__ import annotations

import json

import pytest

from tests.checkout import Checkout
from tests.given.deploys import (
    BY_HAND,
    CRITICAL,
    LIVE,
    REFERENCE,
    SKIP_LOCK,
    daily,
    diff,
    run_deploy,
    run_rollback,
    schedules,
    weekly,
)
from twin.scheduler import Scheduler

pytestmark = pytest.mark.terraform


def deploy(checkout: Checkout, scheduler: Scheduler, night: int) -> list[tuple[str, str]]:
    """The writes that the deploy made; after a create the provider resumes the job, which changes nothing."""
    run_deploy(checkout, night)
    return [write for write in scheduler.take_writes() if write[0] != "resume"]


def underscored(names: list[str]) -> list[str]:
    return [name.replace("-", "_") for name in names]


def test_the_phased_strategy_night_by_night_and_back(checkout: Checkout, scheduler: Scheduler) -> None:
    live, reference = LIVE, underscored(REFERENCE)

    # What each night writes, and that a repeat writes nothing, tests/rehearsal/test_builtin.py has for every strategy.
    assert diff(checkout, 0) == {"import": live}
    as_found = json.dumps(scheduler.jobs, sort_keys=True)
    assert deploy(checkout, scheduler, 0) == []
    assert json.dumps(scheduler.jobs, sort_keys=True) == as_found
    assert deploy(checkout, scheduler, 1) == daily("create", CRITICAL)

    assert diff(checkout, 2) == {"create": ["locations"], "update": live}
    assert deploy(checkout, scheduler, 2) == [*daily("create", ["locations"]), *daily("patch", LIVE)]
    assert deploy(checkout, scheduler, 3) == weekly("create", REFERENCE)
    assert deploy(checkout, scheduler, 3) == []
    assert schedules(scheduler)["v2-sync-jobs-daily"] == "0 4 * * *"
    assert len(schedules(scheduler)) == 16

    assert diff(checkout, 1) == {"delete": sorted(["locations", *reference]), "update": live}
    run_rollback(checkout, 1)
    back = scheduler.take_writes()
    assert back == sorted([*daily("delete", ["locations"]), *weekly("delete", REFERENCE), *daily("patch", LIVE)])
    assert {name: schedules(scheduler)[name] for name in BY_HAND} == BY_HAND
    assert len(schedules(scheduler)) == 11


def test_one_stack_is_diffed_and_deployed_alone_with_plain_cdktf(checkout: Checkout, scheduler: Scheduler) -> None:
    checkout.set_context(night=1)

    diffed = checkout.cdktf("diff", "phase-financial", SKIP_LOCK)
    assert diffed.returncode == 0, diffed.stdout + diffed.stderr
    assert "3 to import, 3 to add, 0 to change, 0 to destroy" in diffed.stdout
    deployed = checkout.cdktf("deploy", "phase-financial", "--auto-approve", SKIP_LOCK)
    assert deployed.returncode == 0, deployed.stdout + deployed.stderr
    writes = [write for write in scheduler.take_writes() if write[0] != "resume"]
    assert writes == daily("create", ["inventory-bills", "purchase-orders", "returns"])
    assert [file.name for file in (checkout.root / "state").iterdir()] == ["phase-financial.tfstate"]

    preview = json.loads(checkout.rollout("plan", "--from", "0", "--json").stdout)
    assert preview["stacks"] == ["phase-financial", "phase-labor"]


def test_plain_cdktf_and_ours_take_turns_on_the_same_state(checkout: Checkout, scheduler: Scheduler) -> None:
    deploy(checkout, scheduler, 0)
    checkout.set_context(night=1)

    # The last stack first, by the CLI alone.
    by_cli = checkout.cdktf("deploy", "phase-labor", "--auto-approve", SKIP_LOCK)
    assert by_cli.returncode == 0, by_cli.stdout + by_cli.stderr
    assert ("create", "v2-sync-payroll-adjustments-daily") in scheduler.take_writes()

    # Ours sees that, and does what is left; the CLI sees ours.
    financial = sorted(set(CRITICAL) - {"payroll-adjustments"})
    assert diff(checkout, 1) == {"create": underscored(financial)}
    assert deploy(checkout, scheduler, 1) == daily("create", financial)
    for stack in ("phase-financial", "phase-labor"):
        diffed = checkout.cdktf("diff", stack, SKIP_LOCK)
        assert diffed.returncode == 0, diffed.stdout + diffed.stderr
        assert "so no changes are needed" in diffed.stdout
    assert scheduler.take_writes() == []


def test_a_taken_name_stops_the_deploy_before_anything_is_applied(checkout: Checkout, scheduler: Scheduler) -> None:
    parent = "projects/kpi-auto-471020/locations/us-central1"
    taken = f"{parent}/jobs/v2-sync-returns-daily"
    target = {"uri": "https://somebody.example/", "httpMethod": "GET"}
    scheduler.create(parent, {"name": taken, "schedule": "0 1 * * *", "httpTarget": target})

    done = checkout.rollout("deploy", "--night", "1", "--yes", "--force", "--override", "gate", "--reason", "a test")
    assert done.returncode == 1
    assert "v2-sync-returns-daily: live and not recorded" in done.stderr
    assert "`ingest-rollout adopt --record`" in done.stderr
    assert schedules(scheduler) == BY_HAND | {"v2-sync-returns-daily": "0 1 * * *"}
