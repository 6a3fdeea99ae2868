from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace

import pytest
from google.api_core.retry import Retry
from google.cloud.scheduler_v1 import CloudSchedulerClient

from operations import answers
from operations.cdktf import synthesize_all
from operations.clients import local_scheduler_client
from operations.declared import Declared, read
from rehearsal.twin import Twin, running
from tests.checkout import ROOT
from tests.twin.given import START
from tests.unit.given import SETTINGS


@pytest.fixture(scope="session")
def nights(tmp_path_factory: pytest.TempPathFactory) -> dict[int, list[Declared]]:
    """What each night of `phased` declares, as main.py synthesizes it."""
    folder = tmp_path_factory.mktemp("nights")
    each = {folder / str(number): replace(SETTINGS, night=number) for number in range(4)}
    synthesize_all(ROOT, each, os.environ)
    return {int(path.name): read(path) for path in each}


@pytest.fixture
def twin() -> Iterator[Twin]:
    """With the seven jobs made by hand; it is 1 AM."""
    with running(SETTINGS, START) as twin:
        yield twin


@pytest.fixture
def client(twin: Twin) -> CloudSchedulerClient:
    return local_scheduler_client(twin.address)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "RETRY", Retry(initial=0.001, maximum=0.002, timeout=0.1))
