"""Small stacks written by hand: one of each kind, in order, to be spoilt in one place at a time."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from operations.policy.evaluate import Stack

Json = dict[str, Any]

ROOT_URL = "https://st-v2-ingestor-999875365235.us-central1.run.app"
ACCOUNT = "invoker@kpi-auto-471020.iam.gserviceaccount.com"
JOB = "google_cloud_scheduler_job"
ROLE = "google_project_iam_custom_role"

SAMPLES: dict[str, Json] = {
    JOB: {
        "name": "v2-sync-jobs-daily",
        "region": "us-central1",
        "schedule": "0 4 * * *",
        "time_zone": "America/Phoenix",
        "description": "Daily incremental sync of ServiceTitan jobs (4:00 AM AZ time)",
        "attempt_deadline": "1800s",
        "paused": False,
        "http_target": {
            "http_method": "GET",
            "uri": f"{ROOT_URL}/ingest/jobs?mode=incremental",
            "oidc_token": {"service_account_email": ACCOUNT, "audience": ROOT_URL},
        },
        "retry_config": {
            "retry_count": 2,
            "min_backoff_duration": "60s",
            "max_backoff_duration": "600s",
            "max_retry_duration": "0s",
            "max_doublings": 5,
        },
    },
    ROLE: {
        "role_id": "ingestDeployer",
        "title": "Ingest deployer",
        "permissions": ["cloudscheduler.jobs.create", "cloudscheduler.jobs.get", "cloudscheduler.jobs.update"],
    },
}
"""A body of each kind, by its kind, with which every rule is content."""

REMOVE = object()
"""As a value for `changed`: leave the field out."""


def changed(body: Json, **fields: Any) -> Json:
    """A copy with fields replaced; a double underscore goes one level down, as in http_target__uri."""
    new = deepcopy(body)
    for name, value in fields.items():
        *path, last = name.split("__")
        place = new
        for key in path:
            place = place[key]
        if value is REMOVE:
            del place[last]
        else:
            place[last] = value
    return new


def stack(kind: str = "", body: Json | None = None, **top: Any) -> Stack:
    """A stack with one resource `kind`.x of that body (the sample, without one), and an account to refer to.

    `top` replaces or adds sections.
    """
    resources: Json = {"google_service_account": {"invoker": {"account_id": "invoker"}}}
    if kind:
        resources[kind] = {"x": SAMPLES[kind] if body is None else body}
    return Stack("by-hand", {"provider": {"google": [{"project": "p"}]}, "resource": resources, **top})
