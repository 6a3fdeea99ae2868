"""The service's run log: one query, whose rows the gate joins with Cloud Scheduler's attempts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import duckdb
import pytest
import sqlglot
from sqlglot import exp

from ingest.judging.run import LogRow
from operations.cloud import run_log
from operations.errors import OperationError
from tests.given.domain import SETTINGS, in_phoenix
from tests.given.tables import answering, client_of, google_error

SINCE = in_phoenix("2026-10-21T21:00")
FIELDS = [
    *(("entity_type", "STRING"), ("run_id", "STRING"), ("start_time", "TIMESTAMP"), ("end_time", "TIMESTAMP")),
    *(("status", "STRING"), ("records_fetched", "INTEGER"), ("records_inserted", "INTEGER")),
    ("error_message", "STRING"),
]
START = datetime(2026, 10, 22, 11, tzinfo=UTC)


def us(moment: datetime) -> str:
    return str(int(moment.timestamp() * 1e6))


@contextmanager
def answer(*rows: list[str | None]) -> Iterator[str]:
    body = {
        "jobComplete": True,
        "totalRows": str(len(rows)),
        "schema": {"fields": [{"name": name, "type": kind} for name, kind in FIELDS]},
        "rows": [{"f": [{"v": value} for value in row]} for row in rows],
        "jobReference": {"projectId": SETTINGS.project, "jobId": "j", "location": "US"},
    }
    with answering(200, body) as root:
        yield root


def test_a_row_is_a_call_of_the_service() -> None:
    end = START + timedelta(seconds=61)
    good: list[str | None] = ["jobs", "a", us(START), us(end), "success", "12", "12", ""]
    poor: list[str | None] = ["returns", "b", us(START), None, "failed", "-1", "-1", "404 from ServiceTitan"]
    with answer(good, poor) as root:
        found = run_log.rows(client_of(root), SETTINGS, SINCE)

    assert found == [
        LogRow("jobs", "a", START, end, "success", 12, 12),
        LogRow("returns", "b", START, None, "failed", None, None, "404 from ServiceTitan"),
    ]


def test_the_query_is_one_statement_of_bigquery_that_reads_the_partitions_since_the_deploy() -> None:
    (statement,) = sqlglot.parse(run_log.query(SETTINGS, SINCE), read="bigquery")

    assert isinstance(statement, exp.Select)
    (table,) = statement.find_all(exp.Table)
    assert (table.catalog, table.db, table.name) == ("kpi-auto-471020", "st_logs_v2", "ingestion_logs")
    assert "WHERE start_time >= TIMESTAMP '2026-10-22 04:00:00+00:00'" in run_log.query(SETTINGS, SINCE)


def test_the_query_has_the_columns_that_are_read_and_nothing_unknown_in_them() -> None:
    database = duckdb.connect(":memory:")
    database.execute("SET TimeZone = 'UTC'")
    # The columns of the service's own table, v2_ingestor/src/bq/bigquery_client.js, logRun.
    database.execute("CREATE SCHEMA st_logs_v2")
    database.execute(
        "CREATE TABLE st_logs_v2.ingestion_logs (entity_type VARCHAR, run_id VARCHAR, start_time TIMESTAMPTZ, "
        "end_time TIMESTAMPTZ, status VARCHAR, records_fetched BIGINT, records_inserted BIGINT, duration_ms BIGINT, "
        "error_message VARCHAR, metadata JSON)"
    )
    insert = "INSERT INTO st_logs_v2.ingestion_logs VALUES (?, 'r', ?, NULL, 'success', NULL, 3, 1, NULL, NULL)"
    for entity, start in (
        ("before", SINCE - timedelta(seconds=1)),
        ("at", SINCE),
        ("after", SINCE + timedelta(days=1)),
    ):
        database.execute(insert, [entity, start])
    tree = sqlglot.parse_one(run_log.query(SETTINGS, SINCE), read="bigquery")
    for table in tree.find_all(exp.Table):
        table.set("catalog", None)
    columns = "entity_type, status, records_fetched, records_inserted, error_message"
    found = database.execute(f"SELECT {columns} FROM ({tree.sql('duckdb')}) ORDER BY start_time").fetchall()  # noqa: S608

    assert found == [("at", "success", -1, 3, ""), ("after", "success", -1, 3, "")]


@pytest.mark.parametrize(
    ("code", "reason", "said"),
    [
        (404, "notFound", "Not found: Table kpi-auto-471020:st_logs_v2.ingestion_logs"),
        (404, "notFound", "Not found: Dataset kpi-auto-471020:st_logs_v2"),
        (403, "accessDenied", "Access Denied: Table ingestion_logs"),
        (400, "invalidQuery", "Unrecognized name: records_fetched"),
    ],
)
def test_a_log_that_cannot_be_read_is_one_line_with_the_reason(code: int, reason: str, said: str) -> None:
    with answering(code, google_error(code, reason, said)) as root, pytest.raises(OperationError, match=said) as raised:
        run_log.rows(client_of(root), SETTINGS, SINCE)
    assert raised.value.code == 2


@pytest.mark.parametrize("column", ["status", "start_time"])
def test_a_log_of_other_columns_is_one_line(column: str) -> None:
    fields = [{"name": name, "type": "FLOAT" if name == column else kind} for name, kind in FIELDS]
    body = {"jobComplete": True, "totalRows": "0", "schema": {"fields": fields}, "rows": []}
    reference = {"jobReference": {"projectId": SETTINGS.project, "jobId": "j", "location": "US"}}
    with answering(200, body | reference) as root, pytest.raises(OperationError, match="its columns are not"):
        run_log.rows(client_of(root), SETTINGS, SINCE)
