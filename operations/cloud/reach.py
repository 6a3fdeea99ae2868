"""Whether an API can be reached at all, found out in seconds: Google's own clients try for a minute."""

from __future__ import annotations

import socket
from threading import Thread
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from operations.cloud.errors import Cause, UnansweredError, unreached

PATIENCE = 3.0
"""Seconds for the name and the connection."""


def refuse_unreachable(api: str, url: str, *, code: int = 1) -> None:
    """Raises UnansweredError where nobody listens at the host of `url`, or at the proxy that leads there.

    `api` is its name for people, `code` the command's exit code.
    """
    place = urlsplit(url)
    proxies = {} if proxy_bypass(place.hostname or "") else getproxies()
    if proxy := proxies.get(place.scheme) or proxies.get("all"):
        place = urlsplit(proxy)
    if why := _silence(place.hostname or "", place.port or (80 if place.scheme == "http" else 443)):
        text = f"{api} {unreached(f'{place.hostname}: {why}')}"
        raise UnansweredError(text, Cause.UNREACHABLE, code)


def _silence(host: str, port: int) -> str | None:
    """Why there is no connection; None: there is one."""
    outcome: list[str | None] = []

    def connect() -> None:
        try:
            socket.create_connection((host, port), PATIENCE).close()
            outcome.append(None)
        except (OSError, UnicodeError) as error:
            outcome.append(getattr(error, "strerror", None) or str(error))

    # In a thread: the system's resolver takes no timeout.
    thread = Thread(target=connect, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    return outcome[0] if outcome else f"no answer in {PATIENCE:.0f} s"
