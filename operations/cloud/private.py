"""Where a token may go: over https, or to this machine."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit

from ingest.text.shown import printable
from operations.errors import OperationError


def is_loopback(address: str) -> bool:
    """Whether `address`, such as "http://127.0.0.1:40001/v1/", can only be this machine."""
    try:
        return ip_address(urlsplit(address).hostname or "").is_loopback
    except ValueError:
        return False


def refuse_open(address: str, source: str) -> None:
    """Raises OperationError for an address that is no URL, and for one that a token would reach in the open.

    `source` names where it is from.
    """
    try:
        url = urlsplit(address)
        is_url = bool(url.scheme and url.hostname) and url.port != 0
    except ValueError:
        is_url = False
    if not is_url:
        raise OperationError(
            f"{source}: {printable(address)} is no URL; it has to be like https://host.example/v1/, or unset"
        )
    if url.scheme != "https" and not is_loopback(address):
        raise OperationError(f"{source}: {address} is not https, and a token would be sent to it; use https")


def refuse_open_endpoints(environ: Mapping[str, str]) -> None:
    """`refuse_open` for the endpoints that the google provider, and Google's clients after it, take from `environ`."""
    for name in sorted(environ):
        if name.startswith("GOOGLE_") and name.endswith("_CUSTOM_ENDPOINT") and environ[name]:
            refuse_open(environ[name], name)
