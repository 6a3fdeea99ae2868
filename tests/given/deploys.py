"""Deploys by the command in a checkout, and what they write."""

from __future__ import annotations

import json

from tests.checkout import Checkout
from twin.scheduler import Scheduler

LIVE = ["appointments", "customers", "estimates", "invoices", "jobs", "payments", "payroll"]
CRITICAL = ["inventory-bills", "payroll-adjustments", "purchase-orders", "returns"]
REFERENCE = ["activity-codes", "business-units", "campaigns", "technicians"]
BY_HAND = {
    "v2-sync-jobs-daily": "0 2 * * *",
    "v2-sync-appointments-daily": "10 2 * * *",
    "v2-sync-customers-daily": "15 3 * * *",
    "v2-sync-invoices-daily": "15 2 * * *",
    "v2-sync-estimates-daily": "30 2 * * *",
    "v2-sync-payments-daily": "45 2 * * *",
    "v2-sync-payroll-daily": "0 3 * * *",
}
SKIP_LOCK = "--skip-provider-lock"  # The lock would ask Terraform's registry.


def daily(verb: str, entities: list[str]) -> list[tuple[str, str]]:
    return [(verb, f"v2-sync-{entity}-daily") for entity in entities]


def weekly(verb: str, entities: list[str]) -> list[tuple[str, str]]:
    return [(verb, f"v2-sync-{entity}-weekly") for entity in entities]


def schedules(scheduler: Scheduler) -> dict[str, str]:
    return {name.rpartition("/")[2]: job["schedule"] for name, job in scheduler.jobs.items()}


def diff(checkout: Checkout, night: int) -> dict[str, list[str]]:
    """The resource names that Terraform plans to touch, by action."""
    done = checkout.rollout("diff", "--night", str(night), "--json")
    assert done.returncode in (0, 2), done.stdout + done.stderr
    found: dict[str, list[str]] = {}
    for change in json.loads(done.stdout)["changes"]:
        found.setdefault(change["action"], []).append(change["address"].partition(".")[2])
    assert bool(found) == (done.returncode == 2)
    return {action: sorted(names) for action, names in found.items()}


def run_rollback(checkout: Checkout, night: int) -> None:
    done = checkout.rollout(
        "rollback", "--to", str(night), "--yes", "--force", "--reason", "no time passes in this test"
    )
    assert done.returncode == 0, done.stdout + done.stderr


def run_deploy(checkout: Checkout, night: int, *overrides: str) -> None:
    """Deploys a night; `overrides` are the checks that block it, such as "gate": no time passes here."""
    # --force: the test may run at an hour at which moving a job back loses its run.
    command = ["deploy", "--night", str(night), "--yes", "--force", "--reason", "no time passes in this test"]
    done = checkout.rollout(*command, *(f"--override={name}" for name in overrides))
    assert done.returncode == 0, done.stdout + done.stderr
