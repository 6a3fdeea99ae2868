"""The command `diff`, with an engine whose plan is given."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from commands.evening.diff import diff
from operations.deploy import Site, plan_hash
from operations.ledger.ledger import Ledger
from operations.local.lock import lock
from tests.given.domain import in_phoenix, night
from tests.given.engine import Recorder, recorded_site
from tests.given.ledger import DEPLOY, add
from tests.given.planned import attributes, resource

pytestmark = pytest.mark.usefixtures("in_the_repository")

CREATE = resource("returns", "create")


@pytest.fixture
def recorder() -> Recorder:
    return Recorder([CREATE])


@pytest.fixture
def site(tmp_path: Path, ledger: Ledger, recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> Site:
    def live(settings: object) -> dict[str, Any]:
        recorder.calls.append("live")
        return {}

    def terraform(settings: object, *, lock: bool) -> Recorder:
        recorder.calls.append(f"lock={lock}")
        return recorder

    site = replace(recorded_site(tmp_path, ledger, recorder, in_phoenix("2026-10-20T21:00")), live=live)
    monkeypatch.setattr("commands.evening.diff.checkout_site", lambda: site)
    monkeypatch.setattr("commands.evening.diff.terraform", terraform)
    return site


def run(*arguments: str) -> Result:
    return CliRunner().invoke(diff, ["--night", "1", "--strategy", "phased", *arguments], standalone_mode=False)


def test_changes_exit_with_2_and_are_a_row_each(site: Site, recorder: Recorder) -> None:
    done = run()

    assert done.return_value == 2, done.output
    assert recorder.calls == ["lock=True", "live", "synthesize", "plan"]
    title, head, _, row = done.output.splitlines()
    assert title == "Night 1 (phased; before the rollout), planned by Terraform:"
    assert (head.split(), row.split()) == (
        ["stack", "action", "job", "fields"],
        ["phase-financial", "create", "returns"],
    )
    assert site.ledger.records() == []


def test_no_change_exits_with_0(site: Site, recorder: Recorder) -> None:
    recorder.planned = []
    done = run("--no-lock")

    assert (done.return_value, done.output.splitlines()[-1]) == (0, "no changes")
    assert recorder.calls[0] == "lock=False"


def test_a_job_that_stays_live_is_released_and_what_no_night_asks_for_is_named(site: Site, recorder: Recorder) -> None:
    held = attributes(night(1).world()["returns"], night(1))
    recorder.planned = [
        resource("jobs", "replace", "phase-core"),
        resource("memberships", "delete", before=held, recorded=held),
    ]
    told = run().output

    assert [line.split()[1] for line in told.splitlines() if line.startswith("phase-")] == ["replace", "release"]
    assert "WARNING: memberships: no night has it any more; it leaves the state of phase-financial" in told
    assert "WARNING: jobs: the plan deletes the live job and makes it again" in told


def test_a_saved_plan_is_recorded_by_its_hash(site: Site) -> None:
    done = run("--save")
    (record,) = site.ledger.records()

    assert (record.kind, record.night, record.data["plan_hash"]) == ("preview", 1, plan_hash([CREATE]))
    assert [change["action"] for change in record.data["changes"]] == ["create"]
    assert done.output.endswith("Saved in the ledger: the deploy of night 1 does this or nothing.\n")


def test_full_prints_the_whole_plan_of_each_stack_with_changes(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Recorder, "plan_text", lambda self, stack: f"all of {stack}'s", raising=False)

    assert run("--full").output.startswith("phase-financial\nall of phase-financial's\nNight 1")


def test_json_is_the_plan_and_what_the_ledger_knows_otherwise_is_a_note_beside_it(site: Site) -> None:
    add(site.ledger, "deploy", {**DEPLOY, "outcome": "failed"}, night=2)
    done = run("--json")
    change = {"stack": "phase-financial", "address": CREATE.address, "action": "create", "fields": []}

    stacks = ["phase-financial"]
    assert json.loads(done.stdout) == {"strategy": "phased", "night": 1, "stacks": stacks, "changes": [change]}
    assert done.stderr.startswith("NOTE: the deploy of night 2 (phased) failed: run ")


def test_nothing_is_planned_beside_a_deploy(site: Site, recorder: Recorder) -> None:
    with lock(site.root):
        assert "another ingest-rollout is running" in str(run().exception)
    assert recorder.calls == ["lock=True"]
