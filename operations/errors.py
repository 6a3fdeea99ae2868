"""The one error that ends a command."""

from __future__ import annotations


class OperationError(Exception):
    """What is wrong, where, and what to do. The command line prints it without a traceback and exits with `code`."""

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.code = code
