"""BigQuery's SQL about freshness: the view for dashboards, and the assertion that fails when a job did not succeed.

Only text is built here. Both start from the list of jobs that exist and LEFT JOIN what the service's run log has, so
that a job that was deleted or paused, and an entity that never succeeded, show as errors instead of being left out.
A service without a run log has its tables asked instead.

Names are the catalogue's and the settings', which are held to letters, digits, hyphens and underscores; they are quoted
with backticks anyway. No functions are used but those that sqlglot knows for other dialects, so that the very text is
tested on DuckDB: CONCAT and not FORMAT, CASE and not IF.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta

from ingest.entity import Entity
from ingest.judging.freshness import LOOKBACK, OVERRIDES, Criteria, Threshold, criteria_of, patience
from ingest.judging.run import SUCCESS
from ingest.rollout import Job
from ingest.settings import Settings

VIEW = "ingest_freshness"
"""The view's name in the dataset with the tables."""

TIMES = ("TIMESTAMP", "DATETIME", "DATE")
"""Types of a loaded_at_field whose MAX is a moment; BigQuery casts the latter two to TIMESTAMP as UTC."""

IN_A_ZONE = ("DATETIME", "DATE", "STRING")
"""Types that TIMESTAMP(value, zone) takes."""

_MICROSECOND = timedelta(microseconds=1)
_HOUR_US = timedelta(hours=1) // _MICROSECOND


def quoted(*names: str) -> str:
    """A full name, of parts that may have dots themselves: `p`.`d`.`t`."""
    return ".".join(f"`{part}`" for name in names for part in name.split("."))


def loaded_select(settings: Settings, entities: Iterable[Entity]) -> str:
    """One statement for all the entities' tables: table_name, max_loaded_at (TIMESTAMP), row_count.

    Each is asked for the first of its loaded-at fields. BigQuery refuses all of it where one of the tables is missing.
    COUNT(*) reads no column, so it adds nothing to the bill, comes with the same call, and counts the very rows that
    MAX saw; `__TABLES__` and tables.get leave out what is still in the streaming buffer, and tables.get is a call a
    table.
    """
    return "\nUNION ALL\n".join(
        f"SELECT '{entity.table_name}' AS table_name, "  # noqa: S608
        f"{_newest(entity)} AS max_loaded_at, COUNT(*) AS row_count "
        f"FROM {quoted(settings.table(entity))}"
        for entity in entities
    )


def _newest(entity: Entity) -> str:
    column = f"`{entity.loaded_at_fields[0]}`"
    if entity.loaded_at_zone:
        return f"MAX(TIMESTAMP({column}, '{entity.loaded_at_zone}'))"
    return f"CAST(MAX({column}) AS TIMESTAMP)"


def view_select(settings: Settings, jobs: Iterable[Job], overrides: Mapping[str, Criteria] = OVERRIDES) -> str:
    """The view: a row for each job's entity.

    Columns: entity, entity_group, cadence ("daily" or "weekly"); by the run log last_success_at (NULL: none in
    LOOKBACK), last_call_at, newest_row_at (the end of the last success that sent rows), log_written_at (the log's last
    row, of whatever entity), last_success_time_ago_in_s; by the tables, in dbt's words, max_loaded_at, row_count,
    max_loaded_at_time_ago_in_s; then warn_after_s, error_after_s and status ("pass", "warn" or "error") as
    `Criteria.status` has it. Ages keep fractions of a second.
    """
    if settings.run_log:
        columns, age = "last_success_at, last_call_at, newest_row_at, log_written_at", "last_success_time_ago_in_s"
    else:
        columns, age = "max_loaded_at, row_count", "max_loaded_at_time_ago_in_s"
    return f"""{_aged(settings, jobs, overrides)}
SELECT entity, entity_group, cadence, {columns},
  age_us / 1000000 AS {age},
  DIV(warn_after_us, 1000000) AS warn_after_s, DIV(error_after_us, 1000000) AS error_after_s,
  CASE
    WHEN age_us IS NULL OR age_us > error_after_us THEN 'error'
    WHEN age_us > warn_after_us THEN 'warn'
    ELSE 'pass'
  END AS status
FROM aged"""  # noqa: S608


def assertion(settings: Settings, jobs: Iterable[Job], overrides: Mapping[str, Criteria] = OVERRIDES) -> str:
    """The statement that BigQuery runs each day: it fails, with a message that names them, when entities are in error.

    A run log without any row for the shortest error_after is named before them. ASSERT has no result, so that a
    scheduled query needs no destination, and takes no message but a literal, hence ERROR.
    (Source: cloud.google.com/bigquery/docs/reference/standard-sql/debugging-statements and debugging_functions.)
    """
    jobs = list(jobs)
    return f"""-- The ingest schedules' assertion: fails when a job missed two runs.
ASSERT (
{_aged(settings, jobs, overrides)}, late AS (
  SELECT 1 AS place, CONCAT(entity, ': ', {_what(settings)}) AS what
  FROM aged WHERE age_us IS NULL OR age_us > error_after_us{_log_late(settings, jobs, overrides)}
), message AS (
  SELECT STRING_AGG(what, '; ' ORDER BY place, what) AS text FROM late
)
SELECT CASE WHEN text IS NULL THEN TRUE ELSE ERROR(CONCAT('ingest freshness: ', text)) END FROM message
)"""  # noqa: S608


def _what(settings: Settings) -> str:
    """An expression: what is wrong with a late entity."""
    if not settings.run_log:
        return f"""CASE
    WHEN age_us IS NULL THEN 'never loaded'
    ELSE CONCAT('last loaded {_hours("age_us")} hours ago, error after ', error_after)
  END"""
    return f"""CASE
    WHEN age_us IS NULL THEN 'no success in {LOOKBACK.days} days'
    ELSE CONCAT('last success {_hours("age_us")} hours ago, error after ', error_after)
  END, CASE
    WHEN call_age_us IS NULL THEN ', never called'
    ELSE CONCAT(', last called {_hours("call_age_us")} hours ago')
  END"""


def _log_late(settings: Settings, jobs: list[Job], overrides: Mapping[str, Criteria]) -> str:
    if not settings.run_log:
        return ""
    limit = patience((job.entity for job in jobs), overrides)
    return f"""
  UNION ALL
  SELECT 0, CASE
    WHEN age_us IS NULL THEN 'run log {settings.run_log}: no row in {LOOKBACK.days} days'
    ELSE CONCAT('run log {settings.run_log}: last row {_hours("age_us")} hours ago, error after {limit}')
  END
  FROM (SELECT {_age("log_written_at")} AS age_us FROM log) AS written
  WHERE age_us IS NULL OR age_us > {_us(limit)}"""  # noqa: S608


def _aged(settings: Settings, jobs: Iterable[Job], overrides: Mapping[str, Criteria]) -> str:
    """WITH clauses, the last of which, `aged`, has a row for each job with age_us, NULL where it never succeeded."""
    jobs = list(jobs)
    expected = " UNION ALL\n".join(
        f"  SELECT '{job.entity.name}' AS entity, '{job.entity.group}' AS entity_group, "
        f"'{'weekly' if job.cadence.is_weekly else 'daily'}' AS cadence, "
        f"'{job.entity.log_name if settings.run_log else job.entity.table_name}' AS seen_as, "
        f"{_us(criteria.warn_after)} AS warn_after_us, {_us(criteria.error_after)} AS error_after_us, "
        f"'{criteria.error_after}' AS error_after"
        for job in jobs
        for criteria in [criteria_of(job.entity, overrides)]
    )
    seen = _calls(settings) if settings.run_log else _loaded(settings, jobs)
    return f"""WITH expected AS (
{expected}
), {seen}"""


def _calls(settings: Settings) -> str:
    # The log is partitioned by start_time. What is dated in the future proves nothing.
    return f"""calls AS (
  SELECT entity_type, status, records_inserted, ended_at FROM (
    SELECT entity_type, status, records_inserted, COALESCE(end_time, start_time) AS ended_at
    FROM {quoted(settings.project, settings.run_log)}
    WHERE start_time >= TIMESTAMP_SUB(CURRENT_TIMESTAMP(), INTERVAL {LOOKBACK.days} DAY)
  ) AS logged WHERE ended_at <= CURRENT_TIMESTAMP()
), seen AS (
  SELECT entity_type,
    MAX(CASE WHEN status = '{SUCCESS}' THEN ended_at END) AS last_success_at,
    MAX(CASE WHEN status = '{SUCCESS}' AND records_inserted > 0 THEN ended_at END) AS newest_row_at,
    MAX(ended_at) AS last_call_at
  FROM calls GROUP BY entity_type
), log AS (
  SELECT MAX(ended_at) AS log_written_at FROM calls
), aged AS (
  SELECT expected.*, seen.last_success_at, seen.newest_row_at, seen.last_call_at, log.log_written_at,
    {_age("seen.last_success_at")} AS age_us,
    {_age("seen.last_call_at")} AS call_age_us
  FROM expected CROSS JOIN log LEFT JOIN seen ON seen.entity_type = expected.seen_as
)"""  # noqa: S608


def _loaded(settings: Settings, jobs: list[Job]) -> str:
    return f"""loaded AS (
{loaded_select(settings, (job.entity for job in jobs))}
), aged AS (
  SELECT expected.*, loaded.max_loaded_at, loaded.row_count,
    {_age("loaded.max_loaded_at")} AS age_us
  FROM expected LEFT JOIN loaded ON loaded.table_name = expected.seen_as
)"""  # noqa: S608


def _age(moment: str) -> str:
    return f"TIMESTAMP_DIFF(CURRENT_TIMESTAMP(), {moment}, MICROSECOND)"


def _hours(microseconds: str) -> str:
    """Whole hours, within a text of CONCAT."""
    return f"', CAST(DIV({microseconds}, {_HOUR_US}) AS STRING), '"


def _us(threshold: Threshold) -> int:
    return threshold.length // _MICROSECOND
