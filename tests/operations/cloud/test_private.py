"""A token goes to https or to this machine, and no redirect takes it elsewhere."""

from __future__ import annotations

import pytest
from google.api_core.exceptions import GoogleAPIError

from operations.cloud.bigquery import bigquery_client
from operations.cloud.credentials import TOKEN_VARIABLE, credentials, scheduler_client
from operations.cloud.private import is_loopback
from operations.cloud.routes import get
from operations.cloud.scheduler import parent
from operations.errors import OperationError
from operations.terraform.synth import night_environ
from tests.checkout import ROOT
from tests.given.domain import SETTINGS
from twin.server import serve

OPEN = "http://10.0.0.1:8080/v1/"
ENDPOINTS = [f"GOOGLE_{name}_CUSTOM_ENDPOINT" for name in ("CLOUD_SCHEDULER", "BIGQUERY", "IAM", "BACKEND_STORAGE")]


@pytest.mark.parametrize("name", ENDPOINTS)
@pytest.mark.parametrize(
    "address", [OPEN, "http://example.com/", "http://127.0.0.1.example.com/", "ftp://example.com/"]
)
def test_an_endpoint_that_is_not_https_is_refused_by_name(name: str, address: str) -> None:
    environ = {name: address, TOKEN_VARIABLE: "secret"}
    line = f"{name}: {address} is not https, and a token would be sent to it; use https"

    for use in (lambda: credentials(environ), lambda: night_environ(ROOT, SETTINGS, environ=environ)):
        with pytest.raises(OperationError) as raised:
            use()
        assert str(raised.value) == line


@pytest.mark.parametrize(
    "address",
    ["nonsense", "http://[bad", "https://", "https://127.0.0.1:99999/v1/", "https://h:port/", "127.0.0.1:80\n"],
)
def test_an_endpoint_that_is_no_url_is_refused_by_name(address: str) -> None:
    with pytest.raises(OperationError) as raised:
        credentials({ENDPOINTS[0]: address, TOKEN_VARIABLE: "secret"})

    assert str(raised.value).startswith(f"{ENDPOINTS[0]}: {address.strip()} is no URL; it has to be like https://")
    assert not is_loopback("http://[bad")


@pytest.mark.parametrize("address", ["", "https://example.com/v1/", "http://127.0.0.1:4000/v1/", "http://[::1]:1/"])
def test_https_and_this_machine_are_taken(address: str) -> None:
    assert credentials({ENDPOINTS[0]: address, TOKEN_VARIABLE: "secret"})


def test_bigquery_and_the_service_get_no_token_in_the_open() -> None:
    with pytest.raises(OperationError) as raised:
        bigquery_client(SETTINGS, {"GOOGLE_BIGQUERY_CUSTOM_ENDPOINT": OPEN, TOKEN_VARIABLE: "secret"})
    assert raised.value.code == 2
    with pytest.raises(OperationError, match=r"SERVICE_ID_TOKEN: http://10\.0\.0\.1/entities is not https"):
        get("http://10.0.0.1/entities", "secret")


def test_a_redirect_to_another_host_gets_no_token() -> None:
    seen: list[str | None] = []

    def elsewhere(environ: dict[str, str], start_response: object) -> list[bytes]:
        seen.append(environ.get("HTTP_AUTHORIZATION"))
        start_response("404 Not Found", [])  # type: ignore[operator]
        return [b"{}"]

    with serve(elsewhere) as other:
        target = other.replace("127.0.0.1", "localhost")

        def redirects(environ: dict[str, str], start_response: object) -> list[bytes]:
            assert environ["HTTP_AUTHORIZATION"] == "Bearer secret"
            start_response("307 Temporary Redirect", [("Location", target)])  # type: ignore[operator]
            return [b""]

        with serve(redirects) as address:
            client = scheduler_client({ENDPOINTS[0]: f"{address}/v1/", TOKEN_VARIABLE: "secret"})
            with pytest.raises(GoogleAPIError):
                list(client.list_jobs(parent=parent(SETTINGS)))

    assert seen == [None]
