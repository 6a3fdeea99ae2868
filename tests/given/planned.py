"""Resources of a plan, with attributes as Terraform's state has them."""

from __future__ import annotations

from typing import Any

from ingest.baseline import RETRY
from ingest.rollout import Job
from ingest.settings import Settings
from operations.terraform.engine import Planned

PHASES = ["phase-core", "phase-financial", "phase-labor", "phase-reference"]


def attributes(job: Job, settings: Settings, **changed: Any) -> dict[str, Any]:
    """Of the job as a night has it; `changed` are fields, flat as in operations/cloud/jobs.py."""
    declared = job.declared or settings.planned(job)
    fields = {
        **vars(declared),
        "schedule": job.cadence.cron,
        "uri": settings.uri(job.entity),
        "time_zone": settings.time_zone,
        **changed,
    }
    email = fields["oidc_service_account_email"]
    tokens = [{"service_account_email": email, "audience": fields["oidc_audience"]}] if email else []
    target = {key: fields[key] for key in ("uri", "http_method", "headers", "body")}
    return {
        "id": f"projects/{settings.project}/locations/{settings.region}/jobs/{job.entity.job_name}",
        "name": job.entity.job_name,
        **{key: fields[key] for key in ("schedule", "time_zone", "description", "attempt_deadline", "paused")},
        "http_target": [target | {"oidc_token": tokens}],
        "retry_config": [{key: fields[key] for key in RETRY}],
    }


def resource(name: str, action: str, stack: str = "phase-financial", **values: Any) -> Planned:
    return Planned(stack, f"google_cloud_scheduler_job.{name}", action, [], **values)
