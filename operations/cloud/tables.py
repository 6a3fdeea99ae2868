"""Whether the tables are fresh: one query for all of them, judged by each entity's criteria."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from google.cloud.bigquery import Client

from ingest.entity import TABLE_PREFIX, Entity
from ingest.freshness import OVERRIDES, Criteria, Loaded, Status, criteria_of
from ingest.freshness_sql import TIMES, Place, loaded_select
from ingest.settings import Settings
from operations.cloud import bigquery
from operations.cloud.bigquery import PATIENCE

TABLES_PER_QUERY = 1000
"""BigQuery refuses a query that refers to more tables (cloud.google.com/bigquery/quotas): beyond, one more query."""

MINIMUM_BILLED = 10 * 2**20
"""Bytes that are billed for a table in a query, and for a query, at the least (cloud.google.com/bigquery/pricing)."""

MAX_BYTES = 10 * 2**30

_COLUMNS = {"table_name": "STRING", "column_name": "STRING", "data_type": "STRING"}
_LOADED = {"table_name": "STRING", "max_loaded_at": "TIMESTAMP", "row_count": "INTEGER"}


@dataclass(frozen=True)
class Survey:
    """Which entities can be asked, and what is wrong with the others, by name."""

    readable: list[Entity]
    broken: dict[str, str]


@dataclass(frozen=True)
class Freshness:
    """One entity's verdict. `error` says what is wrong with a table that could not be asked."""

    entity: Entity
    criteria: Criteria
    status: Status
    loaded: Loaded | None = None
    age: timedelta | None = None
    error: str | None = None


def columns(client: Client, settings: Settings, *, patience: float = PATIENCE) -> dict[str, set[str]]:
    """The dataset's raw_ tables with their columns, in lower case: BigQuery does not tell the case of columns apart.

    Raises OperationError (code 2).
    """
    return {table: set(types) for table, types in column_types(client, settings, patience=patience).items()}


def column_types(client: Client, settings: Settings, *, patience: float = PATIENCE) -> dict[str, dict[str, str]]:
    """The same with each column's type, such as "TIMESTAMP". Raises OperationError (code 2)."""
    found: dict[str, dict[str, str]] = {}
    for row in bigquery.rows(client, columns_query(settings), _COLUMNS, patience=patience):
        found.setdefault(row["table_name"], {})[row["column_name"].lower()] = row["data_type"]
    return found


def loaded(
    client: Client, settings: Settings, entities: Iterable[Entity], *, patience: float = PATIENCE
) -> dict[str, Loaded]:
    """What the entities' tables say, by entity name; one whose table or column is missing is left out.

    Raises OperationError (code 2), also where it would bill more than MAX_BYTES.
    """
    readable = survey(client, settings, entities, patience=patience).readable
    return read(client, settings, readable, max_bytes=MAX_BYTES, patience=patience)


def survey(client: Client, settings: Settings, entities: Iterable[Entity], *, patience: float = PATIENCE) -> Survey:
    """Finds the missing tables and columns in one call, since one of them fails a whole query.

    Raises OperationError (code 2).
    """
    types = column_types(client, settings, patience=patience)
    found = Survey([], {})
    for entity in entities:
        if problem := _problem(entity, settings, types):
            found.broken[entity.name] = problem
        else:
            found.readable.append(entity)
    return found


def _problem(entity: Entity, settings: Settings, types: Mapping[str, Mapping[str, str]]) -> str | None:
    table, field = settings.table(entity), entity.loaded_at_fields[0]
    has = types.get(entity.table_name)
    if has is None:
        return f"table {table} does not exist; run its job, or mend the dataset"
    kind = has.get(field.lower())
    if kind is None:
        return f"table {table} has no column {field}; set loaded_at_field in ingest/catalogue.py"
    if kind not in TIMES:
        return f"column {field} of {table} is {kind}; loaded_at_field must be a {', '.join(TIMES)}"
    return None


def columns_query(settings: Settings) -> str:
    return (
        "SELECT table_name, column_name, data_type "  # noqa: S608
        f"FROM {Place(settings.project, settings.dataset).columns} "
        f"WHERE STARTS_WITH(table_name, '{TABLE_PREFIX}')"
    )


def loaded_query(settings: Settings, entities: Iterable[Entity]) -> str:
    """One statement for all the entities' tables: table_name, max_loaded_at, row_count.

    COUNT(*) reads no column, so it adds nothing to the bill, comes with the same call, and counts the very rows that
    MAX saw; `__TABLES__` and tables.get leave out what still lies in the streaming buffer, and tables.get is a call a
    table.
    """
    return loaded_select(Place(settings.project, settings.dataset), entities)


def bytes_to_be_billed(
    client: Client, settings: Settings, entities: Sequence[Entity], *, patience: float = PATIENCE
) -> int:
    """The most that the queries of `survey` and `read` are billed for, by a dry run. Raises OperationError (code 2)."""
    scanned = sum(
        bigquery.bytes_processed(client, loaded_query(settings, part), patience=patience) for part in _parts(entities)
    )
    return scanned + MINIMUM_BILLED * (len(entities) + 1)


def read(
    client: Client,
    settings: Settings,
    entities: Sequence[Entity],
    *,
    max_bytes: int | None,
    patience: float = PATIENCE,
) -> dict[str, Loaded]:
    """What the tables of readable entities say, by entity name. `max_bytes` is what a query may be billed for.

    Raises OperationError (code 2).
    """
    answered = {}
    for part in _parts(entities):
        for row in bigquery.rows(client, loaded_query(settings, part), _LOADED, max_bytes=max_bytes, patience=patience):
            answered[row["table_name"]] = Loaded(row["max_loaded_at"], row["row_count"])
    return {entity.name: answered[entity.table_name] for entity in entities if entity.table_name in answered}


def _parts(entities: Sequence[Entity]) -> list[Sequence[Entity]]:
    return [entities[start : start + TABLES_PER_QUERY] for start in range(0, len(entities), TABLES_PER_QUERY)]


def expected(settings: Settings) -> list[Entity]:
    """The entities whose jobs exist at the settings' night."""
    return [job.entity for job in settings.world().values()]


def judge(
    catalogue: Iterable[Entity],
    surveyed: Survey,
    found: Mapping[str, Loaded],
    at: datetime,
    overrides: Mapping[str, Criteria] = OVERRIDES,
) -> list[Freshness]:
    """A verdict for each entity, as of `at` (aware). Which are neither readable nor broken are not expected yet."""
    readable = {entity.name for entity in surveyed.readable}
    verdicts = []
    for entity in catalogue:
        criteria = criteria_of(entity, overrides)
        if entity.name in surveyed.broken:
            error = surveyed.broken[entity.name]
            verdicts.append(Freshness(entity, criteria, Status.RUNTIME_ERROR, error=error))
        elif entity.name not in readable:
            verdicts.append(Freshness(entity, criteria, Status.NOT_YET))
        elif entity.name not in found:
            error = f"BigQuery's answer leaves {entity.table_name} out; try again"
            verdicts.append(Freshness(entity, criteria, Status.RUNTIME_ERROR, error=error))
        else:
            table = found[entity.name]
            age = at - table.max_loaded_at if table.max_loaded_at else None
            verdicts.append(Freshness(entity, criteria, criteria.status(age), table, age))
    return verdicts
