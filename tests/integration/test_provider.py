"""What the real google provider makes of live jobs that nobody wrote down, and of changes made by hand."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from operations.terraform.engine import OUTPUT
from tests.checkout import Checkout
from tests.given.deploys import CRITICAL, LIVE, daily, run_deploy
from tests.given.twin import PARENT
from twin.scheduler import Fields, Scheduler

pytestmark = pytest.mark.terraform


def named(entity: str) -> str:
    return f"{PARENT}/jobs/v2-sync-{entity}-daily"


def planned(checkout: Checkout, night: int) -> dict[str, dict[str, Any]]:
    """The change that Terraform plans for each entity, in the plan's own JSON; no-ops are left out."""
    done = checkout.rollout("diff", "--night", str(night), "--json")
    assert done.returncode in (0, 2), done.stdout + done.stderr
    found = {}
    for stack in json.loads(done.stdout)["stacks"]:
        folder = checkout.root / OUTPUT / "stacks" / stack
        plan = json.loads(checkout.run("terraform", "show", "-json", "plan", cwd=folder).stdout)
        for resource in plan["resource_changes"]:
            change = resource["change"]
            if change["actions"] != ["no-op"] or change.get("importing"):
                found[resource["name"]] = change
    assert bool(found) == (done.returncode == 2)
    return found


def actions(changes: dict[str, dict[str, Any]]) -> dict[str, list[str]]:
    """The entities by what happens to them, in Terraform's words; an import without a change is "import"."""
    found: dict[str, list[str]] = {}
    for name, change in sorted(changes.items()):
        words = ["import"] * bool(change.get("importing")) + [a for a in change["actions"] if a != "no-op"]
        found.setdefault(" and ".join(words), []).append(name)
    return found


def changed(change: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """The fields of an update that differ, before and after; nested blocks are flattened."""
    before, after = flat(change["before"]), flat(change["after"])
    return {key: (before.get(key), after.get(key)) for key in after if before.get(key) != after.get(key)}


def flat(resource: dict[str, Any]) -> Fields:
    found: Fields = {}
    for key, value in resource.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            found |= {f"{key}.{inner}": v for inner, v in value[0].items()}
        else:
            found[key] = value
    return found


@pytest.fixture
def masks(scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch) -> list[Iterable[str] | None]:
    """The update mask of each PATCH, None for one that had none."""
    found: list[Iterable[str] | None] = []
    patch = scheduler.patch

    def noted(name: str, body: Fields, mask: Iterable[str] | None) -> Fields:
        found.append(mask)
        return patch(name, body, mask)

    monkeypatch.setattr(scheduler, "patch", noted)
    return found


def test_jobs_that_nobody_wrote_down_are_adopted_as_they_are(
    checkout: Checkout, scheduler: Scheduler, masks: list[Iterable[str] | None]
) -> None:
    undescribed, posted, paused, tuned = map(named, ("jobs", "invoices", "payroll", "customers"))
    scheduler.jobs[undescribed].pop("description")
    scheduler.jobs[posted]["httpTarget"]["httpMethod"] = "POST"
    scheduler.pause(paused)
    retry = {"retryCount": 5, "minBackoffDuration": "7s", "maxDoublings": 1, "maxRetryDuration": "600s"}
    scheduler.jobs[tuned]["retryConfig"] |= retry
    scheduler.take_writes()
    as_found = json.loads(json.dumps(scheduler.jobs))
    assert {job["attemptDeadline"] for job in as_found.values()} == {"600s"}
    assert as_found[undescribed]["retryConfig"]["maxDoublings"] == 16

    # Night 0: all but the POST job are imported and nothing else; of that one, the method alone is changed.
    changes = planned(checkout, 0)
    assert actions(changes) == {
        "import": [name for name in LIVE if name != "invoices"],
        "import and update": ["invoices"],
    }
    assert changed(changes["invoices"]) == {"http_target.http_method": ("POST", "GET")}

    # The override would be refused if nothing blocked.
    run_deploy(checkout, 0, "plan")
    assert scheduler.take_writes() == daily("patch", ["invoices"])
    as_found[posted]["httpTarget"]["httpMethod"] = "GET"
    ignore = ("userUpdateTime", "scheduleTime")
    assert _without(scheduler.jobs, ignore) == _without(as_found, ignore)
    assert scheduler.jobs[paused]["state"] == "PAUSED"

    # Night 2: every field is declared.
    changes = planned(checkout, 2)
    assert actions(changes) == {"create": sorted(["locations", *_underscored(CRITICAL)]), "update": LIVE}
    assert changed(changes["payroll"])["paused"] == (True, False)
    assert changed(changes["jobs"])["description"][0] in (None, "")
    assert changed(changes["customers"]) == {
        "attempt_deadline": ("600s", "1800s"),
        "description": ("made by hand", "Daily incremental sync of ServiceTitan customers (4:10 AM AZ time)"),
        "retry_config.max_backoff_duration": ("3600s", "600s"),
        "retry_config.max_doublings": (1, 5),
        "retry_config.max_retry_duration": ("600s", "0s"),
        "retry_config.min_backoff_duration": ("7s", "60s"),
        "retry_config.retry_count": (5, 2),
        "schedule": ("15 3 * * *", "10 4 * * *"),
    }
    assert [name for name in LIVE if "paused" in changed(changes[name])] == ["payroll"]

    run_deploy(checkout, 2, "gate", "plan")
    assert ("resume", "v2-sync-payroll-daily") in scheduler.take_writes()
    assert {job["state"] for job in scheduler.jobs.values()} == {"ENABLED"}
    assert masks == [None] * 8, "the provider replaces the whole object"


def test_status_diff_and_deploy_agree_about_what_was_done_by_hand_and_it_is_put_right(
    deployed: Callable[[int], Checkout], scheduler: Scheduler, masks: list[Iterable[str] | None]
) -> None:
    checkout = deployed(2)
    as_deployed = json.loads(json.dumps(scheduler.jobs))
    # Of those that Terraform created and of those that it adopted.
    for entity in ("returns", "payroll"):
        scheduler.delete(named(entity))
    for entity in ("inventory-bills", "customers"):
        scheduler.pause(named(entity))
    for entity in ("purchase-orders", "jobs"):
        scheduler.patch(named(entity), {"schedule": "0 1 * * *"}, ["schedule"])
    scheduler.patch(named("payroll-adjustments"), {"attemptDeadline": "30s"}, ["attemptDeadline"])
    scheduler.patch(named("estimates"), {"description": "hands off"}, ["description"])
    scheduler.patch(named("locations"), {"retryConfig": {"retryCount": 5}}, ["retryConfig.retryCount"])
    target = {"uri": "https://example.com/campaigns"}
    campaigns = f"{PARENT}/jobs/v2-sync-campaigns-weekly"
    scheduler.create(PARENT, {"name": campaigns, "schedule": "0 1 * * *", "httpTarget": target})
    foreign = json.loads(json.dumps(scheduler.jobs[campaigns]))
    scheduler.take_writes()
    masks.clear()
    undone: dict[str, tuple[str, list[str]]] = {
        "returns": ("missing", []),
        "payroll": ("missing", []),
        "inventory_bills": ("paused by hand", ["paused"]),
        "customers": ("paused by hand", ["paused"]),
        "purchase_orders": ("drifted", ["schedule"]),
        "jobs": ("drifted", ["schedule"]),
        "payroll_adjustments": ("drifted", ["attempt_deadline"]),
        "estimates": ("drifted", ["description"]),
        "locations": ("drifted", ["retry_config"]),
    }

    advised = status(checkout, 2)
    undo = "`ingest-rollout deploy --night 2 --override plan --reason TEXT`"
    assert {name: job["states"] for name, job in advised.items() if undo in job["note"]} == {
        name: [state] for name, (state, _) in undone.items()
    }
    assert advised["campaigns"]["states"] == ["unmanaged"]
    assert "night 3 would create it" in advised["campaigns"]["note"]

    changes = json.loads(checkout.rollout("diff", "--night", "2", "--json").stdout)["changes"]
    assert {change["address"].partition(".")[2]: (change["action"], change["fields"]) for change in changes} == {
        name: ("update" if fields else "create", fields) for name, (_, fields) in undone.items()
    }

    refused = checkout.rollout("deploy", "--night", "2", "--yes")
    assert refused.returncode == 1
    # The description of an adopted job was never recorded: nobody can say that it was changed.
    blocking = {line.partition(":")[0] for line in refused.stderr.splitlines()}
    assert blocking == {*undone, "refused. To go on anyway"} - {"estimates"}
    assert scheduler.take_writes() == []

    run_deploy(checkout, 2, "plan")
    ignore = ("userUpdateTime", "scheduleTime", "status", "lastAttemptTime")
    assert _without(scheduler.jobs, ignore) == _without(as_deployed | {campaigns: foreign}, ignore)
    assert set(masks) == {None}, "the provider replaces the whole object"
    assert {name for name, job in status(checkout, 2).items() if job["states"] != ["in sync"]} == {"campaigns"}


def status(checkout: Checkout, night: int) -> dict[str, Any]:
    """By entity."""
    jobs = json.loads(checkout.rollout("status", "--night", str(night), "--json").stdout)["jobs"]
    return {job["entity"]: job for job in jobs}


def _without(jobs: dict[str, Fields], keys: tuple[str, ...]) -> dict[str, Fields]:
    return {name: {key: value for key, value in job.items() if key not in keys} for name, job in jobs.items()}


def _underscored(names: list[str]) -> list[str]:
    return [name.replace("-", "_") for name in names]
