from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.settings import load
from tests.checkout import ROOT, Checkout
from tests.given.domain import in_phoenix
from twin.scheduler import Scheduler
from twin.twin import Twin, running


@pytest.fixture
def twin() -> Iterator[Twin]:
    with running(load(ROOT, {}), in_phoenix("2026-10-20T21:00")) as twin:
        yield twin


@pytest.fixture
def scheduler(twin: Twin) -> Scheduler:
    return twin.scheduler


@pytest.fixture
def checkout(provider: None, twin: Twin, tmp_path: Path) -> Checkout:
    """A clean checkout whose Terraform finds the twin in the environment."""
    root = tmp_path / "checkout"
    root.mkdir()
    return Checkout(root, {**twin.endpoints, "GOOGLE_OAUTH_ACCESS_TOKEN": "for the twin"})
