"""What the monitoring tests start from: the twin's BigQuery at a fixed moment."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from ingest.catalogue import CATALOGUE
from ingest.entity import Entity
from ingest.rollout import Job, state_at
from ingest.settings import Settings
from tests.given.domain import SETTINGS, night
from tests.given.tables import log_call
from twin.bigquery import ApiError, BigQuery
from twin.warehouse import Warehouse

NOW = datetime(2026, 10, 26, 16, 15, tzinfo=UTC)
LAST_NIGHT = night(3)
CHANNEL = "projects/kpi-auto-471020/notificationChannels/1"
ACCOUNT = "freshness@kpi-auto-471020.iam.gserviceaccount.com"
STACK = "ingest-monitoring"
ON: dict[str, Any] = {"notification_channels": (CHANNEL,), "freshness_service_account": ACCOUNT}
"""The settings with which the stack is there, with all of its parts."""

TOOK = timedelta(minutes=2)


def policy(stack: Any, name: str) -> Any:
    return stack["resource"]["google_monitoring_alert_policy"][name]


def matched(policy: Any) -> Any:
    (condition,) = policy["conditions"]
    return condition["condition_matched_log"]


def jobs(settings: Settings = LAST_NIGHT, catalogue: Iterable[Entity] = CATALOGUE) -> list[Job]:
    """The jobs at the settings' night; `catalogue` may have other rows for the same entities."""
    world = state_at(settings.rollout, settings.night, adopt_existing=settings.adopt_existing, catalogue=catalogue)
    return list(world.values())


@dataclass
class Datasets:
    """The twin's tables and run log, asked in BigQuery's SQL; it is always NOW."""

    warehouse: Warehouse
    bigquery: BigQuery

    def load(self, entity: str, ago: timedelta) -> None:
        """Into the entity's table."""
        self.warehouse.load(entity, range(1), NOW - ago)

    def ran(self, entity: str, ago: timedelta, *, status: str = "success", inserted: int | None = 10) -> None:
        """A row of the run log, of a call that ended `ago`."""
        log_call(self.warehouse, entity, NOW - ago, status, inserted)

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """The rows of a SELECT by column; the values are text or None, as the API has them."""
        answer = self.bigquery.query({"query": sql})
        names = [field["name"] for field in answer["schema"]["fields"]]
        return [dict(zip(names, (f["v"] for f in row["f"]), strict=True)) for row in answer["rows"]]

    def late(self, statement: str) -> str | None:
        """The message with which an ASSERT of ours fails. Raises ApiError where it fails without one."""
        found = re.fullmatch(r"--[^\n]*\nASSERT \(\n(.*)\n\)", statement, re.DOTALL)
        assert found, "one statement"
        try:
            ((holds,),) = (row.values() for row in self.rows(found[1]))
        except ApiError as error:
            message = error.body["error"]["message"]
            if "ingest freshness: " not in message:
                raise
            return str(message).partition("ingest freshness: ")[2]
        assert holds == "true"
        return None


@contextmanager
def datasets(settings: Settings = SETTINGS, catalogue: Sequence[Entity] = CATALOGUE) -> Iterator[Datasets]:
    """A run log without rows, and no table."""
    warehouse = Warehouse(settings, catalogue)
    found = Datasets(warehouse, BigQuery(settings, warehouse, lambda: NOW))
    try:
        if settings.run_log:
            found.ran("jobs", TOOK)
            warehouse.execute(f"DELETE FROM {settings.run_log}")  # noqa: S608
        yield found
    finally:
        warehouse.close()
