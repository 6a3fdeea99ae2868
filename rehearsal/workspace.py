"""The rehearsal's own folder: each night as it is synthesized, and the folder that is deployed from."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from ingest.settings import Settings
from operations.cdktf import synthesize_all
from operations.terraform import stack_folder


class Workspace:
    """Synthesizes all nights of `settings`' strategy. Raises OperationError when that fails.

    The bytes are those that production gets, but for a remote backend: a rehearsal keeps its state in `folder`.
    """

    def __init__(self, root: Path, settings: Settings, folder: Path, environ: Mapping[str, str]) -> None:
        self.deploys_from = folder / "deploy"
        self._nights = {night: folder / f"night-{night}" for night in settings.rollout.numbers}
        nights = {path: replace(settings, night=night, backend="local") for night, path in self._nights.items()}
        synthesize_all(root, nights, environ)

    def use(self, night: int) -> None:
        """Puts the night's JSON where it is deployed from."""
        for file in self._nights[night].glob("stacks/*/cdk.tf.json"):
            folder = stack_folder(self.deploys_from, file.parent.name)
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, folder)
