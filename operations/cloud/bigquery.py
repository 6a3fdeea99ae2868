"""Google's BigQuery client, pointed where Terraform's google provider is pointed."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import MAXYEAR, MINYEAR, datetime
from typing import Any

from google.auth.credentials import AnonymousCredentials, Credentials
from google.cloud.bigquery import DEFAULT_RETRY, Client, QueryJobConfig

from ingest.settings import Settings
from operations.cloud.credentials import TOKEN_VARIABLE, credentials
from operations.cloud.errors import Cause, asking
from operations.cloud.private import is_loopback
from operations.cloud.reach import refuse_unreachable

ENDPOINT_VARIABLE = "GOOGLE_BIGQUERY_CUSTOM_ENDPOINT"
"""The google provider's variable, such as "http://127.0.0.1:40001/bigquery/v2/"."""

PATIENCE = 60.0
"""Seconds that a request, its retries and the wait for its result may take each; the client's own are 10 minutes."""

MINIMUM_BILLED = 10 * 2**20
"""Bytes that are billed for a table in a query, and for a query, at the least (cloud.google.com/bigquery/pricing)."""


def bigquery_client(settings: Settings, environ: Mapping[str, str]) -> Client:
    """A client with the endpoint and the credentials that the google provider takes from the same environment.

    An endpoint on this machine needs no credentials. Raises OperationError (code 2) when there are none elsewhere, or
    nobody listens there.
    """
    endpoint = environ.get(ENDPOINT_VARIABLE, "")
    options = {"api_endpoint": endpoint.rstrip("/").removesuffix("/bigquery/v2")} if endpoint else None
    signed_in = _credentials(endpoint, environ)
    refuse_unreachable("BigQuery", endpoint or "https://bigquery.googleapis.com", code=2)
    return Client(project=settings.project, credentials=signed_in, client_options=options)


def _credentials(endpoint: str, environ: Mapping[str, str]) -> Credentials:
    if is_loopback(endpoint) and not environ.get(TOKEN_VARIABLE):
        return AnonymousCredentials()  # type: ignore[no-untyped-call]
    return credentials(environ, code=2)


def bytes_processed(client: Client, sql: str, *, patience: float = PATIENCE) -> int:
    """How many bytes the query would read, by a dry run: it reads and costs nothing. Raises OperationError (code 2)."""
    with _asking(client):
        job = client.query(
            sql,
            job_config=QueryJobConfig(dry_run=True, use_query_cache=False),
            retry=DEFAULT_RETRY.with_timeout(patience),
            job_retry=None,
            timeout=patience,
        )
        return int(job.total_bytes_processed)


def rows(
    client: Client,
    sql: str,
    columns: Mapping[str, str],
    *,
    max_bytes: int | None = None,
    patience: float = PATIENCE,
) -> list[dict[str, Any]]:
    """The query's rows, by column name. BigQuery refuses one that would bill more than `max_bytes`.

    `columns` are those that the query has, with the API's types, such as INTEGER; only a TIMESTAMP may be null.
    Raises OperationError (code 2), also for an answer of another shape and one that is cut off.
    """
    fetched: list[dict[str, Any]] = []
    config = QueryJobConfig()
    if max_bytes is not None:
        # The client would send None as text.
        config.maximum_bytes_billed = max_bytes
    with _asking(client):
        result = client.query_and_wait(
            sql,
            job_config=config,
            retry=DEFAULT_RETRY.with_timeout(patience),
            job_retry=None,  # type: ignore[arg-type]
            api_timeout=patience,
            wait_timeout=patience,
        )
        if {field.name: field.field_type for field in result.schema} != columns:
            raise ValueError(f"its columns are not {', '.join(columns)}")
        # Pages that repeat would have no end.
        number = 0
        for number, page in enumerate(result.pages, 1):
            fetched += [{name: _within(value) for name, value in row.items()} for row in page]
            if len(fetched) > (result.total_rows or 0) or number > len(fetched) + 1:
                break
        if len(fetched) != result.total_rows:
            raise ValueError(f"{len(fetched)} rows on {number} pages, it spoke of {result.total_rows}")
        if any(row[name] is None for row in fetched for name, kind in columns.items() if kind != "TIMESTAMP"):
            raise ValueError(f"a null in a column of {', '.join(columns)}")
    return fetched


def _within(value: Any) -> Any:
    """A moment at an end of the calendar, as tables have it for "never", put where every zone has a time for it."""
    if isinstance(value, datetime) and value.year in (MINYEAR, MAXYEAR):
        return value.replace(year=MINYEAR + 1 if value.year == MINYEAR else MAXYEAR - 1)
    return value


def _asking(client: Client) -> AbstractContextManager[None]:
    remedies = {
        Cause.DENIED: f"it needs bigquery.jobUser on {client.project} and bigquery.dataViewer on the datasets",
        Cause.NOT_FOUND: "compare project, datasets and run_log in cdktf.json",
        Cause.UNREADABLE: f"look at {ENDPOINT_VARIABLE}",
    }
    return asking("BigQuery did not answer the query", remedies=remedies, code=2)
