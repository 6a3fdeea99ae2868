from __future__ import annotations

from collections.abc import Iterator

import pytest
from google.cloud.scheduler_v1 import CloudSchedulerClient

from operations.cloud.credentials import local_scheduler_client
from tests.given.domain import SETTINGS
from tests.given.twin import START
from twin.twin import Twin, running


@pytest.fixture
def twin() -> Iterator[Twin]:
    """With the seven jobs made by hand; it is 1 AM."""
    with running(SETTINGS, START) as twin:
        yield twin


@pytest.fixture
def client(twin: Twin) -> CloudSchedulerClient:
    return local_scheduler_client(twin.address)
