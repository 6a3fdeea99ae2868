"""What is said, and which cause is found, when a Google client raises."""

# mypy: disable-error-code="no-untyped-call"
from __future__ import annotations

from concurrent.futures import TimeoutError as FutureTimeout
from json import JSONDecodeError

import pytest
import requests
from google.api_core.exceptions import (
    BadRequest,
    Forbidden,
    GoogleAPICallError,
    InternalServerError,
    NotFound,
    RetryError,
    ServiceUnavailable,
    TooManyRequests,
    Unauthorized,
)
from google.auth.exceptions import DefaultCredentialsError, RefreshError, TransportError
from hypothesis import given
from hypothesis import strategies as st

from ingest.text.shown import LONGEST
from operations.cloud.errors import Cause, UnansweredError, asking, failure, message
from operations.errors import SIGN_IN

REFUSED = (
    "HTTPConnectionPool(host='127.0.0.1', port=9): Max retries exceeded with url: /x (Caused by NewConnectionError("
    "'<urllib3.connection.HTTPConnection object at 0x7f>: Failed to establish a new connection: [Errno 111] Connection "
    "refused'))"
)

NETWORK = "check the network and the proxy, then run this again"


def answered(status: str) -> requests.Response:
    response = requests.Response()
    response._content = f'{{"error": {{"status": "{status}"}}}}'.encode()
    return response


@pytest.mark.parametrize(
    ("error", "cause", "text"),
    [
        (Forbidden("no", response=answered("PERMISSION_DENIED")), Cause.DENIED, "PERMISSION_DENIED, no"),
        (Forbidden("no", errors=[{"reason": "accessDenied"}]), Cause.DENIED, "HTTP 403, no"),
        (Forbidden("no", errors=[{"reason": "quotaExceeded"}]), Cause.OTHER, "HTTP 403, no"),
        (Forbidden("a proxy's page"), Cause.OTHER, "HTTP 403, a proxy's page"),
        (
            Forbidden("Never used before or it is disabled.", response=answered("PERMISSION_DENIED")),
            Cause.DISABLED,
            "PERMISSION_DENIED, Never used before or it is disabled.",
        ),
        (NotFound("no", response=answered("NOT_FOUND")), Cause.NOT_FOUND, "NOT_FOUND, no"),
        (NotFound("no", errors=[{"reason": "notFound"}]), Cause.NOT_FOUND, "HTTP 404, no"),
        (NotFound("a web server's page"), Cause.OTHER, "HTTP 404, a web server's page"),
        (NotFound("no", errors=["odd"]), Cause.OTHER, "HTTP 404, no"),
        (BadRequest("bad"), Cause.OTHER, "HTTP 400, bad"),
        (GoogleAPICallError("odd"), Cause.OTHER, "odd"),
        (TooManyRequests("slow"), Cause.UNAVAILABLE, "HTTP 429, slow; try again later"),
        (InternalServerError("broken"), Cause.UNAVAILABLE, "HTTP 500, broken; try again later"),
        (ServiceUnavailable(""), Cause.UNAVAILABLE, "HTTP 503, no reason given; try again later"),
        (
            RetryError("Timeout of 20s exceeded", ServiceUnavailable("busy")),
            Cause.UNAVAILABLE,
            "HTTP 503, busy; try again later",
        ),
        (RetryError("Timeout of 20s exceeded", None), Cause.OTHER, "Timeout of 20s exceeded, last exception: None"),
        (Unauthorized("expired"), Cause.CREDENTIALS, f"the credentials were not accepted (expired); {SIGN_IN}"),
        (RefreshError("gone"), Cause.CREDENTIALS, f"the credentials were not accepted (gone); {SIGN_IN}"),
        (DefaultCredentialsError("none"), Cause.CREDENTIALS, f"the credentials were not accepted (none); {SIGN_IN}"),
        (
            requests.ConnectionError(REFUSED),
            Cause.UNREACHABLE,
            f"it cannot be reached ([Errno 111] Connection refused); {NETWORK}",
        ),
        (
            TransportError(requests.ConnectionError(REFUSED)),
            Cause.UNREACHABLE,
            f"it cannot be reached ([Errno 111] Connection refused); {NETWORK}",
        ),
        (
            FutureTimeout(),
            Cause.UNREACHABLE,
            f"it cannot be reached (no answer in time); {NETWORK}",
        ),
        (
            requests.JSONDecodeError("Expecting value", "", 0),
            Cause.UNREADABLE,
            "the answer is none that the API gives (JSONDecodeError: Expecting value: line 1 column 1 (char 0))",
        ),
        (KeyError("rows"), Cause.UNREADABLE, "the answer is none that the API gives (KeyError: 'rows')"),
    ],
)
def test_an_error_has_a_cause_and_one_line(error: Exception, cause: Cause, text: str) -> None:
    found = failure(error)

    assert (found.cause, found.text) == (cause, text)
    with pytest.raises(UnansweredError) as raised, asking("the jobs cannot be listed", code=2):
        raise error
    assert (str(raised.value), raised.value.cause, raised.value.code) == (
        f"the jobs cannot be listed: {text}",
        cause,
        2,
    )


def test_a_remedy_is_for_its_cause_only() -> None:
    remedies = {Cause.DENIED: "ask for the role"}
    denied = Forbidden("no", errors=[{"reason": "forbidden"}])
    with pytest.raises(UnansweredError, match=r"^q: HTTP 403, no; ask for the role$"), asking("q", remedies=remedies):
        raise denied
    with pytest.raises(UnansweredError, match=r"^q: HTTP 403, no$"), asking("q", remedies=remedies):
        raise Forbidden("no")


def test_what_is_no_answers_fault_passes() -> None:
    with pytest.raises(KeyboardInterrupt), asking("q"):
        raise KeyboardInterrupt
    with pytest.raises(MemoryError), asking("q"):
        raise MemoryError


def test_words_are_the_apis_without_the_request() -> None:
    assert message(BadRequest("POST https://bigquery/x?y: Syntax error\n\nJob ID: 7")) == "Syntax error"


@given(st.text())
def test_any_message_becomes_one_line_that_is_not_too_long(text: str) -> None:
    for error in (BadRequest(text), OSError(text), ValueError(text), RefreshError(text), JSONDecodeError(text, "", 0)):
        line = failure(error).text
        assert len(line.splitlines()) == 1
        assert len(line) < LONGEST + 200
