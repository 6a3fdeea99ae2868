"""What the freshness tests start from: a dataset of its own, asked over HTTP by Google's client."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock

from google.cloud.bigquery import Client
from werkzeug.wrappers import Request, Response

from ingest.catalogue import CATALOGUE
from ingest.entity import Entity
from ingest.schedule import Cadence
from ingest.settings import Settings
from operations.cloud.bigquery import ENDPOINT_VARIABLE, bigquery_client
from tests.given.domain import SETTINGS, in_phoenix, night
from twin.bigquery import BigQuery, bigquery_app
from twin.server import serve
from twin.warehouse import Warehouse

NOW = in_phoenix("2026-10-26T08:00")
LAST_NIGHT = night(3)
"""The settings with every entity's job in place."""

JOBS = CATALOGUE[0]


@dataclass
class Place:
    """A twin's BigQuery. `address` is the endpoint as GOOGLE_BIGQUERY_CUSTOM_ENDPOINT has it."""

    warehouse: Warehouse
    bigquery: BigQuery
    client: Client
    address: str

    @property
    def calls(self) -> list[tuple[str, bool]]:
        return self.bigquery.calls

    def load(self, entity: str, ago: timedelta, rows: int = 1) -> None:
        self.warehouse.load(entity, range(rows), NOW - ago)

    def load_all(self, ago: timedelta = timedelta(hours=3)) -> None:
        for entity in CATALOGUE:
            self.load(entity.name, ago)

    def ran(self, entity: str, ago: timedelta, status: str = "success", inserted: int = 10, error: str = "") -> None:
        log_call(self.warehouse, entity, NOW - ago, status, inserted, error)

    def ran_all(self, ago: timedelta = timedelta(hours=3), but: str = "") -> None:
        for entity in CATALOGUE:
            if entity.name != but:
                self.ran(entity.name, ago)


def log_call(
    warehouse: Warehouse, entity: str, ended: datetime, status: str, inserted: int | None, error: str = ""
) -> None:
    """A row of the run log, of a call that took 2 minutes."""
    times = {"start_time": ended - timedelta(minutes=2), "end_time": ended}
    counts = {"records_fetched": inserted, "records_inserted": inserted}
    known = {"entity_type": entity, "run_id": str(ended), "status": status, "error_message": error}
    warehouse.log({**known, **times, **counts})


@contextmanager
def place(settings: Settings = SETTINGS, catalogue: Sequence[Entity] = CATALOGUE) -> Iterator[Place]:
    warehouse = Warehouse(settings, catalogue)
    bigquery = BigQuery(settings, warehouse)
    try:
        with serve(bigquery_app(bigquery, Lock())) as root:
            yield Place(warehouse, bigquery, client_of(root), f"{root}/bigquery/v2/")
    finally:
        warehouse.close()


def client_of(root: str) -> Client:
    return bigquery_client(SETTINGS, {ENDPOINT_VARIABLE: f"{root}/bigquery/v2/"})


def many(count: int) -> list[Entity]:
    return [Entity(name=f"made_up_{n}", group="core", target=Cadence.daily("04:00")) for n in range(count)]


@contextmanager
def answering(code: int, body: object, content_type: str = "application/json") -> Iterator[str]:
    """An endpoint that answers everything so; yields its root."""
    text = body if isinstance(body, (str, bytes)) else json.dumps(body)

    @Request.application
    def app(request: Request) -> Response:
        request.get_data()
        return Response(text, code, content_type=content_type)

    with serve(app) as root:
        yield root


def google_error(code: int, reason: str, message: str) -> dict[str, object]:
    return {"error": {"code": code, "message": message, "errors": [{"reason": reason, "message": message}]}}


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
