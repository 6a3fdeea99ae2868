"""The jobs that are live before the rollout: as the baseline has them, else as gcloud makes them."""

from __future__ import annotations

from datetime import datetime, timedelta

from ingest.baseline import BaselineJob
from ingest.entity import Entity
from ingest.limits import DEFAULTS, DOUBLINGS
from ingest.schedule import Cadence, time_zone
from ingest.settings import Settings
from operations.cloud.scheduler import parent
from twin.scheduler import Fields


def made_by_hand(entity: Entity, settings: Settings) -> Fields:
    """The body of an entity's live job. Raises ValueError for an entity without one.

    One that was not found has what nobody wrote down: gcloud's own retry values and deadline, and no description.
    """
    job = settings.world_at_start().get(entity.name)
    if job is None:
        raise ValueError(f"{entity.name} has no live job")
    body: Fields = {
        "name": job_name(entity, settings),
        "schedule": job.cadence.cron,
        "timeZone": settings.time_zone,
        "attemptDeadline": DEFAULTS["attempt_deadline"],
        "retryConfig": {"maxDoublings": DOUBLINGS.high},
        "httpTarget": {"uri": settings.uri(entity), "httpMethod": "GET"},
    }
    return as_recorded(body, job.declared) if job.declared else body


def as_recorded(body: Fields, job: BaselineJob) -> Fields:
    """`body` with the fields that were found; the API takes whether a job is paused by another call."""
    recorded = body | {
        "attemptDeadline": job.attempt_deadline,
        "retryConfig": {
            "retryCount": job.retry_count,
            "minBackoffDuration": job.min_backoff_duration,
            "maxBackoffDuration": job.max_backoff_duration,
            "maxRetryDuration": job.max_retry_duration,
            "maxDoublings": job.max_doublings,
        },
        "httpTarget": body["httpTarget"] | {"httpMethod": job.http_method, "headers": dict(job.headers)},
    }
    if job.description:
        recorded["description"] = job.description
    if job.body:
        recorded["httpTarget"]["body"] = job.body
    if job.oidc_service_account_email:
        token = {"serviceAccountEmail": job.oidc_service_account_email}
        recorded["httpTarget"]["oidcToken"] = token | ({"audience": job.oidc_audience} if job.oidc_audience else {})
    return recorded


def job_name(entity: Entity, settings: Settings) -> str:
    return f"{parent(settings)}/jobs/{entity.job_name}"


CYCLES = {"jobs": 0, "estimates": 5, "invoices": 10, "payments": 15, "customers": 20}
"""What is synced three times a day as well, and at which minute past 8 AM, 2 PM and 8 PM."""


def neighbours(settings: Settings) -> list[Fields]:
    """Jobs on the same service that are not the catalogue's, as the public source's notes list them."""
    called = {
        "v2-rebuild-dim-jobs-daily": ("0 4 * * *", "/rebuild/dim_jobs"),
        f"{settings.job_prefix}collections-weekly": ("20 6 * * 0", "/ingest/collections?mode=incremental"),
    }
    for entity, minute in CYCLES.items():
        called[f"{settings.job_prefix}{entity}-intraday"] = (
            f"{minute} 8,14,20 * * *",
            f"/ingest/{entity}?mode=incremental",
        )
    return [
        {
            "name": f"{parent(settings)}/jobs/{name}",
            "schedule": schedule,
            "timeZone": settings.time_zone,
            "httpTarget": {"uri": f"{settings.base_url}{path}", "httpMethod": "GET"},
        }
        for name, (schedule, path) in called.items()
    ]


def last_run(cadence: Cadence, moment: datetime, zone: str) -> datetime:
    """When a job ran last, `moment` (aware) included."""
    from cronsim import CronSim

    return next(CronSim(cadence.cron, moment.astimezone(time_zone(zone)) + timedelta(minutes=1), reverse=True))
