"""The SQL is BigQuery's own, and one statement however many tables there are."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlglot
from sqlglot import exp

from ingest.judging.freshness_sql import loaded_select
from operations.cloud import tables as freshness
from operations.cloud.tables import MAX_BYTES, columns_query, survey
from tests.given.domain import SETTINGS
from tests.given.tables import JOBS, many
from tests.given.tables import place as a_place


def test_the_query_of_one_table_reads_its_loaded_at_column_and_counts_its_rows() -> None:
    assert loaded_select(SETTINGS, [JOBS]) == (
        "SELECT 'raw_jobs' AS table_name, CAST(MAX(`updated_on`) AS TIMESTAMP) AS max_loaded_at, "
        "COUNT(*) AS row_count FROM `kpi-auto-471020`.`st_raw_v2`.`raw_jobs`"
    )


def test_the_query_of_the_columns_is_one_statement_of_bigquery() -> None:
    datasets = {"raw_": "st_raw_v2", "dim_": "st_ref_v2"}
    (statement,) = sqlglot.parse(columns_query(SETTINGS, datasets), read="bigquery")

    assert isinstance(statement, exp.Union)
    assert {table.db for table in statement.find_all(exp.Table)} == {"st_raw_v2", "st_ref_v2"}


@pytest.mark.parametrize("count", [1, 2, 1600])
def test_one_statement_reads_all_tables(count: int) -> None:
    entities = many(count)
    text = loaded_select(SETTINGS, entities)
    (statement,) = sqlglot.parse(text, read="bigquery")

    assert isinstance(statement, exp.Query)
    assert {table.name for table in statement.find_all(exp.Table)} == {f"raw_made_up_{n}" for n in range(count)}
    assert len(text) < 2**20, "BigQuery's limit for a query's text"


@pytest.mark.parametrize(("count", "queries"), [(1, 1), (16, 1), (160, 1), (1000, 1), (1600, 2)])
def test_the_calls_do_not_grow_with_the_tables_but_for_bigquerys_limit_of_1000_a_query(
    count: int, queries: int
) -> None:
    entities = many(count)
    with a_place(SETTINGS, entities) as place:
        for entity in entities:
            place.load(entity.name, timedelta(0))
        surveyed = survey(place.client, SETTINGS, entities)
        billed = freshness.bytes_to_be_billed(place.client, SETTINGS, surveyed.readable)
        found = freshness.read(place.client, SETTINGS, surveyed.readable, max_bytes=max(billed, MAX_BYTES))

    assert list(found) == [entity.name for entity in entities]
    assert place.calls == [("query", False), *[("insert", True)] * queries, *[("query", False)] * queries]
