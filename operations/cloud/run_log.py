"""The service's run log in BigQuery: one query for all jobs."""

from __future__ import annotations

from datetime import UTC, datetime

from google.cloud.bigquery import Client

from ingest.judging.run import LogRow
from ingest.settings import Settings
from operations.cloud import bigquery
from operations.cloud.bigquery import MINIMUM_BILLED, PATIENCE

MAX_BYTES = 2**30

_UNKNOWN = -1
_COLUMNS = {
    "entity_type": "STRING",
    "run_id": "STRING",
    "start_time": "TIMESTAMP",
    "end_time": "TIMESTAMP",
    "status": "STRING",
    "records_fetched": "INTEGER",
    "records_inserted": "INTEGER",
    "error_message": "STRING",
}


def query(settings: Settings, since: datetime) -> str:
    """The calls that began since `since` (aware). The table is partitioned by start_time: the filter is the bill."""
    dataset, _, table = settings.run_log.partition(".")
    return (
        "SELECT entity_type, run_id, start_time, end_time, status, "  # noqa: S608
        f"COALESCE(records_fetched, {_UNKNOWN}) AS records_fetched, "
        f"COALESCE(records_inserted, {_UNKNOWN}) AS records_inserted, COALESCE(error_message, '') AS error_message "
        f"FROM `{settings.project}`.`{dataset}`.`{table}` "
        f"WHERE start_time >= TIMESTAMP '{since.astimezone(UTC):%Y-%m-%d %H:%M:%S}+00:00'"
    )


def bytes_to_be_billed(client: Client, settings: Settings, since: datetime, *, patience: float = PATIENCE) -> int:
    """The most that `rows` is billed for, by a dry run. Raises OperationError (code 2)."""
    return max(MINIMUM_BILLED, bigquery.bytes_processed(client, query(settings, since), patience=patience))


def rows(
    client: Client,
    settings: Settings,
    since: datetime,
    *,
    max_bytes: int | None = MAX_BYTES,
    patience: float = PATIENCE,
) -> list[LogRow]:
    """The run log since `since`, in no order. The settings must name one. Raises OperationError (code 2)."""
    return [
        LogRow(
            row["entity_type"],
            row["run_id"],
            row["start_time"],
            row["end_time"],
            row["status"],
            _count(row["records_fetched"]),
            _count(row["records_inserted"]),
            row["error_message"],
        )
        for row in bigquery.rows(client, query(settings, since), _COLUMNS, max_bytes=max_bytes, patience=patience)
    ]


def _count(value: int) -> int | None:
    return None if value == _UNKNOWN else value
