"""Runs the cdktf CLI of node_modules/ and reads the plans that it leaves."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ingest.settings import Settings, as_environ
from operations.errors import OperationError
from operations.terraform.engine import OUTPUT, Planned, TakenOver, Terraform, in_order, side_by_side, stack_folder
from operations.terraform.messages import not_noted
from operations.terraform.state import BucketStore, StateError, refuse_left_behind
from toolchain import bundled_node

# The lock command asks Terraform's registry even where the provider lies in a local mirror.
_WITHOUT_LOCK = "--skip-provider-lock"
_MAIN_FOR_EACH = """
import json, os, sys
sys.path.insert(0, os.getcwd())
import main
for environ in json.load(sys.stdin):
    os.environ.update(environ)
    main.main()
"""

_GO_ON = "What was applied stays; run the same command again, Terraform does only what is missing"


def synthesize(root: Path, settings: Settings) -> None:
    """Writes a night to cdktf.out/: the same bytes as `cdktf synth`, without its start. Raises OperationError."""
    _run([sys.executable, "main.py"], root, night_environ(root, settings))


def synthesize_all(root: Path, nights: Mapping[Path, Settings], environ: Mapping[str, str]) -> None:
    """Writes each night to its folder, by main.py in one process: loading the google assembly takes most of a synth.

    Raises OperationError.
    """
    environs = [night_environ(root, settings, outdir=outdir, environ=environ) for outdir, settings in nights.items()]
    _run([sys.executable, "-c", _MAIN_FOR_EACH], root, environs[0], given=json.dumps(environs))


class DeployInterrupted(OperationError):  # noqa: N818
    """Somebody stopped the deploy with Ctrl-C."""


class Cdktf:
    """The CLI on the night that was synthesized last in `root`. Raises OperationError when a tool is missing."""

    def __init__(self, root: Path, settings: Settings) -> None:
        from operations.cloud.credentials import scheduler_client

        self.root = root
        self._settings = settings
        self._script = root / "node_modules" / "cdktf-cli" / "bundle" / "bin" / "cdktf"
        self._environ = night_environ(root, settings)
        if shutil.which("node", path=self._environ["PATH"]) is None:
            raise OperationError("node is not on PATH and not in .venv/; run `make setup`")
        if not self._script.is_file():
            raise OperationError(f"cdktf is not installed ({self._script} is missing); run `make setup`")
        self.terraform = Terraform(root, self._environ, lambda: scheduler_client(self._environ))

    def diff(self, stacks: Sequence[str]) -> list[Planned]:
        """Plans stacks that are synthesized already, side by side, and leaves each plan in its stack's folder.

        Raises StateError where the state is locked or out of reach, or where the other backend holds it.
        """
        refuse_left_behind(self.root, self._settings, stacks)
        if self._settings.backend == "gcs":
            BucketStore(self._settings, self._environ).check()
        for stack in stacks:
            self.terraform.follow_backend(stack)
        return [one for planned in side_by_side(self._diff, stacks) for one in planned]

    def _diff(self, stack: str) -> list[Planned]:
        try:
            _run(self._command("diff", stack, "--skip-synth", _WITHOUT_LOCK), self.root, self._environ)
        except OperationError as error:
            if about := self.terraform.about_state(stack, str(error)):
                raise StateError(f"{stack}: {about}") from None
            raise
        return self.terraform.show(stack)

    def plan_text(self, stack: str) -> str:
        """Terraform's own rendering of the plan that `diff` left."""
        return self.terraform.run(stack, "show", "plan")

    def deploy(self, stacks: Sequence[str]) -> None:
        """Applies stacks that are synthesized already, with the CLI's output on the terminal.

        The identity is applied before the others, which are applied side by side. Ctrl-C is left to the CLI and
        Terraform, which stop in order. Raises OperationError.
        """
        for part in in_order(stacks):
            self._deploy_part(part)

    def _deploy_part(self, stacks: Sequence[str]) -> None:
        started = time.time()
        if not self._deploy(stacks):
            return
        for stack in stacks:
            kept = stack_folder(self.root, stack) / "errored.tfstate"
            if kept.exists() and kept.stat().st_mtime >= started - 1:
                raise StateError(f"{stack}: {not_noted(str(kept.parent))}")
        why = ""
        try:
            over = self.terraform.take_over(stacks)
        except StateError as error:
            over, why = TakenOver([], []), f" {error}."
        except OperationError:
            # What stopped the deploy stops this too, and the CLI has told it.
            over = TakenOver([], [])
        if over.names:
            print(f"{', '.join(over.names)}: made by an earlier deploy that was cut off, now in the state.")
        if not over.names or self._deploy(stacks):
            if over.foreign:
                foreign = ", ".join(over.foreign)
                why += f" There already, and not as declared: {foreign}; see `ingest-rollout status`."
            raise OperationError(f"the deploy of {', '.join(stacks)} failed.{why} {_GO_ON}")

    def _deploy(self, stacks: Sequence[str]) -> int:
        command = self._command("deploy", *stacks, "--skip-synth", "--auto-approve", _WITHOUT_LOCK)
        with _interrupts_left_to_child() as interrupted:
            code = subprocess.Popen(command, cwd=self.root, env=self._environ).wait()
        if interrupted:
            raise DeployInterrupted(f"the deploy of {', '.join(stacks)} was interrupted. {_GO_ON}")
        return code

    def _command(self, *arguments: str) -> list[str]:
        return ["node", str(self._script), *arguments]


def night_environ(
    root: Path, settings: Settings, *, outdir: Path | None = None, environ: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """`environ` with the tools of the repository at `root` on the path, and with the settings."""
    node = bundled_node()
    folders = [str(node.parent)] if node else []
    return {
        **environ,
        **as_environ(settings),
        "PATH": os.pathsep.join([*folders, str(root / ".venv" / "bin"), environ.get("PATH", "")]),
        # Without it the CLI sends telemetry.
        "CHECKPOINT_DISABLE": "1",
        # Stacks are initialised side by side, which Terraform's plugin cache does not bear.
        "CDKTF_DISABLE_PLUGIN_CACHE_ENV": "1",
        # The CLI deploys what lies in cdktf.out/, whatever the variable said before.
        "CDKTF_OUTDIR": str(outdir or root / OUTPUT),
    }


def _run(command: list[str], folder: Path, environ: dict[str, str], given: str = "") -> str:
    """What the command printed. Raises OperationError with its words when it fails."""
    done = subprocess.run(command, cwd=folder, env=environ, input=given, capture_output=True, text=True, check=False)
    if done.returncode:
        words = f"{done.stdout}\n{done.stderr}".strip()
        raise OperationError(f"`{' '.join(command)}` failed in {folder}:\n{words}")
    return done.stdout


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
