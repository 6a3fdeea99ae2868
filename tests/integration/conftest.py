from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.checkout import Checkout
from tests.given.deployed import evening, for_deploys, leave_deployed
from twin.scheduler import Scheduler
from twin.twin import Twin


@pytest.fixture
def twin() -> Iterator[Twin]:
    with evening() as twin:
        yield twin


@pytest.fixture
def scheduler(twin: Twin) -> Scheduler:
    return twin.scheduler


@pytest.fixture
def checkout(provider: None, twin: Twin, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A clean checkout whose Terraform finds the endpoint in the environment: the JSON is what production gets."""
    environ = {**twin.endpoints, "GOOGLE_OAUTH_ACCESS_TOKEN": "for the local endpoint"}
    return for_deploys(tmp_path, environ, tmp_path_factory)


@pytest.fixture
def deployed(checkout: Checkout, twin: Twin, tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Checkout]:
    """The checkout and the jobs after a deploy of that night."""

    def of(night: int) -> Checkout:
        leave_deployed(night, checkout, twin, tmp_path_factory)
        return checkout

    return of
