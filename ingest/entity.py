"""One entity of the source and the names that derive from it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time

from ingest.schedule import Cadence

JOB_PREFIX = "v2-sync-"
SOURCE = "ServiceTitan"
"""The plan's values of the settings `job_prefix` and `source`."""

TABLE_PREFIX = "raw_"
"""What the names of the ingest's tables begin with; those of reference entities begin with REFERENCE_PREFIX."""

REFERENCE_PREFIX = "dim_"

LOADED_AT_FIELDS = ("updated_on", "_ingested_at")
"""The timestamp column that says when a row was loaded is the first of these that a table has."""


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

    `target` is the cadence it ends up with, `live` the one it had before the rollout; `margin_effect` says what gross
    profit margin it moves. The rest is the ingest service's contract, as its source has it (v2_ingestor/index.js and
    src/ of 2025-11-03): a reference entity has a route and a dataset of its own; one that `may_be_quiet` has nights
    without new records; `loaded_at_fields` are where the time of loading is looked for, in that order. Where that
    column is a STRING, or a DATETIME or DATE of local time, `loaded_at_zone` is the IANA zone that it is in. `key` are
    the columns that two rows of one record share, whatever the service makes its `id` of; without any it is not known.
    `amount` is the column with the money that the margin counts; "" where it counts none. `prefix` and `source` are the
    settings'.
    """

    name: str
    group: str
    target: Cadence
    live: Cadence | None = None
    is_reference: bool = False
    may_be_quiet: bool = True
    loaded_at_fields: tuple[str, ...] = LOADED_AT_FIELDS
    key: tuple[str, ...] = ("id",)
    amount: str = ""
    loaded_at_zone: str = ""
    margin_effect: str = ""
    prefix: str = JOB_PREFIX
    source: str = SOURCE

    @property
    def title(self) -> str:
        return self.name.replace("_", " ")

    @property
    def job_name(self) -> str:
        return f"{self.prefix}{self.name.replace('_', '-')}-{'weekly' if self.target.is_weekly else 'daily'}"

    def description(self, cadence: Cadence, zone: str) -> str:
        sync = "Weekly full" if cadence.is_weekly else "Daily incremental"
        return f"{sync} sync of {self.source} {self.title} ({cadence.words(zone)})"

    def uri(self, base_url: str, reference_path: str) -> str:
        path = reference_path if self.is_reference else "/ingest"
        return f"{base_url}{path}/{self.name}?mode={'full' if self.target.is_weekly else 'incremental'}"

    @property
    def table_name(self) -> str:
        """Of the table in its dataset."""
        return f"{REFERENCE_PREFIX if self.is_reference else TABLE_PREFIX}{self.name}"

    @property
    def log_name(self) -> str:
        """What the service's run log calls it (entity_type)."""
        return self.name

    def console_url(self, project: str, region: str) -> str:
        return f"https://console.cloud.google.com/cloudscheduler/jobs/edit/{region}/{self.job_name}?project={project}"
