"""The stand-in for BigQuery: the dataset's raw_<entity> tables in DuckDB."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import duckdb

from ingest.catalogue import CATALOGUE
from ingest.entity import TABLE_PREFIX, Entity
from ingest.settings import Settings


class Warehouse:
    """One table an entity, with the loaded-at column of its catalogue row. Times are stored in UTC."""

    def __init__(self, settings: Settings, catalogue: Iterable[Entity] = CATALOGUE) -> None:
        # What a client sends as SQL reads no file of this machine, and means UTC as in BigQuery.
        self._database = duckdb.connect(":memory:", config={"enable_external_access": False})
        self.execute("SET TimeZone = 'UTC'")
        self._dataset = settings.dataset
        self._fields = {entity.name: entity.loaded_at_fields[0] for entity in catalogue}
        self.execute(f'CREATE SCHEMA "{self._dataset}"')
        for entity, loaded_at in self._fields.items():
            self.execute(f'CREATE TABLE {self._table(entity)} (id BIGINT, "{loaded_at}" TIMESTAMP)')

    def load(self, entity: str, ids: range, moment: datetime) -> None:
        """Adds the records `ids`, loaded at `moment` (aware)."""
        self.execute(
            f"INSERT INTO {self._table(entity)} SELECT id, ? FROM range(?, ?) ids(id)",
            [moment.astimezone(UTC).replace(tzinfo=None), ids.start, ids.stop],
        )

    def delete(self, entity: str, ids: range) -> None:
        """Takes the records `ids` away."""
        self.execute(f"DELETE FROM {self._table(entity)} WHERE id >= ? AND id < ?", [ids.start, ids.stop])

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

    def execute(self, query: str, parameters: Sequence[object] = ()) -> duckdb.DuckDBPyConnection:
        """Runs a statement in DuckDB's SQL. Raises duckdb.Error, and KeyboardInterrupt on Ctrl-C."""
        try:
            return self._database.execute(query, parameters)
        except RuntimeError as error:
            # DuckDB takes Ctrl-C for itself.
            if "interrupted" in str(error).lower():
                raise KeyboardInterrupt from None
            raise

    def close(self) -> None:
        self._database.close()

    def _table(self, entity: str) -> str:
        return f'"{self._dataset}"."{TABLE_PREFIX}{entity}"'

    def _row(self, query: str) -> tuple[Any, ...]:
        return self.execute(query).fetchall()[0]
