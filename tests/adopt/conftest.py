from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from pathlib import Path

import pytest

from operations.adopt import write
from rehearsal.safety import twin_environ
from rehearsal.twin import Twin, running
from rehearsal.workspace import Workspace, synthesize_nights
from tests.adopt.given import make_hostile, recorded
from tests.checkout import Checkout
from tests.rehearsal.conftest import MONDAY, Stage
from tests.unit.given import SETTINGS

Make = Callable[[Twin], None]
Open = Callable[..., AbstractContextManager[Stage]]


@pytest.fixture
def twin() -> Iterator[Twin]:
    """With the seven jobs made by hand; it is 9 PM."""
    with running(SETTINGS, MONDAY) as twin:
        yield twin


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


@pytest.fixture(scope="session")
def recorded_nights(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Make], dict[int, Path]]:
    """The nights as main.py synthesizes them in a checkout in which the live jobs are recorded."""

    @cache
    def synthesized(make: Make) -> dict[int, Path]:
        checkout = Checkout(tmp_path_factory.mktemp("checkout"))
        with running(SETTINGS, MONDAY) as twin:
            make(twin)
            write(checkout.root, recorded(twin))
        return synthesize_nights(checkout.root, SETTINGS, tmp_path_factory.mktemp("nights"), checkout.environ)

    return synthesized


@pytest.fixture
def stage(recorded_nights: Callable[[Make], dict[int, Path]], tmp_path_factory: pytest.TempPathFactory) -> Open:
    """A twin whose live jobs were changed by `make`, and the nights that declare them."""

    @contextmanager
    def opened(engine: str, make: Make = make_hostile) -> Iterator[Stage]:
        folder = tmp_path_factory.mktemp("stage")
        with running(SETTINGS, MONDAY) as twin:
            make(twin)
            environ = twin_environ(os.environ, twin.endpoints, folder)
            yield Stage(twin, Workspace(recorded_nights(make), folder / "deploy"), environ, engine, ())

    return opened
