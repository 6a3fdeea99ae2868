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
    """With the seven jobs as they were made by hand, with fields that nobody wrote down; it is 9 PM."""
    with running(load(ROOT, {}), in_phoenix("2026-10-20T21:00")) as twin:
        for name in list(twin.scheduler.jobs):
            unknown = {"description": "made by hand", "attemptDeadline": "600s"}
            twin.scheduler.patch(name, unknown, list(unknown))
        twin.scheduler.take_writes()
        yield twin


@pytest.fixture
def scheduler(twin: Twin) -> Scheduler:
    return twin.scheduler


@pytest.fixture
def checkout(provider: None, twin: Twin, tmp_path: Path) -> Checkout:
    """A clean checkout whose Terraform finds the endpoint in the environment: the JSON is what production gets."""
    return Checkout(
        tmp_path,
        {**twin.endpoints, "GOOGLE_OAUTH_ACCESS_TOKEN": "for the local endpoint"},
    )
