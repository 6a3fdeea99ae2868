"""Google's own clients, pointed where Terraform's google provider is pointed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from operations.cloud.private import is_loopback, refuse_open_endpoints
from operations.errors import SIGN_IN, OperationError

# Imported where they are used: a rehearsal checks its addresses before it has time for Google's clients.
if TYPE_CHECKING:
    from google.auth.credentials import Credentials
    from google.cloud import scheduler_v1

ENDPOINT_VARIABLE = "GOOGLE_CLOUD_SCHEDULER_CUSTOM_ENDPOINT"
TOKEN_VARIABLE = "GOOGLE_OAUTH_ACCESS_TOKEN"  # noqa: S105


def local_scheduler_client(address: str) -> scheduler_v1.CloudSchedulerClient:
    """A client of the endpoint at `address`, without credentials. Raises OperationError for one off this machine."""
    if not is_loopback(address):
        raise OperationError(f"{address} is not on this machine; a rehearsal talks to loopback addresses only")
    from google.auth.credentials import AnonymousCredentials

    return _client(address, AnonymousCredentials())  # type: ignore[no-untyped-call]


def scheduler_client(environ: Mapping[str, str]) -> scheduler_v1.CloudSchedulerClient:
    """A client with the endpoint and the credentials that the google provider takes from the same environment.

    Raises OperationError when there are no credentials, or nobody listens there.
    """
    from operations.cloud.reach import refuse_unreachable

    address = environ.get(ENDPOINT_VARIABLE, "").removesuffix("/v1/") or "https://cloudscheduler.googleapis.com"
    signed_in = credentials(environ)
    refuse_unreachable("Cloud Scheduler", address)
    return _client(address, signed_in)


def credentials(environ: Mapping[str, str], *, code: int = 1) -> Credentials:
    """What the google provider would sign in with.

    Raises OperationError (exit code `code`) without any, and where `environ` has an endpoint that is not https.
    """
    import google.auth
    from google.auth.exceptions import GoogleAuthError
    from google.oauth2.credentials import Credentials as TokenCredentials

    try:
        refuse_open_endpoints(environ)
    except OperationError as error:
        raise OperationError(str(error), code) from None
    if token := environ.get(TOKEN_VARIABLE):
        return TokenCredentials(token)  # type: ignore[no-untyped-call]
    try:
        found, _ = google.auth.default(scopes=["https://www.googleapis.com/auth/cloud-platform"])
    except GoogleAuthError as error:
        raise OperationError(f"no Google Cloud credentials ({error}); {SIGN_IN}", code) from None
    return found


def _client(address: str, signed_in: Credentials) -> scheduler_v1.CloudSchedulerClient:
    from google.cloud import scheduler_v1
    from google.cloud.scheduler_v1.services.cloud_scheduler.transports import CloudSchedulerRestTransport

    url = urlsplit(address)
    transport = CloudSchedulerRestTransport(host=url.netloc, url_scheme=url.scheme, credentials=signed_in)
    return scheduler_v1.CloudSchedulerClient(transport=transport)
