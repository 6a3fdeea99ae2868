from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.contract.place import VARIABLES, Place, real, twins

_PLACES = [pytest.param(twins, id="twin")]
if all(name in os.environ for name in VARIABLES):
    # All of its tests change the same datasets.
    _PLACES.append(pytest.param(real, id="real", marks=pytest.mark.xdist_group("real-service")))


@pytest.fixture(params=_PLACES)
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    with request.param() as place:
        yield place
