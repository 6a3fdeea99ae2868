"""Moves Terraform's state between this machine and a bucket, stack by stack."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory

from ingest.settings import Settings
from operations.cloud.credentials import scheduler_client
from operations.errors import OperationError
from operations.terraform.engine import OUTPUT, Terraform, stack_folder
from operations.terraform.state import MOVED, BucketStore, LocalStore, State, StateError, parse, store
from operations.terraform.synth import night_environ, synthesize_all


class Step(StrEnum):
    """What is to be done for a stack."""

    MOVE = "move"
    FINISH = "finish"
    """An earlier move copied it and was cut off."""
    MOVED = "moved already"
    NONE = "no state"


@dataclass(frozen=True)
class Move:
    """One stack's part: `resources` is their number in the state, `source` and `target` say where it is and goes."""

    stack: str
    step: Step
    resources: int
    source: str
    target: str


class StateMove:
    """Moves the states of the settings' stacks to backend `to`, "local" or "gcs", in the checkout at `root`.

    Raises OperationError without a bucket.
    """

    def __init__(self, root: Path, settings: Settings, to: str) -> None:
        if not settings.backend_bucket:
            raise OperationError(
                "backend_bucket: '' (from cdktf.json) names no bucket; set it to the one of the team's state, "
                "which docs/state.md says how to create"
            )
        self._root = root
        self._old = replace(settings, backend="local" if to == "gcs" else "gcs")
        self._new = replace(settings, backend=to)
        self._environ = night_environ(root, self._new)
        self._from = store(root, self._old, self._environ)
        self._to = store(root, self._new, self._environ)

    def planned(self, stacks: list[str]) -> list[Move]:
        """What is to be done, in the order of `stacks`.

        Raises StateError when a state cannot be read, or where the target holds one that would be lost.
        """
        bucket = self._from if isinstance(self._from, BucketStore) else self._to
        if isinstance(bucket, BucketStore):
            bucket.check()
        return [self._planned(stack) for stack in stacks]

    def _planned(self, stack: str) -> Move:
        source, target = self._from.read(stack), self._to.read(stack)
        places = (self._from.place(stack), self._to.place(stack))
        held = None if target is None or target.is_empty else target
        if source is None or source.is_empty:
            return Move(stack, Step.MOVED if held else Step.NONE, len(held.resources) if held else 0, *places)
        if held:
            self._refuse_loss(source, held, places)
            if source.same_as(held) and self._new.backend == "gcs":
                return Move(stack, Step.FINISH, len(source.resources), *places)
            if source.same_as(held):
                return Move(stack, Step.MOVED, len(source.resources), *places)
        return Move(stack, Step.MOVE, len(source.resources), *places)

    @staticmethod
    def _refuse_loss(source: State, target: State, places: tuple[str, str]) -> None:
        if source.lineage != target.lineage:
            raise StateError(
                f"refused: {places[1]} holds another state already ({len(target.resources)} resources, lineage "
                f"{target.lineage}; {places[0]} has lineage {source.lineage}). Nothing was moved. Find out whose it "
                "is; for a state of your own choose another backend_prefix"
            )
        if target.serial > source.serial or (target.serial == source.serial and not source.same_as(target)):
            raise StateError(
                f"refused: {places[1]} holds a newer state than {places[0]} (serial {target.serial} and "
                f"{source.serial}). Nothing was moved. It is the one to go on with: set the backend to where it is, "
                f"and rename what is left of the older one"
            )

    def carry_out(self, moves: list[Move], tell: Callable[[str], None]) -> None:
        """Does what is planned; `tell` gets a line for each stack.

        Raises OperationError, which says which stacks are moved and which are not; another call goes on.
        """
        done = [move.stack for move in moves if move.step is Step.MOVED]
        todo = [move for move in moves if move.step in (Step.MOVE, Step.FINISH)]
        try:
            with self._both_nights() as (old, new):
                for move in todo:
                    if move.step is Step.MOVE:
                        self._move(move, old, new)
                    kept = ""
                    if isinstance(self._from, LocalStore):
                        kept = f"; {move.source} is kept as state/{self._from.set_aside(move.stack).name}"
                    done.append(move.stack)
                    tell(f"{move.stack}: {move.resources} resources, now in {move.target}{kept}")
        except (OperationError, KeyboardInterrupt) as error:
            left = ", ".join(move.stack for move in todo if move.stack not in done)
            raise OperationError(
                f"{str(error) or 'interrupted'}\nMoved: {', '.join(done) or 'nothing'}. Not moved: {left}, whose state "
                f"is where it was. Deploy nothing; run the same command again, it goes on"
            ) from None

    @contextmanager
    def _both_nights(self) -> Iterator[tuple[Path, Path]]:
        """The folders with the stacks as they are with the old backend, and with the new one: rollout.out/."""
        with TemporaryDirectory() as folder:
            old, new = Path(folder) / OUTPUT, self._root / OUTPUT
            synthesize_all(self._root, {old: self._old, new: self._new}, os.environ)
            # What main.py wrote to rollout.out/ is moved away: Terraform runs there, with one backend after the other.
            kept = Path(folder) / "new"
            for stack in stacks_of(new):
                (kept / stack).mkdir(parents=True)
                shutil.copy(new / "stacks" / stack / "cdk.tf.json", kept / stack)
            yield old / "stacks", kept

    def _move(self, move: Move, old: Path, new: Path) -> None:
        folder = stack_folder(self._root, move.stack)
        terraform = Terraform(self._root, self._new, self._environ, lambda: scheduler_client(self._environ))
        try:
            shutil.copy(old / move.stack / "cdk.tf.json", folder)
            terraform.run(move.stack, "init", "-reconfigure", "-input=false")
            before = _pulled(terraform, move.stack)
        finally:
            shutil.copy(new / move.stack / "cdk.tf.json", folder)
        terraform.run(move.stack, "init", "-migrate-state", "-force-copy", "-input=false")
        after = _pulled(terraform, move.stack)
        if not before.continued_by(after):
            raise StateError(
                f"{move.stack}: what arrived in {move.target} (lineage {after.lineage}, serial {after.serial}, "
                f"{len(after.resources)} resources) is not what was in {move.source} (lineage {before.lineage}, serial "
                f"{before.serial}, {len(before.resources)} resources): another command changed it meanwhile"
            )


def stacks_of(output: Path) -> list[str]:
    """The stacks that were synthesized to `output`, as cdktf's manifest there names them."""
    return list(json.loads((output / "manifest.json").read_text(encoding="utf-8"))["stacks"])


def orphaned(root: Path, stacks: list[str]) -> list[str]:
    """The names of local state files that belong to none of `stacks`."""
    files = sorted((root / "state").glob("*.tfstate"))
    return [file.name for file in files if file.stem not in stacks and not file.name.endswith(MOVED)]


def _pulled(terraform: Terraform, stack: str) -> State:
    return parse(stack, terraform.run(stack, "state pull").encode(), "look at it with `terraform state pull`")
