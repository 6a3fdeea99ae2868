"""How long ago a job may have succeeded last: dbt's warn_after and error_after, for each entity.

Of a service without a run log, how old a table's newest row may be.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

from ingest.entity import Entity
from ingest.judging.verdict import Verdict

Period = Literal["minute", "hour", "day"]
_LENGTHS: dict[str, timedelta] = {
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
}


LOOKBACK = timedelta(days=90)
"""How far back the run log is asked; it is partitioned by time, so this bounds what a look at it reads."""


class Status(StrEnum):
    """dbt's four, and "not yet" for an entity whose job does not exist at the night in question."""

    PASS = "pass"  # noqa: S105
    WARN = "warn"
    ERROR = "error"
    RUNTIME_ERROR = "runtime error"
    NOT_YET = "not yet"

    @property
    def verdict(self) -> Verdict:
        return _VERDICTS.get(self, Verdict.PASS)


_VERDICTS = {Status.WARN: Verdict.WARN, Status.ERROR: Verdict.FAIL, Status.RUNTIME_ERROR: Verdict.FAIL}


@dataclass(frozen=True)
class Loaded:
    """What a table says: when a row was last loaded (aware; None: it has none), and how many rows it holds.

    The service makes a table with its first records, so one that does not exist has no rows.
    """

    max_loaded_at: datetime | None
    rows: int
    exists: bool = True


MISSING = Loaded(None, 0, exists=False)


@dataclass(frozen=True)
class Threshold:
    """An age in dbt's form. Raises ValueError for a count below 1 and an unknown period."""

    count: int
    period: Period

    def __post_init__(self) -> None:
        if self.count < 1 or self.period not in _LENGTHS:
            raise ValueError(f"{self.count} {self.period}: must be 1 or more of {', '.join(_LENGTHS)}")

    def __str__(self) -> str:
        return f"{self.count} {self.period}{'s' if self.count > 1 else ''}"

    @property
    def length(self) -> timedelta:
        return self.count * _LENGTHS[self.period]


@dataclass(frozen=True)
class Criteria:
    """Raises ValueError when the error would come before the warning, or after what the run log is asked for."""

    warn_after: Threshold
    error_after: Threshold

    def __post_init__(self) -> None:
        if self.error_after.length < self.warn_after.length:
            raise ValueError(f"error_after {self.error_after} is shorter than warn_after {self.warn_after}")
        if self.error_after.length > LOOKBACK:
            raise ValueError(f"error_after {self.error_after} is longer than {LOOKBACK.days} days, the log's LOOKBACK")

    def status(self, age: timedelta | None) -> Status:
        """Of an entity whose last success is of that age (None: it has none); just a threshold is within it."""
        if age is None or age > self.error_after.length:
            return Status.ERROR
        return Status.WARN if age > self.warn_after.length else Status.PASS


# A run that is due, its retries included, has 2 hours; error is one missed run and its successor's 2 hours.
DAILY = Criteria(Threshold(26, "hour"), Threshold(50, "hour"))
WEEKLY = Criteria(Threshold(8, "day"), Threshold(15, "day"))

OVERRIDES: Mapping[str, Criteria] = {}
"""Entities with criteria of their own, by name."""


def criteria_of(entity: Entity, overrides: Mapping[str, Criteria] = OVERRIDES) -> Criteria:
    """The entity's own criteria, or those of its cadence."""
    return overrides.get(entity.name) or (WEEKLY if entity.target.is_weekly else DAILY)


def patience(entities: Iterable[Entity], overrides: Mapping[str, Criteria] = OVERRIDES) -> Threshold:
    """How long the run log may have no row at all: the shortest error_after. Raises ValueError without entities."""
    return min((criteria_of(entity, overrides).error_after for entity in entities), key=lambda limit: limit.length)
