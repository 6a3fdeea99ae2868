"""testIamPermissions of the twin, over plain HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.given.domain import EMAIL, SETTINGS
from tests.given.twin import ask
from twin.iam import Iam
from twin.server import serve

PROJECT = f"/v1/projects/{SETTINGS.project}:testIamPermissions"
ACCOUNT = f"/v1/projects/-/serviceAccounts/{EMAIL}:testIamPermissions"
ACT_AS = "iam.serviceAccounts.actAs"


@pytest.fixture
def address() -> Iterator[str]:
    with serve(Iam(SETTINGS.project, {"run.jobs.get", "run.jobs.list"}, {EMAIL: {ACT_AS}})) as at:
        yield at


def granted(address: str, path: str, *permissions: Any) -> tuple[int, dict[str, Any]]:
    code, _, content = ask(address, "POST", path, {"permissions": list(permissions)})
    return code, json.loads(content)


def test_only_what_is_asked_for_and_granted_comes_back(address: str) -> None:
    asked = ("run.jobs.get", "run.jobs.delete")

    assert granted(address, PROJECT, *asked) == (200, {"permissions": ["run.jobs.get"]})
    assert granted(address, ACCOUNT, "iam.serviceAccounts.actAs") == (
        200,
        {"permissions": ["iam.serviceAccounts.actAs"]},
    )


def test_where_none_is_granted_the_field_is_left_out(address: str) -> None:
    assert granted(address, PROJECT, "run.jobs.delete") == (200, {})


def test_another_project_is_denied_and_an_unknown_account_is_not_found(address: str) -> None:
    assert granted(address, PROJECT.replace(SETTINGS.project, "other"), "run.jobs.get")[0] == 403
    assert granted(address, ACCOUNT.replace(EMAIL, "nobody@example.com"), "run.jobs.get")[0] == 404


@pytest.mark.parametrize("permission", ["run.*", "", 7])
def test_a_permission_that_is_no_name_is_refused(permission: object, address: str) -> None:
    assert granted(address, PROJECT, permission)[0] == 400
