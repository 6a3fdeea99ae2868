from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ingest.baseline import Baseline, load_baseline
from ingest.settings import Settings, load, read_context
from stacks.night import night_app
from tests.checkout import ROOT
from tests.unit.given import SETTINGS

Stacks = dict[str, Any]
Synthesize = Callable[..., Stacks]


@pytest.fixture
def synthesize(tmp_path: Path) -> Synthesize:
    """Synthesizes the design's settings with some replaced; the content of each stack's cdk.tf.json by stack id."""

    def run(**changed: Any) -> Stacks:
        return synthesized(replace(SETTINGS, **changed), tmp_path)

    return run


@pytest.fixture
def synthesize_committed(tmp_path: Path) -> Synthesize:
    """The same of what is committed: the settings, and the baseline where there is one."""

    def run(**changed: Any) -> Stacks:
        return synthesized(replace(load(ROOT, {}), **changed), tmp_path, load_baseline(ROOT))

    return run


def synthesized(settings: Settings, folder: Path, baseline: Baseline | None = None) -> Stacks:
    night_app(settings, outdir=folder, context=read_context(ROOT), baseline=baseline).synth()
    return {file.parent.name: json.loads(file.read_text()) for file in folder.glob("stacks/*/cdk.tf.json")}
