"""Seven live jobs as hostile as they may be, and the twin's parts that the tests change."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import replace
from typing import Any

from google.cloud.scheduler_v1 import CloudSchedulerClient

from ingest.baseline import Baseline
from ingest.catalogue import CATALOGUE
from operations.adopt import Adoption, compare, live_jobs, recordable
from operations.cloud.credentials import local_scheduler_client
from tests.given.domain import SETTINGS
from tests.given.twin import PARENT, named
from twin.twin import Twin

TUNED = {
    "retryCount": 3,
    "minBackoffDuration": "7s",
    "maxBackoffDuration": "90s",
    "maxRetryDuration": "600s",
    "maxDoublings": 16,
}
HOSTILE: dict[str, dict[str, Any]] = {
    "jobs": {"attemptDeadline": "600s", "description": "by hand: “core”, don't touch"},
    "appointments": {"retryConfig": TUNED},
    "payroll": {"retryConfig": {"retryCount": 3, "maxDoublings": 16}, "attemptDeadline": "1800s"},
    "payments": {"retryConfig": {"maxDoublings": 1}},
}
OIDC = {"serviceAccountEmail": "by-hand@kpi-auto-471020.iam.gserviceaccount.com", "audience": "https://by-hand.example"}


def make_hostile(twin: Twin) -> None:
    """Deadlines, descriptions, retries, a POST job, one with OIDC, a paused one; leaves no writes on record."""
    for entity, body in HOSTILE.items():
        change(twin, entity, body)
    change_target(twin, "invoices", {"httpMethod": "POST"})
    change_target(twin, "estimates", {"oidcToken": OIDC})
    twin.scheduler.pause(named(job_of("customers")))
    twin.scheduler.take_writes()


def give_headers_and_bodies(twin: Twin) -> None:
    """A POST job with headers and a body of its own, and one with what Cloud Scheduler adds to a body."""
    body = b64encode(b'{"mode": "incremental"}').decode()
    headers = {"Content-Type": "application/json", "X-Tenant": "42"}
    change_target(twin, "invoices", {"httpMethod": "POST", "headers": headers, "body": body})
    headers = {"Content-Type": "application/octet-stream", "X-Google-Internal": "1", "Content-Length": "3"}
    change_target(twin, "jobs", {"httpMethod": "PUT", "headers": headers, "body": body})
    change_target(twin, "payroll", {"headers": {"X-Tenant": "43"}})
    twin.scheduler.take_writes()


def change(twin: Twin, entity: str, body: dict[str, Any]) -> None:
    twin.scheduler.patch(named(job_of(entity)), body, list(body))


def change_target(twin: Twin, entity: str, target: dict[str, Any]) -> None:
    twin.scheduler.patch(named(job_of(entity)), {"httpTarget": target}, [f"httpTarget.{key}" for key in target])


def add(twin: Twin, name: str, schedule: str = "0 1 * * *") -> None:
    target = {"uri": "https://somebody.example/", "httpMethod": "GET"}
    twin.scheduler.create(PARENT, {"name": named(name), "schedule": schedule, "httpTarget": target})


def add_live(twin: Twin, entity: str, schedule: str) -> None:
    """A job of the catalogue's, as somebody made it before its night."""
    target = {"uri": SETTINGS.uri(_ENTITIES[entity]), "httpMethod": "GET"}
    body = {"name": named(job_of(entity)), "schedule": schedule, "timeZone": SETTINGS.time_zone, "httpTarget": target}
    twin.scheduler.create(PARENT, body)
    twin.scheduler.take_writes()


def job_of(entity: str) -> str:
    return _ENTITIES[entity].job_name


_ENTITIES = {entity.name: entity for entity in CATALOGUE}


def client_of(twin: Twin) -> CloudSchedulerClient:
    return local_scheduler_client(twin.address)


def compared(twin: Twin, baseline: Baseline | None = None) -> dict[str, Adoption]:
    """By the entity, or by the name of a job that is of none."""
    found = compare(replace(SETTINGS, found=baseline or {}), live_jobs(lambda: client_of(twin), SETTINGS))
    return {one.entity or one.job: one for one in found}


def recorded(twin: Twin) -> Baseline:
    return recordable(compared(twin).values())
