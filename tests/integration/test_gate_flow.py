"""Deploys that wait for gates, on the twin at the present time: what is refused, why, and what the ledger tells."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from ingest.settings import load
from rehearsal.faults import SERVICE
from tests.checkout import ROOT, Checkout
from twin.twin import Twin, running

pytestmark = pytest.mark.terraform

DEPLOY = ("deploy", "--yes", "--force", "--night")


@pytest.fixture
def twin() -> Iterator[Twin]:
    """At the present time, which is what a deploy records."""
    with running(load(ROOT, {}), datetime.now(UTC)) as twin:
        yield twin


def pass_a_day(twin: Twin) -> str:
    """Until every daily job has run; the twin's time, for --at."""
    twin.advance(twin.clock.now + timedelta(hours=27))
    return twin.clock.now.isoformat()


def test_a_night_waits_for_the_gate_of_the_one_before(checkout: Checkout, twin: Twin) -> None:
    assert checkout.rollout(*DEPLOY, "0").returncode == 0

    refused = checkout.rollout(*DEPLOY, "1")
    assert refused.returncode == 1
    assert "refused: night 0 has not been gated since it was deployed" in refused.stderr

    early = checkout.rollout("gate", "--night", "0", "--json")
    assert (early.returncode, json.loads(early.stdout)["verdict"]) == (2, "inconclusive")
    refused = checkout.rollout(*DEPLOY, "1")
    assert "the gate of night 0 does not open, it is blocked by: ran" in refused.stderr

    now = pass_a_day(twin)
    passed = checkout.rollout("gate", "--night", "0", "--at", now)
    assert passed.returncode == 0, passed.stdout + passed.stderr
    assert "The gate of night 0: pass" in passed.stdout

    assert checkout.rollout("diff", "--night", "1", "--save").returncode == 2
    name = next(name for name in twin.scheduler.jobs if "invoices" in name)
    schedule = twin.scheduler.get(name)["schedule"]
    twin.scheduler.patch(name, {"schedule": "1 1 * * *"}, ["schedule"])
    refused = checkout.rollout(*DEPLOY, "1")
    assert "refused: Terraform's plan is not the one that was saved and approved" in refused.stderr
    twin.scheduler.patch(name, {"schedule": schedule}, ["schedule"])
    twin.scheduler.take_writes()
    assert checkout.rollout(*DEPLOY, "1").returncode == 0
    assert len([write for write in twin.scheduler.take_writes() if write[0] == "create"]) == 4

    twin.ingestor.behaviours["returns"] = SERVICE["fails"]
    now = pass_a_day(twin)
    failed = checkout.rollout("gate", "--night", "1", "--at", now)
    assert failed.returncode == 1
    assert "INTERNAL (13)" in failed.stdout

    refused = checkout.rollout(*DEPLOY, "2")
    assert "it is blocked by: succeeded" in refused.stderr
    unreasoned = checkout.rollout(*DEPLOY, "2", "--override", "succeeded")
    assert "--override needs --reason TEXT" in unreasoned.stderr
    wrong = checkout.rollout(*DEPLOY, "2", "--override", "loaded", "--reason", "because")
    assert "--override: 'loaded' does not block this deploy; what does: succeeded" in wrong.stderr
    assert checkout.rollout(*DEPLOY, "2", "--override", "succeeded", "--reason", "returns can wait").returncode == 0

    back = checkout.rollout("rollback", "--to", "1", "--yes", "--force")
    assert back.returncode == 0, back.stdout + back.stderr
    assert "CANNOT UNDO: rows that the removed jobs loaded stay in raw_locations" in back.stdout
    assert twin.scheduler.get(name)["schedule"] == schedule
    forward = checkout.rollout("rollback", "--to", "3", "--yes")
    assert "--to: night 3 is no way back from what is deployed, it would add locations" in forward.stderr

    told = json.loads(checkout.rollout("history", "--json").stdout)
    kinds = [record["kind"] for record in (told["records"] if isinstance(told, dict) else told)]
    assert kinds == [
        *("deploy", "gate", "gate", "preview", "deploy", "gate", "override", "deploy"),
        *("deploy", "rollback"),
    ]


def test_deploy_asks_on_a_terminal_and_a_no_deploys_and_records_nothing(checkout: Checkout, twin: Twin) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "commands", "deploy"],
        cwd=checkout.root,
        env=checkout.environ,
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.write(ours, b"n\n")
    printed, said = process.communicate(timeout=60)

    assert process.returncode == 1
    assert "Deploy phase-core, phase-financial, phase-labor? [y/N]" in printed
    assert said == "stopped, nothing was changed\n"
    assert twin.scheduler.take_writes() == []
    assert not (checkout.root / "history").exists()
