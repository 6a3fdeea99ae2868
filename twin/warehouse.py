"""The stand-in for BigQuery: the service's datasets in DuckDB, each made when something is first written to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb

from ingest.catalogue import CATALOGUE
from ingest.entity import Entity
from ingest.settings import Settings
from twin.contract import LOG_COLUMNS, SERVED, SYNC_COLUMNS, SYNC_STATE, Column, Served, columns
from twin.source import Stream

BUFFERED = timedelta(minutes=90)
"""How long streamed rows are in the table's streaming buffer, in which no MERGE can change them."""

DUCK_TYPES = {"INT64": "BIGINT", "STRING": "VARCHAR", "FLOAT64": "DOUBLE", "BOOL": "BOOLEAN"}
"""DuckDB's names of BigQuery's types, where they differ."""

_LOADED_AT = "_ingested_at"


class Warehouse:
    """The tables of the service's entities, the run log and the cursors. Times are stored in UTC.

    `catalogue` are entities that the service has beside those of its source.
    """

    def __init__(self, settings: Settings, catalogue: Iterable[Entity] = CATALOGUE) -> None:
        # What a client sends as SQL reads no file of this machine, and means UTC as in BigQuery. The tables are small:
        # more threads only wait for each other.
        self._database = duckdb.connect(":memory:", config={"enable_external_access": False, "threads": 1})
        self.execute("SET TimeZone = 'UTC'")
        # On tables this small it takes longer than it saves.
        self.execute("PRAGMA disable_optimizer")
        self._settings = settings
        added = {entity.name: Served(entity.name, is_reference=entity.is_reference) for entity in catalogue}
        self._served = added | SERVED
        self._made: set[str] = set()
        self._buffered: dict[str, datetime] = {}

    def load(self, entity: str, ids: range, moment: datetime, made: Stream | None = None) -> None:
        """Merges the records `ids` into the entity's table, ingested at `moment` (aware), which is made if need be.

        `made` says when a record was made; without it that is `moment`. While earlier rows are in the streaming
        buffer, all are inserted instead, as the service does when BigQuery refuses its MERGE.
        """
        is_new = self._table(entity) not in self._made
        table = self._ensure_entity(entity)
        if self._buffered.get(table, moment) > moment:
            self.stream(entity, ids, moment, made)
            return
        rows = self._rows(self._served[entity], ids, moment, made)
        if is_new:
            self.execute(f"INSERT INTO {table} BY NAME {rows}")
            return
        self.execute(
            f"MERGE INTO {table} AS target USING ({rows}) AS source ON target.id = source.id "
            "WHEN MATCHED THEN UPDATE BY NAME WHEN NOT MATCHED THEN INSERT BY NAME"
        )

    def stream(self, entity: str, ids: range, moment: datetime, made: Stream | None = None) -> None:
        """Inserts the records through the streaming API, whether they are there or not."""
        table = self._ensure_entity(entity)
        self.execute(f"INSERT INTO {table} BY NAME {self._rows(self._served[entity], ids, moment, made)}")
        self._buffered[table] = moment + BUFFERED

    def insert(self, entity: str, *rows: Mapping[str, object]) -> None:
        """Adds rows, of the same columns, to the entity's table as they are."""
        self._insert(self._ensure_entity(entity), *rows)

    def log(self, *rows: Mapping[str, object]) -> None:
        """Adds rows, of the same columns, to the run log; a column that is not named is NULL."""
        dataset, _, table = self._settings.run_log.partition(".")
        if dataset:
            self._insert(self._ensure(dataset, table, columns(LOG_COLUMNS)), *rows)

    def cursor(self, entity: str) -> datetime | None:
        """Where the entity's next incremental sync begins; None before its first. Makes the table of the cursors."""
        query = f"SELECT last_sync_time FROM {self._cursors()} WHERE entity_type = ? ORDER BY updated_at DESC LIMIT 1"
        row = self.execute(query, [self._served[entity].state_name]).fetchone()
        return row[0].replace(tzinfo=UTC) if row else None

    def set_cursor(self, entity: str, moment: datetime, records: int) -> None:
        """Moves the cursor to `moment`, unless nobody has asked for one yet: the service swallows that failure."""
        if self._qualified(self._log_dataset, SYNC_STATE) in self._made:
            state = {"entity_type": self._served[entity].state_name, "last_sync_status": "success"}
            times = {"last_sync_time": moment, "updated_at": moment}
            self._insert(self._cursors(), {**state, **times, "records_processed": records})

    def delete(self, entity: str, ids: range) -> None:
        """Takes the records `ids` away."""
        key = self._served[entity].key
        self.execute(
            f'DELETE FROM {self._table(entity)} WHERE "{key}" >= ? AND "{key}" < ?',
            [ids.start, ids.stop],
        )

    def count(self, entity: str) -> int:
        """How many different records the table holds, by ServiceTitan's own id."""
        return self._number(entity, f'count(DISTINCT "{self._served[entity].key}")')

    def rows(self, entity: str) -> int:
        """How many rows the table holds; more than `count` when records were loaded twice."""
        return self._number(entity, "count(*)")

    def lacks(self, entity: str, ids: range) -> int:
        """How many of the records `ids` are not in the table."""
        key = self._served[entity].key
        held = f'count(DISTINCT "{key}") FILTER (WHERE "{key}" >= {ids.start} AND "{key}" < {ids.stop})'
        return len(ids) - self._number(entity, held)

    def max_loaded_at(self, entity: str) -> datetime | None:
        """When a row was last loaded (aware); None for a table that never was."""
        if not self.has(entity):
            return None
        newest = self._row(f'SELECT max("{_LOADED_AT}") FROM {self._table(entity)}')[0]
        return newest.replace(tzinfo=UTC) if newest else None

    def has(self, entity: str) -> bool:
        """Whether the entity's table exists."""
        served = self._served[entity]
        query = "SELECT count(*) FROM duckdb_tables() WHERE schema_name = ? AND table_name = ?"
        return bool(self.execute(query, [self._dataset(served), served.table_name]).fetchall()[0][0])

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

    @property
    def _log_dataset(self) -> str:
        return self._settings.run_log.partition(".")[0] or "st_logs_v2"

    def _cursors(self) -> str:
        return self._ensure(self._log_dataset, SYNC_STATE, columns(SYNC_COLUMNS))

    def _dataset(self, served: Served) -> str:
        return self._settings.reference_dataset if served.is_reference else self._settings.dataset

    def _table(self, entity: str) -> str:
        served = self._served[entity]
        return self._qualified(self._dataset(served), served.table_name)

    @staticmethod
    def _qualified(dataset: str, table: str) -> str:
        return f'"{dataset}"."{table}"'

    def _ensure_entity(self, entity: str) -> str:
        served = self._served[entity]
        return self._ensure(self._dataset(served), served.table_name, columns(served.column_text))

    def _ensure(self, dataset: str, table: str, wanted: Iterable[Column]) -> str:
        name = self._qualified(dataset, table)
        if name not in self._made:
            listed = ", ".join(
                f'"{c.name}" {DUCK_TYPES.get(c.type, c.type)}{" NOT NULL" if c.required else ""}' for c in wanted
            )
            self.execute(f'CREATE SCHEMA IF NOT EXISTS "{dataset}"')
            self.execute(f"CREATE TABLE {name} ({listed})")
            self._made.add(name)
        return name

    @staticmethod
    def _rows(served: Served, ids: range, moment: datetime, made: Stream | None) -> str:
        """A SELECT of the records: their keys and times; what else ServiceTitan says of them is left out."""
        at = _literal(moment)
        created = at
        if made:
            days, hours = f"(n // {made.each * made.hours})", f"(n % {made.each * made.hours} // {made.each})"
            created = f"{_literal(made.first)} + to_days({days}::INT) + to_hours({hours})"
        known = {
            "id": f"hash(n, n - {ids.start}) >> 4",
            served.key: "n",
            "sourceEntityId": "n",
            "createdOn": created,
            "modifiedOn": created,
            _LOADED_AT: at,
            "_ingestion_source": f"'{served.source}'",
        }
        picked = ", ".join(
            f'CAST({known[c.name]} AS {DUCK_TYPES.get(c.type, c.type)}) AS "{c.name}"'
            for c in columns(served.column_text)
            if c.name in known
        )
        return f"SELECT {picked} FROM range({ids.start}, {ids.stop}) ids(n)"

    def _insert(self, table: str, *rows: Mapping[str, object]) -> None:
        names = ", ".join(f'"{name}"' for name in rows[0])
        values = [_utc(value) if isinstance(value, datetime) else value for row in rows for value in row.values()]
        marks = f"({', '.join('?' * len(rows[0]))})"
        self.execute(f"INSERT INTO {table} ({names}) VALUES {', '.join([marks] * len(rows))}", values)

    def _number(self, entity: str, what: str) -> int:
        return int(self._row(f"SELECT {what} FROM {self._table(entity)}")[0]) if self.has(entity) else 0

    def _row(self, query: str) -> tuple[Any, ...]:
        return self.execute(query).fetchall()[0]


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)


def _literal(moment: datetime) -> str:
    return f"TIMESTAMP '{_utc(moment).isoformat(sep=' ')}'"
