from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from ingest.settings import Settings, load
from operations.adopt import write
from rehearsal.safety import twin_environ
from rehearsal.workspace import Workspace, synthesize_nights
from tests.checkout import FAST_GO, ROOT, Checkout
from tests.given.adopt import make_hostile, recorded
from tests.given.domain import SETTINGS
from tests.given.stage import MONDAY, Open, Stage
from tests.given.synth import once
from twin.twin import Twin, running

Make = Callable[[Twin], None]


@pytest.fixture
def stage(synthesized_nights: Callable[[Settings], dict[int, Path]], tmp_path_factory: pytest.TempPathFactory) -> Open:
    @contextmanager
    def opened(*faults: str, engine: str = "built-in", **settings: str) -> Iterator[Stage]:
        folder = tmp_path_factory.mktemp("stage")
        chosen = load(ROOT, {"INGEST_NIGHT": "0", **{f"INGEST_{key.upper()}": text for key, text in settings.items()}})
        with running(chosen, MONDAY) as twin:
            environ = twin_environ({**os.environ, **FAST_GO}, twin.endpoints, folder)
            yield Stage(twin, Workspace(synthesized_nights(chosen), folder / "deploy"), environ, engine, faults)

    return opened


@pytest.fixture(scope="session")
def recorded_nights(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Make], dict[int, Path]]:
    """The nights as main.py synthesizes them in a checkout in which the live jobs are recorded."""

    def found(make: Make) -> dict[int, Path]:
        def fill(folder: Path) -> None:
            checkout = Checkout(tmp_path_factory.mktemp("checkout"))
            with running(SETTINGS, MONDAY) as twin:
                make(twin)
                write(checkout.root, recorded(twin))
            synthesize_nights(checkout.root, SETTINGS, folder, checkout.environ)

        folder = once(tmp_path_factory, ("recorded", make.__qualname__), fill)
        return {night: folder / f"night-{night}" for night in SETTINGS.rollout.numbers}

    return found


@pytest.fixture
def adopted_stage(recorded_nights: Callable[[Make], dict[int, Path]], tmp_path_factory: pytest.TempPathFactory) -> Open:
    """A twin whose live jobs were changed by `make`, and the nights that declare them."""

    @contextmanager
    def opened(engine: str, make: Make = make_hostile) -> Iterator[Stage]:
        folder = tmp_path_factory.mktemp("stage")
        with running(SETTINGS, MONDAY) as twin:
            make(twin)
            twin.settings = replace(SETTINGS, found=recorded(twin))
            environ = twin_environ({**os.environ, **FAST_GO}, twin.endpoints, folder)
            yield Stage(twin, Workspace(recorded_nights(make), folder / "deploy"), environ, engine, ())

    return opened
