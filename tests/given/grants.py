"""Settings that turn the stacks with grants on, and their resources."""

from __future__ import annotations

from typing import Any

from tests.given.domain import EMAIL
from tests.given.synth import Stacks

INVOKER = {"invoker_service_account": EMAIL, "create_invoker": True, "deployers": ("group:data@example.com",)}
FOUNDATION = {
    "deployers": ("group:data@example.com",),
    "operators": ("user:reader@example.com",),
    "github_repository": "acme/ingest-schedules",
    "github_repository_id": "987654321",
    "github_repository_owner_id": "12345",
    "backend_bucket": "acme-ingest-state",
}


def resources(stacks: Stacks, stack: str) -> dict[str, dict[str, Any]]:
    """By address, such as "google_service_account.invoker"."""
    return {
        f"{kind}.{name}": fields for kind, named in stacks[stack]["resource"].items() for name, fields in named.items()
    }
