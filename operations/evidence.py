"""What is asked of the live systems for a gate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from google.cloud.scheduler_v1 import CloudSchedulerClient

from ingest.attempt import LiveJob
from ingest.catalogue import CATALOGUE
from ingest.judging.gate import Evidence
from ingest.settings import Settings
from operations.cloud import jobs, run_log
from operations.cloud.bigquery import bigquery_client
from operations.cloud.credentials import scheduler_client
from operations.cloud.errors import Cause, UnansweredError
from operations.cloud.scheduler import live_jobs, parent
from operations.cloud.tables import states
from operations.errors import OperationError


def ask(
    settings: Settings,
    environ: Mapping[str, str],
    rows_before: Mapping[str, int | None] | None,
    since: datetime,
    doubled_before: Mapping[str, int | None] | None = None,
) -> Evidence:
    """Asks Cloud Scheduler by list pages and BigQuery by four queries, however many jobs there are.

    `rows_before` are the tables' row counts at the deploy, by entity, and `doubled_before` their rows beyond one for
    each natural key; None: nobody counted. `since` (aware) is when it ended. More queries are needed only to find out
    which table or dataset is broken.
    """
    live = log = tables = None
    silent = []
    try:
        live = last_attempts(scheduler_client(environ), settings)
    except OperationError as error:
        silent.append(str(error))
    try:
        client = bigquery_client(settings, environ)
        try:
            log = run_log.rows(client, settings, since) if settings.run_log else None
        except OperationError as error:
            if isinstance(error, UnansweredError) and error.cause in (Cause.UNREACHABLE, Cause.CREDENTIALS):
                raise  # The tables would be asked in vain.
            silent.append(f"no run log {settings.run_log}, so the tables speak alone: {error}")
        tables = states(client, settings, CATALOGUE)
    except OperationError as error:
        silent.append(str(error))
    evidence = Evidence(live, log, None, rows_before, silent=tuple(silent), doubled_before=doubled_before)
    if tables is None:
        return evidence
    return replace(evidence, tables=tables.loaded, broken=tables.broken, keys=tables.keys, uncounted=tables.uncounted)


def last_attempts(client: CloudSchedulerClient, settings: Settings) -> dict[str, LiveJob]:
    """By the job's short name, with the job as it is now. Raises OperationError."""
    return {name: jobs.live_job(job) for name, job in live_jobs(client, parent(settings)).items()}
