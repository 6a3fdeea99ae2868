"""Google's clients sign in as the google provider 6.50.0 and Terraform's gcs backend do, by the same variables."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from google.auth import external_account, impersonated_credentials
from google.oauth2 import credentials as user
from google.oauth2 import service_account
from werkzeug.wrappers import Request, Response

from operations.cloud.credentials import (
    BACKEND,
    ENDPOINT_VARIABLE,
    PROVIDER,
    QUOTA_VARIABLE,
    TOKEN_VARIABLE,
    SignIn,
    credentials,
    quota_project,
    scheduler_client,
)
from operations.cloud.errors import Cause, UnansweredError
from operations.cloud.scheduler import live_jobs
from operations.errors import OperationError
from operations.terraform.synth import night_environ
from tests.checkout import ROOT
from tests.given.domain import SETTINGS
from tests.given.status import google_error, scripted
from tests.given.twin import PARENT
from twin.server import serve

ACCOUNT = "deployer@kpi-auto-471020.iam.gserviceaccount.com"


@dataclass
class Google:
    """Gives a token to each key that asks, named after the key's token_uri, and lists no job; `seen` is who asked."""

    seen: list[tuple[str, str | None]] = field(default_factory=list)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        request = Request(environ)
        request.get_data()
        body: dict[str, Any] = {}
        if request.path.startswith("/token/"):
            body = {"access_token": request.path.rpartition("/")[2], "token_type": "Bearer", "expires_in": 3600}
        else:
            self.seen.append((request.headers["Authorization"], request.headers.get("X-Goog-User-Project")))
        return Response(json.dumps(body), content_type="application/json")(environ, start_response)


@pytest.fixture
def google() -> Iterator[tuple[Google, str]]:
    app = Google()
    with serve(app) as address:
        yield app, address


@pytest.fixture(scope="module")
def pem() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def key_of(name: str, address: str, pem: str, **more: str) -> dict[str, str]:
    """A service account's key."""
    email = f"{name}@kpi-auto-471020.iam.gserviceaccount.com"
    known = {"type": "service_account", "client_email": email, "private_key": pem, "private_key_id": "1"}
    return {**known, "project_id": "p", "token_uri": f"{address}/token/{name}", **more}


@pytest.fixture
def adc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of the application-default credentials, which is not there yet."""
    path = tmp_path / "adc.json"
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))
    monkeypatch.delenv(QUOTA_VARIABLE, raising=False)
    return path


@pytest.mark.parametrize("as_path", [True, False])
@pytest.mark.parametrize("variable", PROVIDER.keys)
def test_a_key_of_the_providers_variables_signs_in(
    variable: str, as_path: bool, google: tuple[Google, str], pem: str, adc: Path, tmp_path: Path
) -> None:
    app, address = google
    adc.write_text(json.dumps(key_of("adc", address, pem)))
    text = json.dumps(key_of("key", address, pem))
    (tmp_path / "key.json").write_text(text)
    environ = {ENDPOINT_VARIABLE: f"{address}/v1/", variable: str(tmp_path / "key.json") if as_path else text}
    live_jobs(scheduler_client(environ), PARENT)

    assert app.seen == [("Bearer key", None)]


def test_a_token_wins_over_a_key_and_a_key_over_the_default(google: tuple[Google, str], pem: str, adc: Path) -> None:
    app, address = google
    adc.write_text(json.dumps(key_of("adc", address, pem)))
    key, other = (json.dumps(key_of(name, address, pem)) for name in ("key", "other"))
    environ = {ENDPOINT_VARIABLE: f"{address}/v1/"}
    for more in (
        {},
        {"GOOGLE_CLOUD_KEYFILE_JSON": other},
        {"GOOGLE_CLOUD_KEYFILE_JSON": other, "GOOGLE_CREDENTIALS": key},
        {"GOOGLE_CREDENTIALS": key, TOKEN_VARIABLE: "given"},
    ):
        live_jobs(scheduler_client(environ | more), PARENT)

    assert [who for who, _ in app.seen] == ["Bearer adc", "Bearer other", "Bearer key", "Bearer given"]


@pytest.mark.parametrize(
    ("variables", "environ", "target"),
    [
        (PROVIDER, {"GOOGLE_IMPERSONATE_SERVICE_ACCOUNT": ACCOUNT}, ACCOUNT),
        (BACKEND, {"GOOGLE_IMPERSONATE_SERVICE_ACCOUNT": ACCOUNT}, ACCOUNT),
        (
            BACKEND,
            {"GOOGLE_IMPERSONATE_SERVICE_ACCOUNT": "x@y.z", "GOOGLE_BACKEND_IMPERSONATE_SERVICE_ACCOUNT": ACCOUNT},
            ACCOUNT,
        ),
    ],
)
def test_an_account_is_impersonated_by_whoever_signed_in(
    variables: SignIn, environ: dict[str, str], target: str
) -> None:
    found = credentials({**environ, TOKEN_VARIABLE: "of-a-user"}, variables=variables)

    assert isinstance(found, impersonated_credentials.Credentials)
    assert found.service_account_email == target
    assert found._source_credentials.token == "of-a-user"  # noqa: S105


def test_the_backend_has_a_key_of_its_own_and_not_the_providers_older_variables(
    google: tuple[Google, str], pem: str, adc: Path
) -> None:
    _, address = google
    adc.write_text(json.dumps(key_of("adc", address, pem)))
    key, other = (json.dumps(key_of(name, address, pem)) for name in ("key", "other"))
    environ = {"GOOGLE_BACKEND_CREDENTIALS": key, "GOOGLE_CREDENTIALS": other}

    assert credentials(environ, variables=BACKEND).service_account_email.startswith("key@")  # type: ignore[attr-defined]
    found = credentials({"GCLOUD_KEYFILE_JSON": other}, variables=BACKEND)
    assert found.service_account_email.startswith("adc@")  # type: ignore[attr-defined]


USER = {"type": "authorized_user", "client_id": "c", "client_secret": "s", "refresh_token": "r"}
EXTERNAL = {
    "type": "external_account",
    "audience": "//iam.googleapis.com/locations/global/workforcePools/pool/providers/github",
    "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
    "token_url": "https://sts.googleapis.com/v1/token",
    "credential_source": {"file": "/nowhere"},
}
IMPERSONATED = {
    "type": "impersonated_service_account",
    "source_credentials": USER,
    "service_account_impersonation_url": f"https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/{ACCOUNT}:generateAccessToken",
}


@pytest.mark.parametrize("variable", ["", "GOOGLE_CREDENTIALS"])
@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (USER, user.Credentials),
        (EXTERNAL, external_account.Credentials),
        (IMPERSONATED, impersonated_credentials.Credentials),
        (None, service_account.Credentials),
    ],
)
def test_credentials_of_every_type_are_taken_without_a_warning(
    variable: str,
    content: dict[str, Any] | None,
    kind: type,
    adc: Path,
    pem: str,
    recwarn: pytest.WarningsRecorder,
) -> None:
    text = json.dumps(content or key_of("a", "https://h.example", pem))
    adc.write_text(text)

    assert isinstance(credentials({variable: text} if variable else {}), kind)
    assert not recwarn.list


@pytest.mark.parametrize(
    "content", ["{", "[]", "{}", '{"type": "service_account"}', '{"type": 7}', "[" * 10**5, "s3cret"]
)
def test_what_is_no_key_is_one_line_that_does_not_show_it(content: str) -> None:
    with pytest.raises(OperationError, match=r"no Google Cloud credentials \(GOOGLE_CREDENTIALS") as error:
        credentials({"GOOGLE_CREDENTIALS": content})

    assert "\n" not in str(error.value)
    assert "s3cret" not in str(error.value)


@pytest.mark.parametrize(
    ("environ", "project"),
    [
        ({}, "of-file"),
        ({QUOTA_VARIABLE: "of-env"}, "of-env"),
        ({"GOOGLE_BILLING_PROJECT": "billed"}, "of-file"),
        ({"GOOGLE_BILLING_PROJECT": "billed", "USER_PROJECT_OVERRIDE": "true", QUOTA_VARIABLE: "of-env"}, "billed"),
    ],
)
def test_the_quota_project_is_the_one_that_the_provider_sends(
    environ: dict[str, str], project: str, google: tuple[Google, str], pem: str, adc: Path
) -> None:
    app, address = google
    adc.write_text(json.dumps(key_of("adc", address, pem, quota_project_id="of-file")))
    default = {"GOOGLE_APPLICATION_CREDENTIALS": str(adc)}
    live_jobs(scheduler_client({ENDPOINT_VARIABLE: f"{address}/v1/", **default, **environ}), PARENT)

    assert app.seen == [("Bearer adc", project)]


@pytest.mark.parametrize("content", ['{"quota_project_id": "q"}', '{"quota_project_id": 7}', "{}", "[", "[" * 10**5])
def test_terraform_gets_the_quota_project_of_the_credentials_file(content: str, tmp_path: Path) -> None:
    found = "q" if '"q"' in content else ""
    path = tmp_path / "adc.json"
    path.write_text(content)
    (tmp_path / ".config" / "gcloud").mkdir(parents=True)
    (tmp_path / ".config" / "gcloud" / "application_default_credentials.json").write_text(content)

    assert quota_project({"GOOGLE_APPLICATION_CREDENTIALS": str(path)}) == found
    assert quota_project({"GOOGLE_CREDENTIALS": content}) == found
    assert night_environ(ROOT, SETTINGS, environ={"HOME": str(tmp_path)}).get(QUOTA_VARIABLE, "") == found
    assert quota_project({"HOME": str(path), QUOTA_VARIABLE: "mine"}) == "mine"
    assert quota_project({"HOME": str(path)}) == ""


@pytest.mark.parametrize(
    "answer",
    [
        google_error(
            403,
            "PERMISSION_DENIED",
            "Your application is authenticating by using local Application Default Credentials. The "
            "cloudscheduler.googleapis.com API requires a quota project, which is not set by default.",
            details=[{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "SERVICE_DISABLED"}],
        ),
        google_error(
            403,
            "PERMISSION_DENIED",
            "Caller does not have required permission to use project q.",
            details=[{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "USER_PROJECT_DENIED"}],
        ),
    ],
)
def test_a_missing_quota_project_is_named_as_that_with_its_command(answer: tuple[int, object]) -> None:
    with scripted(answer) as (_, address), pytest.raises(UnansweredError) as error:
        live_jobs(scheduler_client({ENDPOINT_VARIABLE: f"{address}/v1/", TOKEN_VARIABLE: "t"}), PARENT)

    assert error.value.cause is Cause.QUOTA_PROJECT
    assert "gcloud auth application-default set-quota-project" in str(error.value)
