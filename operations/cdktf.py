"""Runs the cdktf CLI of node_modules/ and reads the plans that it leaves."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ingest.settings import Settings
from operations.errors import OperationError
from toolchain import bundled_node

OUTPUT = "cdktf.out"

# The lock command asks Terraform's registry even where the provider lies in a local mirror.
_WITHOUT_LOCK = "--skip-provider-lock"


@dataclass(frozen=True)
class Planned:
    """What Terraform plans for one resource: `action` in Terraform's words, the names of the fields that change."""

    stack: str
    address: str
    action: str
    fields: list[str]


def synthesize(root: Path, settings: Settings) -> None:
    """Writes the night to cdktf.out/: the same bytes as `cdktf synth`, without its start. Raises OperationError."""
    _run([sys.executable, "main.py"], root, _environ(root, settings))


class Cdktf:
    """The CLI on the night that was synthesized last in `root`. Raises OperationError when a tool is missing."""

    def __init__(self, root: Path, settings: Settings) -> None:
        self.root = root
        self._terraform = os.environ.get("TERRAFORM_BINARY_NAME", "terraform")
        self._script = root / "node_modules" / "cdktf-cli" / "bundle" / "bin" / "cdktf"
        self._environ = _environ(root, settings)
        path = self._environ["PATH"]
        if shutil.which("node", path=path) is None:
            raise OperationError("node is not on PATH and not in .venv/; run `make setup`")
        if not self._script.is_file():
            raise OperationError(f"cdktf is not installed ({self._script} is missing); run `make setup`")
        if shutil.which(self._terraform, path=path) is None:
            raise OperationError(
                f"{self._terraform} is not on PATH; install Terraform 1.5 or later (import blocks need it)"
            )

    def diff(self, stacks: Sequence[str]) -> list[Planned]:
        """Plans stacks that are synthesized already, side by side, and leaves each plan in its stack's folder."""
        with ThreadPoolExecutor() as pool:
            found = list(pool.map(self._diff, stacks))
        return [one for planned_stack in found for one in planned_stack]

    def _diff(self, stack: str) -> list[Planned]:
        _run(self._command("diff", stack, "--skip-synth", _WITHOUT_LOCK), self.root, self._environ)
        return planned(stack, json.loads(self._show(stack, "-json")))

    def plan_text(self, stack: str) -> str:
        """Terraform's own rendering of the plan that `diff` left."""
        return self._show(stack, "-no-color")

    def deploy(self, stacks: Sequence[str]) -> None:
        """Applies stacks that are synthesized already, with the CLI's output on the terminal.

        Ctrl-C is left to the CLI and Terraform, which stop in order. Raises OperationError.
        """
        command = self._command("deploy", *stacks, "--skip-synth", "--auto-approve", _WITHOUT_LOCK)
        with _interrupts_left_to_child() as interrupted:
            code = subprocess.Popen(command, cwd=self.root, env=self._environ).wait()
        if interrupted or code:
            what = "was interrupted" if interrupted else f"failed (cdktf exit code {code})"
            raise OperationError(
                f"the deploy of {', '.join(stacks)} {what}. What was applied stays; run the same command again, "
                "Terraform does only what is missing"
            )

    def _show(self, stack: str, option: str) -> str:
        folder = self.root / OUTPUT / "stacks" / stack
        return _run([self._terraform, "show", option, "plan"], folder, self._environ)

    def _command(self, *arguments: str) -> list[str]:
        return ["node", str(self._script), *arguments]


def _environ(root: Path, settings: Settings) -> dict[str, str]:
    node = bundled_node()
    folders = [str(node.parent)] if node else []
    return os.environ | {
        "PATH": os.pathsep.join([*folders, str(root / ".venv" / "bin"), os.environ.get("PATH", "")]),
        # Without it the CLI sends telemetry.
        "CHECKPOINT_DISABLE": "1",
        # The CLI deploys what lies here, whatever the variable said before.
        "CDKTF_OUTDIR": str(root / OUTPUT),
        "INGEST_NIGHT": str(settings.night),
        "INGEST_STRATEGY": settings.strategy,
    }


def _run(command: list[str], folder: Path, environ: dict[str, str]) -> str:
    """What the command printed. Raises OperationError with its words when it fails."""
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False)
    if done.returncode:
        words = f"{done.stdout}\n{done.stderr}".strip()
        raise OperationError(f"`{' '.join(command)}` failed in {folder}:\n{words}")
    return done.stdout


def planned(stack: str, plan: dict[str, Any]) -> list[Planned]:
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


@contextmanager
def _interrupts_left_to_child() -> Any:
    """Notes Ctrl-C instead of raising; the terminal sends it to the child as well."""
    seen: list[int] = []
    # Not SIG_IGN, which the child would inherit.
    previous = signal.signal(signal.SIGINT, lambda number, _: seen.append(number))
    try:
        yield seen
    finally:
        signal.signal(signal.SIGINT, previous)
