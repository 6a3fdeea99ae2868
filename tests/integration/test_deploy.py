"""Every night through the real cdktf CLI, Terraform and google provider, with the exact writes that reach the API."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from typing import Any

import pytest

from operations.terraform.engine import OUTPUT
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
from tests.given.twin import named
from twin.scheduler import ApiError, Scheduler

pytestmark = pytest.mark.terraform

Deployed = Callable[[int], Checkout]

WITHOUT_PAYROLL_AND_WITH_RETURNS_IN_LABOR = """
CATALOGUE = tuple(
    replace(entity, group="labor", target=_daily("05:10")) if entity.name == "returns" else entity
    for entity in CATALOGUE
    if entity.name != "payroll"
)
"""


def deploy(checkout: Checkout, scheduler: Scheduler, night: int, *overrides: str) -> list[tuple[str, str]]:
    """The writes that the deploy made; after a create the provider resumes the job, which changes nothing."""
    run_deploy(checkout, night, *overrides)
    return [write for write in scheduler.take_writes() if write[0] != "resume"]


def test_a_provider_that_is_gone_or_broken_is_installed_again(deployed: Deployed) -> None:
    checkout = deployed(0)
    # As in an emptied plugin cache, and as in one to which two inits wrote at the same time.
    core, financial = (checkout.root / OUTPUT / "stacks" / f"phase-{name}" for name in ("core", "financial"))
    shutil.rmtree(core / ".terraform" / "providers")
    (place,) = financial.glob(".terraform/providers/*/*/*/*/*")
    place.unlink() if place.is_symlink() else shutil.rmtree(place)
    place.mkdir()
    (place / "terraform-provider-google_v6.50.0_x5").write_bytes(b"half of it")

    assert diff(checkout, 0) == {}


def underscored(names: list[str]) -> list[str]:
    return [name.replace("-", "_") for name in names]


def test_the_phased_strategy_there_and_back(deployed: Deployed, scheduler: Scheduler) -> None:
    # What each night writes, and that a repeat writes nothing, tests/rehearsal/test_builtin.py has.
    as_found = json.dumps(scheduler.jobs, sort_keys=True)
    checkout = deployed(0)
    assert json.dumps(scheduler.jobs, sort_keys=True) == as_found

    new = ["locations", *CRITICAL]
    written = [*daily("create", new), *weekly("create", REFERENCE), *daily("patch", LIVE)]
    assert deploy(checkout, scheduler, 3, "gate") == sorted(written)
    assert schedules(scheduler)["v2-sync-jobs-daily"] == "0 4 * * *"
    assert len(schedules(scheduler)) == 16

    assert diff(checkout, 1) == {"delete": sorted(["locations", *underscored(REFERENCE)]), "update": LIVE}
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


def test_plain_cdktf_and_ours_take_turns_on_the_same_state(deployed: Deployed, scheduler: Scheduler) -> None:
    checkout = deployed(0)
    checkout.set_context(night=1)

    # The last stack first, by the CLI alone.
    by_cli = checkout.cdktf("deploy", "phase-labor", "--auto-approve", SKIP_LOCK)
    assert by_cli.returncode == 0, by_cli.stdout + by_cli.stderr
    assert ("create", "v2-sync-payroll-adjustments-daily") in scheduler.take_writes()

    # Ours sees that, and does what is left; the CLI sees ours.
    financial = sorted(set(CRITICAL) - {"payroll-adjustments"})
    assert diff(checkout, 1) == {"create": underscored(financial)}
    assert deploy(checkout, scheduler, 1, "gate") == daily("create", financial)
    diffed = checkout.cdktf("diff", "phase-financial", SKIP_LOCK)
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


def test_a_workspace_that_was_selected_in_a_stacks_folder_or_by_a_variable_gets_no_state(
    deployed: Deployed, scheduler: Scheduler
) -> None:
    checkout = deployed(0)
    folders = list((checkout.root / OUTPUT / "stacks").glob("phase-*"))
    for folder in folders:
        (folder / ".terraform").mkdir(exist_ok=True)
        (folder / ".terraform" / "environment").write_text("dev")

    assert deploy(checkout, scheduler, 1, "gate") == daily("create", CRITICAL)
    refused = checkout.rollout("deploy", "--night", "2", "--yes", TF_WORKSPACE="dev")
    plain = checkout.cdktf("deploy", "phase-core", "--auto-approve", SKIP_LOCK, TF_WORKSPACE="dev")

    for done in (refused, plain):
        assert done.returncode == 1
        assert "TF_WORKSPACE is set: with it, Terraform takes another state" in done.stdout + done.stderr
    assert [folder.name for folder in folders if (folder / "terraform.tfstate.d").exists()] == []
    assert scheduler.take_writes() == []
    assert len(json.loads((checkout.root / "state/phase-financial.tfstate").read_text())["resources"]) == 6


def test_states_and_plans_are_for_their_owner_alone_also_after_plain_cdktf(
    deployed: Deployed, scheduler: Scheduler
) -> None:
    checkout = deployed(0)

    def open_to_others() -> list[str]:
        files = [file for file in (checkout.root / "state").rglob("*") if file.is_file()]
        files += (checkout.root / OUTPUT).rglob("plan")
        assert len(files) > 2
        return [str(file) for file in [checkout.root / "state", *files] if file.stat().st_mode & 0o077]

    deploy(checkout, scheduler, 1, "gate")
    assert any(file.name.endswith(".backup") for file in (checkout.root / "state").iterdir())
    assert open_to_others() == []

    checkout.set_context(night=1)
    for file in (checkout.root / "state").iterdir():
        file.chmod(0o644)
    assert len(open_to_others()) >= 4
    assert diff(checkout, 1) == {}
    assert open_to_others() == []


def test_only_a_provider_with_a_hash_of_the_committed_lock_file_is_taken(deployed: Deployed) -> None:
    checkout = deployed(0)
    made = (checkout.root / OUTPUT / "stacks/phase-core/.terraform.lock.hcl").read_text()
    pinned = checkout.root / ".terraform.lock.hcl"
    pinned.write_text(made)
    shutil.rmtree(checkout.root / OUTPUT)
    assert diff(checkout, 0) == {}

    pinned.write_text(re.sub(r'"h1:[^"]{4}', '"h1:AAAA', made))
    for _ in range(2):
        done = checkout.rollout("diff", "--night", "0")
        assert done.returncode == 1
        assert "checksums" in done.stderr, done.stderr
        shutil.rmtree(checkout.root / OUTPUT)


def test_an_update_that_the_api_refuses_is_not_done_until_the_live_job_shows_it(
    deployed: Deployed, scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkout = deployed(0)
    patch = scheduler.patch

    def refuse(name: str, *arguments: Any) -> Any:
        if "payroll" in name:
            raise ApiError(403, "PERMISSION_DENIED", "refused here")
        return patch(name, *arguments)

    monkeypatch.setattr(scheduler, "patch", refuse)
    command = ("deploy", "--night", "2", "--yes", "--override", "gate", "--reason", "a test")
    failed = checkout.rollout(*command)
    assert failed.returncode == 1
    assert "refused here" in failed.stderr.splitlines()[-1]
    ended = [json.loads(line) for line in (checkout.root / "history/ledger.jsonl").read_text().splitlines()]
    assert [record["data"]["outcome"] for record in ended if record["kind"] == "deploy"][-2:] == ["started", "failed"]

    # By the state the job has moved: provider 6.50.0 writes what it planned.
    state = json.loads((checkout.root / "state/phase-labor.tfstate").read_text())
    moved = {one["name"]: one["instances"][0]["attributes"]["schedule"] for one in state["resources"]}
    assert moved["payroll"] == "0 5 * * *"
    monkeypatch.undo()
    scheduler.take_writes()
    assert deploy(checkout, scheduler, 2) == daily("patch", ["payroll"])
    assert schedules(scheduler)["v2-sync-payroll-daily"] == "0 5 * * *"


def test_a_job_that_leaves_the_catalogue_or_its_group_stays_live(deployed: Deployed, scheduler: Scheduler) -> None:
    checkout = deployed(1)
    payroll = scheduler.get(named("v2-sync-payroll-daily"))
    rollout = checkout.root / "ingest" / "rollout.py"
    assert '"payments", "payroll")' in rollout.read_text()
    rollout.write_text(rollout.read_text().replace('"payments", "payroll")', '"payments")'))
    with (checkout.root / "ingest" / "catalogue.py").open("a") as catalogue:
        catalogue.write(WITHOUT_PAYROLL_AND_WITH_RETURNS_IN_LABOR)

    shown = diff(checkout, 1)
    assert shown["release"] == ["payroll", "returns"]
    done = checkout.rollout("deploy", "--night", "1", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "payroll: no night has it any more; it leaves the state of phase-labor" in done.stdout
    assert "returns: goes from phase-financial to phase-labor in Terraform's state" in done.stdout
    assert [write for write in scheduler.take_writes() if write[0] != "resume"] == daily("patch", ["returns"])
    assert scheduler.get(named("v2-sync-payroll-daily")) == payroll
    assert schedules(scheduler)["v2-sync-returns-daily"] == "10 5 * * *"
    financial, labor = (
        {one["name"] for one in json.loads((checkout.root / f"state/{stack}.tfstate").read_text())["resources"]}
        for stack in ("phase-financial", "phase-labor")
    )
    assert "returns" not in financial
    assert labor == {"returns", "payroll_adjustments"}
    assert diff(checkout, 1) == {}
