"""What the tables say: one query for all of them, and what is wrong with those that cannot be asked."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from google.cloud.bigquery import Client

from ingest.entity import REFERENCE_PREFIX, TABLE_PREFIX, Entity
from ingest.freshness import MISSING, OVERRIDES, Criteria, Loaded, Status, criteria_of
from ingest.freshness_sql import TIMES, Place, loaded_select
from ingest.settings import Settings
from operations.cloud import bigquery
from operations.cloud.bigquery import PATIENCE
from operations.cloud.errors import Cause, UnansweredError

TABLES_PER_QUERY = 1000
"""BigQuery refuses a query that refers to more tables (cloud.google.com/bigquery/quotas): beyond, one more query."""

MINIMUM_BILLED = 10 * 2**20
"""Bytes that are billed for a table in a query, and for a query, at the least (cloud.google.com/bigquery/pricing)."""

MAX_BYTES = 10 * 2**30

OVER_LIMIT = "limit for bytes billed"
"""In BigQuery's message about a query that would bill too much (cloud.google.com/bigquery/docs/error-messages)."""

_COLUMNS = {"table_name": "STRING", "column_name": "STRING", "data_type": "STRING"}
_LOADED = {"table_name": "STRING", "max_loaded_at": "TIMESTAMP", "row_count": "INTEGER"}


_OF_ONE = (Cause.DENIED, Cause.NOT_FOUND, Cause.OTHER)
"""Why BigQuery refuses a query for one of its tables or datasets; for other causes it would refuse the others too."""


@dataclass(frozen=True)
class Survey:
    """Which entities can be asked, each with the one loaded-at field that its table has, and what is wrong with others.

    `broken` is by name, the `missing` tables among it.
    """

    readable: list[Entity]
    broken: dict[str, str]
    missing: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Tables:
    """What each entity's table says, a missing one among them, and why the others cannot be asked; both by name."""

    loaded: dict[str, Loaded]
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


def _datasets(settings: Settings, entities: Iterable[Entity]) -> dict[str, str]:
    """The prefix of the entities' tables, and the dataset that they are in."""
    prefixes = {REFERENCE_PREFIX if entity.is_reference else TABLE_PREFIX: entity for entity in entities}
    return {prefix: settings.dataset_of(entity) for prefix, entity in prefixes.items()}


def _column_types(
    client: Client, settings: Settings, datasets: Mapping[str, str], patience: float
) -> tuple[dict[str, dict[str, str]], dict[str, str]]:
    """By table, each column's type such as "TIMESTAMP", by its name in lower case: BigQuery ignores their case.

    And why a dataset cannot be listed, by its name; one that does not exist has no tables.
    """
    found: dict[str, dict[str, str]] = {}
    refused: dict[str, UnansweredError] = {}

    def read(part: Mapping[str, str]) -> None:
        for row in bigquery.rows(client, columns_query(settings, part), _COLUMNS, patience=patience):
            found.setdefault(row["table_name"], {})[row["column_name"].lower()] = row["data_type"]

    try:
        read(datasets)
    except UnansweredError as error:
        if error.cause not in _OF_ONE or len(datasets) == 1:
            raise
        for prefix, dataset in datasets.items():
            try:
                read({prefix: dataset})
            except UnansweredError as one:
                refused[dataset] = one
        if refused.keys() == {*datasets.values()}:
            raise
    return found, {name: str(error) for name, error in refused.items() if error.cause is not Cause.NOT_FOUND}


def loaded_at_column(entity: Entity, columns: Container[str]) -> str | None:
    """The first of the entity's loaded-at fields that is among `columns` (in lower case); None: none of them is."""
    return next((name for name in entity.loaded_at_fields if name.lower() in columns), None)


def states(client: Client, settings: Settings, entities: Iterable[Entity], *, patience: float = PATIENCE) -> Tables:
    """What the tables say, by two queries; a table that BigQuery refuses to read is found out and named.

    Raises OperationError (code 2) where none can be asked, or where it would bill more than MAX_BYTES.
    """
    surveyed = survey(client, settings, entities, patience=patience)
    loaded = dict.fromkeys(surveyed.missing, MISSING)
    broken = {name: why for name, why in surveyed.broken.items() if name not in surveyed.missing}

    def ask(part: Sequence[Entity]) -> None:
        try:
            loaded.update(read(client, settings, part, max_bytes=MAX_BYTES, patience=patience))
        except UnansweredError as error:
            if error.cause not in _OF_ONE or OVER_LIMIT in str(error):
                raise
            if len(part) == 1:
                broken[part[0].name] = f"table {settings.table(part[0])}: {error}"
                return
            ask(part[: len(part) // 2])
            ask(part[len(part) // 2 :])

    if surveyed.readable:
        ask(surveyed.readable)
    return Tables(loaded, broken)


def survey(client: Client, settings: Settings, entities: Iterable[Entity], *, patience: float = PATIENCE) -> Survey:
    """Finds the missing tables and columns in one call, since one of them fails a whole query.

    Raises OperationError (code 2).
    """
    entities = list(entities)
    types, refused = _column_types(client, settings, _datasets(settings, entities), patience)
    found = Survey([], {})
    for entity in entities:
        has = types.get(entity.table_name)
        column = loaded_at_column(entity, has or ())
        if why := refused.get(settings.dataset_of(entity)):
            found.broken[entity.name] = why
        elif has is None:
            found.missing.add(entity.name)
            found.broken[entity.name] = (
                f"table {settings.table(entity)} does not exist; run its job, or fix the dataset"
            )
        elif column is None:
            wanted = " or ".join(entity.loaded_at_fields)
            table = settings.table(entity)
            found.broken[entity.name] = (
                f"table {table} has no column {wanted}; set loaded_at_fields in ingest/catalogue.py"
            )
        elif (kind := has[column.lower()]) not in TIMES:
            allowed = ", ".join(TIMES)
            table = settings.table(entity)
            found.broken[entity.name] = f"column {column} of {table} is {kind}; loaded_at_fields must be a {allowed}"
        else:
            found.readable.append(replace(entity, loaded_at_fields=(column,)))
    return found


def columns_query(settings: Settings, datasets: Mapping[str, str]) -> str:
    """One statement for all datasets, by the prefix of their tables."""
    return "\nUNION ALL\n".join(
        "SELECT table_name, column_name, data_type "  # noqa: S608
        f"FROM {Place(settings.project, dataset).columns} "
        f"WHERE STARTS_WITH(table_name, '{prefix}')"
        for prefix, dataset in datasets.items()
    )


def loaded_query(settings: Settings, entities: Iterable[Entity]) -> str:
    """One statement for all the entities' tables: table_name, max_loaded_at, row_count.

    COUNT(*) reads no column, so it adds nothing to the bill, comes with the same call, and counts the very rows that
    MAX saw; `__TABLES__` and tables.get leave out what still lies in the streaming buffer, and tables.get is a call a
    table.
    """
    return "\nUNION ALL\n".join(
        loaded_select(Place(settings.project, settings.dataset_of(entity)), [entity]) for entity in entities
    )


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
