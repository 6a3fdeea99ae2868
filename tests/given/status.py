"""What the tests of status and preflight start from: a service that answers as it is told, and jobs of one's own."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from google.cloud.scheduler_v1 import CloudSchedulerClient
from google.cloud.scheduler_v1.types import Job
from google.protobuf import json_format  # type: ignore[import-untyped]
from werkzeug.wrappers import Request, Response

from operations.cloud import jobs
from operations.cloud.errors import Cause
from operations.cloud.scheduler import live_jobs
from operations.status import Held, JobStatus, statuses
from operations.terraform.declared import Declared
from tests.given.domain import night
from tests.given.twin import PARENT, named
from twin.server import serve

Answer = tuple[int, object]
"""A code and a body; one that is no bytes is sent as JSON."""


@dataclass
class Scripted:
    """A WSGI app that gives `answers` one after the other, the last one again and again."""

    answers: list[Answer]
    seen: list[tuple[str, str]] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        request = Request(environ)
        request.get_data()
        self.seen.append((request.method, request.full_path.rstrip("?")))
        code, body = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        content = body if isinstance(body, bytes) else json.dumps(body)
        return Response(content, code, self.headers, content_type="application/json")(environ, start_response)


@contextmanager
def scripted(*answers: Answer) -> Iterator[tuple[Scripted, str]]:
    app = Scripted(list(answers))
    with serve(app) as address:
        yield app, address


def google_error(code: int, status: str, message: str = "words of the API", **more: object) -> Answer:
    return code, {"error": {"code": code, "status": status, "message": message, **more}}


DISABLED = google_error(
    403,
    "PERMISSION_DENIED",
    "Cloud Scheduler API has not been used in project 1 before or it is disabled.",
    details=[{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "SERVICE_DISABLED"}],
)
DENIED = google_error(403, "PERMISSION_DENIED", "The principal lacks IAM permission cloudscheduler.jobs.list")
UNSURE = (Cause.OTHER, Cause.UNREADABLE, Cause.UNAVAILABLE)
"""The causes that may be made of an answer of NO_API."""

NO_API = [
    (200, b"<html>a login page</html>"),
    (200, b""),
    (200, [1, 2]),
    (200, {"jobs": 7}),
    (400, b"null"),
    (502, b"<html>bad gateway</html>"),
    (403, b"<html>a proxy says no</html>"),
    (404, {"error": "text"}),
    (500, [{"error": {"message": "x", "details": [3]}}]),
]
"""Answers that no API gives, as proxies, captive portals and broken servers do."""


def from_api(**content: Any) -> Job:
    """A job as the REST client reads it from JSON, without checks."""
    message = Job.pb(Job())
    json_format.Parse(json.dumps(content), message, ignore_unknown_fields=True)
    job: Job = Job.wrap(message)
    return job


def make_live(client: CloudSchedulerClient, declared: Iterable[Declared]) -> None:
    """Creates the jobs that are not live yet, and sets the others, as a deploy does."""
    live = live_jobs(client, PARENT)
    for one in declared:
        message = jobs.message(named(one.name), one.fields)
        if one.name in live:
            client.update_job(job=message)
        else:
            client.create_job(parent=PARENT, job=message)


def found(
    client: CloudSchedulerClient, declared: list[Declared], number: int, *, held: Held | None = None
) -> dict[str, JobStatus]:
    """By job name; Terraform holds all that is declared, unless `held` says otherwise."""
    state = held or Held(frozenset(one.entity for one in declared))
    return {one.job: one for one in statuses(night(number), declared, live_jobs(client, PARENT), state)}
