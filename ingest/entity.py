"""One ServiceTitan entity and the names that derive from it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time

from ingest.schedule import Cadence

JOB_PREFIX = "v2-sync-"
"""What the names of the ingest's jobs begin with; the rollout leaves others in the project alone."""

TABLE_PREFIX = "raw_"
"""What the names of the ingest's tables begin with."""


@dataclass(frozen=True, kw_only=True)
class Group:
    """Entities that are deployed as one stack and run in one wave.

    The wave is the local time from `opens` (inclusive) to `closes` (exclusive; None: the day's end),
    each day or on `weekday` (cron's number). Each of its jobs starts after those of the groups in `after`.
    """

    name: str
    opens: time
    closes: time | None = None
    weekday: int | None = None
    after: tuple[str, ...] = ()

    @property
    def stack(self) -> str:
        return f"phase-{self.name}"


@dataclass(frozen=True, kw_only=True)
class Entity:
    """What is ingested, its place in the schedule, and the job that was made by hand, if any.

    `target` is the cadence it ends up with, `live` the one it had before the rollout; `loaded_at_field` is
    the timestamp column that tells when a row was loaded; `margin_effect` says what gross profit margin it moves.
    """

    name: str
    group: str
    target: Cadence
    live: Cadence | None = None
    loaded_at_field: str = "updated_on"
    margin_effect: str = ""

    @property
    def title(self) -> str:
        return self.name.replace("_", " ")

    @property
    def job_name(self) -> str:
        return f"{JOB_PREFIX}{self.name.replace('_', '-')}-{'weekly' if self.target.is_weekly else 'daily'}"

    def description(self, cadence: Cadence, zone: str) -> str:
        sync = "Weekly full" if cadence.is_weekly else "Daily incremental"
        return f"{sync} sync of ServiceTitan {self.title} ({cadence.words(zone)})"

    def uri(self, base_url: str, reference_path: str) -> str:
        if self.target.is_weekly:
            return f"{base_url}{reference_path}/{self.name}?mode=full"
        return f"{base_url}/ingest/{self.name}?mode=incremental"

    @property
    def table_name(self) -> str:
        """Of the table in its dataset."""
        return f"{TABLE_PREFIX}{self.name}"

    def table(self, project: str, dataset: str) -> str:
        return f"{project}.{dataset}.{self.table_name}"

    def console_url(self, project: str, region: str) -> str:
        return f"https://console.cloud.google.com/cloudscheduler/jobs/edit/{region}/{self.job_name}?project={project}"
