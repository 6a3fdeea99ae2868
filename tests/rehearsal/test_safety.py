"""A rehearsal cannot reach anything real."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from operations.cloud.credentials import local_scheduler_client
from operations.cloud.private import is_loopback
from operations.errors import OperationError
from rehearsal.safety import twin_environ, with_proxies, without_proxies

ADDRESS = "http://127.0.0.1:4000"
ENDPOINTS = {"GOOGLE_CLOUD_SCHEDULER_CUSTOM_ENDPOINT": f"{ADDRESS}/v1/"}
SECRETS = {
    "GOOGLE_APPLICATION_CREDENTIALS": "/secret.json",
    "GOOGLE_OAUTH_ACCESS_TOKEN": "secret-token",
    "GOOGLE_CREDENTIALS": "secret-json",
    "GOOGLE_PROJECT": "secret-project",
    "GOOGLE_CLOUD_SCHEDULER_CUSTOM_ENDPOINT": "https://secret.example.com/v1/",
    "CLOUDSDK_CORE_ACCOUNT": "secret@example.com",
    "CLOUDSDK_CONFIG": "/secret/gcloud",
    "TF_VAR_token": "secret",
    "TF_TOKEN_app_terraform_io": "secret",
    "TF_CLI_ARGS_apply": "-state=/secret",
    "TF_DATA_DIR": "/secret",
    "HTTPS_PROXY": "http://secret.example.com",
    "http_proxy": "http://secret.example.com",
    "NO_PROXY": "secret.example.com",
    "GCE_METADATA_HOST": "secret.example.com",
    "INGEST_BACKEND_BUCKET": "secret-bucket",
    "AWS_SECRET_ACCESS_KEY": "secret",
}


def test_no_credential_and_no_proxy_of_the_callers_is_passed_on(tmp_path: Path) -> None:
    environ = twin_environ(SECRETS | {"PATH": "/bin", "HOME": "/home/me"}, ENDPOINTS, tmp_path)

    assert not [value for value in environ.values() if "secret" in value]
    assert environ["GOOGLE_CLOUD_SCHEDULER_CUSTOM_ENDPOINT"] == f"{ADDRESS}/v1/"
    assert (environ["PATH"], environ["HOME"]) == ("/bin", "/home/me")
    assert environ["CLOUDSDK_CONFIG"].startswith(str(tmp_path))
    assert environ["TF_PLUGIN_CACHE_DIR"].startswith(str(tmp_path))
    assert (environ["GCE_METADATA_HOST"], environ["HTTPS_PROXY"]) == ("127.0.0.1:4000", ADDRESS)
    assert with_proxies(environ, {"https_proxy": "http://mine"}).get("HTTPS_PROXY") is None


def test_this_process_has_no_proxy_while_it_lasts(monkeypatch: pytest.MonkeyPatch) -> None:
    mine = {"HTTPS_PROXY": "http://mine", "no_proxy": "elsewhere"}
    for key in [key for key in os.environ if key.lower().endswith("_proxy")]:
        monkeypatch.delenv(key)
    for key, value in mine.items():
        monkeypatch.setenv(key, value)

    with without_proxies() as taken:
        assert (taken, mine.keys() & os.environ.keys()) == (mine, set())
    assert mine.items() <= os.environ.items()


@pytest.mark.parametrize(
    "address",
    [
        "https://cloudscheduler.googleapis.com",
        "http://10.0.0.1:4000",
        "http://localhost.example.com:80",
        "http://127.0.0.1.example.com",
        "http://0.0.0.0:4000",
        "http://user@example.com",
        "127.0.0.1:4000",
        "",
    ],
)
def test_an_address_that_is_not_loopback_is_refused(address: str, tmp_path: Path) -> None:
    assert not is_loopback(address)
    with pytest.raises(OperationError, match="a rehearsal talks to loopback addresses only"):
        twin_environ({}, ENDPOINTS | {"GOOGLE_BIGQUERY_CUSTOM_ENDPOINT": address}, tmp_path)
    with pytest.raises(OperationError, match="a rehearsal talks to loopback addresses only"):
        local_scheduler_client(address)


@pytest.mark.parametrize("address", [ADDRESS, "http://127.8.8.8:1/v1/", "http://[::1]:4000"])
def test_a_loopback_address_is_taken(address: str) -> None:
    assert is_loopback(address)
