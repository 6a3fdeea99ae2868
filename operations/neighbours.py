"""The neighbours that are live: see ingest/neighbours.py."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from google.cloud.scheduler_v1.types import Job as ApiJob

from ingest.neighbours import Neighbour, neighbours
from ingest.settings import Settings
from operations.cloud import jobs
from operations.cloud.credentials import scheduler_client
from operations.cloud.scheduler import live_jobs, parent


def live_neighbours(settings: Settings, environ: Mapping[str, str]) -> list[Neighbour]:
    """Asks Cloud Scheduler by list pages. Raises OperationError."""
    return neighbours_of(live_jobs(scheduler_client(environ), parent(settings)), settings)


def neighbours_of(live: Mapping[str, ApiJob], settings: Settings) -> list[Neighbour]:
    """Those among the location's jobs, which are by short name; one whose answer cannot be read is none."""
    readable = {}
    for name, job in live.items():
        with suppress(AttributeError, OverflowError, TypeError, ValueError):
            readable[name] = jobs.live_job(job)
    return neighbours(readable, settings)
