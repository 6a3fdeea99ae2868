"""What is asked of the live systems for a gate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from google.cloud.bigquery import Client as BigQueryClient
from google.cloud.scheduler_v1 import CloudSchedulerClient
from google.cloud.scheduler_v1.types import Job as ApiJob

from ingest.catalogue import CATALOGUE
from ingest.settings import Settings
from operations.cloud.bigquery import bigquery_client
from operations.cloud.credentials import scheduler_client
from operations.cloud.scheduler import live_jobs, parent
from operations.cloud.tables import Loaded, loaded
from operations.errors import OperationError


@dataclass(frozen=True)
class LastAttempt:
    """What the API tells of a job. `code` is a google.rpc.Code, 0 for success, None for a job that never ran."""

    started: datetime | None
    code: int | None
    paused: bool


@dataclass(frozen=True)
class Asked:
    """`attempts` by job name and `tables` by entity; None where nobody answered, and `silent` says why."""

    attempts: Mapping[str, LastAttempt] | None = None
    tables: Mapping[str, Loaded] | None = None
    silent: list[str] = field(default_factory=list)


def ask(settings: Settings, environ: Mapping[str, str]) -> Asked:
    """Asks Cloud Scheduler by list pages and BigQuery by two queries, however many jobs there are."""
    attempts = tables = None
    silent = []
    try:
        attempts = last_attempts(scheduler_client(environ), settings)
    except OperationError as error:
        silent.append(str(error))
    try:
        tables = table_states(bigquery_client(settings, environ), settings)
    except OperationError as error:
        silent.append(str(error))
    return Asked(attempts, tables, silent)


def last_attempts(client: CloudSchedulerClient, settings: Settings) -> dict[str, LastAttempt]:
    """By the job's short name. Raises OperationError."""
    found = {}
    for name, job in live_jobs(client, parent(settings)).items():
        started = datetime.fromisoformat(job.last_attempt_time.isoformat()) if job.last_attempt_time else None
        code = job.status.code if started else None
        found[name] = LastAttempt(started, code, job.state == ApiJob.State.PAUSED)
    return found


def table_states(client: BigQueryClient, settings: Settings) -> dict[str, Loaded]:
    """By entity, without those whose table is missing. Raises OperationError."""
    return loaded(client, settings, CATALOGUE)


def code_name(code: int) -> str:
    """The name of a google.rpc.Code, such as DEADLINE_EXCEEDED."""
    from google.rpc.code_pb2 import Code

    return str(Code.Name(code))
