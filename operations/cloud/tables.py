"""What the tables say: one query for all of them, and what is wrong with those that cannot be asked."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import attrgetter
from typing import TypeVar

from google.cloud.bigquery import Client

from ingest.entity import REFERENCE_PREFIX, TABLE_PREFIX, Entity
from ingest.judging.duplicates import NO_ROWS, Keys, keys_select
from ingest.judging.freshness import MISSING, Loaded
from ingest.judging.freshness_sql import IN_A_ZONE, TIMES, loaded_select, quoted
from ingest.settings import Settings
from ingest.text import shown
from operations.cloud import bigquery
from operations.cloud.bigquery import MINIMUM_BILLED, PATIENCE
from operations.cloud.errors import Cause, UnansweredError

TABLES_PER_QUERY = 1000
"""BigQuery refuses a query that refers to more tables (cloud.google.com/bigquery/quotas): beyond, one more query."""

MAX_BYTES = 10 * 2**30

OVER_LIMIT = "limit for bytes billed"
"""In BigQuery's message about a query that would bill too much (cloud.google.com/bigquery/docs/error-messages)."""

_COLUMNS = {"table_name": "STRING", "column_name": "STRING", "data_type": "STRING"}
_LOADED = {"table_name": "STRING", "max_loaded_at": "TIMESTAMP", "row_count": "INTEGER"}
_KEYS = {"table_name": "STRING", "row_count": "INTEGER", "key_count": "INTEGER", "doubled_count": "INTEGER"}

T = TypeVar("T")

_OF_ONE = (Cause.DENIED, Cause.NOT_FOUND, Cause.OTHER)
"""Why BigQuery refuses a query for one of its tables or datasets; for other causes it would refuse the others too."""


@dataclass(frozen=True)
class Survey:
    """Which entities can be asked, each with the one loaded-at field that its table has, and what is wrong with others.

    `broken` is by name, the `missing` tables among it; `columns` are those of each table, in lower case. `doubts`, by
    name too, is about columns whose time may be read wrongly.
    """

    readable: list[Entity]
    broken: dict[str, str]
    missing: set[str] = field(default_factory=set)
    columns: Mapping[str, Container[str]] = field(default_factory=dict)
    doubts: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Tables:
    """What each entity's table says, a missing one among them, and why the others cannot be asked; all by name.

    `keys` counts the natural keys of those that have one; `uncounted` is why it does not.
    """

    loaded: dict[str, Loaded]
    broken: dict[str, str]
    keys: dict[str, Keys] = field(default_factory=dict)
    uncounted: dict[str, str] = field(default_factory=dict)


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
    types: dict[str, dict[str, str]] = {}
    refused: dict[str, UnansweredError] = {}

    def read(part: Mapping[str, str]) -> None:
        for row in bigquery.rows(client, columns_query(settings, part), _COLUMNS, patience=patience):
            types.setdefault(row["table_name"], {})[row["column_name"].lower()] = row["data_type"]

    try:
        read(datasets)
    except UnansweredError as error:
        if error.cause not in _OF_ONE or len(datasets) == 1:
            raise
        for prefix, dataset in datasets.items():
            try:
                read({prefix: dataset})
            except UnansweredError as refusal:
                refused[dataset] = refusal
        if refused.keys() == {*datasets.values()}:
            raise
    return types, {name: str(error) for name, error in refused.items() if error.cause is not Cause.NOT_FOUND}


def loaded_at_column(entity: Entity, columns: Container[str]) -> str | None:
    """The first of the entity's loaded-at fields that is among `columns` (in lower case); None: none of them is."""
    return next((name for name in entity.loaded_at_fields if name.lower() in columns), None)


def states(client: Client, settings: Settings, entities: Iterable[Entity], *, patience: float = PATIENCE) -> Tables:
    """What the tables say, by three queries. Raises OperationError (code 2) where none can be asked."""
    entities = list(entities)
    surveyed = survey(client, settings, entities, patience=patience)
    tables = read_each(client, settings, surveyed, max_bytes=MAX_BYTES, patience=patience)
    # What BigQuery has just refused to read it would refuse again.
    refused = {e.name: tables.broken[e.name] for e in surveyed.readable if e.key and e.name in tables.broken}
    others = [entity for entity in entities if entity.name not in refused]
    try:
        keys, uncounted = count_keys(client, settings, others, surveyed, max_bytes=MAX_BYTES, patience=patience)
    except UnansweredError as error:
        return replace(tables, uncounted={entity.name: str(error) for entity in entities if entity.key})
    return replace(tables, keys=keys, uncounted=uncounted | refused)


def read_each(
    client: Client, settings: Settings, surveyed: Survey, *, max_bytes: int | None, patience: float = PATIENCE
) -> Tables:
    """What the surveyed tables say; a table that BigQuery refuses to read is found out and named.

    `max_bytes` is what a query may be billed for. Raises OperationError (code 2), also over more than that.
    """
    broken = {name: why for name, why in surveyed.broken.items() if name not in surveyed.missing}
    loaded, refused = each(
        settings,
        surveyed.readable,
        lambda part: read(client, settings, part, max_bytes=max_bytes, patience=patience),
    )
    return Tables(dict.fromkeys(surveyed.missing, MISSING) | loaded, broken | refused)


def having(
    settings: Settings, entities: Iterable[Entity], surveyed: Survey, columns: Callable[[Entity], Iterable[str]]
) -> tuple[list[Entity], dict[str, str]]:
    """The surveyed entities whose tables have all of their `columns`, and by name why others have not.

    Those without a table are among neither.
    """
    complete, lacking = [], {}
    for entity in entities:
        has = surveyed.columns.get(entity.table_name)
        if entity.name in surveyed.missing:
            continue
        if has is None:
            lacking[entity.name] = surveyed.broken[entity.name]
        elif absent := [name for name in columns(entity) if name.lower() not in has]:
            table = settings.table(entity)
            lacking[entity.name] = (
                f"table {table} has no column {', '.join(absent)}; compare it with key and amount of "
                f"{entity.name} in ingest/catalogue.py"
            )
        else:
            complete.append(entity)
    return complete, lacking


def count_keys(
    client: Client,
    settings: Settings,
    entities: Iterable[Entity],
    surveyed: Survey,
    *,
    max_bytes: int | None,
    patience: float = PATIENCE,
) -> tuple[dict[str, Keys], dict[str, str]]:
    """The rows and natural keys of each table that has a key, and why it could not be counted; both by name.

    One query, as long as BigQuery refuses none of the tables. Raises OperationError (code 2).
    """
    entities = [entity for entity in entities if entity.key]
    countable, uncounted = having(settings, entities, surveyed, attrgetter("key"))

    def read_keys(part: Sequence[Entity]) -> dict[str, Keys]:
        names, counted = {entity.table_name: entity.name for entity in part}, {}
        for some in _parts(part):
            sql = keys_select(settings, some)
            for row in bigquery.rows(client, sql, _KEYS, max_bytes=max_bytes, patience=patience):
                counted[names[row["table_name"]]] = Keys(row["row_count"], row["key_count"], row["doubled_count"])
        return counted

    counted, refused = each(settings, countable, read_keys)
    missing = {entity.name: NO_ROWS for entity in entities if entity.name in surveyed.missing}
    return missing | counted, uncounted | refused


def each(
    settings: Settings, entities: Sequence[Entity], ask: Callable[[Sequence[Entity]], Mapping[str, T]]
) -> tuple[dict[str, T], dict[str, str]]:
    """What `ask` answers for the entities, and by name why BigQuery refuses the table of one.

    Raises OperationError where the refusal is about no single table.
    """
    answered: dict[str, T] = {}
    refused: dict[str, str] = {}

    def some(part: Sequence[Entity]) -> None:
        try:
            answered.update(ask(part))
        except UnansweredError as error:
            if error.cause not in _OF_ONE or OVER_LIMIT in str(error):
                raise
            if len(part) == 1:
                refused[part[0].name] = f"table {settings.table(part[0])}: {error}"
                return
            some(part[: len(part) // 2])
            some(part[len(part) // 2 :])

    if entities:
        some(entities)
    return answered, refused


def survey(client: Client, settings: Settings, entities: Iterable[Entity], *, patience: float = PATIENCE) -> Survey:
    """Finds the missing tables and columns in one call, since one of them fails a whole query.

    Raises OperationError (code 2).
    """
    entities = list(entities)
    types, refused = _column_types(client, settings, _datasets(settings, entities), patience)
    surveyed = Survey([], {}, columns={table: frozenset(columns) for table, columns in types.items()})
    for entity in entities:
        has = types.get(entity.table_name)
        column = loaded_at_column(entity, has or ())
        if why := refused.get(settings.dataset_of(entity)):
            surveyed.broken[entity.name] = why
        elif has is None:
            surveyed.missing.add(entity.name)
            surveyed.broken[entity.name] = (
                f"table {settings.table(entity)} does not exist; run its job, or fix the dataset"
            )
        elif column is None:
            wanted = " or ".join(entity.loaded_at_fields)
            table = settings.table(entity)
            surveyed.broken[entity.name] = (
                f"table {table} has no column {wanted}; set loaded_at_fields in ingest/catalogue.py"
            )
        else:
            _take(surveyed, entity, column, shown.printable(has[column.lower()], 60), settings)
    return surveyed


def _take(surveyed: Survey, entity: Entity, column: str, kind: str, settings: Settings) -> None:
    what = f"column {column} of {settings.table(entity)} is {kind}"
    zoned = bool(entity.loaded_at_zone) and kind in IN_A_ZONE
    if kind not in TIMES and not zoned:
        cast = f'set loaded_at_zone="{settings.time_zone}" for it' if kind in IN_A_ZONE else "cast it in a view"
        surveyed.broken[entity.name] = (
            f"{what}, which is no time; name another column in loaded_at_fields of {entity.name} in "
            f"ingest/catalogue.py, or {cast}"
        )
        return
    if kind == "DATE":
        surveyed.doubts[entity.name] = (
            f"{what}: its newest row counts as midnight, before the run that loaded it; name a column with a time in "
            f"loaded_at_fields of {entity.name} in ingest/catalogue.py"
        )
    elif kind == "DATETIME" and not zoned:
        surveyed.doubts[entity.name] = (
            f"{what}, which has no zone, and is read as UTC; if it is local, set "
            f'loaded_at_zone="{settings.time_zone}" for {entity.name} in ingest/catalogue.py'
        )
    zone = entity.loaded_at_zone if zoned else ""
    surveyed.readable.append(replace(entity, loaded_at_fields=(column,), loaded_at_zone=zone))


def tried(client: Client, settings: Settings, surveyed: Survey, *, patience: float = PATIENCE) -> Survey:
    """The survey without the tables that BigQuery refuses to read, each by name, by a dry run: it reads nothing.

    Such as one that requires a partition filter, and a view or an external table without rights on what it shows.
    Raises OperationError (code 2).
    """
    _, refused = _scanned(client, settings, surveyed.readable, loaded_select, patience)
    readable = [entity for entity in surveyed.readable if entity.name not in refused]
    return replace(surveyed, readable=readable, broken={**surveyed.broken, **refused})


def columns_query(settings: Settings, datasets: Mapping[str, str]) -> str:
    """One statement for all datasets, by the prefix of their tables."""
    return "\nUNION ALL\n".join(
        "SELECT table_name, column_name, data_type "  # noqa: S608
        f"FROM {quoted(settings.project, dataset)}.INFORMATION_SCHEMA.COLUMNS "
        f"WHERE STARTS_WITH(table_name, '{prefix}')"
        for prefix, dataset in datasets.items()
    )


def bytes_to_be_billed(
    client: Client,
    settings: Settings,
    entities: Sequence[Entity],
    *,
    select: Callable[[Settings, Sequence[Entity]], str] = loaded_select,
    patience: float = PATIENCE,
) -> int:
    """The most that the queries of `survey` and, with `select`, of the entities' tables are billed for, by a dry run.

    Raises OperationError (code 2).
    """
    return _scanned(client, settings, entities, select, patience)[0] + MINIMUM_BILLED * (len(entities) + 1)


def _scanned(
    client: Client,
    settings: Settings,
    entities: Sequence[Entity],
    select: Callable[[Settings, Sequence[Entity]], str],
    patience: float,
) -> tuple[int, dict[str, str]]:
    """How many bytes the tables' query reads, and why tables are refused, by name."""
    sizes, refused = [], dict[str, str]()

    def scan(part: Sequence[Entity]) -> dict[str, None]:
        sizes.append(bigquery.bytes_processed(client, select(settings, part), patience=patience))
        return {}

    for part in _parts(entities):
        refused |= each(settings, part, scan)[1]
    return sum(sizes), refused


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
        for row in bigquery.rows(
            client, loaded_select(settings, part), _LOADED, max_bytes=max_bytes, patience=patience
        ):
            answered[row["table_name"]] = Loaded(row["max_loaded_at"], row["row_count"])
    return {entity.name: answered[entity.table_name] for entity in entities if entity.table_name in answered}


def _parts(entities: Sequence[Entity]) -> list[Sequence[Entity]]:
    return [entities[start : start + TABLES_PER_QUERY] for start in range(0, len(entities), TABLES_PER_QUERY)]
