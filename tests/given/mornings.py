"""A morning after a deploy, as the gate sees it: everything went well, but for what a test changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from ingest.attempt import Attempt, LiveJob
from ingest.judging.duplicates import NO_ROWS, Keys
from ingest.judging.freshness import MISSING, Loaded
from ingest.judging.gate import Check, Evidence, evaluate
from ingest.judging.run import LogRow
from ingest.judging.verdict import overall
from ingest.rollout import World
from ingest.schedule import time_zone
from ingest.settings import Settings
from tests.given.domain import SETTINGS, night

DEPLOYED = datetime(2026, 10, 21, 21, tzinfo=time_zone(SETTINGS.time_zone))
MORNING = datetime(2026, 10, 22, 8, tzinfo=time_zone(SETTINGS.time_zone))
TOOK = timedelta(minutes=2)
DELAY = timedelta(seconds=2)
"""From Cloud Scheduler's attempt to the service's start."""

SHIFTED = night(2)


@dataclass
class Morning:
    """Each job ran at its time and loaded 10 rows on top of 100; the run log has them all."""

    settings: Settings = SHIFTED
    deployed: datetime = DEPLOYED
    now: datetime = MORNING
    jobs: dict[str, LiveJob] = field(default_factory=dict)
    log: list[LogRow] | None = field(default_factory=list)
    tables: dict[str, Loaded] = field(default_factory=dict)
    before: dict[str, int | None] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)
    keys: dict[str, Keys] = field(default_factory=dict)
    doubled_before: dict[str, int | None] = field(default_factory=dict)
    uncounted: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, job in self.world.items():
            due = self.due(name)
            self.jobs[job.entity.job_name] = LiveJob(
                Attempt(due, 0),
                job.cadence.cron,
                self.settings.time_zone,
                self.settings.uri(job.entity),
                timedelta(seconds=self.settings.attempt_deadline_seconds),
                self.settings.retry_count,
                self.deployed - timedelta(minutes=1),
            )
            self.called(name, due)
            self.tables[name] = Loaded(due + DELAY + TOOK - timedelta(seconds=10), 110)
            self.before[name] = 100
            self.keys[name] = Keys(110, 107, 3)
            self.doubled_before[name] = 3

    @property
    def world(self) -> World:
        return self.settings.world()

    def due(self, entity: str) -> datetime:
        """Of the morning's run."""
        return next(iter(self.world[entity].cadence.next_fires(self.deployed, self.settings.time_zone)))

    def live(self, entity: str) -> LiveJob:
        return self.jobs[self.world[entity].entity.job_name]

    def change(self, entity: str, **fields: object) -> None:
        """Of the live job."""
        self.jobs[self.world[entity].entity.job_name] = replace(self.live(entity), **fields)  # type: ignore[arg-type]

    def attempt(self, entity: str, started: datetime | None, code: int | None = 0, *, paused: bool = False) -> None:
        """Cloud Scheduler's last."""
        self.change(entity, attempt=Attempt(started, code, paused))

    def called(
        self,
        entity: str,
        at: datetime,
        *,
        took: timedelta = TOOK,
        status: str = "success",
        fetched: int | None = 10,
        error: str = "",
    ) -> None:
        """A row of the run log, of a call that Cloud Scheduler, or somebody else, made at `at`."""
        start = at + DELAY
        row = LogRow(entity, f"run-{entity}-{at}", start, start + took, status, fetched, fetched, error)
        self.log = [*(self.log or []), row]

    def unlogged(self, entity: str) -> None:
        self.log = [row for row in self.log or [] if row.entity != entity]

    def logged(self, entity: str) -> LogRow:
        (row,) = [row for row in self.log or [] if row.entity == entity]
        return row

    def quiet(self, entity: str, *, table: bool = True) -> None:
        """Its run found no new records."""
        self.unlogged(entity)
        self.called(entity, self.due(entity), fetched=0)
        self.tables[entity] = Loaded(self.deployed - timedelta(days=3), 100) if table else MISSING
        self.before[entity] = 100 if table else 0
        self.keys[entity] = Keys(100, 97, 3) if table else NO_ROWS

    def failed(self, entity: str, at: datetime, code: int = 13, error: str = "Request failed") -> None:
        """Its last attempt, at `at`, of as many as it has."""
        self.unlogged(entity)
        tries = [at - timedelta(minutes=2 * number) for number in range(self.live(entity).retries, -1, -1)]
        for moment in tries:
            self.called(entity, moment, took=timedelta(seconds=1), status="failed", fetched=0, error=error)
        self.attempt(entity, at, code)
        self.tables[entity] = Loaded(self.deployed - timedelta(days=1), 100)

    @property
    def evidence(self) -> Evidence:
        return Evidence(
            self.jobs,
            self.log,
            self.tables,
            self.before,
            self.broken,
            keys=self.keys,
            doubled_before=self.doubled_before,
            uncounted=self.uncounted,
        )

    def checks(self) -> list[Check]:
        return evaluate(self.world, self.settings, self.evidence, self.deployed, self.now)

    def verdict(self) -> str:
        return overall(check.verdict for check in self.checks())

    def check(self, name: str, entity: str) -> Check:
        (check,) = [one for one in self.checks() if (one.name, one.entity) == (name, entity)]
        return check

    def blocked(self) -> list[tuple[str, str, str]]:
        """What blocks: name, entity, verdict."""
        return [(one.name, one.entity, str(one.verdict)) for one in self.checks() if one.verdict.blocks]

    def warned(self) -> list[tuple[str, str]]:
        return [(one.name, one.entity) for one in self.checks() if one.verdict == "warn"]


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def texts(checks: Sequence[Check]) -> list[str]:
    return [f"{check.expected} {check.measured}" for check in checks]
