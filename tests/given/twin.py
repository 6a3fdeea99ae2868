"""What the twin's tests start from: the names of its jobs, a Tuesday's clock, and requests over plain HTTP."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

from google.cloud.scheduler_v1 import CloudSchedulerClient
from google.cloud.scheduler_v1.types import HttpMethod, Job

from tests.given.domain import SETTINGS, in_phoenix
from twin.scheduler import Fields
from twin.twin import Twin

PARENT = "projects/kpi-auto-471020/locations/us-central1"
START = in_phoenix("2026-10-20T01:00")
"""A Tuesday, before the first of the seven jobs runs."""

PHOENIX = timezone(timedelta(hours=-7))
"""Phoenix has no daylight saving: a fixed offset says the same as the zone, without asking the code under test."""

GET = {"http_method": HttpMethod.GET}

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
        if isinstance(body, dict):
            connection.request(method, path, json.dumps(body), {"Content-Type": "application/json"})
        else:
            connection.request(method, path, body)
        response = connection.getresponse()
        return response.status, dict(response.headers), response.read()
    finally:
        connection.close()


def at(clock: str, day: int = 20) -> datetime:
    return in_phoenix(f"2026-10-{day}T{clock}")


def given_job(client: CloudSchedulerClient, schedule: str, **fields: Any) -> None:
    """A job that syncs returns, in Phoenix, and has no table loaded yet."""
    target = {"uri": uri("returns"), **GET}
    client.create_job(
        parent=PARENT,
        job=a_job(**{"schedule": schedule, "time_zone": "America/Phoenix", "http_target": target} | fields),
    )


def attempts(twin: Twin, job: str = "added") -> list[tuple[str, int, int]]:
    """Each attempt's local start, number and code."""
    found = [attempt for attempt in twin.dispatcher.attempts if attempt.job == job]
    return [(f"{a.started.astimezone(PHOENIX):%a %H:%M:%S}", a.number, a.code) for a in found]
