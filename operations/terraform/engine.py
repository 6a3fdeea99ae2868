"""Terraform on what cdktf synthesized."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from google.api_core.exceptions import GoogleAPICallError
from google.cloud.scheduler_v1 import CloudSchedulerClient

from ingest.rollout import IDENTITY_STACK
from operations.cloud import jobs
from operations.cloud.errors import words
from operations.errors import OperationError
from operations.terraform.messages import flat, plain
from operations.terraform.state import StateError

OUTPUT = "cdktf.out"

T = TypeVar("T")


@dataclass(frozen=True)
class Planned:
    """What Terraform plans for one resource: `action` in Terraform's words, the names of the fields that change."""

    stack: str
    address: str
    action: str
    fields: list[str]


@dataclass(frozen=True)
class TakenOver:
    """Jobs that were to be created and are live already: those imported now, and those that are somebody else's."""

    names: list[str]
    foreign: list[str]


def stack_folder(root: Path, stack: str) -> Path:
    """Where a stack is synthesized to; its state is in state/ of `root`, as the JSON's local backend says."""
    return root / OUTPUT / "stacks" / stack


def terraform_binary(environ: Mapping[str, str] = os.environ) -> str:
    """The command, which may be another by the variable that the cdktf CLI reads too. Raises OperationError."""
    binary = environ.get("TERRAFORM_BINARY_NAME", "terraform")
    if shutil.which(binary, path=environ.get("PATH")) is None:
        raise OperationError(f"{binary} is not on PATH; install Terraform 1.5 or later (import blocks need it)")
    return binary


class Terraform:
    """Runs Terraform in the stacks' folders under `root`; `environ` is the whole environment of its processes.

    `make_client` gives a client of the Cloud Scheduler that `environ` points Terraform to.
    """

    name = "Terraform with the google provider"

    def __init__(self, root: Path, environ: Mapping[str, str], make_client: Callable[[], CloudSchedulerClient]) -> None:
        self._root = root
        self._environ = environ
        self._make_client = make_client
        self._binary = terraform_binary(environ)

    def plan(self, stacks: Sequence[str]) -> list[Planned]:
        """Plans the stacks side by side and leaves each plan in its folder. Raises OperationError."""
        # Before any plan: an init touches the plugin cache that the other stacks' plans read.
        for stack in stacks:
            self.initialise(stack)
        found = side_by_side(self._plan, stacks)
        return sorted((one for stack in found for one in stack), key=lambda one: (one.stack, one.address))

    def apply(self, stacks: Sequence[str]) -> None:
        """Applies the plans that `plan` left, and repairs what a killed deploy left. Raises OperationError.

        The identity is applied before the others, which are applied side by side.
        """
        for part in in_order(stacks):
            self._apply_part(part)

    def _apply_part(self, stacks: Sequence[str]) -> None:
        try:
            side_by_side(self._apply, stacks)
        except OperationError:
            if not self.take_over(stacks).names:
                raise
            self.plan(stacks)
            side_by_side(self._apply, stacks)

    def initialise(self, stack: str) -> None:
        """Once for each stack's folder and backend, and one at a time. Raises OperationError."""
        if not (stack_folder(self._root, stack) / ".terraform").exists():
            self.run(stack, "init", "-input=false")
        else:
            self.follow_backend(stack)

    def follow_backend(self, stack: str) -> None:
        """Initialises a folder again that was initialised with another backend than the stack has now.

        It moves no state. Raises OperationError.
        """
        recorded = _read(stack_folder(self._root, stack) / ".terraform" / "terraform.tfstate").get("backend")
        if recorded:
            wanted = self._backend(stack)
            given = {k: v for k, v in recorded["config"].items() if v is not None}
            if wanted != {recorded["type"]: given}:
                self.run(stack, "init", "-reconfigure", "-input=false")

    def _backend(self, stack: str) -> dict[str, Any]:
        """The backend that the stack is synthesized with, by its type."""
        content = _read(stack_folder(self._root, stack) / "cdk.tf.json")
        found: dict[str, Any] = content.get("terraform", {}).get("backend", {})
        return found

    def take_over(self, stacks: Sequence[str]) -> TakenOver:
        """Imports the jobs that a deploy made just before it was killed, without noting them in the state.

        Such a job is planned to be created and is live already, just as it is declared; one that differs is somebody
        else's and is left alone. Raises OperationError.
        """
        client = self._make_client()
        found = TakenOver([], [])
        try:
            for stack in stacks:
                self.initialise(stack)
                self._take_over(stack, client, found)
            return found
        except GoogleAPICallError as error:
            raise OperationError(f"Cloud Scheduler cannot be asked for its jobs: {words(error)}") from None

    def _take_over(self, stack: str, client: CloudSchedulerClient, over: TakenOver) -> None:
        content = json.loads((stack_folder(self._root, stack) / "cdk.tf.json").read_text(encoding="utf-8"))
        creates = {one.address for one in self._plan(stack) if one.action == "create"}
        for address, job, resource in jobs.resources(content):
            if address in creates:
                found = jobs.find(client, job)
                if found and jobs.differences(jobs.declared(resource), found):
                    over.foreign.append(resource["name"])
                elif found:
                    self.run(stack, "import", "-input=false", address, job)
                    over.names.append(resource["name"])

    def _apply(self, stack: str) -> None:
        self.run(stack, "apply", "-input=false", "plan")

    def _plan(self, stack: str) -> list[Planned]:
        self.run(stack, "plan", "-input=false", "-out=plan")
        return self.show(stack)

    def show(self, stack: str) -> list[Planned]:
        """What the plan in the stack's folder says."""
        return planned(stack, json.loads(self.run(stack, "show", "-json", "plan")))

    def run(self, stack: str, command: str, *arguments: str) -> str:
        """What `terraform <command>` printed in the stack's folder.

        Raises OperationError with its reason; StateError where that is the state's.
        """
        plain = [] if "-json" in arguments else ["-no-color"]
        done = subprocess.run(
            [self._binary, *command.split(), *plain, *arguments],
            cwd=stack_folder(self._root, stack),
            env=self._environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            if about := self.about_state(stack, done.stderr):
                raise StateError(f"{stack}: {about}")
            raise OperationError(f"{stack}: terraform {command} failed: {reason(done.stderr)}")
        return done.stdout

    def about_state(self, stack: str, output: str) -> str | None:
        """What is wrong with the stack's state by Terraform's words, and what to do; None: they are about another."""
        bucket = self._backend(stack).get("gcs", {}).get("bucket", "")
        return plain(output, bucket=bucket, folder=str(stack_folder(self._root, stack)))


def in_order(stacks: Sequence[str]) -> list[list[str]]:
    """The stacks in groups to be applied one after the other: the jobs name the identity's account, so it is first."""
    groups = [[s for s in stacks if s == IDENTITY_STACK], [s for s in stacks if s != IDENTITY_STACK]]
    return [group for group in groups if group]


def reason(stderr: str) -> str:
    """Terraform's errors on one line, without the bars that frame them."""
    words = flat(stderr)
    return words[max(words.find("Error: "), 0) :]


def _read(path: Path) -> dict[str, Any]:
    """A JSON file's object; an empty one where the file is missing or was cut off."""
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return found
    except (OSError, ValueError):
        return {}


def planned(stack: str, plan: Mapping[str, Any]) -> list[Planned]:
    """The changes in the JSON of `terraform show -json plan` (format 1.x), without the no-ops."""
    found = []
    for resource in plan.get("resource_changes", []):
        change = resource["change"]
        actions = [a for a in change["actions"] if a != "no-op"]
        words = ["import"] if change.get("importing") else []
        words += ["replace"] if len(actions) > 1 else actions
        if words:
            before, after = change.get("before") or {}, change.get("after") or {}
            fields = [key for key in after if before.get(key) != after[key]] if actions == ["update"] else []
            found.append(Planned(stack, resource["address"], " and ".join(words), fields))
    return found


def side_by_side(action: Callable[[str], T], stacks: Sequence[str]) -> list[T]:
    """The results for all stacks; when some fail, waits for the others and raises the first error."""
    with ThreadPoolExecutor() as pool:
        return list(pool.map(action, stacks))
