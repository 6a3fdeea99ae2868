"""How plans are applied: in order, side by side, line by line, and what is said when one fails."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from ingest.rollout import IDENTITY_STACK
from operations.errors import OperationError
from operations.terraform.engine import LOCK_TIMEOUT, LOG, OUTPUT, Planned, Show, Terraform, in_order, unseen
from operations.terraform.state import StateError
from tests.given.domain import SETTINGS

STACKS = ["phase-core", IDENTITY_STACK, "phase-labor"]


class FakeTerraform(Terraform):
    """Applies nothing; `failing` are the stacks whose apply fails."""

    def __init__(self, *failing: str) -> None:
        self.calls: list[str] = []
        self._planned = []
        self._failing = failing
        self.orphans: tuple[list[str], list[str]] = ([], [])

    def _apply(self, stack: str, show: Show) -> None:
        self.calls.append(stack)
        if stack in self._failing:
            raise OperationError(f"{stack}: terraform apply failed: Error 409")

    def import_orphans(self, stacks: object) -> tuple[list[str], list[str]]:
        return self.orphans


def scripted(tmp_path: Path, *lines: str, code: int = 0) -> Terraform:
    """Terraform in whose place a script prints the lines and ends with the code."""
    folder = tmp_path / OUTPUT / "stacks" / "phase-core"
    (folder / ".terraform").mkdir(parents=True)
    (folder / "cdk.tf.json").write_text("{}")
    printed = tmp_path / "printed"
    printed.write_text("".join(f"{line}\n" for line in lines))
    script = tmp_path / "fake-terraform"
    script.write_text(f"#!/bin/sh\n[ $1 = version ] && exec echo Terraform v1.11.4\ncat {printed}\nexit {code}\n")
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return again(tmp_path)


def again(tmp_path: Path, progress: Show = unseen) -> Terraform:
    """What the next command makes of the same script."""
    environ = {"PATH": os.environ["PATH"], "TERRAFORM_BINARY_NAME": str(tmp_path / "fake-terraform")}
    return Terraform(tmp_path, SETTINGS, environ, lambda: pytest.fail("Cloud Scheduler was asked"), progress)


def event(kind: str, **content: object) -> str:
    return json.dumps({"@level": "info", "type": kind, **content})


def test_the_identity_is_applied_first() -> None:
    terraform = FakeTerraform()
    terraform.apply(STACKS, unseen)
    assert terraform.calls[0] == IDENTITY_STACK
    assert sorted(terraform.calls) == sorted(STACKS)


def test_without_its_identity_no_job_is_deployed() -> None:
    terraform = FakeTerraform(IDENTITY_STACK)
    with pytest.raises(OperationError, match=f"{IDENTITY_STACK}: terraform apply failed"):
        terraform.apply(STACKS, unseen)
    assert terraform.calls == [IDENTITY_STACK]


def test_when_two_stacks_fail_for_one_reason_both_are_named_in_its_line() -> None:
    with pytest.raises(OperationError, match=r"^phase-core, phase-labor: terraform apply failed: Error 409\. What was"):
        FakeTerraform("phase-core", "phase-labor").apply(["phase-core", "phase-labor"], unseen)


def test_a_job_that_is_there_and_unmanaged_is_named() -> None:
    terraform = FakeTerraform("phase-core")
    terraform.orphans = ([], ["v2-sync-jobs-daily"])
    with pytest.raises(OperationError, match=r"Live already: v2-sync-jobs-daily; record with `ingest-rollout adopt"):
        terraform.apply(["phase-core"], unseen)


def test_stacks_without_identity_are_one_group() -> None:
    assert in_order(["phase-labor", "phase-core"]) == [["phase-labor", "phase-core"]]
    assert in_order([]) == []


def test_each_job_is_a_line_as_terraform_reports_it(tmp_path: Path) -> None:
    hook = {"action": "create", "resource": {"resource_name": "returns"}}
    lines = [event("version"), "not JSON", event("apply_start", hook=hook), event("apply_complete", hook=hook)]
    shown: list[str] = []
    scripted(tmp_path, *lines).apply(["phase-core"], shown.append)
    assert shown == ["returns: created"]


def test_all_that_terraform_printed_is_in_a_file_for_its_owner_alone(tmp_path: Path) -> None:
    line = event("diagnostic", diagnostic={"severity": "error", "summary": "no", "detail": "way"})
    with pytest.raises(OperationError, match=r"apply failed: Error: no way \(all of it: rollout\.out/terraform\.log\)"):
        scripted(tmp_path, "a word", line, code=1)._apply("phase-core", unseen)
    log = tmp_path / OUTPUT / LOG

    assert log.read_text() == f"phase-core: terraform apply -input=false {LOCK_TIMEOUT} -json plan\na word\n{line}\n\n"
    assert stat.S_IMODE(log.stat().st_mode) == 0o600


def test_the_file_begins_again_with_each_command(tmp_path: Path) -> None:
    for terraform in (scripted(tmp_path), again(tmp_path)):
        terraform.apply(["phase-core"], unseen)
        terraform.apply(["phase-core"], unseen)

    assert (tmp_path / OUTPUT / LOG).read_text().count("terraform apply") == 2


def test_what_it_is_at_is_said_before_it_begins(tmp_path: Path) -> None:
    said: list[str] = []
    terraform = again(scripted(tmp_path, "{}")._root, said.append)
    terraform.plan(["phase-core"])
    terraform.apply(["phase-core"], said.append)

    assert said == ["planning phase-core", "applying phase-core"]


def test_an_import_of_which_terraform_reports_nothing_is_a_line_as_well(tmp_path: Path) -> None:
    shown: list[str] = []
    terraform = scripted(tmp_path)
    terraform._planned = [
        Planned("phase-core", "google_cloud_scheduler_job.jobs", "import", []),
        Planned("phase-labor", "google_cloud_scheduler_job.payroll", "import", []),
    ]
    terraform.apply(["phase-core"], shown.append)

    assert shown == ["jobs: imported"]


def test_a_state_that_could_not_be_written_is_named_and_not_planned_on(tmp_path: Path) -> None:
    detail = "The state was written to errored.tfstate instead."
    line = event("diagnostic", diagnostic={"severity": "error", "summary": "Failed to save state", "detail": detail})
    with pytest.raises(StateError, match=r"`terraform state push errored\.tfstate` in "):
        scripted(tmp_path, line, code=1).apply(["phase-core"], unseen)


def test_a_state_that_an_earlier_deploy_could_not_save_is_found_before_the_next(tmp_path: Path) -> None:
    terraform = scripted(tmp_path)
    left = tmp_path / "cdktf.out" / "stacks" / "phase-core" / "errored.tfstate"
    left.parent.mkdir(parents=True)
    left.write_text("{}")
    with pytest.raises(StateError, match=r"phase-core: .*errored\.tfstate is the state of an earlier deploy"):
        terraform.plan(["phase-core"])


def test_a_job_whose_create_was_answered_in_part_is_not_made_again(tmp_path: Path) -> None:
    job = {"address": "google_cloud_scheduler_job.returns", "change": {"actions": ["delete", "create"]}}
    terraform = Tainted(tmp_path, job | {"action_reason": "replace_because_tainted"})
    (found,) = terraform.plan(["phase-core"])

    assert found.action == "no-op"
    assert [call[1:] for call in terraform.ran if call[0] == "untaint"] == [(LOCK_TIMEOUT, job["address"])]


class Tainted(Terraform):
    """Plans `first`, and nothing once that was untainted."""

    def __init__(self, root: Path, first: dict[str, Any]) -> None:
        super().__init__(root, SETTINGS, os.environ, lambda: pytest.fail("Cloud Scheduler was asked"))
        self.ran: list[tuple[str, ...]] = []
        self._first = first

    def run(self, stack: str, command: str, *arguments: str, on_event: object = None) -> str:
        self.ran.append((command, *arguments))
        untainted = any(call[0] == "untaint" for call in self.ran)
        after = {"address": self._first["address"], "change": {"actions": ["no-op"]}}
        return json.dumps({"resource_changes": [after if untainted else self._first]})
