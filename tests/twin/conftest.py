from __future__ import annotations

from collections.abc import Iterator

import pytest
from google.cloud.scheduler_v1 import CloudSchedulerClient

from operations.clients import local_scheduler_client
from rehearsal.twin import Twin, running
from tests.twin.given import START
from tests.unit.given import SETTINGS


@pytest.fixture(autouse=True)
def no_baseline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether one is committed or not, the live jobs are as gcloud makes them."""
    monkeypatch.setattr("rehearsal.seeds.load_baseline", lambda root: {})


@pytest.fixture
def twin() -> Iterator[Twin]:
    """With the seven jobs made by hand; it is 1 AM."""
    with running(SETTINGS, START) as twin:
        yield twin


@pytest.fixture
def client(twin: Twin) -> CloudSchedulerClient:
    return local_scheduler_client(twin.address)
