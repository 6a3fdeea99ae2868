"""Deploys that wait for gates, on the twin at the present time: what is refused, why, and what the ledger tells."""

from __future__ import annotations

import json
import os
import pty
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from ingest.settings import load
from rehearsal.faults import SERVICE
from tests.checkout import ROOT, Checkout
from tests.given.domain import in_phoenix
from twin.twin import Twin, running

pytestmark = pytest.mark.terraform

DEPLOY = ("deploy", "--yes", "--night")


@pytest.fixture
def twin() -> Iterator[Twin]:
    with running(load(ROOT, {}), in_phoenix("2026-10-20T21:00")) as twin:
        yield twin


class Evening:
    """The commands of a checkout by the twin's clock, from 9 PM on."""

    def __init__(self, checkout: Checkout, twin: Twin) -> None:
        self._checkout, self._twin = checkout, twin

    def rollout(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        environ = {"TIME": self._twin.clock.now.isoformat(), "PYTHONPATH": str(self._checkout.root)}
        return self._checkout.run(
            sys.executable, str(ROOT / "tests" / "docs" / "evening.py"), *arguments, environ=environ
        )

    def pass_hours(self, count: float) -> None:
        self._twin.advance(self._twin.clock.now + timedelta(hours=count))


def test_a_night_waits_for_the_gate_of_the_one_before(checkout: Checkout, twin: Twin) -> None:
    it = Evening(checkout, twin)
    assert it.rollout(*DEPLOY, "0").returncode == 0
    it.pass_hours(1 / 60)

    refused = it.rollout(*DEPLOY, "1")
    assert refused.returncode == 1
    assert "refused: night 0 has not been gated since it was deployed" in refused.stderr

    early = it.rollout("gate", "--night", "0", "--json")
    assert (early.returncode, json.loads(early.stdout)["verdict"]) == (2, "inconclusive")
    refused = it.rollout(*DEPLOY, "1")
    assert "the gate of night 0 does not open, it is blocked by: ran" in refused.stderr

    it.pass_hours(11)
    later = it.rollout("gate", "--night", "0", "--at", "2026-10-21T09:00")
    assert "Not recorded: --at is a look" in later.stdout
    passed = it.rollout("gate", "--night", "0")
    assert passed.returncode == 0, passed.stdout + passed.stderr
    assert "The gate of night 0 (phased): pass" in passed.stdout

    it.pass_hours(24)
    old = it.rollout(*DEPLOY, "1")
    assert (
        "the gate of night 0 is of Wed 2026-10-21 08:01, and a run came due after it, Thu 2026-10-22 02:00"
        in old.stderr
    )
    assert it.rollout("gate", "--night", "0").returncode == 0
    it.pass_hours(13)

    assert it.rollout("diff", "--night", "1", "--save").returncode == 2
    name = next(name for name in twin.scheduler.jobs if "invoices" in name)
    schedule = twin.scheduler.get(name)["schedule"]
    twin.scheduler.patch(name, {"schedule": "1 1 * * *"}, ["schedule"])
    refused = it.rollout(*DEPLOY, "1")
    assert "refused: Terraform's plan is not the one that was saved and approved" in refused.stderr
    twin.scheduler.patch(name, {"schedule": schedule}, ["schedule"])
    twin.scheduler.take_writes()
    assert it.rollout(*DEPLOY, "1").returncode == 0
    assert len([write for write in twin.scheduler.take_writes() if write[0] == "create"]) == 4

    twin.ingestor.behaviours["returns"] = SERVICE["fails"]
    it.pass_hours(11)
    failed = it.rollout("gate", "--night", "1")
    assert failed.returncode == 1
    assert "INTERNAL (13)" in failed.stdout

    refused = it.rollout(*DEPLOY, "2")
    assert "it is blocked by: succeeded (returns)" in refused.stderr
    unreasoned = it.rollout(*DEPLOY, "2", "--override", "succeeded")
    assert "--override needs --reason TEXT" in unreasoned.stderr
    wrong = it.rollout(*DEPLOY, "2", "--override", "loaded", "--reason", "because")
    assert "--override: 'loaded' does not block this deploy; what does: succeeded (returns)" in wrong.stderr
    done = it.rollout(*DEPLOY, "2", "--override", "succeeded:returns", "--reason", "returns can wait")
    assert done.returncode == 0, done.stdout + done.stderr

    backwards = it.rollout(*DEPLOY, "1")
    assert "to go back, run `ingest-rollout rollback --to 1`" in backwards.stderr
    back = it.rollout("rollback", "--to", "1", "--yes")
    assert back.returncode == 0, back.stdout + back.stderr
    assert "CANNOT UNDO: rows that the removed jobs loaded stay in raw_locations" in back.stdout
    assert twin.scheduler.get(name)["schedule"] == schedule
    forward = it.rollout("rollback", "--to", "3", "--yes")
    assert "--to: night 3 is no way back from what is deployed, it would add locations" in forward.stderr

    kinds = [record["kind"] for record in json.loads(it.rollout("history", "--json").stdout)]
    assert kinds == [
        *("deploy", "deploy", "gate", "gate", "gate", "preview", "deploy", "deploy", "gate", "override"),
        *("deploy", "deploy", "deploy", "deploy", "rollback"),
    ]


def test_nights_deployed_with_plain_cdktf_are_gated_and_taken_back(
    deployed: Callable[[int], Checkout], twin: Twin
) -> None:
    checkout = deployed(1)
    it = Evening(checkout, twin)
    # As after plain cdktf: state and live jobs, and no record.
    shutil.rmtree(checkout.root / "history")

    it.pass_hours(11)
    unknown = it.rollout("gate", "--night", "1")
    assert "night 1 (phased) has no finished deploy on record" in unknown.stderr
    look = it.rollout("gate", "--night", "0", "--since", "2026-10-20T21:00")
    assert "Not recorded: the live jobs are not those of night 0 (phased): purchase_orders: is live" in look.stdout
    gated = it.rollout("gate", "--night", "1", "--since", "2026-10-20T21:00", "--json")
    found = json.loads(gated.stdout)
    assert (found["not_recorded"], {c["check"] for c in found["checks"] if c["verdict"] != "pass"}) == (None, {"kept"})
    refused = it.rollout(*DEPLOY, "2")
    assert "the gate of night 1 does not open, it is blocked by: kept (" in refused.stderr

    back = it.rollout("rollback", "--to", "0", "--yes")
    assert back.returncode == 0, back.stdout + back.stderr
    assert len(twin.scheduler.jobs) == 7


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
    assert "kpi-auto-471020: import 7 jobs. Deploy? [y/N]" in printed
    assert said == "stopped, nothing was changed\n"
    assert twin.scheduler.take_writes() == []
    assert not (checkout.root / "history").exists()
