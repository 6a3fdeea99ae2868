"""Google's testIamPermissions, asked over REST."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from operations.cloud.credentials import TOKEN_VARIABLE
from operations.cloud.errors import Cause, UnansweredError
from operations.cloud.permissions import ACCOUNTS_VARIABLE, PROJECTS_VARIABLE, Permissions
from operations.errors import OperationError
from operations.preflight import ACT_AS, PERMISSIONS
from tests.given.domain import SETTINGS
from tests.given.preflight import ACCOUNT
from tests.given.status import DISABLED, NO_API, UNSURE, Answer, google_error, scripted
from twin.iam import Iam
from twin.server import serve


def permissions(address: str) -> Permissions:
    return Permissions({PROJECTS_VARIABLE: address, ACCOUNTS_VARIABLE: address, TOKEN_VARIABLE: "of-the-twin"})


@pytest.fixture
def iam() -> Iterator[tuple[Iam, str]]:
    app = Iam(SETTINGS.project, set(PERMISSIONS), {ACCOUNT: {ACT_AS}})
    with serve(app) as address:
        yield app, address


@pytest.mark.parametrize("end", ["", "/", "/v1", "/v1/"])
def test_granted_permissions_come_back(end: str, iam: tuple[Iam, str]) -> None:
    asked = permissions(iam[1] + end)

    assert asked.on_project(SETTINGS.project, PERMISSIONS) == set(PERMISSIONS)
    assert asked.on_service_account(ACCOUNT, [ACT_AS]) == {ACT_AS}


def test_missing_permissions_do_not_come_back(iam: tuple[Iam, str]) -> None:
    iam[0].granted -= {"cloudscheduler.jobs.create"}
    iam[0].accounts[ACCOUNT].clear()
    asked = permissions(iam[1])

    assert set(PERMISSIONS) - asked.on_project(SETTINGS.project, PERMISSIONS) == {"cloudscheduler.jobs.create"}
    assert asked.on_service_account(ACCOUNT, [ACT_AS]) == set()


def test_another_project_is_denied_and_an_unknown_account_is_not_found(iam: tuple[Iam, str]) -> None:
    asked = permissions(iam[1])
    with pytest.raises(UnansweredError) as denied:
        asked.on_project("another-project", PERMISSIONS)
    with pytest.raises(UnansweredError) as unknown:
        asked.on_service_account("nobody@example.com", [ACT_AS])

    assert denied.value.cause is Cause.DENIED
    assert unknown.value.cause is Cause.NOT_FOUND


@pytest.mark.parametrize("answer", [*NO_API, (200, {"permissions": "all"}), (200, {"permissions": None})])
def test_an_answer_that_is_no_apis_is_one_line(answer: Answer) -> None:
    if answer == (200, {"jobs": 7}):
        answer = (200, {"permissions": 7})
    with scripted(answer) as (_, address), pytest.raises(UnansweredError) as error:
        permissions(address).on_project(SETTINGS.project, PERMISSIONS)

    assert error.value.cause in UNSURE
    assert "\n" not in str(error.value)


def test_what_passes_is_asked_again() -> None:
    answers = (
        google_error(503, "UNAVAILABLE"),
        google_error(429, "RESOURCE_EXHAUSTED"),
        (200, {"permissions": [ACT_AS]}),
    )
    with scripted(*answers) as (service, address):
        assert permissions(address).on_service_account(ACCOUNT, [ACT_AS]) == {ACT_AS}

    assert service.seen == [("POST", f"/v1/projects/-/serviceAccounts/{ACCOUNT}:testIamPermissions")] * 3


@pytest.mark.parametrize(
    "answer", [google_error(500, "INTERNAL"), google_error(429, "RESOURCE_EXHAUSTED"), DISABLED, (307, {})]
)
def test_what_does_not_pass_is_one_line(answer: Answer) -> None:
    with scripted(answer) as (_, address), pytest.raises(UnansweredError) as error:
        permissions(address).on_project(SETTINGS.project, PERMISSIONS)

    assert "\n" not in str(error.value)


def test_expired_credentials_are_told_with_what_to_do() -> None:
    with (
        scripted(google_error(401, "UNAUTHENTICATED")) as (_, address),
        pytest.raises(UnansweredError, match="gcloud auth application-default login"),
    ):
        permissions(address).on_project(SETTINGS.project, PERMISSIONS)


def test_missing_credentials_are_told_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))

    with pytest.raises(OperationError, match="gcloud auth application-default login"):
        Permissions({PROJECTS_VARIABLE: "http://127.0.0.1:9"}).on_project(SETTINGS.project, PERMISSIONS)
