"""Asks a service whether it has a route, by OPTIONS and nothing else: a GET or a HEAD would start an ingest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from google.auth.credentials import AnonymousCredentials
from google.auth.exceptions import GoogleAuthError
from google.auth.transport.requests import AuthorizedSession

TIMEOUT = 10.0
"""Seconds."""


@dataclass(frozen=True)
class RouteAnswer:
    """`http_status` is None when there was no answer: `text` says why. `allow` are the methods of the Allow header."""

    http_status: int | None
    allow: frozenset[str] = frozenset()
    text: str = ""


def probe(url: str) -> RouteAnswer:
    """One OPTIONS, without credentials, a body, or a second try; redirects are not followed."""
    # No status makes it ask again with new credentials.
    session = AuthorizedSession(AnonymousCredentials(), refresh_status_codes=())  # type: ignore[no-untyped-call]
    try:
        with _options(session, url) as response:
            methods = response.headers.get("Allow", "").split(",")
            return RouteAnswer(response.status_code, frozenset(m.strip().upper() for m in methods if m.strip()))
    except (GoogleAuthError, OSError, ValueError) as error:
        return RouteAnswer(None, text=" ".join(str(error).split())[:200])
    finally:
        session.close()  # type: ignore[no-untyped-call]


def _options(session: AuthorizedSession, url: str) -> Any:
    return session.request(  # type: ignore[no-untyped-call]
        "OPTIONS", url, timeout=TIMEOUT, allow_redirects=False, stream=True
    )
