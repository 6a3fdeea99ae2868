from __future__ import annotations

import pytest

from tests.given.ledger import story


@pytest.fixture(scope="session")
def told(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The bytes of a ledger with a record of every kind."""
    return story(tmp_path_factory.mktemp("told") / "ledger.jsonl").path.read_bytes()
