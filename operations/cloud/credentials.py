"""Google's own clients, pointed where Terraform's google provider is pointed."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit
from warnings import catch_warnings, simplefilter

from ingest.text.shown import printable
from operations.cloud.private import is_loopback, refuse_open_endpoints
from operations.errors import SIGN_IN, OperationError

# Imported where they are used: a rehearsal checks its addresses before it has time for Google's clients.
if TYPE_CHECKING:
    from google.auth.credentials import Credentials
    from google.auth.exceptions import GoogleAuthError
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


class SignIn(NamedTuple):
    """Variables, the first one that is set wins: with a key or the path of its file, and with an account's email."""

    keys: tuple[str, ...]
    impersonates: tuple[str, ...]


PROVIDER = SignIn(
    ("GOOGLE_CREDENTIALS", "GOOGLE_CLOUD_KEYFILE_JSON", "GCLOUD_KEYFILE_JSON"), ("GOOGLE_IMPERSONATE_SERVICE_ACCOUNT",)
)
"""Those of the google provider 6.50.0 (google/provider/provider.go, google/transport/config.go)."""

BACKEND = SignIn(
    ("GOOGLE_BACKEND_CREDENTIALS", "GOOGLE_CREDENTIALS"),
    ("GOOGLE_BACKEND_IMPERSONATE_SERVICE_ACCOUNT", "GOOGLE_IMPERSONATE_SERVICE_ACCOUNT"),
)
"""Those of Terraform's gcs backend (internal/backend/remote-state/gcs/backend.go)."""

QUOTA_VARIABLE = "GOOGLE_CLOUD_QUOTA_PROJECT"
_SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)
_BROKEN = (ValueError, LookupError, TypeError, AttributeError)
"""What google.auth raises over a key's JSON that lacks something or has it in another type."""


def credentials(environ: Mapping[str, str], *, code: int = 1, variables: SignIn = PROVIDER) -> Credentials:
    """What the google provider, or by other `variables` the backend, would sign in with.

    A token wins over a key, and a key over the application-default credentials; the account to impersonate is on top of
    whichever it is. Raises OperationError (exit code `code`) without any, and where `environ` has an endpoint that is
    not https.
    """
    from google.auth.exceptions import GoogleAuthError

    try:
        refuse_open_endpoints(environ)
    except OperationError as error:
        raise OperationError(str(error), code) from None
    with catch_warnings():
        simplefilter("ignore")  # About a missing quota project: the API's own error has the command.
        try:
            signed_in = _quota(_source(environ, variables.keys), environ)
        except (GoogleAuthError, *_BROKEN) as error:
            raise OperationError(f"no Google Cloud credentials ({printable(str(error))}); {SIGN_IN}", code) from None
    if account := _first(environ, variables.impersonates)[1]:
        from google.auth import impersonated_credentials

        # The client's own type hints know service accounts and users as a source only.
        signed_in = impersonated_credentials.Credentials(  # type: ignore[no-untyped-call]
            source_credentials=signed_in,
            target_principal=account,
            target_scopes=list(_SCOPES),
            quota_project_id=getattr(signed_in, "quota_project_id", None),
        )
    return signed_in


def quota_project(environ: Mapping[str, str]) -> str:
    """The project that user credentials name for quotas, "" without one.

    `gcloud auth application-default set-quota-project` puts it into their file, where Google's clients find it and the
    google provider does not: it looks at QUOTA_VARIABLE only.
    """
    if named := environ.get(QUOTA_VARIABLE):
        return named
    text = _first(environ, PROVIDER.keys)[1]
    if not text and not (text := environ.get("GOOGLE_APPLICATION_CREDENTIALS", "")):
        home = environ.get("CLOUDSDK_CONFIG") or os.path.join(environ.get("HOME", ""), ".config", "gcloud")
        text = os.path.join(home, "application_default_credentials.json")
    try:
        project = json.loads(_content(text))["quota_project_id"]
    except (OSError, RecursionError, *_BROKEN):
        return ""
    return project if isinstance(project, str) else ""


def _source(environ: Mapping[str, str], keys: Sequence[str]) -> Credentials:
    import google.auth
    from google.auth.exceptions import DefaultCredentialsError
    from google.oauth2.credentials import Credentials as TokenCredentials

    if token := environ.get(TOKEN_VARIABLE):
        return TokenCredentials(_content(token).strip())  # type: ignore[no-untyped-call]
    name, text = _first(environ, keys)
    if not text:
        return google.auth.default(scopes=_SCOPES)[0]
    try:
        key = json.loads(_content(text))
    except (OSError, RecursionError, ValueError):
        # The value may be a key that was cut off: it is not shown.
        raise _no_key(f"{name} is neither the path of a key's file nor its JSON") from None
    try:
        signed_in, _ = google.auth.load_credentials_from_dict(key, scopes=_SCOPES)  # type: ignore[no-untyped-call]
    except (DefaultCredentialsError, *_BROKEN) as error:
        raise _no_key(f"{name}: {type(error).__name__}, it is no key of Google's") from None
    return signed_in  # type: ignore[no-any-return]


def _no_key(text: str) -> GoogleAuthError:
    from google.auth.exceptions import DefaultCredentialsError

    return DefaultCredentialsError(text)  # type: ignore[no-untyped-call]


def _quota(signed_in: Credentials, environ: Mapping[str, str]) -> Credentials:
    """With the project that the provider sends for quotas."""
    from google.auth.credentials import CredentialsWithQuotaProject

    overrides = environ.get("USER_PROJECT_OVERRIDE", "").lower() in ("1", "t", "true")
    project = (environ.get("GOOGLE_BILLING_PROJECT") if overrides else None) or quota_project(environ)
    if project and isinstance(signed_in, CredentialsWithQuotaProject):
        return signed_in.with_quota_project(project)  # type: ignore[no-any-return, no-untyped-call]
    return signed_in


def _first(environ: Mapping[str, str], names: Sequence[str]) -> tuple[str, str]:
    """The first of the variables that is set, and its value; both "" without one."""
    return next(((name, environ[name]) for name in names if environ.get(name)), ("", ""))


def _content(text: str) -> str:
    """Of the file that `text` is the path of; `text` itself where it is no path. Raises OSError."""
    path = os.path.expanduser(text) if text.startswith("~") else text
    return Path(path).read_text(encoding="utf-8") if os.path.exists(path) else text


def _client(address: str, signed_in: Credentials) -> scheduler_v1.CloudSchedulerClient:
    from google.cloud import scheduler_v1
    from google.cloud.scheduler_v1.services.cloud_scheduler.transports import CloudSchedulerRestTransport

    url = urlsplit(address)
    transport = CloudSchedulerRestTransport(host=url.netloc, url_scheme=url.scheme, credentials=signed_in)
    return scheduler_v1.CloudSchedulerClient(transport=transport)
