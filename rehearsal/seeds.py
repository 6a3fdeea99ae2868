"""The jobs that are live before the rollout, as gcloud made them."""

from __future__ import annotations

from datetime import datetime, timedelta

from ingest.entity import Entity
from ingest.schedule import Cadence, time_zone
from ingest.settings import Settings
from rehearsal.scheduler import Fields


def made_by_hand(entity: Entity, settings: Settings) -> Fields:
    """The body of an entity's live job. Raises ValueError for an entity without one.

    It has what nobody wrote down: gcloud's own retry values and deadline, and no description.
    """
    if entity.live is None:
        raise ValueError(f"{entity.name} has no live job")
    return {
        "name": job_name(entity, settings),
        "schedule": entity.live.cron,
        "timeZone": settings.time_zone,
        "attemptDeadline": "180s",
        "retryConfig": {"maxDoublings": 16},
        "httpTarget": {"uri": entity.uri(settings.base_url, settings.reference_path), "httpMethod": "GET"},
    }


def parent(settings: Settings) -> str:
    return f"projects/{settings.project}/locations/{settings.region}"


def job_name(entity: Entity, settings: Settings) -> str:
    return f"{parent(settings)}/jobs/{entity.job_name}"


def last_run(cadence: Cadence, moment: datetime, zone: str) -> datetime:
    """When a daily job ran last, `moment` (aware) included."""
    local = moment.astimezone(time_zone(zone))
    run = datetime.combine(local.date(), cadence.at, local.tzinfo)
    return run if run <= local else run - timedelta(days=1)
