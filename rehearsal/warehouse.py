"""The stand-in for BigQuery: the dataset's raw_<entity> tables in DuckDB."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import duckdb

from ingest.catalogue import CATALOGUE
from ingest.settings import Settings


class Warehouse:
    """One table an entity, with the loaded-at column of its catalogue row. Times are stored in UTC."""

    def __init__(self, settings: Settings) -> None:
        self._database = duckdb.connect(":memory:")
        self._dataset = settings.dataset
        self._fields = {entity.name: entity.loaded_at_field for entity in CATALOGUE}
        self._execute(f'CREATE SCHEMA "{self._dataset}"')
        for entity, loaded_at in self._fields.items():
            self._execute(f'CREATE TABLE {self._table(entity)} (id BIGINT, "{loaded_at}" TIMESTAMP)')

    def load(self, entity: str, ids: range, moment: datetime) -> None:
        """Adds the records `ids`, loaded at `moment` (aware)."""
        self._execute(
            f"INSERT INTO {self._table(entity)} SELECT id, ? FROM range(?, ?) ids(id)",
            [moment.astimezone(UTC).replace(tzinfo=None), ids.start, ids.stop],
        )

    def count(self, entity: str) -> int:
        """How many different records the table holds."""
        (count,) = self._row(f"SELECT count(DISTINCT id) FROM {self._table(entity)}")
        return int(count)

    def rows(self, entity: str) -> int:
        """How many rows the table holds; more than `count` when records were loaded twice."""
        (rows,) = self._row(f"SELECT count(*) FROM {self._table(entity)}")
        return int(rows)

    def max_loaded_at(self, entity: str) -> datetime | None:
        """When a row was last loaded (aware); None for a table that never was."""
        (found,) = self._row(f'SELECT max("{self._fields[entity]}") FROM {self._table(entity)}')
        return found.replace(tzinfo=UTC) if found else None

    def close(self) -> None:
        self._database.close()

    def _table(self, entity: str) -> str:
        return f'"{self._dataset}"."raw_{entity}"'

    def _row(self, query: str) -> tuple[Any, ...]:
        return self._execute(query).fetchall()[0]

    def _execute(self, query: str, parameters: Sequence[object] = ()) -> duckdb.DuckDBPyConnection:
        try:
            return self._database.execute(query, parameters)
        except RuntimeError as error:
            # DuckDB takes Ctrl-C for itself.
            if "interrupted" in str(error).lower():
                raise KeyboardInterrupt from None
            raise
