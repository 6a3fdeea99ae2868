"""Asks Google which of some permissions the caller has, by testIamPermissions."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from urllib.parse import quote

from google.api_core.exceptions import from_http_response
from google.auth.transport.requests import AuthorizedSession

from operations.cloud import errors as api_errors
from operations.cloud.credentials import credentials
from operations.cloud.errors import asking
from operations.cloud.reach import refuse_unreachable

# As the google provider names them: its resource_manager_custom_endpoint and iam_custom_endpoint.
PROJECTS_VARIABLE = "GOOGLE_RESOURCE_MANAGER_CUSTOM_ENDPOINT"
ACCOUNTS_VARIABLE = "GOOGLE_IAM_CUSTOM_ENDPOINT"


class Permissions:
    """With the endpoints and the credentials that the google provider takes from the same environment.

    Each question raises UnansweredError when it gets no answer, and OperationError when there are no credentials.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def on_project(self, project: str, wanted: Sequence[str]) -> set[str]:
        """Those of `wanted` that the caller has on the project."""
        base = self._base(PROJECTS_VARIABLE, "https://cloudresourcemanager.googleapis.com")
        return self._ask(f"{base}/v1/projects/{quote(project)}:testIamPermissions", wanted)

    def on_service_account(self, email: str, wanted: Sequence[str]) -> set[str]:
        """Those of `wanted` that the caller has on the service account."""
        base = self._base(ACCOUNTS_VARIABLE, "https://iam.googleapis.com")
        return self._ask(f"{base}/v1/projects/-/serviceAccounts/{quote(email)}:testIamPermissions", wanted)

    def _base(self, variable: str, google: str) -> str:
        """Without the version, which the provider's variables may hold: "http://127.0.0.1:40001/v1/"."""
        return re.sub(r"(/v\d+)?/*$", "", self._environ.get(variable) or google)

    def _ask(self, url: str, wanted: Sequence[str]) -> set[str]:
        question = f"{url} was asked for permissions"
        session = self._session
        refuse_unreachable("Google's permissions", url)
        with asking(question):
            content = api_errors.RETRY(self._post)(session, url, list(wanted))
            granted = content.get("permissions", [])
            if not isinstance(granted, list):
                raise TypeError("its permissions are no list")
        return {permission for permission in wanted if permission in granted}

    @staticmethod
    def _post(session: AuthorizedSession, url: str, wanted: list[str]) -> dict[str, object]:
        response = session.request(  # type: ignore[no-untyped-call]
            "POST", url, json={"permissions": wanted}, timeout=api_errors.TIMEOUT, allow_redirects=False
        )
        if response.status_code != 200:
            raise from_http_response(response)  # type: ignore[no-untyped-call]
        content: dict[str, object] = response.json()
        return content

    @cached_property
    def _session(self) -> AuthorizedSession:
        return AuthorizedSession(credentials(self._environ))  # type: ignore[no-untyped-call]
