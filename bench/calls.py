"""How many requests reach Google's APIs for one command, by the number of entities."""

from __future__ import annotations

from datetime import UTC, datetime
from threading import Lock

from google.cloud.bigquery import Client

from bench.command import ROOT
from bench.many import COUNTS, entities
from ingest.entity import JOB_PREFIX
from ingest.settings import load
from operations.cloud import tables as freshness
from operations.cloud.bigquery import bigquery_client
from operations.cloud.credentials import local_scheduler_client
from operations.cloud.scheduler import parent
from operations.evidence import last_attempts
from twin.bigquery import BigQuery, bigquery_app
from twin.clock import Clock
from twin.scheduler import Fields, Scheduler
from twin.server import scheduler_app, serve
from twin.warehouse import Warehouse


def table() -> str:
    """A Markdown table: Cloud Scheduler's list pages (status, adopt, preflight, gate) and BigQuery's calls."""
    lines = ["| requests for one command | " + " | ".join(f"{count} entities" for count in COUNTS) + " |"]
    lines.append("|---" * (len(COUNTS) + 1) + "|")
    lines.append(
        "| Cloud Scheduler: status, adopt, preflight, gate | "
        + " | ".join(str(pages(count)) for count in COUNTS)
        + " |"
    )
    lines.append(
        "| BigQuery, newest rows: freshness, gate | " + " | ".join(str(queries(count)) for count in COUNTS) + " |"
    )
    return "\n".join(lines)


def pages(count: int) -> int:
    """The pages of jobs.list that one command reads."""
    settings = load(ROOT, {})
    scheduler = Scheduler(Clock(datetime(2026, 10, 20, tzinfo=UTC)))
    for number in range(count):
        target = {"uri": f"{settings.base_url}/ingest/entity_{number}"}
        body: Fields = {
            "name": f"{parent(settings)}/jobs/{JOB_PREFIX}{number}",
            "schedule": "0 4 * * *",
            "httpTarget": target,
        }
        scheduler.create(parent(settings), body)
    asked = []
    page = scheduler.page

    def counted(*arguments: object) -> Fields:
        asked.append(arguments)
        return page(*arguments)  # type: ignore[arg-type]

    scheduler.page = counted  # type: ignore[method-assign, assignment]
    with serve(scheduler_app(scheduler, lambda name: None, Lock())) as address:
        attempts = last_attempts(local_scheduler_client(address), settings)
    if len(attempts) != count:
        raise ValueError(f"{len(attempts)} of {count} jobs were listed")
    return len(asked)


def queries(count: int) -> int:
    """The requests to BigQuery for the freshness of that many tables, the dry runs aside."""
    settings = load(ROOT, {})
    tables = entities(count)
    warehouse = Warehouse(settings, tables)
    for entity in tables:
        warehouse.load(entity.name, range(1), datetime.now(UTC))
    bigquery = BigQuery(settings, warehouse)
    with serve(bigquery_app(bigquery, Lock())) as address:
        client: Client = bigquery_client(settings, {"GOOGLE_BIGQUERY_CUSTOM_ENDPOINT": f"{address}/bigquery/v2/"})
        readable = freshness.survey(client, settings, tables).readable
        loaded = freshness.read(client, settings, readable, max_bytes=None)
    if len(loaded) != count:
        raise ValueError(f"{len(loaded)} of {count} tables were asked")
    return len(bigquery.calls)
