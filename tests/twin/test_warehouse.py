"""The tables behind the twin's BigQuery."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import duckdb
import pytest

from tests.given.domain import SETTINGS, in_phoenix
from twin.warehouse import Warehouse


@pytest.fixture
def warehouse() -> Iterator[Warehouse]:
    found = Warehouse(SETTINGS)
    yield found
    found.close()


def test_a_table_that_was_never_loaded_is_empty(warehouse: Warehouse) -> None:
    assert (warehouse.rows("returns"), warehouse.max_loaded_at("returns")) == (0, None)


def test_records_that_were_loaded_twice_are_rows_and_not_records(warehouse: Warehouse) -> None:
    warehouse.load("returns", range(3), in_phoenix("2026-10-20T04:55"))
    warehouse.load("returns", range(2, 5), in_phoenix("2026-10-21T04:55"))

    assert (warehouse.rows("returns"), warehouse.count("returns")) == (6, 5)
    assert warehouse.max_loaded_at("returns") == datetime(2026, 10, 21, 11, 55, tzinfo=UTC)


def test_only_the_given_records_are_deleted(warehouse: Warehouse) -> None:
    warehouse.load("returns", range(5), in_phoenix("2026-10-20T04:55"))
    warehouse.delete("returns", range(1, 3))

    assert warehouse.execute("SELECT id FROM st_raw_v2.raw_returns ORDER BY id").fetchall() == [(0,), (3,), (4,)]


def test_a_statement_reads_no_file_of_this_machine(warehouse: Warehouse) -> None:
    with pytest.raises(duckdb.Error, match="disabled"):
        warehouse.execute("SELECT * FROM read_text('/etc/hostname')")
