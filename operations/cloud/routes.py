"""What the ingest service says that it serves: its own lists, and how it answers for an entity that it does not have.

Nothing asked here starts an ingest. In the service's public source (v2_ingestor/index.js of 2025-11-03) GET /entities,
GET /ref-entities and GET /health only answer; GET <path>/<entity> looks the entity up before all else, and one that is
unknown gets 404 with the known ones as JSON. Below a path that is no route, Express answers 404 in HTML.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from google.auth.credentials import AnonymousCredentials
from google.auth.exceptions import GoogleAuthError
from google.auth.transport.requests import AuthorizedSession

from operations.cloud.errors import Cause, UnansweredError, failure
from operations.cloud.private import refuse_open

TIMEOUT = 10.0
"""Seconds."""

TOKEN_VARIABLE = "SERVICE_ID_TOKEN"  # noqa: S105
"""Holds an OIDC token for a service that is closed to requests without one."""

LONGEST = 100_000
"""Bytes that are read of an answer."""

UNKNOWN = "no-such-entity"

PUBLIC_REFERENCE_PATH = "/ingest-ref"
"""Where the public source serves reference entities."""

ENTITIES = ("/entities", "entities")
REFERENCES = ("/ref-entities", "refEntities")
"""The path of a list, and its key."""


@dataclass(frozen=True)
class Answer:
    """`http_status` is None when there was no answer: `text` says why. `body` is the JSON object, empty for others."""

    http_status: int | None
    body: Mapping[str, Any] = field(default_factory=dict)
    text: str = ""

    @property
    def said(self) -> str:
        """Such as "404 Not Found"."""
        if self.http_status is None:
            return f"gave no answer ({self.text})"
        known = self.http_status in {*HTTPStatus}
        return f"answers {self.http_status}" + (f" {HTTPStatus(self.http_status).phrase}" if known else "")

    def names(self, *keys: str) -> tuple[str, ...] | None:
        """The list of names under the first of `keys` that the body has; None where there is none."""
        names = next((self.body[key] for key in keys if key in self.body), None)
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            return None
        return tuple(names)


Ask = Callable[[str], Answer]


def get(url: str, token: str = "") -> Answer:
    """One GET, with the OIDC token where there is one, without a second try; redirects are not followed.

    Raises OperationError for a token and an address that is not https.
    """
    if token:
        refuse_open(url, TOKEN_VARIABLE)
    headers = {"Authorization": f"Bearer {token}"} if token else None
    # No status makes it ask again with new credentials.
    session = AuthorizedSession(AnonymousCredentials(), refresh_status_codes=())  # type: ignore[no-untyped-call]
    try:
        with session.request(
            "GET", url, headers=headers, timeout=TIMEOUT, allow_redirects=False, stream=True
        ) as response:  # type: ignore[no-untyped-call]
            content = response.raw.read(LONGEST, decode_content=True)
            return Answer(response.status_code, _object(content))
    except (GoogleAuthError, OSError, ValueError) as error:
        return Answer(None, text=failure(error).message)
    finally:
        session.close()  # type: ignore[no-untyped-call]


def listed(ask: Ask, base_url: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names of the service's entities and of its reference entities. Raises UnansweredError."""
    return _list(ask, base_url, *ENTITIES), _list(ask, base_url, *REFERENCES)


def below(ask: Ask, base_url: str, path: str) -> tuple[str, ...] | None:
    """The names that the service takes after `path`; None: it has no such route. Raises UnansweredError.

    For a service that has the lists: another one might take any name.
    """
    url = f"{base_url}{path}/{UNKNOWN}"
    answer = ask(url)
    if answer.http_status != 404:
        raise UnansweredError(f"{url} {answer.said}, not 404 with the names that it knows", _cause(answer))
    return answer.names("availableEntities", "availableRefEntities")


def _list(ask: Ask, base_url: str, path: str, key: str) -> tuple[str, ...]:
    answer = ask(base_url + path)
    names = answer.names(key) if answer.http_status == 200 else None
    if names is None:
        raise UnansweredError(_why(ask, base_url, path, answer), _cause(answer))
    return names


def _why(ask: Ask, base_url: str, path: str, answer: Answer) -> str:
    if answer.http_status in (401, 403):
        return f"{base_url} lets nobody in without a token that it knows: {path} {answer.said}"
    if answer.http_status == 404:
        health = ask(f"{base_url}/health")
        if health.http_status == 404:
            return (
                f"{base_url} answers 404 to {path} and to /health: its ingress may be internal, "
                "or base_url names another service"
            )
        return f"{base_url} has no {path}, so what it serves is not known (/health {health.said})"
    if answer.http_status == 200:
        return f"{base_url}{path} answers 200 without its list of names"
    return f"{base_url}{path} {answer.said}"


def _cause(answer: Answer) -> Cause:
    if answer.http_status is None:
        return Cause.UNREACHABLE
    return Cause.DENIED if answer.http_status in (401, 403) else Cause.OTHER


def _object(content: bytes) -> dict[str, Any]:
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
