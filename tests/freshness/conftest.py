from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.freshness.given import Place
from tests.freshness.given import place as a_place


@pytest.fixture
def place() -> Iterator[Place]:
    """All sixteen tables, empty."""
    with a_place() as place:
        yield place
