"""Rows against distinct natural keys: the same record loaded twice is counted twice in job costing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ingest.entity import Entity
from ingest.judging.freshness_sql import quoted
from ingest.judging.verdict import Verdict
from ingest.settings import Settings


@dataclass(frozen=True)
class Keys:
    """What a table holds: its rows, the distinct natural keys among them, and the rows beyond one for each key.

    A row whose key's columns are all null has no key, and is not known to double another.
    """

    rows: int
    keys: int
    doubled: int


NO_ROWS = Keys(0, 0, 0)


def doubled_verdict(entity: Entity) -> Verdict:
    """Of a table with doubled rows. Without an id of ServiceTitan's own, two rows that are equal may be two records."""
    return Verdict.FAIL if len(entity.key) == 1 else Verdict.WARN


def keys_select(settings: Settings, entities: Iterable[Entity]) -> str:
    """One statement for all the entities' tables: table_name, row_count, key_count, doubled_count.

    Each needs a key. BigQuery refuses all of it where a table or a column is missing.
    """
    return "\nUNION ALL\n".join(
        f"SELECT '{entity.table_name}' AS table_name, COALESCE(SUM(copies), 0) AS row_count, "  # noqa: S608
        "COALESCE(SUM(CASE WHEN keyless THEN 0 ELSE 1 END), 0) AS key_count, "
        "COALESCE(SUM(CASE WHEN keyless THEN 0 ELSE copies - 1 END), 0) AS doubled_count "
        f"FROM (SELECT {' AND '.join(f'`{column}` IS NULL' for column in entity.key)} AS keyless, "
        f"COUNT(*) AS copies FROM {quoted(settings.table(entity))} "
        f"GROUP BY {', '.join(f'`{column}`' for column in entity.key)}) AS records"
        for entity in entities
    )
