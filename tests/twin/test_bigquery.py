"""The twin's BigQuery, as Google's client finds it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from google.api_core.exceptions import BadRequest, NotFound
from google.cloud.bigquery import QueryJobConfig

from tests.given.tables import NOW, Place
from tests.given.twin import ask
from twin.bigquery import KEPT_JOBS
from twin.service import log_row

QUERIES = "/bigquery/v2/projects/kpi-auto-471020/queries"


def test_every_type_comes_as_bigquery_has_it(place: Place) -> None:
    (row,) = place.client.query_and_wait(
        "SELECT 'é\"x' AS s, -7 AS i, TRUE AS b, 1.5 AS f, TIMESTAMP '1969-12-31 17:00:00.000001-07:00' AS t, "
        "NULL AS n, CAST(0.1234567891 AS NUMERIC) AS c, DATE '2025-10-20' AS d"
    )

    assert dict(row) == {
        "s": 'é"x',
        "i": -7,
        "b": True,
        "f": 1.5,
        "c": Decimal("0.123456789"),
        "d": date(2025, 10, 20),
        "t": datetime(1970, 1, 1, 0, 0, 0, 1, tzinfo=UTC),
        "n": None,
    }
    assert isinstance(row["f"], float)


def test_a_moment_is_in_microseconds_for_those_who_ask_so_and_in_seconds_for_others(place: Place) -> None:
    body = {"query": "SELECT TIMESTAMP_MICROS(1500000) AS t", "useLegacySql": False}
    root = place.address.removesuffix("/bigquery/v2/")

    assert b'{"v": "1500000"}' in ask(root, "POST", QUERIES, body | {"formatOptions": {"useInt64Timestamp": True}})[2]
    assert b'{"v": "1.5"}' in ask(root, "POST", QUERIES, body)[2]


def test_results_come_in_pages_in_their_order(place: Place) -> None:
    place.warehouse.load("jobs", range(25), NOW)
    sql = "SELECT id FROM st_raw_v2.raw_jobs ORDER BY id DESC"

    assert [row.id for row in place.client.query_and_wait(sql, page_size=10)] == list(range(24, -1, -1))
    assert [row.id for row in place.client.query(sql).result(page_size=7)] == list(range(24, -1, -1))


def test_a_dry_run_tells_the_bytes_and_reads_nothing(place: Place) -> None:
    place.warehouse.load("jobs", range(1000), NOW)
    place.warehouse.load("payroll", range(0), NOW)
    dry = QueryJobConfig(dry_run=True)

    def size(sql: str) -> int | None:
        processed: int | None = place.client.query(sql, job_config=dry).total_bytes_processed
        return processed

    assert size("SELECT COUNT(*) FROM st_raw_v2.raw_jobs") == 0
    assert size("SELECT MAX(_ingested_at), COUNT(*) FROM st_raw_v2.raw_jobs") == 8000
    assert size("SELECT MAX(_ingested_at), MIN(_ingested_at), MAX(id) FROM st_raw_v2.raw_jobs") == 16000
    assert size("SELECT MAX(id) FROM st_raw_v2.raw_jobs UNION ALL SELECT MAX(id) FROM st_raw_v2.raw_payroll") == 8000


@pytest.mark.parametrize(
    ("sql", "reason", "says"),
    [
        ("SELECT FROM WHERE (", "invalidQuery", "Syntax error"),
        ("", "invalidQuery", "one SELECT statement"),
        ("SELECT 1; SELECT 2", "invalidQuery", "one SELECT statement"),
        ("DROP TABLE st_raw_v2.raw_jobs", "invalidQuery", "one SELECT statement"),
        ("SELECT wrong FROM st_raw_v2.raw_jobs", "invalidQuery", "wrong"),
        ("SELECT id FROM raw_jobs", "invalidQuery", "must be qualified with a dataset"),
        ("SELECT * FROM read_csv('/etc/hostname')", "invalidQuery", ""),
    ],
)
def test_a_wrong_query_is_bigquerys_400(sql: str, reason: str, says: str, place: Place) -> None:
    place.warehouse.load("jobs", range(1), NOW)
    with pytest.raises(BadRequest) as raised:
        place.client.query_and_wait(sql)

    assert raised.value.errors[0]["reason"] == reason
    assert says in str(raised.value)
    assert "raw_jobs" in {
        table for (table,) in place.warehouse.execute("SELECT table_name FROM duckdb_tables()").fetchall()
    }


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ("st_raw_v2.raw_nothing", "Table kpi-auto-471020:st_raw_v2.raw_nothing was not found in location us-central1"),
        ("other.raw_jobs", "Dataset kpi-auto-471020:other was not found"),
        ("`another-project`.st_raw_v2.raw_jobs", "Dataset another-project:st_raw_v2 was not found"),
        ("`kpi-auto-471020`.other.INFORMATION_SCHEMA.COLUMNS", "Dataset kpi-auto-471020:other was not found"),
    ],
)
def test_what_is_not_there_is_bigquerys_404(table: str, says: str, place: Place) -> None:
    place.warehouse.load("jobs", range(1), NOW)
    with pytest.raises(NotFound, match=says) as raised:
        place.client.query_and_wait(f"SELECT * FROM {table}")  # noqa: S608

    assert raised.value.errors[0]["reason"] == "notFound"


def test_another_project_and_a_job_that_nobody_knows_are_not_found(place: Place) -> None:
    with pytest.raises(NotFound, match="Job kpi-auto-471020:nobody was not found"):
        place.client.get_job("nobody")
    with pytest.raises(NotFound, match="Project another"):
        place.client.query_and_wait("SELECT 1", project="another")


def test_joins_aliases_and_with_run_as_well(place: Place) -> None:
    place.warehouse.load("jobs", range(3), NOW)
    place.warehouse.load("payments", range(1, 2), NOW)
    sql = """
        WITH raw_x AS (SELECT j.id FROM `kpi-auto-471020.st_raw_v2.raw_jobs` AS j)
        SELECT raw_x.id, COUNT(r.id) AS n FROM raw_x LEFT JOIN `st_raw_v2.raw_payments` r USING (id)
        GROUP BY raw_x.id ORDER BY raw_x.id
    """

    assert [tuple(row) for row in place.client.query_and_wait(sql)] == [(0, 0), (1, 1), (2, 0)]


def test_a_body_that_is_no_json_and_a_limit_that_is_no_number_are_400(place: Place) -> None:
    root = place.address.removesuffix("/bigquery/v2/")

    assert ask(root, "POST", QUERIES, b"{")[0] == 400
    assert ask(root, "POST", QUERIES, {"query": "SELECT 1", "maximumBytesBilled": "None"})[0] == 400
    assert ask(root, "GET", "/bigquery/v2/nothing")[0] == 404


def test_it_keeps_the_last_jobs_only(place: Place) -> None:
    for _ in range(KEPT_JOBS + 5):
        place.client.query_and_wait("SELECT 1")

    assert len(place.bigquery._jobs) == KEPT_JOBS


def test_each_dataset_lists_its_columns_as_soon_as_the_service_has_made_it(place: Place) -> None:
    def listed(dataset: str) -> dict[str, list[str]]:
        sql = f"SELECT * FROM {dataset}.INFORMATION_SCHEMA.COLUMNS ORDER BY ordinal_position"  # noqa: S608
        found: dict[str, list[str]] = {}
        for row in place.client.query_and_wait(sql):
            found.setdefault(row.table_name, []).append(f"{row.column_name} {row.data_type} {row.is_nullable}")
        return found

    for dataset in ("st_raw_v2", "st_ref_v2", "st_logs_v2"):
        with pytest.raises(NotFound, match=f"Dataset kpi-auto-471020:{dataset} was not found"):
            listed(dataset)
    place.load_all()
    place.warehouse.log(log_row("jobs", "1", NOW, NOW, 1))

    assert len(listed("st_raw_v2")) == 13
    assert listed("st_ref_v2").keys() == {"dim_business_units", "dim_technicians", "dim_activity_codes"}
    assert listed("st_ref_v2")["dim_activity_codes"][-3:] == [
        "modifiedOn TIMESTAMP YES",
        "_ingested_at TIMESTAMP NO",
        "_ingestion_source STRING NO",
    ]
    assert "metadata JSON YES" in listed("st_logs_v2")["ingestion_logs"]


def test_the_present_is_the_twins(place: Place) -> None:
    place.bigquery.now = lambda: NOW
    sql = "SELECT CURRENT_TIMESTAMP() AS now, TIMESTAMP_SUB(CURRENT_TIMESTAMP(), INTERVAL 1 DAY) AS yesterday"

    (row,) = place.client.query_and_wait(sql)
    assert (row.now, row.yesterday) == (NOW, NOW - timedelta(days=1))
