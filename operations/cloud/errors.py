"""Why Google's APIs do not answer a question: one translation into a cause and one clear line, and how often we ask."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from json import JSONDecodeError

from google.api_core.exceptions import (
    Forbidden,
    GoogleAPICallError,
    GoogleAPIError,
    NotFound,
    RetryError,
    ServerError,
    TooManyRequests,
    Unauthorized,
)
from google.api_core.retry import Retry
from google.auth.exceptions import GoogleAuthError, TransportError
from google.protobuf.json_format import ParseError  # type: ignore[import-untyped]

from ingest.text.shown import printable
from operations.errors import SET_QUOTA_PROJECT, SIGN_IN, OperationError

TIMEOUT = 10.0
"""Seconds that one request may take."""

RETRY: Retry = Retry(initial=0.5, multiplier=2.0, maximum=4.0, timeout=20.0)
"""Tries again for 20 s on what passes: 429, 500, 503 and a connection that broke."""


class Cause(StrEnum):
    DISABLED = "disabled"
    """The API is not enabled in the project."""
    DENIED = "denied"
    NOT_FOUND = "not found"
    QUOTA_PROJECT = "quota project"
    """User credentials name no project for quotas, or one that they may not use."""
    CREDENTIALS = "credentials"
    """They are missing, expired or not accepted."""
    UNAVAILABLE = "unavailable"
    """The API has too much to do, or an error of its own."""
    UNREACHABLE = "unreachable"
    """The network, or no answer in time."""
    UNREADABLE = "unreadable"
    """The answer is none that the API gives."""
    OTHER = "other"


@dataclass(frozen=True)
class Failure:
    """`message` is one line, of the API where it said something; `http_status` is 0 where there was no answer.

    `status` is the canonical code's name, such as PERMISSION_DENIED; "" where the answer has none.
    """

    cause: Cause
    message: str
    http_status: int = 0
    status: str = ""

    @property
    def text(self) -> str:
        """What is wrong and, where it is the same for every API, what to do."""
        if self.cause is Cause.CREDENTIALS:
            return f"the credentials were not accepted ({self.message}); {SIGN_IN}"
        if self.cause is Cause.QUOTA_PROJECT:
            return f"the credentials have no quota project that they may use ({self.message}); {SET_QUOTA_PROJECT}"
        if self.cause is Cause.UNREACHABLE:
            return f"it {unreached(self.message)}"
        if self.cause is Cause.UNREADABLE:
            return f"the answer is none that the API gives ({self.message})"
        name = self.status or (f"HTTP {self.http_status}" if self.http_status else "")
        said = f"{name}, {self.message}" if name else self.message
        return f"{said}; try again later" if self.cause is Cause.UNAVAILABLE else said


def unreached(why: str) -> str:
    """What is wrong with something that nothing answers for, and what to do."""
    return f"cannot be reached ({why}); check the network and the proxy, then run this again"


class UnansweredError(OperationError):
    """A question that an API did not answer."""

    def __init__(self, message: str, cause: Cause = Cause.OTHER, code: int = 1) -> None:
        super().__init__(message, code)
        self.cause = cause


@contextmanager
def asking(question: str, *, remedies: Mapping[Cause, str] | None = None, code: int = 1) -> Iterator[None]:
    """Turns whatever a Google client raises in the block into UnansweredError: "<question>: <why not>; <remedy>".

    TypeError and the like are among it: the client libraries raise them over an answer that is no API's. `code` is the
    command's exit code.
    """
    try:
        yield
    except (
        *(GoogleAPIError, GoogleAuthError, ParseError, OSError),
        *(ArithmeticError, AttributeError, LookupError, TypeError, ValueError),
    ) as error:
        why = failure(error)
        remedy = (remedies or {}).get(why.cause)
        text = f"{question}: {why.text}" + (f"; {remedy}" if remedy else "")
        raise UnansweredError(text, why.cause, code) from None


def failure(error: BaseException) -> Failure:
    """What an error of a Google client, or of the network under it, means."""
    if isinstance(error, RetryError):
        error = error.cause or error
    if isinstance(error, GoogleAPICallError):
        return Failure(_cause(error), message(error), int(error.code or 0), _status(error))
    if isinstance(error, TimeoutError):
        return Failure(Cause.UNREACHABLE, "no answer in time")
    # What requests raises over an answer that is not JSON is an OSError too.
    if isinstance(error, TransportError) or (isinstance(error, OSError) and not isinstance(error, JSONDecodeError)):
        return Failure(Cause.UNREACHABLE, printable(_innermost(str(error))) or type(error).__name__)
    if isinstance(error, GoogleAuthError):
        return Failure(Cause.CREDENTIALS, printable(str(error)) or type(error).__name__)
    if isinstance(error, GoogleAPIError):
        return Failure(Cause.OTHER, printable(str(error)) or type(error).__name__)
    return Failure(Cause.UNREADABLE, printable(f"{type(error).__name__}: {error}"))


def message(error: GoogleAPICallError) -> str:
    """What the API says, in one line, without the request that the REST client puts before it.

    BigQuery puts the job's id into lines below.
    """
    said = re.sub(r"^[A-Z]+ \S+: ", "", str(error.message)).strip()
    return printable(said.partition("\n")[0]) or "no reason given"


def _cause(error: GoogleAPICallError) -> Cause:
    # A 403 or 404 without the API's own body comes from something between here and the API.
    # BigQuery and Cloud Storage have reasons where newer APIs have a status.
    named = {_status(error), *(detail.get("reason") for detail in error.errors or () if isinstance(detail, Mapping))}
    if isinstance(error, Unauthorized):
        return Cause.CREDENTIALS
    if isinstance(error, TooManyRequests | ServerError):
        return Cause.UNAVAILABLE
    if isinstance(error, Forbidden) and (
        error.reason == "USER_PROJECT_DENIED" or "requires a quota project" in str(error.message)
    ):
        return Cause.QUOTA_PROJECT
    if isinstance(error, Forbidden) and named & {"PERMISSION_DENIED", "accessDenied", "forbidden"}:
        disabled = error.reason == "SERVICE_DISABLED" or "or it is disabled" in str(error.message)
        return Cause.DISABLED if disabled else Cause.DENIED
    if isinstance(error, NotFound) and named & {"NOT_FOUND", "notFound"}:
        return Cause.NOT_FOUND
    return Cause.OTHER


def _status(error: GoogleAPICallError) -> str:
    """The canonical code's name that the body holds; "" where it holds none."""
    try:
        status = error.response.json()["error"]["status"]
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        return ""
    return status if isinstance(status, str) else ""


def _innermost(text: str) -> str:
    """The innermost words of an error of the network, without the objects that urllib3 prints."""
    reason = text.rpartition(": ")[2] if "Errno" not in text else text[text.rfind("[Errno") :]
    return reason.strip().strip(" '\")")
