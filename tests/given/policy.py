"""Small stacks written by hand: one of each kind, in order, to be spoilt in one place at a time."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from operations.policy.evaluate import Stack

Json = dict[str, Any]

ROOT_URL = "https://st-v2-ingestor-999875365235.us-central1.run.app"
ACCOUNT = "invoker@kpi-auto-471020.iam.gserviceaccount.com"
POOL = "principalSet://iam.googleapis.com/${google_iam_workload_identity_pool.ci.name}"

HEAD: Json = {
    "terraform": {
        "required_version": ">= 1.5",
        "required_providers": {"google": {"source": "google", "version": "6.50.0"}},
        "backend": {"local": {"path": "../../../state/phase-core.tfstate"}},
    },
    "provider": {"google": [{"project": "kpi-auto-471020", "region": "us-central1"}]},
}

JOB: Json = {
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
}

SAMPLES: dict[str, Json] = {
    "google_cloud_scheduler_job": JOB,
    "google_cloud_run_v2_service_iam_member": {
        "location": "us-central1",
        "name": "st-v2-ingestor",
        "role": "roles/run.invoker",
        "member": "serviceAccount:${google_service_account.invoker.email}",
    },
    "google_cloud_run_service_iam_member": {
        "location": "us-central1",
        "service": "st-v2-ingestor",
        "role": "roles/run.invoker",
        "member": f"serviceAccount:{ACCOUNT}",
    },
    "google_service_account_iam_member": {
        "service_account_id": "${google_service_account.invoker.name}",
        "role": "roles/iam.workloadIdentityUser",
        "member": f"{POOL}/attribute.repository/a-team/ingest",
    },
    "google_project_iam_member": {
        "project": "kpi-auto-471020",
        "role": "${google_project_iam_custom_role.deployer.id}",
        "member": f"serviceAccount:{ACCOUNT}",
    },
    "google_project_iam_custom_role": {
        "role_id": "ingestDeployer",
        "title": "Ingest deployer",
        "permissions": ["cloudscheduler.jobs.create", "cloudscheduler.jobs.get", "cloudscheduler.jobs.update"],
    },
    "google_iam_workload_identity_pool_provider": {
        "workload_identity_pool_id": "ci",
        "workload_identity_pool_provider_id": "github",
        "attribute_condition": "assertion.repository == 'a-team/ingest'",
        "attribute_mapping": {"google.subject": "assertion.sub", "attribute.repository": "assertion.repository"},
        "oidc": {"issuer_uri": "https://token.actions.githubusercontent.com"},
    },
    "google_storage_bucket": {
        "name": "a-team-state",
        "location": "US",
        "uniform_bucket_level_access": True,
        "public_access_prevention": "enforced",
        "versioning": {"enabled": True},
    },
    "google_monitoring_alert_policy": {
        "display_name": "An ingest failed",
        "combiner": "OR",
        "enabled": True,
        "conditions": [{"display_name": "failed", "condition_matched_log": {"filter": "severity>=ERROR"}}],
        "alert_strategy": {"notification_rate_limit": {"period": "3600s"}},
        "documentation": {"content": "Look at the job's log first."},
        "notification_channels": ["projects/kpi-auto-471020/notificationChannels/1"],
    },
    "google_bigquery_data_transfer_config": {
        "display_name": "Every table was loaded",
        "data_source_id": "scheduled_query",
        "schedule": "every day 13:00",
        "service_account_name": ACCOUNT,
        "params": {"query": "SELECT 1"},
    },
    "google_bigquery_table": {"dataset_id": "st_raw_v2", "table_id": "expected", "view": {"query": "SELECT 1"}},
    "google_monitoring_dashboard": {"dashboard_json": '{"displayName": "Ingest $${resource.label.job_id}"}'},
}
"""A body of each kind, by its kind, with which every rule is content."""

OTHERS: Json = {
    "google_service_account": {"invoker": {"account_id": "invoker"}},
    "google_iam_workload_identity_pool": {"ci": {"workload_identity_pool_id": "ci"}},
    "google_project_iam_custom_role": {"deployer": SAMPLES["google_project_iam_custom_role"]},
}
"""What the samples refer to."""

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
    """A stack with one resource `kind`.x of that body (the sample, without one) and what it refers to.

    `top` replaces or adds sections; None leaves one out.
    """
    resources = deepcopy(OTHERS)
    if kind:
        resources.setdefault(kind, {})["x"] = SAMPLES[kind] if body is None else body
    content = {**deepcopy(HEAD), "resource": resources, **top}
    return Stack("by-hand", {key: value for key, value in content.items() if value is not None})
