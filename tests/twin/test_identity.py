"""The twin's service accounts and the policy of its service, over plain HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.given.domain import EMAIL, WITH_INVOKER
from tests.given.twin import ask
from twin.identity import Identity
from twin.server import serve

ACCOUNTS = f"/v1/projects/{WITH_INVOKER.project}/serviceAccounts"
SERVICE = f"/v2/projects/{WITH_INVOKER.project}/locations/{WITH_INVOKER.region}/services"
TOKEN = {"serviceAccountEmail": EMAIL, "audience": WITH_INVOKER.base_url}


@pytest.fixture
def identity() -> Identity:
    return Identity(WITH_INVOKER)


@pytest.fixture
def address(identity: Identity) -> Iterator[str]:
    with serve(identity) as address:
        yield address


def call(address: str, method: str, path: str, body: dict[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
    code, _, content = ask(address, method, path, body)
    return code, json.loads(content)


def test_an_account_is_created_once_read_and_deleted(address: str) -> None:
    body = {"accountId": "ingest-invoker", "serviceAccount": {"displayName": "Ingest invoker"}}
    code, made = call(address, "POST", ACCOUNTS, body)

    assert (code, made["email"], made["displayName"]) == (200, EMAIL, "Ingest invoker")
    assert call(address, "POST", ACCOUNTS, body)[0] == 409
    assert call(address, "GET", f"{ACCOUNTS}/{EMAIL}") == (200, made)
    assert call(address, "DELETE", f"{ACCOUNTS}/{EMAIL}") == (200, {})
    assert call(address, "GET", f"{ACCOUNTS}/{EMAIL}")[0] == 404


def test_a_policy_that_was_set_decides_who_may_invoke(identity: Identity, address: str) -> None:
    name = f"{SERVICE}/{WITH_INVOKER.cloud_run_service}"
    assert identity.may_invoke(None)
    bindings = [{"role": "roles/run.invoker", "members": [f"serviceAccount:{EMAIL}"]}]
    call(address, "POST", f"{name}:setIamPolicy", {"policy": {"bindings": bindings}})

    assert call(address, "GET", f"{name}:getIamPolicy")[1]["bindings"] == bindings
    assert identity.may_invoke(TOKEN)
    assert not identity.may_invoke(None)
    assert not identity.may_invoke(TOKEN | {"audience": "https://example.com"})


def test_another_service_is_not_found(address: str) -> None:
    assert call(address, "GET", f"{SERVICE}/other:getIamPolicy")[0] == 404
