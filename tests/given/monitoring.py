"""What the monitoring tests start from: the twin's BigQuery at a fixed moment, and scripts on it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import sqlglot
from sqlglot import exp

from ingest.catalogue import CATALOGUE
from ingest.entity import Entity
from ingest.freshness_sql import Place
from ingest.rollout import Job, state_at
from ingest.settings import Settings
from tests.given.domain import SETTINGS, night
from twin.bigquery import BigQuery
from twin.warehouse import Warehouse

NOW = datetime(2026, 10, 26, 16, 15, tzinfo=UTC)
LAST_NIGHT = night(3)
PLACE = Place(SETTINGS.project, SETTINGS.dataset)
CHANNEL = "projects/kpi-auto-471020/notificationChannels/1"
ACCOUNT = "freshness@kpi-auto-471020.iam.gserviceaccount.com"
STACK = "ingest-monitoring"
ON: dict[str, Any] = {"notification_channels": (CHANNEL,), "freshness_service_account": ACCOUNT}
"""The settings with which the stack is there, with all of its parts."""

_MOMENT = f"TIMESTAMP '{NOW:%Y-%m-%d %H:%M:%S}+00:00'"


def policy(stack: Any, name: str) -> Any:
    return stack["resource"]["google_monitoring_alert_policy"][name]


def matched(policy: Any) -> Any:
    (condition,) = policy["conditions"]
    return condition["condition_matched_log"]


class Raised(Exception):  # noqa: N818
    """The script's own RAISE."""


def jobs(settings: Settings = LAST_NIGHT, catalogue: Iterable[Entity] = CATALOGUE) -> list[Job]:
    """The jobs at the settings' night; `catalogue` may have other rows for the same entities."""
    world = state_at(settings.rollout, settings.night, adopt_existing=settings.adopt_existing, catalogue=catalogue)
    return list(world.values())


@dataclass
class Dataset:
    """The twin's tables, asked in BigQuery's SQL; it is always NOW."""

    warehouse: Warehouse
    bigquery: BigQuery

    def load(self, entity: str, ago: timedelta) -> None:
        self.warehouse.load(entity, range(1), NOW - ago)

    def drop(self, entity: str) -> None:
        self.warehouse.execute(f'DROP TABLE "{SETTINGS.dataset}"."raw_{entity}"')

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """The rows of a SELECT by column; the values are text or None, as the API has them."""
        answer = self.bigquery.query({"query": _at_now(sql)})
        names = [field["name"] for field in answer["schema"]["fields"]]
        return [dict(zip(names, (f["v"] for f in row["f"]), strict=True)) for row in answer["rows"]]

    def value(self, sql: str) -> str | None:
        """What a SELECT of one row and column gives."""
        (row,) = self.rows(sql)
        (value,) = row.values()
        return None if value is None else str(value)

    def run(self, script: str) -> None:
        """A script of DECLARE, SET, EXECUTE IMMEDIATE ... INTO and IF ... RAISE. Raises Raised, and ValueError."""
        variables: dict[str, str | None] = {}
        trees = [tree for tree in sqlglot.parse(script, read="bigquery") if tree]
        for tree in trees:
            text = tree.sql("bigquery", comments=False)
            if isinstance(tree, exp.Declare):
                variables |= {item.this[0].name: None for item in tree.expressions}
            elif isinstance(tree, exp.Set):
                assignment = tree.expressions[0].this
                assert assignment.this.name in variables
                variables[assignment.this.name] = self.value(assignment.expression.unnest().sql("bigquery"))
            elif found := re.fullmatch(r"EXECUTE IMMEDIATE (\w+) INTO (\w+)", text):
                statement = variables[found[1]]
                assert statement
                assert found[2] in variables
                variables[found[2]] = self.value(statement)
            elif found := re.fullmatch(r"IF (\w+) IS NOT NULL THEN\s+RAISE USING MESSAGE = (.*)", text):
                value = variables[found[1]]
                if value is not None:
                    message = sqlglot.parse_one(found[2], read="bigquery").transform(_with(found[1], value))
                    raise Raised(self.value(f"SELECT {message.sql('bigquery')}"))
            elif text != "END IF":
                raise ValueError(f"not a statement that these tests know: {text}")


@contextmanager
def dataset(catalogue: Sequence[Entity] = CATALOGUE, settings: Settings = SETTINGS) -> Iterator[Dataset]:
    """All tables of the catalogue, empty."""
    warehouse = Warehouse(settings, catalogue)
    try:
        yield Dataset(warehouse, BigQuery(settings, warehouse))
    finally:
        warehouse.close()


@lru_cache
def _at_now(sql: str) -> str:
    def put_in(node: exp.Expr) -> exp.Expr:
        return sqlglot.parse_one(_MOMENT, read="bigquery") if isinstance(node, exp.CurrentTimestamp) else node

    return sqlglot.parse_one(sql, read="bigquery").transform(put_in).sql("bigquery")


def _with(name: str, value: str) -> Any:
    def put_in(node: exp.Expr) -> exp.Expr:
        return exp.Literal.string(value) if isinstance(node, exp.Column) and node.name == name else node

    return put_in
