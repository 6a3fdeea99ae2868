from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from functools import cache
from pathlib import Path

import pytest

from ingest.schedule import time_zone
from ingest.settings import Settings, load
from operations.clients import local_scheduler_client
from operations.history import FILE, Ledger
from rehearsal.faults import parse
from rehearsal.rehearse import Rehearsal
from rehearsal.safety import twin_environ
from rehearsal.session import choose
from rehearsal.trouble import Trouble
from rehearsal.twin import Twin, running
from rehearsal.workspace import Workspace, synthesize_nights
from tests.checkout import ROOT

MONDAY = datetime(2026, 10, 19, 21, tzinfo=time_zone("America/Phoenix"))

Open = Callable[..., AbstractContextManager["Stage"]]


class Stage:
    """A twin with its workspace, and a rehearsal on it that has not begun."""

    def __init__(self, twin: Twin, workspace: Workspace, environ: dict[str, str], engine: str, faults: tuple[str, ...]):
        self.twin = twin
        self.workspace = workspace
        self.client = local_scheduler_client(twin.address)
        self.make_engine = choose(engine, workspace, environ, self.client)
        self.environ = environ
        ledger = Ledger(workspace.deploys_from.parent / FILE)
        trouble = Trouble([parse(text, twin.settings.rollout) for text in faults], twin)
        self.rehearsal = Rehearsal(
            twin.settings, twin, environ, workspace, self.make_engine, trouble, ledger, lambda text: None
        )


@pytest.fixture(scope="session")
def nights(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Settings], dict[int, Path]]:
    """Synthesizes the nights of settings, once for equal ones."""

    @cache
    def synthesized(settings: Settings) -> dict[int, Path]:
        return synthesize_nights(ROOT, settings, tmp_path_factory.mktemp("nights"), os.environ)

    return synthesized


@pytest.fixture
def stage(nights: Callable[[Settings], dict[int, Path]], tmp_path_factory: pytest.TempPathFactory) -> Open:
    @contextmanager
    def opened(*faults: str, engine: str = "built-in", **settings: str) -> Iterator[Stage]:
        folder = tmp_path_factory.mktemp("stage")
        chosen = load(ROOT, {"INGEST_NIGHT": "0", **{f"INGEST_{key.upper()}": text for key, text in settings.items()}})
        with running(chosen, MONDAY) as twin:
            environ = twin_environ(os.environ, twin.endpoints, folder)
            yield Stage(twin, Workspace(nights(chosen), folder / "deploy"), environ, engine, faults)

    return opened
