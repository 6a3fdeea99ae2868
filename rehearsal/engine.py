"""What deploys a night's stacks: Terraform, or the built-in applier where Terraform's provider cannot be had."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from operations.terraform.engine import Planned


class Engine(Protocol):
    """`name` is for people. All that it knows of earlier deploys it reads from the workspace's state/."""

    @property
    def name(self) -> str: ...

    def plan(self, stacks: Sequence[str]) -> list[Planned]:
        """What the stacks' cdk.tf.json change, sorted. Raises OperationError."""

    def apply(self, stacks: Sequence[str]) -> None:
        """Carries out what was planned last. Raises OperationError, then with some of it done perhaps."""
