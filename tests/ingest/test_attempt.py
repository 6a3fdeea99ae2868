"""The canonical codes and their names."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from google.rpc.code_pb2 import Code as GoogleCode

from ingest.attempt import NEVER, Attempt, Code, code_name


def test_the_codes_are_googles() -> None:
    assert {code.name: code.value for code in Code} == dict(GoogleCode.items())


@pytest.mark.parametrize("code", [-1, 17, 99])
def test_another_code_is_named_by_its_number(code: int) -> None:
    assert code_name(code) == f"code {code}"


def test_an_attempt_has_an_outcome_and_none_has_not() -> None:
    assert Attempt(datetime(2026, 10, 22, tzinfo=UTC), 4).outcome == "DEADLINE_EXCEEDED"
    assert NEVER.outcome == "never ran"
