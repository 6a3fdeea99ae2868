"""The twin's service accounts (IAM v1) and the policy of its ingest service (Cloud Run v2)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request

from ingest.settings import Settings
from twin.scheduler import ApiError
from twin.server import json_api

RUN_ENDPOINT = "GOOGLE_CLOUD_RUN_V2_CUSTOM_ENDPOINT"
IAM_ENDPOINT = "GOOGLE_IAM_CUSTOM_ENDPOINT"
"""The google provider's variables for the addresses of Cloud Run and IAM."""

INVOKER = "roles/run.invoker"
ANYBODY = "allUsers"

_ACCOUNTS = "/v1/projects/<project>/serviceAccounts"
_SERVICE = "/v2/projects/<project>/locations/<location>/services/<service>"
_ROUTES = Map(
    [
        Rule(_ACCOUNTS, endpoint="create", methods=["POST"]),
        Rule(f"{_ACCOUNTS}/<email>", endpoint="get", methods=["GET"]),
        Rule(f"{_ACCOUNTS}/<email>", endpoint="delete", methods=["DELETE"]),
        Rule(f"{_ACCOUNTS}/<email>:getIamPolicy", endpoint="account_policy", methods=["GET", "POST"]),
        Rule(f"{_ACCOUNTS}/<email>:setIamPolicy", endpoint="set_account_policy", methods=["POST"]),
        Rule(f"{_SERVICE}:getIamPolicy", endpoint="service_policy", methods=["GET"]),
        Rule(f"{_SERVICE}:setIamPolicy", endpoint="set_service_policy", methods=["POST"]),
    ]
)

Fields = dict[str, Any]


@dataclass
class Identity:
    """A WSGI app. Accounts are by email; policies by the full name of what they are on."""

    settings: Settings
    accounts: dict[str, Fields] = field(default_factory=dict)
    policies: dict[str, Fields] = field(default_factory=dict)
    audiences: set[str] = field(default_factory=set)
    """Those that a token may name, beside the service's root."""

    def __post_init__(self) -> None:
        self.policies[self._service] = {"bindings": [{"role": INVOKER, "members": [ANYBODY]}]}

    @property
    def _service(self) -> str:
        settings = self.settings
        return f"projects/{settings.project}/locations/{settings.region}/services/{settings.cloud_run_service}"

    def open_to_anybody(self, yes: bool) -> None:
        """Lets the service be called without a token, or only with that of a member who may invoke it."""
        others = self._invokers() - {ANYBODY}
        members = sorted(others | {ANYBODY} if yes else others)
        self.policies[self._service] = {"bindings": [{"role": INVOKER, "members": members}]}

    def may_invoke(self, token: Fields | None) -> bool:
        """Whether Cloud Run lets a request through: `token` is the job's oidcToken, None for a request without one."""
        if ANYBODY in (invokers := self._invokers()):
            return True
        return (
            token is not None
            and f"serviceAccount:{token.get('serviceAccountEmail')}" in invokers
            and token.get("audience") in {self.settings.base_url, *self.audiences}
        )

    @property
    def is_open(self) -> bool:
        """Whether anybody may call the service."""
        return ANYBODY in self._invokers()

    def let_in(self, token: Fields, audience: str) -> None:
        """Lets a job's account call the service with a token for `audience`."""
        self.audiences.add(audience)
        members = sorted(self._invokers() | {f"serviceAccount:{token['serviceAccountEmail']}"})
        self.policies[self._service] = {"bindings": [{"role": INVOKER, "members": members}]}

    def _invokers(self) -> set[str]:
        bindings = self.policies[self._service].get("bindings", [])
        return {member for binding in bindings if binding["role"] == INVOKER for member in binding["members"]}

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        return json_api(self._answer)(environ, start_response)  # type: ignore[no-any-return]

    def _answer(self, request: Request) -> Fields:
        endpoint, values = _ROUTES.bind_to_environ(request.environ).match()
        body = request.get_json(silent=True) or {}
        if endpoint == "create":
            return self._create(values["project"], body)
        if "email" in values:
            account = self._account(values["email"])
            if endpoint == "get":
                return account
            if endpoint == "delete":
                del self.accounts[account["email"]]
                return {}
            on = str(account["name"])
        else:
            on = "projects/{project}/locations/{location}/services/{service}".format(**values)
            if on != self._service:
                raise ApiError(404, "NOT_FOUND", f"Resource '{values['service']}' was not found")
        if endpoint.startswith("set_"):
            self.policies[on] = {"bindings": body["policy"].get("bindings", [])}
        return {"etag": "BwAAAAAAAAA=", **self.policies.get(on, {})}

    def _create(self, project: str, body: Fields) -> Fields:
        email = f"{body['accountId']}@{project}.iam.gserviceaccount.com"
        if email in self.accounts:
            raise ApiError(409, "ALREADY_EXISTS", f"Service account {body['accountId']} already exists")
        self.accounts[email] = {
            **body.get("serviceAccount", {}),
            "name": f"projects/{project}/serviceAccounts/{email}",
            "projectId": project,
            "uniqueId": str(100000000000000000000 + len(self.accounts)),
            "email": email,
        }
        return self.accounts[email]

    def _account(self, email: str) -> Fields:
        if email not in self.accounts:
            raise ApiError(404, "NOT_FOUND", f"Unknown service account {email}")
        return self.accounts[email]
