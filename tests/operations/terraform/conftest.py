from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.checkout import Checkout
from tests.given.deployed import evening, for_deploys
from tests.given.storage import BUCKET, Storage, running
from twin.twin import Twin


@pytest.fixture
def storage() -> Iterator[Storage]:
    """With the team's bucket, empty."""
    with running(BUCKET) as found:
        yield found


@pytest.fixture
def twin() -> Iterator[Twin]:
    with evening() as twin:
        yield twin


@pytest.fixture
def new_checkout(
    provider: None, twin: Twin, storage: Storage, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., Checkout]:
    """Makes clean checkouts with the same bucket and the same jobs; `backend` is the committed one."""

    def made(backend: str) -> Checkout:
        root: Path = tmp_path_factory.mktemp("checkout")
        environ = {**twin.endpoints, **storage.environ, "GOOGLE_OAUTH_ACCESS_TOKEN": "for the local endpoint"}
        checkout = for_deploys(root, environ, tmp_path_factory)
        checkout.set_context(backend=backend, backend_bucket=BUCKET)
        return checkout

    return made
