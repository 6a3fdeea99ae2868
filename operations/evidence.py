"""What is asked of the live systems."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from google.cloud.scheduler_v1 import CloudSchedulerClient
from google.cloud.scheduler_v1.types import Job as ApiJob


@dataclass(frozen=True)
class LastAttempt:
    """What the API tells of a job. `code` is a google.rpc.Code, 0 for success, None for a job that never ran."""

    started: datetime | None
    code: int | None
    paused: bool


@dataclass(frozen=True)
class Loaded:
    """A table: when a row was last loaded (aware; None: never), and how many rows it has."""

    max_loaded_at: datetime | None
    rows: int


def last_attempts(client: CloudSchedulerClient, parent: str) -> dict[str, LastAttempt]:
    """By the job's short name; `parent` is projects/P/locations/L. Raises google.api_core's GoogleAPICallError."""
    found = {}
    for job in client.list_jobs(parent=parent):
        started = datetime.fromisoformat(job.last_attempt_time.isoformat()) if job.last_attempt_time else None
        code = job.status.code if started else None
        found[job.name.rpartition("/")[2]] = LastAttempt(started, code, job.state == ApiJob.State.PAUSED)
    return found


def code_name(code: int) -> str:
    """The name of a google.rpc.Code, such as DEADLINE_EXCEEDED."""
    from google.rpc.code_pb2 import Code

    return str(Code.Name(code))
