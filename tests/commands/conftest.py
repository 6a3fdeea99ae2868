"""Where commands run that are called in this process."""

from __future__ import annotations

import pytest

from operations.cloud.credentials import TOKEN_VARIABLE
from tests.checkout import ROOT


@pytest.fixture
def in_the_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    """In its root, without a token of the tester's own."""
    monkeypatch.chdir(ROOT)
    monkeypatch.delenv(TOKEN_VARIABLE, raising=False)
