"""What the twin's tests start from: the names of its jobs, a Tuesday's clock, and requests over plain HTTP."""

from __future__ import annotations

import json
from datetime import timedelta
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

from google.cloud.scheduler_v1.types import Job

from tests.given.domain import SETTINGS, in_phoenix
from twin.scheduler import Fields

PARENT = "projects/kpi-auto-471020/locations/us-central1"
START = in_phoenix("2026-10-20T01:00")
"""A Tuesday, before the first of the seven jobs runs."""

BY_HAND = {
    "v2-sync-jobs-daily": "0 2 * * *",
    "v2-sync-appointments-daily": "10 2 * * *",
    "v2-sync-invoices-daily": "15 2 * * *",
    "v2-sync-estimates-daily": "30 2 * * *",
    "v2-sync-payments-daily": "45 2 * * *",
    "v2-sync-payroll-daily": "0 3 * * *",
    "v2-sync-customers-daily": "15 3 * * *",
}
"""The seven jobs that are live before the rollout, in the order in which they run."""


def named(short: str) -> str:
    return f"{PARENT}/jobs/{short}"


def uri(entity: str) -> str:
    return f"{SETTINGS.base_url}/ingest/{entity}?mode=incremental"


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


def a_job(short: str = "added", **fields: Any) -> Job:
    """A job as a client creates it, with nothing but what is needed and `fields`."""
    needed = {"name": named(short), "schedule": "30 4 * * *", "http_target": {"uri": uri("returns")}}
    return Job(needed | fields)


def ask(address: str, method: str, path: str, body: bytes | Fields | None = None) -> tuple[int, dict[str, str], bytes]:
    """One request without any client library: the answer's code, headers and content."""
    place = urlsplit(address)
    connection = HTTPConnection(str(place.hostname), place.port, timeout=10)
    try:
        connection.request(method, path, json.dumps(body) if isinstance(body, dict) else body)
        response = connection.getresponse()
        return response.status, dict(response.headers), response.read()
    finally:
        connection.close()
