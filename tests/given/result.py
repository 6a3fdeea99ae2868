"""What a command that asks BigQuery came to."""

from __future__ import annotations

from click.testing import Result

from operations.errors import OperationError


def code(result: Result) -> int:
    """Its exit code; an error is one line."""
    if isinstance(result.exception, OperationError):
        assert "\n" not in str(result.exception)
        return result.exception.code
    if result.exception:
        raise result.exception
    return int(result.return_value)
