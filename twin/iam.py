"""The twin's testIamPermissions: of a project (Cloud Resource Manager v1) and of a service account (IAM v1)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request

from twin.scheduler import ApiError
from twin.server import json_api

_ROUTES = Map(
    [
        Rule("/v1/projects/<project>:testIamPermissions", endpoint="project", methods=["POST"]),
        Rule("/v1/projects/<project>/serviceAccounts/<email>:testIamPermissions", endpoint="account", methods=["POST"]),
    ]
)


@dataclass
class Iam:
    """A WSGI app. The permissions that the one caller has: `granted` on the project, `accounts` by email."""

    project: str
    granted: set[str] = field(default_factory=set)
    accounts: dict[str, set[str]] = field(default_factory=dict)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        return json_api(self._answer)(environ, start_response)  # type: ignore[no-any-return]

    def _answer(self, request: Request) -> dict[str, Any]:
        endpoint, values = _ROUTES.bind_to_environ(request.environ).match()
        wanted = _wanted(request)
        if endpoint == "project":
            # The API hides whether a project that the caller cannot see exists.
            if values["project"] != self.project:
                raise ApiError(403, "PERMISSION_DENIED", "The caller does not have permission")
            held = self.granted
        else:
            if values["email"] not in self.accounts:
                raise ApiError(404, "NOT_FOUND", f"Unknown service account {values['email']}")
            held = self.accounts[values["email"]]
        # Where none is granted, the API leaves the field out.
        return {"permissions": granted} if (granted := [name for name in wanted if name in held]) else {}


def _wanted(request: Request) -> list[str]:
    body = request.get_json(silent=True)
    wanted = body.get("permissions") if isinstance(body, dict) else None
    if not isinstance(wanted, list) or not all(isinstance(name, str) and name and "*" not in name for name in wanted):
        raise ApiError(400, "INVALID_ARGUMENT", "Invalid permissions.")
    return wanted
