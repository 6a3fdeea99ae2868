from __future__ import annotations

from pathlib import Path

import pytest

from tests.given.ledger import Repository, story


@pytest.fixture(scope="session")
def told(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The bytes of a ledger with a record of every kind."""
    return story(tmp_path_factory.mktemp("told") / "ledger.jsonl").path.read_bytes()


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path)
