from __future__ import annotations

from pathlib import Path

import pytest

from operations.history import Ledger
from tests.history.given import story


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "history" / "ledger.jsonl")


@pytest.fixture(scope="session")
def told(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The bytes of a ledger with a record of every kind."""
    return story(tmp_path_factory.mktemp("told") / "ledger.jsonl").path.read_bytes()
