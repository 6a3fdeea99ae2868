"""Runs main.py, which synthesizes the stacks of a night."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from ingest.settings import Settings, as_environ
from operations.cloud.credentials import QUOTA_VARIABLE, quota_project
from operations.cloud.private import refuse_open_endpoints
from operations.errors import OperationError
from operations.terraform.engine import OUTPUT
from operations.terraform.process import run
from toolchain import STEERS_TERRAFORM, bundled_node, steering

STEERING = tuple(STEERS_TERRAFORM)
"""What the names of variables that lead Terraform elsewhere start with."""

# What changes the synthesized bytes, how often the state is saved, and what floods the errors that we read.
_LEFT_OUT = ("CDKTF_CONTEXT_JSON", "CDKTF_TARGET_STACK_ID", "SYNTH_HCL_OUTPUT", "TF_STATE_PERSIST_INTERVAL")
_LOGS = ("TF_LOG", "TF_LOG_CORE", "TF_LOG_PROVIDER")

_MAIN_FOR_EACH = """
import json, os, sys
sys.path.insert(0, os.getcwd())
import main
for environ in json.load(sys.stdin):
    os.environ.update(environ)
    main.main()
"""


def synthesize(root: Path, settings: Settings, outdir: Path | None = None) -> None:
    """Writes a night to `outdir` (None: OUTPUT): the same bytes as `cdktf synth`, without its start.

    Raises OperationError.
    """
    _run([sys.executable, "main.py"], root, night_environ(root, settings, outdir=outdir))


def synthesize_all(root: Path, nights: Mapping[Path, Settings], environ: Mapping[str, str]) -> None:
    """Writes each night to its folder, by main.py in one process: starting Node takes most of a synth.

    Raises OperationError.
    """
    environs = [night_environ(root, settings, outdir=outdir, environ=environ) for outdir, settings in nights.items()]
    _run([sys.executable, "-c", _MAIN_FOR_EACH], root, environs[0], given=json.dumps(environs))


def night_environ(
    root: Path, settings: Settings, *, outdir: Path | None = None, environ: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """`environ` for main.py and Terraform: with the tools of the repository at `root` on the path, and the settings.

    Raises OperationError for variables that lead Terraform elsewhere, or its token to an address that is not https.
    """
    if problems := steering(environ):
        raise OperationError("\n".join(problems))
    refuse_open_endpoints(environ)
    node = bundled_node()
    folders = [str(node.parent)] if node else []
    quota = quota_project(environ)
    left_out = {*_LEFT_OUT, *(() if environ.get("TF_LOG_PATH") else _LOGS)}
    return {
        **{key: value for key, value in environ.items() if key not in left_out},
        **as_environ(settings),
        "PATH": os.pathsep.join([*folders, str(root / ".venv" / "bin"), environ.get("PATH", "")]),
        # Without it Terraform asks its maker for newer versions.
        "CHECKPOINT_DISABLE": "1",
        # What is deployed is in there, whatever the variable said before.
        "CDKTF_OUTDIR": str(outdir or root / OUTPUT),
        # In the C locale, Node would get another path than the checkout's where that has other letters than ASCII.
        "PYTHONUTF8": "1",
        # Not the one that somebody selected in a stack's folder.
        "TF_WORKSPACE": "default",
        **({QUOTA_VARIABLE: quota} if quota else {}),
    }


def _run(command: list[str], folder: Path, environ: dict[str, str], given: str = "") -> None:
    """Raises OperationError with the command's words when it fails."""
    done = run(command, folder, environ, given=given)
    if done.code:
        output = f"{done.stdout}\n{done.stderr}".strip()
        raise OperationError(f"`{command[0]} main.py` failed in {folder}:\n{output}")
