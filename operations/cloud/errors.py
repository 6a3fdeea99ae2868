"""What Google's APIs answer when they do not answer the question: patience with it, and one clear line about it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

from google.api_core.exceptions import Forbidden, GoogleAPICallError, GoogleAPIError, NotFound, RetryError
from google.api_core.retry import Retry
from google.auth.exceptions import GoogleAuthError
from google.protobuf.json_format import ParseError  # type: ignore[import-untyped]

from operations.cloud.credentials import words
from operations.errors import OperationError

TIMEOUT = 10.0
"""Seconds that one request may take."""

RETRY: Retry = Retry(initial=0.5, multiplier=2.0, maximum=4.0, timeout=20.0)
"""Tries again for 20 s on what passes: 429, 500, 503 and a connection that broke."""

LONGEST = 300


class Cause(StrEnum):
    DISABLED = "disabled"
    """The API is not enabled in the project."""
    DENIED = "denied"
    NOT_FOUND = "not found"
    OTHER = "other"


class UnansweredError(OperationError):
    """A question that an API did not answer."""

    def __init__(self, message: str, cause: Cause = Cause.OTHER) -> None:
        super().__init__(message)
        self.cause = cause


@contextmanager
def asking(question: str) -> Iterator[None]:
    """Turns whatever a Google client raises in the block into UnansweredError: "<question>: <why not>".

    TypeError and the like are among it: the client libraries raise them over an answer that is no API's.
    """
    try:
        yield
    except RetryError as error:
        why = error.cause if isinstance(error.cause, Exception) else error
        raise _told(question, why) from None
    except (GoogleAPIError, GoogleAuthError, ParseError, OSError) as error:
        raise _told(question, error) from None
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise UnansweredError(f"{question}: the answer is none that the API gives ({_line(str(error))})") from None


def _told(question: str, error: Exception) -> UnansweredError:
    if isinstance(error, ParseError):
        return UnansweredError(f"{question}: the answer is none that the API gives ({_line(str(error))})")
    if isinstance(error, GoogleAuthError):
        text = f"the credentials were not accepted ({_line(str(error))}); run `gcloud auth application-default login`"
        return UnansweredError(f"{question}: {text}")
    if isinstance(error, GoogleAPICallError):
        name = _status(error) or f"HTTP {error.code}"
        return UnansweredError(f"{question}: {name}, {_line(words(error))}", _cause(error))
    return UnansweredError(f"{question}: {_line(str(error) or type(error).__name__)}")


def _cause(error: GoogleAPICallError) -> Cause:
    # A 403 or 404 without the API's own status comes from something between here and the API.
    status = _status(error)
    if isinstance(error, Forbidden) and status == "PERMISSION_DENIED":
        disabled = error.reason == "SERVICE_DISABLED" or "or it is disabled" in str(error.message)
        return Cause.DISABLED if disabled else Cause.DENIED
    if isinstance(error, NotFound) and status == "NOT_FOUND":
        return Cause.NOT_FOUND
    return Cause.OTHER


def _status(error: GoogleAPICallError) -> str:
    """The canonical code's name that the body holds; "" where it holds none."""
    try:
        status = error.response.json()["error"]["status"]
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        return ""
    return status if isinstance(status, str) else ""


def _line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else f"{line[:LONGEST]} ..."
