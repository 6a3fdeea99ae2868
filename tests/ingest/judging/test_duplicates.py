"""Rows against natural keys, by the very text that BigQuery gets, on DuckDB."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.catalogue import CATALOGUE
from ingest.judging.duplicates import Keys, doubled_verdict, keys_select
from tests.given.domain import SETTINGS
from tests.given.tables import NOW, Place
from tests.given.tables import place as opened
from twin.contract import SERVED, columns

ENTITIES = {entity.name: entity for entity in CATALOGUE}
RETURNS, PAYROLL = ENTITIES["returns"], ENTITIES["payroll"]


def counted(place: Place) -> dict[str, Keys]:
    made = [entity for entity in CATALOGUE if place.warehouse.has(entity.name)]
    answer = place.bigquery.query({"query": keys_select(SETTINGS, made)})
    return {row["f"][0]["v"]: Keys(*(int(cell["v"]) for cell in row["f"][1:])) for row in answer["rows"]}


@pytest.mark.parametrize("entity", CATALOGUE, ids=lambda entity: entity.name)
def test_the_key_is_of_columns_that_the_table_has_and_the_services_own(entity: Any) -> None:
    served = SERVED[entity.name]

    assert {*entity.key, *filter(None, [entity.amount])} <= {column.name for column in columns(served.column_text)}
    assert entity.key == (served.key,) or (entity.name == "payroll" and entity.key[0] == "sourceEntityId")


def test_a_record_that_is_loaded_again_in_another_place_is_doubled_where_the_place_is_in_its_id(place: Place) -> None:
    for entity in CATALOGUE:
        place.warehouse.load(entity.name, range(5), NOW)
        place.warehouse.load(entity.name, range(3, 7), NOW)
    found = counted(place)

    doubled = {name for name, keys in found.items() if keys == Keys(9, 7, 2)}
    assert doubled == {
        f"raw_{name}" for name in ("purchase_orders", "inventory_bills", "returns", "payroll_adjustments")
    }
    assert {keys for name, keys in found.items() if name not in doubled} == {Keys(7, 7, 0)}


def test_an_insert_beside_the_merge_doubles_any_table(place: Place) -> None:
    for name in ("jobs", "payroll"):
        place.warehouse.load(name, range(5), NOW)
        place.warehouse.stream(name, range(2), NOW)
        place.warehouse.stream(name, range(1), NOW)

    assert counted(place) == {"raw_jobs": Keys(8, 5, 3), "raw_payroll": Keys(8, 5, 3)}


def test_an_empty_table_has_nothing_doubled(place: Place) -> None:
    place.warehouse.load("jobs", range(0), NOW)

    assert counted(place) == {"raw_jobs": Keys(0, 0, 0)}


@settings(max_examples=30, deadline=None)
@given(st.lists(st.none() | st.integers(0, 5), max_size=12))
def test_rows_without_a_key_are_neither_keys_nor_doubled(ids: list[int | None]) -> None:
    with opened() as place:
        place.warehouse.load("returns", range(0), NOW)
        for number, key in enumerate(ids):
            place.warehouse.execute(
                f"INSERT INTO {SETTINGS.dataset}.raw_returns (id, returnId, _ingested_at, _ingestion_source) "  # noqa: S608
                f"VALUES ({number}, {'NULL' if key is None else key}, now(), 'a test')"
            )
        copies = Counter(key for key in ids if key is not None)

        assert counted(place)["raw_returns"] == Keys(len(ids), len(copies), sum(copies.values()) - len(copies))


def test_payroll_items_that_differ_in_one_column_are_two(place: Place) -> None:
    place.warehouse.load("payroll", range(1), NOW)
    table = f"{SETTINGS.dataset}.raw_payroll"
    place.warehouse.execute(f"INSERT INTO {table} BY NAME SELECT * FROM {table}")  # noqa: S608
    assert counted(place)["raw_payroll"].doubled == 1

    place.warehouse.execute(f"INSERT INTO {table} BY NAME SELECT * REPLACE (12.5 AS amount) FROM {table} LIMIT 1")  # noqa: S608
    assert counted(place)["raw_payroll"] == Keys(3, 2, 1)


def test_only_a_key_that_is_servicetitans_own_id_proves_a_double() -> None:
    assert (doubled_verdict(RETURNS), doubled_verdict(PAYROLL)) == ("fail", "warn")
