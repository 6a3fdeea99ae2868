"""The project's stacks with every setting turned on that adds to them, and Terraform run by hand in a folder."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from subprocess import CompletedProcess

from ingest.rollout import STRATEGIES
from ingest.settings import Settings, load
from tests.checkout import ROOT, Checkout, run_in

EVERYTHING = {
    "INGEST_INVOKER_SERVICE_ACCOUNT": "invoker@kpi-auto-471020.iam.gserviceaccount.com",
    "INGEST_CREATE_INVOKER": "true",
    "INGEST_NOTIFICATION_CHANNELS": "projects/kpi-auto-471020/notificationChannels/1",
    "INGEST_FRESHNESS_SERVICE_ACCOUNT": "freshness@kpi-auto-471020.iam.gserviceaccount.com",
    "INGEST_DEPLOYERS": "group:data@example.com",
    "INGEST_OPERATORS": "group:operators@example.com",
    "INGEST_GITHUB_REPOSITORY": "example/schedules",
    "INGEST_GITHUB_REPOSITORY_ID": "987654321",
    "INGEST_GITHUB_REPOSITORY_OWNER_ID": "12345",
    "INGEST_BACKEND_BUCKET": "example-state",
}


def every_night() -> Iterator[tuple[str, Settings]]:
    """Each night of each strategy by a name: bare, with everything, and with the state in a bucket."""
    for strategy in STRATEGIES:
        for kind, environ in {
            "bare": {},
            "everything": EVERYTHING,
            "in a bucket": EVERYTHING | {"INGEST_BACKEND": "gcs"},
        }.items():
            settings = load(ROOT, {**environ, "INGEST_STRATEGY": strategy, "INGEST_NIGHT": "0"})
            for night in settings.rollout.numbers:
                yield f"{strategy}-{night}-{kind.replace(' ', '-')}", replace(settings, night=night)


def terraform(
    folder: Path, environ: Mapping[str, str], *arguments: str, binary: str = "terraform"
) -> CompletedProcess[str]:
    """`binary` as somebody without this project has it: nothing of .venv on the path."""
    found = shutil.which(binary)
    assert found, binary
    command, *rest = arguments
    path = os.pathsep.join([str(Path(found).parent), "/usr/bin", "/bin"])
    return run_in(folder, found, command, "-no-color", *rest, environ={**environ, "PATH": path})


def apply(checkout: Checkout, stack: str, *, night: int) -> Path:
    """Synthesizes a night with cdktf and applies one stack in its folder, which is returned."""
    done = checkout.main(INGEST_NIGHT=str(night))
    assert done.returncode == 0, done.stderr
    folder = checkout.root / "cdktf.out" / "stacks" / stack
    for arguments in (["init", "-input=false"], ["apply", "-input=false", "-auto-approve"]):
        done = terraform(folder, checkout.environ, *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
    return folder
