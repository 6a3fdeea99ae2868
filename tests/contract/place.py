"""Where the contract is asked: the twin's service, or the real one where the environment names it.

The real service (st-kpi-ingestor, folder v2_ingestor) runs on a BigQuery emulator and asks for its records where this
suite listens. All three addresses are on this machine:

    INGEST_CONTRACT_SERVICE=http://127.0.0.1:8080        the service
    INGEST_CONTRACT_BIGQUERY=http://127.0.0.1:9050       the emulator that it writes to; its datasets are deleted
    INGEST_CONTRACT_SERVICETITAN=http://127.0.0.1:9300   where it expects ServiceTitan: both the API and /connect/token
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

from google.cloud.bigquery import Client

from ingest.catalogue import CATALOGUE
from ingest.judging.duplicates import keys_select
from operations.cloud.bigquery import ENDPOINT_VARIABLE, bigquery_client
from operations.cloud.private import is_loopback
from tests.contract.servicetitan import listening
from tests.given.domain import SETTINGS
from tests.given.twin import START
from twin.bigquery import BigQuery, bigquery_app
from twin.clock import Clock
from twin.contract import ENTITIES, PUBLIC_REFERENCE_PATH
from twin.server import serve
from twin.service import DURATION_HEADER, Ingestor
from twin.source import ServiceTitan, Stream
from twin.warehouse import Warehouse

PUBLIC = replace(SETTINGS, reference_path=PUBLIC_REFERENCE_PATH)
VARIABLES = ("INGEST_CONTRACT_SERVICE", "INGEST_CONTRACT_BIGQUERY", "INGEST_CONTRACT_SERVICETITAN")
DATASETS = (PUBLIC.dataset, PUBLIC.reference_dataset, PUBLIC.run_log.partition(".")[0])
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Answer:
    """`asked` and `answered` are moments by the service's clock."""

    status: int
    headers: dict[str, str]
    content: bytes
    asked: datetime
    answered: datetime

    @property
    def body(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.content)
        return found


@dataclass
class Place:
    """`upstream` is the ServiceTitan that the service asks; `wait` lets time pass by the service's clock.

    `datasets` lists those that exist: an emulator answers for others as if it were broken, and clients ask again.
    """

    address: str
    upstream: ServiceTitan
    client: Client
    now: Callable[[], datetime]
    wait: Callable[[timedelta], None]
    datasets: Callable[[], set[str]]

    def call(self, method: str, path: str) -> Answer:
        """One request; when it is answered, what it does is done."""
        asked, place = self.now(), urlsplit(self.address)
        connection = HTTPConnection(str(place.hostname), place.port, timeout=120)
        try:
            connection.request(method, path)
            response = connection.getresponse()
            content, headers = response.read(), dict(response.headers)
        finally:
            connection.close()
        self.wait(timedelta(seconds=float(headers.get(DURATION_HEADER, 0))))
        return Answer(response.status, headers, content, asked, self.now())

    def get(self, path: str) -> Answer:
        return self.call("GET", path)

    def query(self, sql: str) -> list[dict[str, Any]]:
        return [dict(row) for row in self.client.query_and_wait(sql)]

    def columns(self, dataset: str) -> dict[str, list[tuple[str, str]]]:
        """By table: name, type; empty for a dataset that does not exist. An emulator has all of them nullable."""
        found: dict[str, list[tuple[str, str]]] = {}
        if dataset not in self.datasets():
            return found
        sql = f"SELECT * FROM `{PUBLIC.project}`.`{dataset}`.INFORMATION_SCHEMA.COLUMNS ORDER BY ordinal_position"  # noqa: S608
        for row in self.query(sql):
            # An emulator's word for FLOAT64.
            column = (row["column_name"], row["data_type"].replace("DOUBLE", "FLOAT64"))
            found.setdefault(row["table_name"], []).append(column)
        return found

    def tables(self) -> set[str]:
        return {table for dataset in DATASETS for table in self.columns(dataset)}

    def rows(self, table: str, key: str = "id") -> tuple[int, int, datetime, datetime]:
        """Rows, different keys, when the first and the last were ingested."""
        (row,) = self.query(
            f"SELECT COUNT(*) AS n, COUNT(DISTINCT {key}) AS k, MIN(_ingested_at) AS a, MAX(_ingested_at) AS b "  # noqa: S608
            f"FROM `{PUBLIC.project}`.{table}"
        )
        return row["n"], row["k"], row["a"], row["b"]

    def keys(self, entity: str) -> tuple[int, int, int]:
        """Rows, natural keys and doubled rows, as the gate counts them."""
        (mine,) = [one for one in CATALOGUE if one.name == entity]
        (row,) = self.query(keys_select(PUBLIC, [mine]))
        return row["row_count"], row["key_count"], row["doubled_count"]

    def log(self, entity: str) -> list[dict[str, Any]]:
        """The entity's rows of the run log, oldest first, as the gate asks for them: within its partitions."""
        since = (self.now() - 3 * DAY).isoformat()
        return self.query(
            f"SELECT * FROM `{PUBLIC.project}`.{PUBLIC.run_log} WHERE start_time >= TIMESTAMP '{since}' "  # noqa: S608
            f"AND entity_type = '{entity}' ORDER BY start_time"
        )

    def stock(self, entity: str, days: int, each: int = 2) -> None:
        """Gives ServiceTitan `each` records a day, the first `days` days and an hour ago, the last an hour ago."""
        self.upstream.streams[entity] = Stream(self.now() - days * DAY - timedelta(hours=1), each, hours=1)


def empty() -> ServiceTitan:
    """One whose first records come tomorrow."""
    never = Stream(datetime(2100, 1, 1, tzinfo=UTC), 1)
    return ServiceTitan({entity.name: never for entity in ENTITIES})


@contextmanager
def twins() -> Iterator[Place]:
    clock, warehouse = Clock(START), Warehouse(PUBLIC)
    upstream = empty()
    with (
        serve(Ingestor(clock, warehouse, PUBLIC, upstream)) as address,
        serve(bigquery_app(BigQuery(PUBLIC, warehouse, lambda: clock.now), Lock())) as root,
    ):
        client = bigquery_client(PUBLIC, {ENDPOINT_VARIABLE: f"{root}/bigquery/v2/"})

        def datasets() -> set[str]:
            return {name for (name,) in warehouse.execute("SELECT schema_name FROM duckdb_schemas()").fetchall()}

        yield Place(
            address, upstream, client, lambda: clock.now, lambda span: clock.advance(clock.now + span), datasets
        )
    warehouse.close()


@contextmanager
def real() -> Iterator[Place]:
    service, bigquery, servicetitan = (os.environ[name] for name in VARIABLES)
    for address in (service, bigquery, servicetitan):
        assert is_loopback(address), f"{address} is not on this machine"
    client = bigquery_client(PUBLIC, {ENDPOINT_VARIABLE: f"{bigquery}/bigquery/v2/"})
    for dataset in DATASETS:
        client.delete_dataset(f"{PUBLIC.project}.{dataset}", delete_contents=True, not_found_ok=True)
    upstream, where = empty(), urlsplit(servicetitan)
    with listening(upstream, str(where.hostname), int(where.port or 80)):

        def datasets() -> set[str]:
            return {dataset.dataset_id for dataset in client.list_datasets()}

        def wait(span: timedelta) -> None:
            time.sleep(span.total_seconds())

        yield Place(service, upstream, client, lambda: datetime.now(UTC), wait, datasets)
