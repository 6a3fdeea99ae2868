"""The view and the assertion, the very text that BigQuery gets, on DuckDB."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlglot
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlglot import exp

from ingest.catalogue import CATALOGUE
from ingest.judging.freshness import DAILY, LOOKBACK, WEEKLY, Criteria, Status, Threshold
from ingest.judging.freshness_sql import assertion, loaded_select, view_select
from ingest.judging.run import LogRow
from ingest.rollout import STRATEGIES
from operations.cloud.tables import Tables
from operations.freshness import judge_runs
from tests.given.domain import SETTINGS, night
from tests.given.monitoring import LAST_NIGHT, NOW, TOOK, Datasets, datasets, jobs
from tests.given.tables import JOBS, many
from twin.bigquery import ApiError

NAMES = [entity.name for entity in CATALOGUE]
NIGHTS = [(s.name, n) for s in STRATEGIES.values() for n in s.numbers]
HOURS, MICROSECOND = timedelta(hours=1), timedelta(microseconds=1)
UNLOGGED = replace(LAST_NIGHT, run_log="")
"""A service without a run log."""

RUN_LOG = "run log st_logs_v2.ingestion_logs"


@pytest.fixture
def log() -> Iterator[Datasets]:
    """A run log without a row."""
    with datasets() as found:
        yield found


@pytest.fixture
def tables() -> Iterator[Datasets]:
    """All tables, each loaded an hour ago, of a service without a run log, with the plan's column."""
    with datasets(UNLOGGED) as found:
        for entity in CATALOGUE:
            found.load(entity.name, HOURS)
            table = f"{UNLOGGED.dataset_of(entity)}.{entity.table_name}"
            found.warehouse.execute(f"ALTER TABLE {table} RENAME _ingested_at TO updated_on")
        yield found


def late(found: Datasets) -> str | None:
    """The message with which the assertion of the last night fails."""
    return found.late(assertion(LAST_NIGHT, jobs()))


def late_tables(found: Datasets) -> str | None:
    return found.late(assertion(UNLOGGED, jobs()))


def succeeded(log: Datasets, ages: dict[str, timedelta] | None = None, without: str = "") -> Datasets:
    """The others an hour ago."""
    for name in NAMES:
        if name != without:
            log.ran(name, (ages or {}).get(name, HOURS))
    return log


def statuses(found: Datasets, sql: str) -> dict[str, str]:
    return {row["entity"]: row["status"] for row in found.rows(sql)}


def test_the_assertion_is_silent_when_every_job_succeeded(log: Datasets) -> None:
    assert late(succeeded(log)) is None


def test_a_job_that_is_not_called_any_more_is_named_with_its_age_and_threshold(log: Datasets) -> None:
    succeeded(log, {"invoices": 53.9 * HOURS, "campaigns": 16 * 24 * HOURS})

    assert late(log) == (
        "campaigns: last success 384 hours ago, error after 15 days, last called 384 hours ago; "
        "invoices: last success 53 hours ago, error after 50 hours, last called 53 hours ago"
    )


def test_a_job_that_fails_each_time_is_named_as_one_that_is_called(log: Datasets) -> None:
    succeeded(log, {"invoices": 53 * HOURS}).ran("invoices", 5 * HOURS, status="failed", inserted=0)

    assert late(log) == "invoices: last success 53 hours ago, error after 50 hours, last called 5 hours ago"


def test_an_entity_that_never_succeeded_is_named(log: Datasets) -> None:
    succeeded(log, without="returns")
    assert late(log) == "returns: no success in 90 days, never called"

    log.ran("returns", 2 * HOURS, status="failed", inserted=0)
    log.ran("returns", HOURS, status="a status that nobody knows")
    assert late(log) == "returns: no success in 90 days, last called 1 hours ago"


def test_a_run_log_that_is_not_written_any_more_is_named_before_the_jobs(log: Datasets) -> None:
    succeeded(log, dict.fromkeys(NAMES, 51 * HOURS))
    message = str(late(log))

    assert message.startswith(f"{RUN_LOG}: last row 51 hours ago, error after 50 hours; appointments: last success 51 ")
    assert message.count("last success") == 12, "not the weekly ones"


def test_a_row_of_whatever_entity_shows_that_the_run_log_is_written(log: Datasets) -> None:
    succeeded(log, dict.fromkeys(NAMES, 51 * HOURS)).ran("collections", 49 * HOURS)

    assert RUN_LOG not in str(late(log))


def test_a_run_log_without_a_row_is_named_and_so_is_every_job(log: Datasets) -> None:
    message = str(late(log))

    assert message.startswith(f"{RUN_LOG}: no row in 90 days; activity_codes: no success in 90 days, never called; ")
    assert message.count("never called") == 16


def test_a_quiet_night_is_a_success_and_shows_its_age_beside_the_newest_row(log: Datasets) -> None:
    succeeded(log, {"returns": 99 * HOURS}).ran("returns", HOURS, inserted=0)
    (row,) = [row for row in log.rows(view_select(LAST_NIGHT, jobs())) if row["entity"] == "returns"]

    assert late(log) is None
    assert row["last_success_at"] == repr((NOW - HOURS).timestamp())
    assert row["newest_row_at"] == repr((NOW - 99 * HOURS).timestamp())


def test_a_call_that_is_dated_in_the_future_proves_nothing(log: Datasets) -> None:
    succeeded(log, {"jobs": 60 * HOURS}).ran("jobs", -HOURS)

    assert late(log) == "jobs: last success 60 hours ago, error after 50 hours, last called 60 hours ago"


def test_a_call_without_an_end_is_dated_by_its_start(log: Datasets) -> None:
    succeeded(log, {"jobs": 50 * HOURS})
    log.warehouse.execute("UPDATE st_logs_v2.ingestion_logs SET end_time = NULL")

    assert late(log) == "jobs: last success 50 hours ago, error after 50 hours, last called 50 hours ago"


def test_what_began_before_the_lookback_is_not_read(log: Datasets) -> None:
    succeeded(log, {"jobs": LOOKBACK - TOOK, "returns": LOOKBACK - TOOK + MICROSECOND})

    assert late(log) == (
        "jobs: last success 2159 hours ago, error after 50 hours, last called 2159 hours ago; "
        "returns: no success in 90 days, never called"
    )


def test_a_day_is_late_for_a_daily_job_after_two_and_for_a_weekly_one_after_fifteen(log: Datasets) -> None:
    succeeded(log, {"jobs": 51 * HOURS, "technicians": 51 * HOURS})

    assert str(late(log)).startswith("jobs: last success 51 hours ago, error after 50 hours")
    assert "technicians" not in str(late(log))


def test_just_the_threshold_is_in_time_and_a_microsecond_more_is_not(log: Datasets) -> None:
    succeeded(log, {"jobs": 50 * HOURS, "payroll": 50 * HOURS + MICROSECOND})

    assert str(late(log)).startswith("payroll: last success 50 hours ago")


def test_an_entity_has_its_own_criteria(log: Datasets) -> None:
    succeeded(log, {"returns": 60 * HOURS})
    patient = {"returns": Criteria(Threshold(3, "day"), Threshold(4, "day"))}
    strict = {"returns": Criteria(Threshold(30, "minute"), Threshold(90, "minute"))}

    assert log.late(assertion(LAST_NIGHT, jobs(), patient)) is None
    message = log.late(assertion(LAST_NIGHT, jobs(), strict))
    assert message == "returns: last success 60 hours ago, error after 90 minutes, last called 60 hours ago"


def test_a_run_log_may_be_silent_for_the_shortest_error_after(log: Datasets) -> None:
    succeeded(log, dict.fromkeys(NAMES, 2 * HOURS))
    strict = {"returns": Criteria(Threshold(30, "minute"), Threshold(90, "minute"))}

    message = str(log.late(assertion(LAST_NIGHT, jobs(), strict)))
    assert message.startswith(f"{RUN_LOG}: last row 2 hours ago, error after 90 minutes; returns: ")


def test_what_does_not_exist_yet_is_not_expected(log: Datasets) -> None:
    first = jobs(night(0))
    for job in first:
        log.ran(job.entity.name, HOURS)

    assert log.late(assertion(SETTINGS, first)) is None
    assert [row["entity"] for row in log.rows(view_select(SETTINGS, first))] == [job.entity.name for job in first]


def test_no_table_of_an_entity_is_read(log: Datasets) -> None:
    tree = sqlglot.parse_one(view_select(LAST_NIGHT, jobs()), read="bigquery")
    ctes = {cte.alias for cte in tree.find_all(exp.CTE)}

    assert [(t.catalog, t.db, t.name) for t in tree.find_all(exp.Table) if t.name not in ctes] == [
        ("kpi-auto-471020", "st_logs_v2", "ingestion_logs")
    ]


def test_the_view_has_a_row_for_each_job(log: Datasets) -> None:
    succeeded(log).ran("jobs", HOURS / 2, status="failed", inserted=0)
    rows = log.rows(view_select(LAST_NIGHT, jobs()))
    hour_ago, half = repr((NOW - HOURS).timestamp()), repr((NOW - HOURS / 2).timestamp())

    assert [row["entity"] for row in rows] == NAMES
    assert rows[0] == {
        "entity": "jobs",
        "entity_group": "core",
        "cadence": "daily",
        "last_success_at": hour_ago,
        "last_call_at": half,
        "newest_row_at": hour_ago,
        "log_written_at": half,
        "last_success_time_ago_in_s": "3600.0",
        "warn_after_s": str(26 * 3600),
        "error_after_s": str(50 * 3600),
        "status": "pass",
    }


thresholds = [c.length for criteria in (DAILY, WEEKLY) for c in (criteria.warn_after, criteria.error_after)]
ages = st.one_of(
    st.timedeltas(min_value=timedelta(hours=-1), max_value=timedelta(days=20)),
    st.builds(lambda near, by: near + by * MICROSECOND, st.sampled_from(thresholds), st.integers(-2, 2)),
)
calls = st.tuples(st.sampled_from([*NAMES, "collections"]), ages, st.sampled_from(["success", "failed"]))


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(calls, max_size=30))
def test_the_sql_judges_as_the_command_does(found: list[tuple[str, timedelta, str]]) -> None:
    listed = jobs()
    with datasets() as log:
        rows = []
        for name, age, status in found:
            log.ran(name, age, status=status)
            rows.append(LogRow(name, "", NOW - age - TOOK, NOW - age, status, 10, 10))
        verdicts = judge_runs(CATALOGUE, [job.entity for job in listed], rows, Tables({}, {}), NOW)
        shown = {row["entity"]: row for row in log.rows(view_select(LAST_NIGHT, listed))}
        message = late(log) or ""

    assert {v.entity.name: str(v.status) for v in verdicts} == {name: row["status"] for name, row in shown.items()}
    for verdict in verdicts:
        row = shown[verdict.entity.name]
        age = row["last_success_time_ago_in_s"]
        assert verdict.age == (None if age is None else timedelta(seconds=float(age)))
        called = row["last_call_at"] and datetime.fromtimestamp(float(row["last_call_at"]), UTC)
        assert called == (verdict.last_call and verdict.last_call.over)
    named = re.findall(r"(\w+): (?:last success|no success)", message)
    assert named == sorted(v.entity.name for v in verdicts if v.status is Status.ERROR)


def test_without_a_run_log_the_assertion_asks_the_tables(tables: Datasets) -> None:
    assert late_tables(tables) is None
    tables.warehouse.execute("UPDATE st_raw_v2.raw_jobs SET updated_on = TIMESTAMP '2026-10-24 11:15:00'")
    tables.warehouse.execute("DELETE FROM st_ref_v2.dim_technicians")

    assert late_tables(tables) == "jobs: last loaded 53 hours ago, error after 50 hours; technicians: never loaded"
    assert {name for name, status in statuses(tables, view_select(UNLOGGED, jobs())).items() if status == "error"} == {
        "jobs",
        "technicians",
    }


def test_without_a_run_log_a_missing_table_fails_the_assertion_with_its_name(tables: Datasets) -> None:
    tables.warehouse.execute("DROP TABLE st_ref_v2.dim_technicians")

    with pytest.raises(ApiError, match=r"Not found: Table kpi-auto-471020:st_ref_v2\.dim_technicians"):
        late_tables(tables)


def test_without_a_run_log_the_view_is_in_the_words_of_dbt_and_reads_as_the_command_does(tables: Datasets) -> None:
    sql = view_select(UNLOGGED, jobs())

    assert loaded_select(UNLOGGED, [job.entity for job in jobs()]) in sql
    assert tables.rows(sql)[0] == {
        "entity": "jobs",
        "entity_group": "core",
        "cadence": "daily",
        "max_loaded_at": repr((NOW - HOURS).timestamp()),
        "row_count": "1",
        "max_loaded_at_time_ago_in_s": "3600.0",
        "warn_after_s": str(26 * 3600),
        "error_after_s": str(50 * 3600),
        "status": "pass",
    }


def test_without_a_run_log_an_entity_is_asked_for_its_own_loaded_at_field(tables: Datasets) -> None:
    catalogue = [replace(e, loaded_at_fields=("synced_at",)) if e.name == "returns" else e for e in CATALOGUE]
    tables.warehouse.execute("ALTER TABLE st_raw_v2.raw_returns RENAME updated_on TO synced_at")

    assert tables.late(assertion(UNLOGGED, jobs(catalogue=catalogue))) is None


@pytest.mark.parametrize(("strategy", "number"), NIGHTS)
@pytest.mark.parametrize("run_log", [SETTINGS.run_log, ""])
def test_every_table_is_named_in_full_and_quoted(strategy: str, number: int, run_log: str) -> None:
    chosen = replace(night(number, strategy), run_log=run_log)
    listed = jobs(chosen)
    tree = sqlglot.parse_one(view_select(chosen, listed), read="bigquery")
    ctes = {cte.alias for cte in tree.find_all(exp.CTE)}
    tables = [table for table in tree.find_all(exp.Table) if table.name not in ctes]

    wanted = {f"{chosen.project}.{run_log}"} if run_log else {chosen.table(job.entity) for job in listed}
    assert {f"{t.catalog}.{t.db}.{t.name}" for t in tables} == wanted
    assert all(part.args.get("quoted") for table in tables for part in table.parts)
    assert len(assertion(chosen, listed)) < 2**20, "BigQuery's limit for a query's text"


def test_the_query_of_one_table_reads_its_loaded_at_column_and_counts_its_rows() -> None:
    assert loaded_select(SETTINGS, [JOBS]) == (
        "SELECT 'raw_jobs' AS table_name, CAST(MAX(`updated_on`) AS TIMESTAMP) AS max_loaded_at, "
        "COUNT(*) AS row_count FROM `kpi-auto-471020`.`st_raw_v2`.`raw_jobs`"
    )


@pytest.mark.parametrize("count", [1, 2, 1600])
def test_one_statement_reads_all_tables(count: int) -> None:
    entities = many(count)
    text = loaded_select(SETTINGS, entities)
    (statement,) = sqlglot.parse(text, read="bigquery")

    assert isinstance(statement, exp.Query)
    assert {table.name for table in statement.find_all(exp.Table)} == {f"raw_made_up_{n}" for n in range(count)}
    assert len(text) < 2**20, "BigQuery's limit for a query's text"
