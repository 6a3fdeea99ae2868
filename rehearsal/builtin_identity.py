"""The built-in applier's part for the stack ingest-identity: it makes what is not held yet."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from operations.errors import OperationError
from twin.identity import IAM_ENDPOINT, RUN_ENDPOINT

# In the order in which they need each other.
_KINDS = ("google_service_account", "google_cloud_run_v2_service_iam_member", "google_service_account_iam_member")


def resources(content: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Terraform's address and the resource, of a stack's cdk.tf.json."""
    for kind in _KINDS:
        for name, resource in content.get("resource", {}).get(kind, {}).items():
            yield f"{kind}.{name}", resource


@dataclass(frozen=True)
class IdentityClient:
    """`environ` has the endpoints of IAM and Cloud Run, as the google provider reads them."""

    environ: Mapping[str, str]

    def create(self, address: str, resource: Mapping[str, Any], project: str) -> None:
        """Makes the resource. Raises OperationError."""
        iam, run = self.environ[IAM_ENDPOINT], self.environ[RUN_ENDPOINT]
        match address.partition(".")[0]:
            case "google_service_account":
                about = {"displayName": resource["display_name"], "description": resource["description"]}
                body = {"accountId": resource["account_id"], "serviceAccount": about}
                self._ask(f"{iam}v1/projects/{project}/serviceAccounts", "POST", body)
            case "google_cloud_run_v2_service_iam_member":
                service = "projects/{project}/locations/{location}/services/{name}".format(**resource)
                self._grant(f"{run}{service}", resource, "GET")
            case _:
                self._grant(f"{iam}v1/{resource['service_account_id']}", resource, "POST")

    def _grant(self, url: str, resource: Mapping[str, Any], method: str) -> None:
        policy = self._ask(f"{url}:getIamPolicy", method, {})
        binding = {"role": resource["role"], "members": [resource["member"]]}
        policy["bindings"] = [*policy.get("bindings", []), binding]
        self._ask(f"{url}:setIamPolicy", "POST", {"policy": policy})

    @staticmethod
    def _ask(url: str, method: str, body: Mapping[str, Any]) -> dict[str, Any]:
        data = json.dumps(body).encode() if method == "POST" else None
        request = Request(url, data, {"Content-Type": "application/json"}, method=method)  # noqa: S310
        try:
            with urlopen(request, timeout=10) as response:  # noqa: S310
                content: dict[str, Any] = json.load(response)
                return content
        except HTTPError as error:
            raise OperationError(f"{url}: {error.code} {error.read().decode(errors='replace')[:300]}") from None
        except URLError as error:
            raise OperationError(f"{url}: cannot be reached ({error.reason})") from None
