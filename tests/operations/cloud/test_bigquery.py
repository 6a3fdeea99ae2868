"""What BigQuery may do instead of answering: one clear line, and exit code 2."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import timedelta, timezone
from typing import Any

import pytest
from google.auth.exceptions import DefaultCredentialsError
from werkzeug.wrappers import Request, Response

from operations.cloud import bigquery
from operations.cloud.bigquery import ENDPOINT_VARIABLE, bigquery_client
from operations.cloud.credentials import TOKEN_VARIABLE
from operations.cloud.tables import survey
from operations.errors import OperationError
from tests.given.domain import SETTINGS
from tests.given.tables import JOBS, Place, answering, client_of, google_error
from twin.server import serve

IMPATIENT = 0.3
NO_ANSWER = "the answer is none that the API gives"
WHOLE = {"jobComplete": True, "totalRows": "1", "jobReference": {"projectId": "p", "jobId": "j", "location": "US"}}
FIELDS = [{"name": name, "type": "STRING"} for name in ("table_name", "column_name", "data_type")]
REFERENCE = {"projectId": SETTINGS.project, "jobId": "j", "location": "US"}


def line(action: Callable[[], object]) -> str:
    with pytest.raises(OperationError) as raised:
        action()
    assert raised.value.code == 2
    text = str(raised.value)
    assert "\n" not in text
    assert text.startswith("BigQuery ")
    return text


@pytest.mark.parametrize(
    ("code", "body", "says"),
    [
        (
            403,
            google_error(403, "accessDenied", "Access Denied: Project kpi: no bigquery.jobs.create\n\nLocation: US"),
            "the query: HTTP 403, Access Denied: Project kpi: no bigquery.jobs.create; it needs bigquery.jobUser",
        ),
        (403, google_error(403, "quotaExceeded", "Quota exceeded"), "HTTP 403, Quota exceeded"),
        (
            404,
            google_error(404, "notFound", "Not found: Dataset d"),
            "HTTP 404, Not found: Dataset d; compare project, datasets and run_log in cdktf.json",
        ),
        (
            401,
            google_error(401, "authError", "Invalid"),
            "the credentials were not accepted (Anonymous credentials cannot be refreshed",
        ),
        (400, google_error(400, "invalidQuery", "Syntax error"), "the query: HTTP 400, Syntax error"),
        (429, google_error(429, "rateLimitExceeded", "Too many"), "HTTP 429, Too many; try again later"),
        (500, google_error(500, "backendError", "Internal"), "HTTP 500, Internal; try again later"),
        (503, "<!doctype html>", "HTTP 503, <!doctype html>; try again later"),
    ],
)
def test_an_error_of_the_api_is_one_line_with_its_code(code: int, body: object, says: str) -> None:
    with answering(code, body) as root:
        client = client_of(root)
        assert says in line(lambda: survey(client, SETTINGS, [JOBS], patience=IMPATIENT))
        dry = line(lambda: bigquery.bytes_processed(client, "SELECT 1", patience=IMPATIENT))
    assert code == 401 or str(code) in dry


@pytest.mark.parametrize(
    "body",
    [
        "",
        "<html>a proxy's page</html>",
        "[]",
        "null",
        "{}",
        b"\xff\xfe",
        {"jobComplete": True},
        {"jobComplete": True, "totalRows": "one", "schema": {"fields": FIELDS}, "jobReference": REFERENCE},
        {
            "jobComplete": True,
            "totalRows": "1",
            "schema": {"fields": FIELDS[:1]},
            "rows": [{"f": [{"v": "raw_jobs"}]}],
            "jobReference": REFERENCE,
        },
        {
            "jobComplete": True,
            "totalRows": "1",
            "schema": {"fields": FIELDS},
            "rows": [{"f": []}],
            "jobReference": REFERENCE,
        },
        WHOLE | {"schema": {"fields": FIELDS}, "rows": [{"f": [{"v": "raw_jobs"}, {"v": None}, {"v": "STRING"}]}]},
        WHOLE | {"schema": {"fields": FIELDS}, "rows": []},
    ],
)
def test_an_answer_that_is_none_of_bigquerys_is_one_line(body: object) -> None:
    with answering(200, body) as root:
        client = client_of(root)
        text = line(lambda: survey(client, SETTINGS, [JOBS], patience=IMPATIENT))
    assert NO_ANSWER in text or "cannot be reached" in text


@pytest.mark.parametrize("cell", ["99999999999999999999", "-99999999999999999999", "yesterday", "1.5.1"])
def test_a_moment_that_is_none_is_one_line(cell: str) -> None:
    fields = [{"name": "max_loaded_at", "type": "TIMESTAMP"}]
    with answering(200, WHOLE | {"schema": {"fields": fields}, "rows": [{"f": [{"v": cell}]}]}) as root:
        client = client_of(root)
        assert NO_ANSWER in line(lambda: bigquery.rows(client, "SELECT 1", {"max_loaded_at": "TIMESTAMP"}))


@pytest.mark.parametrize(("cell", "year"), [("-62135596800000000", 2), ("253402300799000000", 9998)])
def test_a_moment_at_an_end_of_the_calendar_has_a_time_in_every_zone(cell: str, year: int) -> None:
    fields = [{"name": "max_loaded_at", "type": "TIMESTAMP"}]
    with answering(200, WHOLE | {"schema": {"fields": fields}, "rows": [{"f": [{"v": cell}]}]}) as root:
        (row,) = bigquery.rows(client_of(root), "SELECT 1", {"max_loaded_at": "TIMESTAMP"})

    assert row["max_loaded_at"].year == year
    assert row["max_loaded_at"].astimezone(timezone(timedelta(hours=-12)))
    assert row["max_loaded_at"].astimezone(timezone(timedelta(hours=14)))


def test_a_query_that_never_ends_is_given_up() -> None:
    with answering(200, {"jobComplete": False, "jobReference": REFERENCE, "status": {"state": "RUNNING"}}) as root:
        client = client_of(root)
        assert "cannot be reached (no answer in time)" in line(
            lambda: survey(client, SETTINGS, [JOBS], patience=IMPATIENT)
        )


def test_a_dry_run_that_does_not_tell_the_bytes_is_one_line() -> None:
    with answering(200, {"jobReference": REFERENCE, "status": {"state": "DONE"}}) as root:
        client = client_of(root)
        assert NO_ANSWER in line(lambda: bigquery.bytes_processed(client, "SELECT 1", patience=IMPATIENT))


def test_pages_that_repeat_come_to_an_end() -> None:
    page: dict[str, Any] = {
        "jobComplete": True,
        "totalRows": "3",
        "pageToken": "1",
        "schema": {"fields": FIELDS},
        "rows": [{"f": [{"v": "raw_jobs"}, {"v": "id"}, {"v": "INT64"}]}],
        "jobReference": REFERENCE,
        "status": {"state": "DONE"},
        "configuration": {"query": {"destinationTable": {"projectId": "p", "datasetId": "d", "tableId": "t"}}},
    }
    nothing: list[object] = []
    for rows in (page["rows"], nothing):
        with answering(200, page | {"rows": rows}) as root:
            client = client_of(root)
            assert NO_ANSWER in line(lambda: survey(client, SETTINGS, [JOBS], patience=5))  # noqa: B023


def test_an_api_that_is_too_slow_is_given_up() -> None:
    @Request.application
    def slow(request: Request) -> Response:
        time.sleep(IMPATIENT * 3)
        return Response("{}")

    with serve(slow) as root:
        client = client_of(root)
        assert "it cannot be reached (" in line(lambda: survey(client, SETTINGS, [JOBS], patience=IMPATIENT))


def test_an_api_that_is_not_there_is_one_line() -> None:
    with answering(200, "") as root:
        client = client_of(root)
    assert "it cannot be reached (" in line(lambda: survey(client, SETTINGS, [JOBS], patience=IMPATIENT))
    assert "BigQuery cannot be reached (127.0.0.1: Connection refused)" in line(lambda: client_of(root))


def test_a_dataset_elsewhere_is_not_found(place: Place) -> None:
    text = line(lambda: bigquery.rows(place.client, "SELECT id FROM `kpi-auto-471020`.`other`.`raw_jobs`", {}))

    assert "Not found: Dataset kpi-auto-471020:other was not found in location us-central1" in text


def test_bigquery_itself_refuses_to_bill_more_than_allowed(place: Place) -> None:
    place.load("jobs", timedelta(0))
    text = line(lambda: bigquery.rows(place.client, "SELECT id FROM st_raw_v2.raw_jobs", {}, max_bytes=1))

    assert "limit for bytes billed: 1" in text


def test_without_credentials_it_says_how_to_get_them(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(**_: object) -> None:
        raise DefaultCredentialsError("none found")  # type: ignore[no-untyped-call]

    monkeypatch.setattr("google.auth.default", none)
    for environ in ({}, {ENDPOINT_VARIABLE: "https://bigquery.example.com/bigquery/v2/"}):
        with pytest.raises(OperationError, match="gcloud auth application-default login") as raised:
            bigquery_client(SETTINGS, environ)
        assert raised.value.code == 2


@pytest.mark.parametrize(
    "environ", [{}, {ENDPOINT_VARIABLE: "https://bigquery.example.com/bigquery/v2/"}], ids=["Google's", "another"]
)
def test_a_token_of_the_environment_is_used(environ: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("operations.cloud.bigquery.refuse_unreachable", lambda *_, **__: None)
    client = bigquery_client(SETTINGS, {**environ, TOKEN_VARIABLE: "abc"})

    assert client.project == SETTINGS.project
    assert client._credentials.token == "abc"  # noqa: S105


@pytest.mark.parametrize("ending", ["/bigquery/v2/", "/bigquery/v2", "/", ""])
def test_the_endpoint_is_taken_with_and_without_its_path(ending: str, place: Place) -> None:
    root = place.address.removesuffix("/bigquery/v2/")
    client = bigquery_client(SETTINGS, {ENDPOINT_VARIABLE: root + ending})

    assert bigquery.rows(client, "SELECT 1 AS one", {"one": "INTEGER"}) == [{"one": 1}]
