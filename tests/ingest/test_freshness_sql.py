"""The view and the assertion, the very text that BigQuery gets, on DuckDB."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlglot
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlglot import exp

from ingest.catalogue import CATALOGUE
from ingest.freshness import DAILY, WEEKLY, Criteria, Status, Threshold, criteria_of
from ingest.freshness_sql import assertion_script, assertion_statement_select, view_select
from ingest.rollout import STRATEGIES
from operations.cloud.tables import loaded_query
from tests.given.domain import SETTINGS, night
from tests.given.monitoring import NOW, PLACE, Dataset, Raised, dataset, jobs

NAMES = [entity.name for entity in CATALOGUE]
NIGHTS = [(s.name, n) for s in STRATEGIES.values() for n in s.numbers]
HOURS, MICROSECOND = timedelta(hours=1), timedelta(microseconds=1)


@pytest.fixture
def tables() -> Iterator[Dataset]:
    """All tables, each loaded 5 hours ago."""
    with dataset() as found:
        for name in NAMES:
            found.load(name, 5 * HOURS)
        yield found


@pytest.fixture
def empty() -> Iterator[Dataset]:
    """All tables, none of which ever got a row."""
    with dataset() as found:
        yield found


def late(tables: Dataset, script: str | None = None) -> str | None:
    """The message with which the assertion of the last night fails."""
    try:
        tables.run(script or assertion_script(PLACE, jobs()))
    except Raised as raised:
        return str(raised)
    return None


def aged(empty: Dataset, ages: dict[str, timedelta]) -> Dataset:
    """The other tables are fresh."""
    for name in NAMES:
        empty.load(name, ages.get(name, HOURS))
    return empty


def test_the_assertion_is_silent_when_every_table_is_fresh(tables: Dataset) -> None:
    assert late(tables) is None


def test_the_assertion_names_what_is_late_with_its_age_and_threshold(empty: Dataset) -> None:
    aged(empty, {"invoices": 53.9 * HOURS, "campaigns": 16 * 24 * HOURS})

    assert late(empty) == (
        "ingest freshness: campaigns: last loaded 384 hours ago, error after 15 days; "
        "invoices: last loaded 53 hours ago, error after 50 hours"
    )


def test_the_assertion_names_a_table_that_never_got_a_row(tables: Dataset) -> None:
    tables.warehouse.execute('DELETE FROM "st_raw_v2"."raw_returns"')

    assert late(tables) == "ingest freshness: returns: never loaded"


def test_a_missing_table_stands_beside_a_late_one(empty: Dataset) -> None:
    aged(empty, {"payroll": 60 * HOURS}).drop("jobs")

    assert late(empty) == (
        "ingest freshness: jobs: table raw_jobs does not exist; payroll: last loaded 60 hours ago, error after 50 hours"
    )


def test_all_tables_may_be_missing(empty: Dataset) -> None:
    for name in NAMES:
        empty.drop(name)
    message = late(empty)

    assert message is not None
    assert message.count("does not exist") == 16


def test_a_missing_column_and_one_that_is_no_time_are_named(tables: Dataset) -> None:
    tables.warehouse.execute('ALTER TABLE "st_raw_v2"."raw_jobs" RENAME "updated_on" TO "changed_on"')
    tables.warehouse.execute('ALTER TABLE "st_raw_v2"."raw_payroll" ALTER "updated_on" TYPE VARCHAR')

    assert late(tables) == (
        "ingest freshness: jobs: table raw_jobs has no column updated_on; "
        "payroll: column updated_on of raw_payroll is no time"
    )


def test_the_case_of_a_column_does_not_matter_as_in_bigquery(tables: Dataset) -> None:
    tables.warehouse.execute('ALTER TABLE "st_raw_v2"."raw_jobs" RENAME "updated_on" TO "Updated_On"')

    assert late(tables) is None


def test_a_day_is_late_for_a_daily_job_after_two_and_for_a_weekly_one_after_fifteen(empty: Dataset) -> None:
    aged(empty, {"jobs": 51 * HOURS, "technicians": 51 * HOURS})

    assert late(empty) == "ingest freshness: jobs: last loaded 51 hours ago, error after 50 hours"


def test_just_the_threshold_is_in_time_and_a_microsecond_more_is_not(empty: Dataset) -> None:
    aged(empty, {"jobs": 50 * HOURS, "payroll": 50 * HOURS + MICROSECOND})

    assert late(empty) == "ingest freshness: payroll: last loaded 50 hours ago, error after 50 hours"


def test_an_entity_is_asked_for_its_own_loaded_at_field() -> None:
    catalogue = [replace(e, loaded_at_fields=("synced_at",)) if e.name == "returns" else e for e in CATALOGUE]
    with dataset(catalogue) as found:
        for name in NAMES:
            found.load(name, 60 * HOURS if name == "returns" else HOURS)

        assert late(found, assertion_script(PLACE, jobs(catalogue=catalogue))) == (
            "ingest freshness: returns: last loaded 60 hours ago, error after 50 hours"
        )
        rows = {row["entity"]: row for row in found.rows(view_select(PLACE, jobs(catalogue=catalogue)))}
        assert rows["returns"]["status"] == "error"


def test_an_entity_has_its_own_criteria(empty: Dataset) -> None:
    aged(empty, {"returns": 60 * HOURS})
    patient = {"returns": Criteria(Threshold(3, "day"), Threshold(4, "day"))}
    strict = {"returns": Criteria(Threshold(30, "minute"), Threshold(90, "minute"))}

    assert late(empty, assertion_script(PLACE, jobs(), patient)) is None
    assert late(empty, assertion_script(PLACE, jobs(), strict)) == (
        "ingest freshness: returns: last loaded 60 hours ago, error after 90 minutes"
    )


def test_what_does_not_exist_yet_is_not_expected(empty: Dataset) -> None:
    first = jobs(night(0))
    for job in first:
        empty.load(job.entity.name, HOURS)

    assert late(empty, assertion_script(PLACE, first)) is None
    assert [row["entity"] for row in empty.rows(view_select(PLACE, first))] == [job.entity.name for job in first]


thresholds = [c.length for criteria in (DAILY, WEEKLY) for c in (criteria.warn_after, criteria.error_after)]
ages = st.one_of(
    st.none(),
    st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=20)),
    st.builds(lambda near, by: near + by * MICROSECOND, st.sampled_from(thresholds), st.integers(-2, 2)),
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.fixed_dictionaries(dict.fromkeys(NAMES, ages)), st.sets(st.sampled_from(NAMES), max_size=3))
def test_the_sql_judges_as_the_criteria_do(found: dict[str, timedelta | None], missing: set[str]) -> None:
    with dataset() as tables:
        for name, age in found.items():
            if age is not None:
                tables.load(name, age)
        wanted = {name: criteria_of(job.entity).status(found[name]) for job in jobs() for name in [job.entity.name]}
        rows = {row["entity"]: row for row in tables.rows(view_select(PLACE, jobs()))}

        assert {name: row["status"] for name, row in rows.items()} == wanted
        for name, age in found.items():
            shown = rows[name]["max_loaded_at_time_ago_in_s"]
            assert (None if shown is None else float(shown)) == (None if age is None else age / timedelta(seconds=1))
            assert rows[name]["row_count"] == ("0" if age is None else "1")

        for name in missing:
            tables.drop(name)
        message = late(tables) or "ingest freshness: "
        named = re.findall(r"(\w+): (?:last|never|table)", message.removeprefix("ingest freshness: "))
        assert named == sorted({name for name, status in wanted.items() if status is Status.ERROR} | missing)


def test_the_view_has_the_words_of_dbt_and_a_row_for_each_job(tables: Dataset) -> None:
    rows = tables.rows(view_select(PLACE, jobs()))

    assert [row["entity"] for row in rows] == NAMES
    assert rows[0] == {
        "entity": "jobs",
        "entity_group": "core",
        "cadence": "daily",
        "max_loaded_at": repr((NOW - 5 * HOURS).timestamp()),
        "row_count": "1",
        "max_loaded_at_time_ago_in_s": "18000.0",
        "warn_after_s": str(26 * 3600),
        "error_after_s": str(50 * 3600),
        "status": "pass",
    }


def test_the_view_reads_the_tables_just_as_the_command_does() -> None:
    entities = [job.entity for job in jobs()]

    assert loaded_query(SETTINGS, entities) in view_select(PLACE, jobs())


@pytest.mark.parametrize(("strategy", "number"), NIGHTS)
def test_every_table_is_named_in_full_and_quoted(strategy: str, number: int) -> None:
    listed = jobs(night(number, strategy))
    tree = sqlglot.parse_one(view_select(PLACE, listed), read="bigquery")
    ctes = {cte.alias for cte in tree.find_all(exp.CTE)}
    tables = [table for table in tree.find_all(exp.Table) if table.name not in ctes]

    assert {(t.catalog, t.db, t.name) for t in tables} == {
        (SETTINGS.project, SETTINGS.dataset, f"raw_{job.entity.name}") for job in listed
    }
    assert all(part.args.get("quoted") for table in tables for part in table.parts)


@pytest.mark.parametrize(("strategy", "number"), NIGHTS)
def test_the_script_is_five_statements_of_bigquery(strategy: str, number: int) -> None:
    listed = jobs(night(number, strategy))
    script = assertion_script(PLACE, listed)
    declare, also, assign, *rest = [tree for tree in sqlglot.parse(script, read="bigquery") if tree]

    assert isinstance(declare, exp.Declare)
    assert isinstance(also, exp.Declare)
    assert isinstance(assign, exp.Set)
    assert [tree.sql("bigquery").split(" ")[0] for tree in rest] == ["EXECUTE", "IF", "END"]
    assert assertion_statement_select(PLACE, listed) in script
    assert len(script) < 2**20, "BigQuery's limit for a query's text"


def test_nothing_that_the_dataset_holds_becomes_a_part_of_the_statement(tables: Dataset) -> None:
    tables.warehouse.execute("""ALTER TABLE "st_raw_v2"."raw_jobs" ADD COLUMN "') -- `x" VARCHAR""")
    tables.warehouse.execute("""CREATE TABLE "st_raw_v2"."raw_'x`" (id BIGINT)""")
    statement = tables.value(assertion_statement_select(PLACE, jobs()))

    assert statement is not None
    assert "x" not in re.findall(r"\w+", statement)
    assert late(tables) is None
