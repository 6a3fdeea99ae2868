"""What is asked of the live systems for a gate."""

from __future__ import annotations

from collections.abc import Mapping

from google.cloud.bigquery import Client as BigQueryClient
from google.cloud.scheduler_v1 import CloudSchedulerClient

from ingest.attempt import Attempt
from ingest.catalogue import CATALOGUE
from ingest.freshness import Loaded
from ingest.gate import Evidence
from ingest.settings import Settings
from operations.cloud import jobs
from operations.cloud.bigquery import bigquery_client
from operations.cloud.credentials import scheduler_client
from operations.cloud.scheduler import live_jobs, parent
from operations.cloud.tables import loaded
from operations.errors import OperationError


def ask(settings: Settings, environ: Mapping[str, str], rows_before: Mapping[str, int] | None) -> Evidence:
    """Asks Cloud Scheduler by list pages and BigQuery by two queries, however many jobs there are.

    `rows_before` are the tables' row counts at the deploy, by entity; None: nobody counted.
    """
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
    return Evidence(attempts, tables, rows_before, tuple(silent))


def last_attempts(client: CloudSchedulerClient, settings: Settings) -> dict[str, Attempt]:
    """By the job's short name. Raises OperationError."""
    return {name: jobs.attempt(job) for name, job in live_jobs(client, parent(settings)).items()}


def table_states(client: BigQueryClient, settings: Settings) -> dict[str, Loaded]:
    """By entity, without those whose table is missing. Raises OperationError."""
    return loaded(client, settings, CATALOGUE)
