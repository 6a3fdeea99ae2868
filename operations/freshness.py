"""Whether each job succeeded in time: by the run log, with the newest row beside it; without one by the tables."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from ingest.entity import Entity
from ingest.judging.freshness import LOOKBACK, MISSING, OVERRIDES, Criteria, Loaded, Status, criteria_of, patience
from ingest.judging.run import SUCCESS, LogRow
from ingest.schedule import time_zone
from ingest.settings import Settings
from operations.cloud.tables import Survey, Tables


@dataclass(frozen=True)
class Freshness:
    """One entity's verdict.

    `age` is that of the last success or, without a run log, of the newest row; None: there is none. `loaded` is what
    the table says, MISSING for one that does not exist, and `error` what is wrong with one that could not be asked.
    """

    entity: Entity
    criteria: Criteria
    status: Status
    age: timedelta | None = None
    loaded: Loaded | None = None
    error: str | None = None
    last_success: LogRow | None = None
    last_call: LogRow | None = None


def expected(settings: Settings) -> list[Entity]:
    """The entities whose jobs exist at the settings' night."""
    return [job.entity for job in settings.world().values()]


def judge_runs(
    catalogue: Iterable[Entity],
    expected: Container[Entity],
    log: Iterable[LogRow],
    tables: Tables,
    at: datetime,
    overrides: Mapping[str, Criteria] = OVERRIDES,
) -> list[Freshness]:
    """A verdict for each entity by its last success in `log` as of `at` (aware); the tables are only shown."""
    calls: dict[str, LogRow] = {}
    successes: dict[str, LogRow] = {}
    # What is dated in the future proves nothing.
    for row in sorted((row for row in log if row.over <= at), key=lambda row: row.over):
        calls[row.entity] = row
        if row.status == SUCCESS:
            successes[row.entity] = row
    verdicts = []
    for entity in catalogue:
        criteria = criteria_of(entity, overrides)
        if entity not in expected:
            verdicts.append(Freshness(entity, criteria, Status.NOT_YET))
            continue
        success = successes.get(entity.log_name)
        age = at - success.over if success else None
        verdicts.append(
            Freshness(
                entity,
                criteria,
                criteria.status(age),
                age,
                tables.loaded.get(entity.name),
                tables.broken.get(entity.name),
                success,
                calls.get(entity.log_name),
            )
        )
    return verdicts


def judge_tables(
    catalogue: Iterable[Entity],
    expected: Container[Entity],
    surveyed: Survey,
    tables: Tables,
    at: datetime,
    overrides: Mapping[str, Criteria] = OVERRIDES,
) -> list[Freshness]:
    """A verdict for each entity by its table's newest row as of `at` (aware)."""
    verdicts = []
    for entity in catalogue:
        criteria = criteria_of(entity, overrides)
        table = tables.loaded.get(entity.name, MISSING)
        if entity not in expected:
            verdicts.append(Freshness(entity, criteria, Status.NOT_YET))
        elif not table.exists:
            unread = f"BigQuery's answer leaves {entity.table_name} out; try again"
            error = tables.broken.get(entity.name) or surveyed.broken.get(entity.name) or unread
            verdicts.append(Freshness(entity, criteria, Status.RUNTIME_ERROR, error=error))
        else:
            age = at - table.max_loaded_at if table.max_loaded_at else None
            verdicts.append(Freshness(entity, criteria, criteria.status(age), age, table))
    return verdicts


def log_silence(
    expected: Iterable[Entity],
    log: Iterable[LogRow],
    settings: Settings,
    at: datetime,
    overrides: Mapping[str, Criteria] = OVERRIDES,
) -> str | None:
    """What is wrong with a run log that has no row at all, of whatever entity, for the shortest error_after."""
    limit = patience(expected, overrides)
    newest = max((row.over for row in log if row.over <= at), default=None)
    if newest and at - newest <= limit.length:
        return None
    zone = time_zone(settings.time_zone)
    last = f"last row {newest.astimezone(zone):%a %Y-%m-%d %H:%M}" if newest else f"no row in {LOOKBACK.days} days"
    return (
        f"run log {settings.run_log}: {last}, error after {limit}; the service stopped writing it, or nothing calls "
        "the service: compare the newest rows, and look at the service's own log"
    )
