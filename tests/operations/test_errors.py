"""The exit codes of the errors that end a command."""

from __future__ import annotations

import pytest

from operations.errors import FailedError, OperationError


@pytest.mark.parametrize(
    ("error", "code"), [(OperationError("a"), 1), (OperationError("a", code=2), 2), (FailedError("a"), 1)]
)
def test_an_error_is_its_text_and_ends_with_1_unless_it_says_otherwise(error: OperationError, code: int) -> None:
    assert (str(error), error.code) == ("a", code)
