"""BigQuery's SQL about freshness: the view for dashboards, and the script that fails when a job did not run.

Only text is built here. Both start from the list of jobs that exist and LEFT JOIN what the tables say, so that an
entity whose table never got a row shows as an error instead of being left out. A job that did not run leaves no log,
which is why the tables are asked and not the logs.

Names are the catalogue's and the settings', which are held to letters, digits, hyphens and underscores; they are quoted
with backticks all the same. No functions are used but those that sqlglot knows for other dialects, so that the very
text is tested on DuckDB: CONCAT and not FORMAT, CASE and not IF.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from ingest.entity import Entity
from ingest.freshness import OVERRIDES, Criteria, Threshold, criteria_of
from ingest.rollout import Job

VIEW = "ingest_freshness"
"""The view's name in the dataset with the tables."""

TIMES = ("TIMESTAMP", "DATETIME", "DATE")
"""Types of a loaded_at_field whose MAX is a moment; BigQuery casts the latter two to TIMESTAMP as UTC."""

_MICROSECOND = timedelta(microseconds=1)
_HOUR_US = timedelta(hours=1) // _MICROSECOND


@dataclass(frozen=True)
class Place:
    """Where the tables are. Both are names as the settings allow them."""

    project: str
    dataset: str

    def table(self, name: str) -> str:
        return f"`{self.project}`.`{self.dataset}`.`{name}`"

    @property
    def columns(self) -> str:
        return f"`{self.project}`.`{self.dataset}`.INFORMATION_SCHEMA.COLUMNS"


def loaded_select(place: Place, entities: Iterable[Entity]) -> str:
    """One statement for all the entities' tables: table_name, max_loaded_at (TIMESTAMP), row_count.

    BigQuery refuses all of it where one of the tables is missing.
    """
    return "\nUNION ALL\n".join(
        f"SELECT '{entity.table_name}' AS table_name, "  # noqa: S608
        f"CAST(MAX(`{entity.loaded_at_fields[0]}`) AS TIMESTAMP) AS max_loaded_at, COUNT(*) AS row_count "
        f"FROM {place.table(entity.table_name)}"
        for entity in entities
    )


def view_select(place: Place, jobs: Iterable[Job], overrides: Mapping[str, Criteria] = OVERRIDES) -> str:
    """The view: a row for each job's entity, in dbt's words.

    Columns: entity, entity_group, cadence ("daily" or "weekly"), max_loaded_at (NULL: never loaded), row_count,
    max_loaded_at_time_ago_in_s (fractions of a second kept), warn_after_s, error_after_s, status ("pass", "warn" or
    "error") as `Criteria.status` has it. It cannot be created before all the tables are there.
    """
    jobs = list(jobs)
    expected = _listed(
        f"SELECT '{job.entity.name}' AS entity, '{job.entity.group}' AS entity_group, '{_cadence(job)}' AS cadence, "
        f"'{job.entity.table_name}' AS table_name, "
        f"{_us(criteria.warn_after)} AS warn_after_us, {_us(criteria.error_after)} AS error_after_us"
        for job, criteria in _with_criteria(jobs, overrides)
    )
    return f"""WITH expected AS (
{expected}
), loaded AS (
{loaded_select(place, (job.entity for job in jobs))}
), aged AS (
  SELECT expected.*, loaded.max_loaded_at, loaded.row_count,
    TIMESTAMP_DIFF(CURRENT_TIMESTAMP(), loaded.max_loaded_at, MICROSECOND) AS age_us
  FROM expected LEFT JOIN loaded ON loaded.table_name = expected.table_name
)
SELECT entity, entity_group, cadence, max_loaded_at, row_count,
  age_us / 1000000 AS max_loaded_at_time_ago_in_s,
  DIV(warn_after_us, 1000000) AS warn_after_s, DIV(error_after_us, 1000000) AS error_after_s,
  CASE
    WHEN age_us IS NULL OR age_us > error_after_us THEN 'error'
    WHEN age_us > warn_after_us THEN 'warn'
    ELSE 'pass'
  END AS status
FROM aged"""  # noqa: S608


def assertion_statement_select(place: Place, jobs: Iterable[Job], overrides: Mapping[str, Criteria] = OVERRIDES) -> str:
    """The assertion's first step: a SELECT of one row and column, the statement that is to be executed next.

    That one gives one row and column: what is wrong, "invoices: last loaded 53 hours ago, error after 50 hours;
    returns: never loaded", in the entities' alphabetical order, or NULL. A table that is missing, or has no
    loaded_at_field of a type of TIMES, is named beside the late ones and does not break the statement. Nothing that the
    dataset holds becomes a part of the statement, only names that were given here.
    """
    expected = _listed(
        f"SELECT '{job.entity.name}' AS entity, '{job.entity.table_name}' AS table_name, "
        f"'{job.entity.loaded_at_fields[0]}' AS loaded_at_field, "
        f"{_us(criteria.error_after)} AS error_after_us, '{criteria.error_after}' AS error_after"
        for job, criteria in _with_criteria(jobs, overrides)
    )
    times = ", ".join(f"'{kind}'" for kind in TIMES)
    return f"""WITH expected AS (
{expected}
), present AS (
  SELECT expected.entity, COUNT(found.column_name) AS column_count,
    MAX(CASE WHEN LOWER(found.column_name) = LOWER(expected.loaded_at_field) THEN found.data_type END) AS loaded_at_type
  FROM expected LEFT JOIN {place.columns} AS found ON found.table_name = expected.table_name
  GROUP BY expected.entity
), judged AS (
  SELECT expected.entity, table_name, loaded_at_field, error_after_us, error_after,
    CASE
      WHEN column_count = 0 THEN CONCAT('table ', table_name, ' does not exist')
      WHEN loaded_at_type IS NULL THEN CONCAT('table ', table_name, ' has no column ', loaded_at_field)
      WHEN loaded_at_type NOT IN ({times}) THEN CONCAT('column ', loaded_at_field, ' of ', table_name, ' is no time')
    END AS broken
  FROM expected LEFT JOIN present ON present.entity = expected.entity
), statements AS (
  SELECT entity, CASE
    WHEN broken IS NOT NULL THEN CONCAT("SELECT '", entity, "', '", broken, "', 0, 0, ''")
    ELSE CONCAT(
      "SELECT '", entity, "', CAST(NULL AS STRING), ",
      "TIMESTAMP_DIFF(CURRENT_TIMESTAMP(), CAST(MAX(`", loaded_at_field, "`) AS TIMESTAMP), MICROSECOND), ",
      CAST(error_after_us AS STRING), ", '", error_after, "' FROM {place.table('", table_name, "')}")
    END AS statement
  FROM judged
)
SELECT CONCAT(
  "SELECT STRING_AGG(CONCAT(entity, ': ', CASE ",
  "WHEN broken IS NOT NULL THEN broken ",
  "WHEN age_us IS NULL THEN 'never loaded' ",
  "ELSE CONCAT('last loaded ', CAST(DIV(age_us, {_HOUR_US}) AS STRING), ' hours ago, error after ', error_after) ",
  "END), '; ' ORDER BY entity) FROM (",
  "SELECT '' AS entity, CAST(NULL AS STRING) AS broken, 0 AS age_us, 0 AS error_after_us, '' AS error_after UNION ALL ",
  STRING_AGG(statement, ' UNION ALL ' ORDER BY entity),
  ") AS asked WHERE broken IS NOT NULL OR age_us IS NULL OR age_us > error_after_us") AS statement
FROM statements"""  # noqa: S608


def assertion_script(place: Place, jobs: Iterable[Job], overrides: Mapping[str, Criteria] = OVERRIDES) -> str:
    """The script that BigQuery runs each day: it fails, with a message that names them, when entities are in error.

    error_after is two missed runs. The statement is put together over INFORMATION_SCHEMA, since one missing table would
    fail a statement that names it. (Source: cloud.google.com/bigquery/docs/reference/standard-sql/procedural-language.)
    """
    return f"""-- The ingest schedules' assertion: fails when a job missed two runs, or its table is not as expected.
DECLARE assertion STRING;
DECLARE late STRING;
SET assertion = (
{assertion_statement_select(place, jobs, overrides)}
);
EXECUTE IMMEDIATE assertion INTO late;
IF late IS NOT NULL THEN
  RAISE USING MESSAGE = CONCAT('ingest freshness: ', late);
END IF;
"""


def _with_criteria(jobs: Iterable[Job], overrides: Mapping[str, Criteria]) -> list[tuple[Job, Criteria]]:
    return [(job, criteria_of(job.entity, overrides)) for job in jobs]


def _cadence(job: Job) -> str:
    return "weekly" if job.cadence.is_weekly else "daily"


def _us(threshold: Threshold) -> int:
    return threshold.length // _MICROSECOND


def _listed(selects: Iterable[str]) -> str:
    return " UNION ALL\n".join(f"  {select}" for select in selects)
