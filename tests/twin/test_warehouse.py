"""The tables behind the twin's BigQuery."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import duckdb
import pytest

from tests.given.domain import SETTINGS, in_phoenix
from twin.source import Stream
from twin.warehouse import Warehouse

EARLIER, LATER = in_phoenix("2026-10-20T04:55"), in_phoenix("2026-10-21T04:55")


@pytest.fixture
def warehouse() -> Iterator[Warehouse]:
    found = Warehouse(SETTINGS)
    yield found
    found.close()


def test_a_table_that_was_never_loaded_does_not_exist(warehouse: Warehouse) -> None:
    assert not warehouse.has("returns")
    assert (warehouse.rows("returns"), warehouse.count("returns"), warehouse.max_loaded_at("returns")) == (0, 0, None)


def test_a_record_that_is_loaded_again_is_replaced_by_its_id(warehouse: Warehouse) -> None:
    warehouse.load("jobs", range(3), EARLIER)
    warehouse.load("jobs", range(2, 5), LATER)

    assert (warehouse.rows("jobs"), warehouse.count("jobs")) == (5, 5)
    loaded = warehouse.execute("SELECT id, _ingested_at FROM st_raw_v2.raw_jobs ORDER BY id").fetchall()
    assert [(row, at.replace(tzinfo=UTC)) for row, at in loaded[1:3]] == [(1, EARLIER), (2, LATER)]


def test_where_ids_are_hashes_with_their_place_rows_double_and_records_do_not(warehouse: Warehouse) -> None:
    warehouse.load("returns", range(3), EARLIER)
    warehouse.load("returns", range(2, 5), LATER)

    assert (warehouse.rows("returns"), warehouse.count("returns")) == (6, 5)
    assert warehouse.max_loaded_at("returns") == datetime(2026, 10, 21, 11, 55, tzinfo=UTC)


def test_a_record_has_the_time_at_which_servicetitan_made_it(warehouse: Warehouse) -> None:
    stream = Stream(EARLIER, 2, hours=3)
    warehouse.load("jobs", range(14), LATER, stream)

    found = warehouse.execute("SELECT id, createdOn, modifiedOn FROM st_raw_v2.raw_jobs ORDER BY id").fetchall()
    expected = [stream.made(record).astimezone(UTC).replace(tzinfo=None) for record in range(14)]
    assert found == [(record, made, made) for record, made in enumerate(expected)]


def test_only_the_given_records_are_deleted_and_then_lacked(warehouse: Warehouse) -> None:
    warehouse.load("returns", range(5), EARLIER)
    warehouse.delete("returns", range(1, 3))

    left = warehouse.execute("SELECT returnId FROM st_raw_v2.raw_returns ORDER BY returnId").fetchall()
    assert left == [(0,), (3,), (4,)]
    assert warehouse.lacks("returns", range(5)) == 2
    assert warehouse.lacks("returns", range(3, 9)) == 4
    assert warehouse.lacks("jobs", range(3)) == 3


def test_a_cursor_is_moved_only_once_somebody_has_asked_for_one(warehouse: Warehouse) -> None:
    warehouse.set_cursor("jobs", EARLIER, 1)
    assert warehouse.cursor("jobs") is None
    warehouse.set_cursor("jobs", EARLIER, 1)
    warehouse.set_cursor("jobs", LATER, 1)

    assert warehouse.cursor("jobs") == LATER
    assert warehouse.cursor("returns") is None


def test_a_statement_reads_no_file_of_this_machine(warehouse: Warehouse) -> None:
    with pytest.raises(duckdb.Error, match="disabled"):
        warehouse.execute("SELECT * FROM read_text('/etc/hostname')")
