"""The rehearsal's own folder: each night as it is synthesized, and the folder that is deployed from."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from ingest.settings import Settings
from operations.terraform.engine import stack_folder
from operations.terraform.synth import synthesize_all


@dataclass(frozen=True)
class Workspace:
    """`nights` are the folders that the nights are synthesized to."""

    nights: Mapping[int, Path]
    deploys_from: Path

    def use(self, night: int) -> None:
        """Puts the night's JSON where it is deployed from."""
        self.deploys_from.mkdir(parents=True, exist_ok=True)
        for file in self.nights[night].glob("stacks/*/cdk.tf.json"):
            folder = stack_folder(self.deploys_from, file.parent.name)
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, folder)


def synthesize_nights(root: Path, settings: Settings, folder: Path, environ: Mapping[str, str]) -> dict[int, Path]:
    """Writes all nights of the settings' strategy to folders in `folder`. Raises OperationError.

    The bytes are those that production gets, but for a remote backend: a rehearsal keeps its state beside them.
    """
    nights = {night: folder / f"night-{night}" for night in settings.rollout.numbers}
    each = {path: replace(settings, night=night, backend="local") for night, path in nights.items()}
    # jsii unpacks itself into the temporary folder, and leaves that when it is interrupted.
    synthesize_all(root, each, {**environ, "TMPDIR": str(folder)})
    return nights
