"""What is written down of the ingest service; tests/contract asks the service itself."""

from __future__ import annotations

from ingest.catalogue import CATALOGUE
from twin.contract import ENTITIES, SERVED, Column, columns


def test_columns_are_read_with_their_types_and_whether_they_are_required() -> None:
    assert columns("id:INT64!\n  items:JSON") == [Column("id", "INT64", True), Column("items", "JSON", False)]


def test_each_table_has_its_key_and_says_when_a_row_came() -> None:
    for served in ENTITIES:
        names = [column.name for column in columns(served.column_text)]
        assert {served.key, "id", "_ingested_at"} <= {*names}, served.name
        assert len(names) == len({*names}), served.name
        assert "updated_on" not in names, served.name


def test_every_entity_of_the_catalogue_is_served_where_the_catalogue_says() -> None:
    served = [SERVED[entity.name] for entity in CATALOGUE]

    assert [(one.table_name, one.is_reference) for one in served] == [(e.table_name, e.is_reference) for e in CATALOGUE]
