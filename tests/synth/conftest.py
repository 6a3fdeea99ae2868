from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ingest.settings import Settings, load, read_context
from stacks.night import night_app
from tests.checkout import ROOT

Stacks = dict[str, Any]
Synthesize = Callable[..., Stacks]


@pytest.fixture
def committed() -> Settings:
    return load(ROOT, {})


@pytest.fixture
def synthesize(tmp_path: Path, committed: Settings) -> Synthesize:
    """Synthesizes the committed settings with some replaced; the content of each stack's cdk.tf.json by stack id."""

    def run(**changed: Any) -> Stacks:
        night_app(replace(committed, **changed), outdir=tmp_path, context=read_context(ROOT)).synth()
        return {file.parent.name: json.loads(file.read_text()) for file in tmp_path.glob("stacks/*/cdk.tf.json")}

    return run
