"""The tables of several datasets by few queries, as a gate gets them: one that is broken never hides the others."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlglot
from sqlglot import exp

from ingest.catalogue import CATALOGUE
from ingest.judging.duplicates import NO_ROWS, Keys
from ingest.judging.freshness import MISSING, Loaded
from ingest.judging.freshness_sql import loaded_select
from operations.cloud import tables
from operations.cloud.tables import (
    MAX_BYTES,
    OVER_LIMIT,
    Tables,
    bytes_to_be_billed,
    columns_query,
    loaded_at_column,
    read,
    states,
    survey,
    tried,
)
from operations.errors import OperationError
from tests.given.domain import PHOENIX, SETTINGS
from tests.given.many_datasets import Datasets, Table, serving
from tests.given.tables import JOBS, many
from tests.given.tables import place as opened

NEWEST = datetime(2026, 10, 22, 11, 1, tzinfo=UTC)
RAW = [entity for entity in CATALOGUE if not entity.is_reference]
REFERENCE = [entity for entity in CATALOGUE if entity.is_reference]


@pytest.fixture
def datasets() -> Datasets:
    """As the service makes them."""
    made: dict[str, dict[str, Table]] = {"st_raw_v2": {}, "st_ref_v2": {}}
    for entity in CATALOGUE:
        columns = {"modifiedOn": "TIMESTAMP", "_ingested_at": "TIMESTAMP", **dict.fromkeys(entity.key, "INT64")}
        table = Table(columns, NEWEST, 7, doubled=2)
        made[SETTINGS.dataset_of(entity)][entity.table_name] = table
    return Datasets(made)


def ask(datasets: Datasets) -> Tables:
    with serving(datasets) as client:
        return states(client, SETTINGS, CATALOGUE)


def names(found: Tables) -> set[str]:
    return {name for name, table in found.loaded.items() if table == Loaded(NEWEST, 7)}


ALL = {entity.name for entity in CATALOGUE}


def counted(found: Tables) -> set[str]:
    return {name for name, keys in found.keys.items() if keys == Keys(7, 5, 2)}


def test_all_datasets_are_asked_by_three_queries(datasets: Datasets) -> None:
    found = ask(datasets)

    assert (names(found), found.broken) == (ALL, {})
    assert (counted(found), found.uncounted) == (ALL, {})
    assert len(datasets.asked) == 3
    assert "MAX(`_ingested_at`)" in datasets.asked[1]
    assert "`st_ref_v2`.`dim_technicians`" in datasets.asked[1]


@pytest.mark.parametrize(
    ("columns", "column"),
    [
        ({"_ingested_at"}, "_ingested_at"),
        ({"updated_on", "_ingested_at"}, "updated_on"),
        ({"id"}, None),
    ],
)
def test_the_loaded_at_column_is_the_first_that_the_table_has(columns: set[str], column: str | None) -> None:
    assert loaded_at_column(JOBS, columns) == column


def test_the_case_of_a_columns_name_does_not_matter(datasets: Datasets) -> None:
    datasets.datasets["st_raw_v2"]["raw_jobs"].columns = {"ID": "INT64", "Updated_On": "TIMESTAMP"}

    assert names(ask(datasets)) == ALL
    with serving(datasets) as client:
        (jobs,) = survey(client, SETTINGS, [JOBS]).readable
    assert jobs.loaded_at_fields == ("updated_on",)


def test_a_dataset_that_does_not_exist_has_no_tables(datasets: Datasets) -> None:
    del datasets.datasets["st_ref_v2"]
    found = ask(datasets)

    assert names(found) == {entity.name for entity in RAW}
    assert {name for name, table in found.loaded.items() if table == MISSING} == {entity.name for entity in REFERENCE}
    assert found.broken == {}
    assert found.keys["technicians"] == NO_ROWS


def test_a_dataset_without_rights_is_named_at_each_of_its_tables(datasets: Datasets) -> None:
    datasets.refused["st_ref_v2"] = (403, "accessDenied", "Access Denied: Dataset st_ref_v2")
    found = ask(datasets)

    assert names(found) == {entity.name for entity in RAW}
    assert found.broken.keys() == {entity.name for entity in REFERENCE}
    assert "Access Denied: Dataset st_ref_v2" in found.broken["technicians"]
    assert found.uncounted == found.broken


@pytest.mark.parametrize(
    "refusal",
    [
        (400, "invalidQuery", "Cannot query over table 'raw_jobs' without a filter over column(s) 'modifiedOn'"),
        (403, "accessDenied", "Access Denied: Table raw_jobs"),
        (404, "notFound", "Not found: Table raw_jobs"),
    ],
)
def test_a_table_that_cannot_be_read_is_named_and_hides_no_other(
    refusal: tuple[int, str, str], datasets: Datasets
) -> None:
    for name in ("raw_jobs", "raw_returns"):
        datasets.datasets["st_raw_v2"][name].refuses = refusal
    found = ask(datasets)

    assert names(found) == ALL - {"jobs", "returns"}
    assert found.broken.keys() == {"jobs", "returns"}
    assert found.broken["jobs"].startswith(f"table {SETTINGS.table(JOBS)}: BigQuery")
    assert refusal[2] in found.broken["jobs"]
    assert (counted(found), found.uncounted) == (ALL - {"jobs", "returns"}, found.broken)
    assert len(datasets.asked) < len(CATALOGUE) + 2


def test_a_missing_table_has_no_rows_and_a_column_that_is_no_time_is_named(datasets: Datasets) -> None:
    raw = datasets.datasets["st_raw_v2"]
    del raw["raw_returns"]
    raw["raw_jobs"].columns["_ingested_at"] = "STRING"
    del raw["raw_payroll"].columns["_ingested_at"]
    found = ask(datasets)

    assert found.loaded["returns"] == MISSING
    assert found.broken.keys() == {"jobs", "payroll"}
    assert "column _ingested_at of kpi-auto-471020.st_raw_v2.raw_jobs is STRING" in found.broken["jobs"]
    assert "has no column updated_on or _ingested_at; set loaded_at_fields" in found.broken["payroll"]
    assert (found.keys["returns"], counted(found)) == (NO_ROWS, ALL - {"returns"})


def test_a_table_without_its_key_has_its_newest_row_and_no_count_of_keys(datasets: Datasets) -> None:
    del datasets.datasets["st_raw_v2"]["raw_returns"].columns["returnId"]
    found = ask(datasets)

    assert (names(found), counted(found)) == (ALL, ALL - {"returns"})
    assert found.uncounted.keys() == {"returns"}
    assert "st_raw_v2.raw_returns has no column returnId; compare it with key" in found.uncounted["returns"]


def test_keys_that_cannot_be_counted_at_all_hide_no_newest_row(datasets: Datasets) -> None:
    datasets.no_keys = (400, "bytesBilledLimitExceeded", f"Query exceeded {OVER_LIMIT}: 1. 10485760 or higher required")
    found = ask(datasets)

    assert (names(found), counted(found), {*found.uncounted}) == (ALL, set(), ALL)


@pytest.mark.parametrize(
    ("kind", "zone", "readable", "told"),
    [
        ("STRING", "", False, "is STRING, which is no time; name another column in loaded_at_fields of jobs in"),
        ("STRING", PHOENIX, True, None),
        ("INT64", PHOENIX, False, "cast it in a view"),
        ("DATETIME", "", True, f'is read as UTC; if it is local, set loaded_at_zone="{PHOENIX}" for jobs'),
        ("DATETIME", PHOENIX, True, None),
        ("DATE", "", True, "its newest row counts as midnight, before the run that loaded it"),
        ("DATE", PHOENIX, True, "its newest row counts as midnight, before the run that loaded it"),
        ("TIMESTAMP", PHOENIX, True, None),
    ],
)
def test_a_column_that_is_no_moment_is_named_with_what_to_do(
    kind: str, zone: str, readable: bool, told: str | None, datasets: Datasets
) -> None:
    datasets.datasets["st_raw_v2"]["raw_jobs"].columns["_ingested_at"] = kind
    jobs = replace(JOBS, loaded_at_zone=zone)
    with serving(datasets) as client:
        found = survey(client, SETTINGS, [jobs, *CATALOGUE[1:]])

    texts = (found.doubts if readable else found.broken).get("jobs")
    assert (texts is None) if told is None else told in str(texts)
    assert len(found.readable) == len(CATALOGUE) - (not readable)
    zoned = bool(zone) and kind != "TIMESTAMP"
    sql = loaded_select(SETTINGS, found.readable[:1])
    assert not readable or (f"MAX(TIMESTAMP(`_ingested_at`, '{PHOENIX}'))" in sql) is zoned


def test_a_table_that_would_be_refused_is_found_out_by_a_dry_run_and_hides_no_other(datasets: Datasets) -> None:
    filtered = (400, "invalidQuery", "Cannot query over table 'raw_jobs' without a filter over column(s) 'modifiedOn'")
    datasets.datasets["st_raw_v2"]["raw_jobs"].refuses = filtered
    with serving(datasets) as client:
        found = tried(client, SETTINGS, survey(client, SETTINGS, CATALOGUE))

    assert {entity.name for entity in found.readable} == ALL - {"jobs"}
    assert found.broken["jobs"].startswith(f"table {SETTINGS.table(JOBS)}: BigQuery did not answer the query: HTTP 400")
    assert datasets.dry == len(datasets.asked) - 1


@pytest.mark.parametrize(
    "refusal",
    [
        (400, "bytesBilledLimitExceeded", f"Query exceeded {OVER_LIMIT}: 1. 10485760 or higher required."),
        (401, "authError", "Invalid Credentials"),
    ],
)
def test_what_is_no_single_tables_fault_is_not_asked_again_table_by_table(
    refusal: tuple[int, str, str], datasets: Datasets
) -> None:
    datasets.datasets["st_raw_v2"]["raw_jobs"].refuses = refusal
    with pytest.raises(OperationError):
        ask(datasets)
    assert len(datasets.asked) == 2


def test_no_dataset_at_all_is_no_answer(datasets: Datasets) -> None:
    datasets.datasets.clear()
    with pytest.raises(OperationError, match="compare project, datasets"):
        ask(datasets)


def test_the_query_of_the_columns_is_one_statement_of_bigquery() -> None:
    datasets = {"raw_": "st_raw_v2", "dim_": "st_ref_v2"}
    (statement,) = sqlglot.parse(columns_query(SETTINGS, datasets), read="bigquery")

    assert isinstance(statement, exp.Union)
    assert {table.db for table in statement.find_all(exp.Table)} == {"st_raw_v2", "st_ref_v2"}


@pytest.mark.parametrize(("count", "queries"), [(1, 1), (16, 1), (20, 1), (21, 2)])
def test_the_calls_do_not_grow_with_the_tables_but_for_bigquerys_limit_of_1000_a_query(
    count: int, queries: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert tables.TABLES_PER_QUERY == 1000
    monkeypatch.setattr(tables, "TABLES_PER_QUERY", 20)
    entities = many(count)
    with opened(SETTINGS, entities) as place:
        for entity in entities:
            place.load(entity.name, timedelta(0))
        surveyed = survey(place.client, SETTINGS, entities)
        billed = bytes_to_be_billed(place.client, SETTINGS, surveyed.readable)
        found = read(place.client, SETTINGS, surveyed.readable, max_bytes=max(billed, MAX_BYTES))

    assert list(found) == [entity.name for entity in entities]
    assert place.calls == [("query", False), *[("insert", True)] * queries, *[("query", False)] * queries]
