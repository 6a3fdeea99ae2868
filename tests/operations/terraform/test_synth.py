"""The identity is applied before the jobs that name its account; and a failure is told with the lock behind it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ingest.rollout import IDENTITY_STACK
from operations.errors import OperationError
from operations.terraform.engine import Terraform, in_order
from operations.terraform.state import StateError
from operations.terraform.synth import Cdktf

STACKS = ["phase-core", IDENTITY_STACK, "phase-labor"]


class FakeCdktf(Cdktf):
    def __init__(self, failing: str = "") -> None:
        self.calls: list[list[str]] = []
        self._failing = failing
        self.terraform: Any = self
        self.root = Path("of-no-checkout")

    def _deploy(self, stacks: Sequence[str]) -> int:
        self.calls.append(list(stacks))
        return int(self._failing in stacks)

    def take_over(self, stacks: Sequence[str]) -> None:
        raise StateError("phase-core: another deploy holds the lock")


class FakeTerraform(Terraform):
    def __init__(self) -> None:
        self.calls: list[str] = []

    def _apply(self, stack: str) -> None:
        self.calls.append(stack)


def test_the_identity_is_deployed_first_by_the_cli() -> None:
    cdktf = FakeCdktf()
    cdktf.deploy(STACKS)
    assert cdktf.calls == [[IDENTITY_STACK], ["phase-core", "phase-labor"]]


def test_without_its_identity_no_job_is_deployed() -> None:
    cdktf = FakeCdktf(failing=IDENTITY_STACK)
    with pytest.raises(OperationError, match=f"the deploy of {IDENTITY_STACK} failed"):
        cdktf.deploy(STACKS)
    assert cdktf.calls == [[IDENTITY_STACK]]


def test_a_lock_behind_a_failed_deploy_is_told() -> None:
    with pytest.raises(OperationError, match=r"failed\. phase-core: another deploy holds the lock\. What was applied"):
        FakeCdktf(failing="phase-core").deploy(["phase-core"])


def test_the_identity_is_applied_first_by_terraform() -> None:
    terraform = FakeTerraform()
    terraform.apply(STACKS)
    assert terraform.calls[0] == IDENTITY_STACK
    assert sorted(terraform.calls) == sorted(STACKS)


def test_stacks_without_identity_are_one_group() -> None:
    assert in_order(["phase-labor", "phase-core"]) == [["phase-labor", "phase-core"]]
    assert in_order([]) == []


def test_a_state_that_could_not_be_written_is_told_of_and_not_planned_on(tmp_path: Path) -> None:
    cdktf = FakeCdktf(failing="phase-core")
    cdktf.root = tmp_path
    folder = tmp_path / "cdktf.out" / "stacks" / "phase-core"
    folder.mkdir(parents=True)
    (folder / "errored.tfstate").touch()
    with pytest.raises(StateError, match=r"`terraform state push errored\.tfstate` in "):
        cdktf.deploy(["phase-core"])
