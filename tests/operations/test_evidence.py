"""What a gate asks of Cloud Scheduler and BigQuery, and what it says of those that do not answer."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from ingest.attempt import NEVER, Attempt, Code
from ingest.catalogue import CATALOGUE
from ingest.judging.freshness import MISSING
from operations.cloud.bigquery import ENDPOINT_VARIABLE as BIGQUERY
from operations.cloud.credentials import ENDPOINT_VARIABLE as SCHEDULER
from operations.cloud.credentials import TOKEN_VARIABLE
from operations.evidence import ask
from tests.given.domain import SETTINGS as DESIGNED
from tests.given.domain import in_phoenix
from tests.given.twin import named
from twin.service import Behaviour
from twin.twin import Twin

NOBODY = {
    SCHEDULER: "http://127.0.0.1:9/v1/",
    BIGQUERY: "http://127.0.0.1:9/bigquery/v2/",
    TOKEN_VARIABLE: "of-the-twin",
}
ROWS = {"jobs": 7}
SETTINGS = replace(DESIGNED, run_log="")
SINCE = in_phoenix("2026-10-20T01:00")


def test_each_job_has_its_attempt_and_each_table_its_state(twin: Twin) -> None:
    twin.scheduler.pause(named("v2-sync-payroll-daily"))
    twin.ingestor.behaviours["invoices"] = Behaviour(http_status=500)
    twin.advance(in_phoenix("2026-10-20T03:30"))
    found = ask(SETTINGS, NOBODY | twin.endpoints, ROWS, SINCE)

    assert found.jobs
    assert found.tables
    assert (len(found.jobs), len(found.tables)) == (7, len(CATALOGUE))
    jobs = found.jobs["v2-sync-jobs-daily"]
    assert jobs.attempt == Attempt(in_phoenix("2026-10-20T02:00"), Code.OK)
    assert (jobs.schedule, jobs.time_zone, jobs.uri) == (
        "0 2 * * *",
        "America/Phoenix",
        f"{SETTINGS.base_url}/ingest/jobs?mode=incremental",
    )
    assert (jobs.deadline, jobs.retries) == (timedelta(minutes=3), 0)
    assert jobs.updated
    assert jobs.updated <= SINCE
    invoices, payroll = found.jobs["v2-sync-invoices-daily"], found.jobs["v2-sync-payroll-daily"]
    assert invoices.attempt == Attempt(in_phoenix("2026-10-20T02:15"), Code.INTERNAL)
    assert payroll.attempt.paused
    assert found.tables["jobs"].rows == twin.warehouse.rows("jobs")
    assert (found.rows_before, found.log, found.silent) == (ROWS, None, ())


def test_a_job_that_never_ran_has_no_attempt_and_a_missing_table_no_state(twin: Twin) -> None:
    job = twin.scheduler.get(named("v2-sync-jobs-daily"))
    twin.scheduler.jobs[named("v2-sync-jobs-daily")] = {k: v for k, v in job.items() if k != "lastAttemptTime"}
    found = ask(SETTINGS, NOBODY | twin.endpoints, None, SINCE)

    assert found.jobs
    assert found.jobs["v2-sync-jobs-daily"].attempt == NEVER
    assert found.tables
    assert found.tables["returns"] == MISSING


def test_a_run_log_that_cannot_be_read_is_named_and_the_tables_are_asked(twin: Twin) -> None:
    found = ask(replace(SETTINGS, run_log="st_other.log"), NOBODY | twin.endpoints, ROWS, SINCE)

    assert (found.log, len(found.tables or {})) == (None, len(CATALOGUE))
    (why,) = found.silent
    assert why.startswith("no run log st_other.log, so the tables speak alone: BigQuery did not answer")


def test_a_table_that_cannot_be_read_is_broken_with_the_reason(twin: Twin) -> None:
    twin.warehouse.execute(f'ALTER TABLE "{SETTINGS.dataset}"."raw_invoices" ALTER _ingested_at TYPE VARCHAR')
    found = ask(SETTINGS, NOBODY | twin.endpoints, ROWS, SINCE)

    assert found.broken.keys() == {"invoices"}
    assert "is STRING" in found.broken["invoices"]


@pytest.mark.parametrize(("lost", "what"), [(SCHEDULER, "Cloud Scheduler cannot be reached"), (BIGQUERY, "BigQuery")])
def test_who_does_not_answer_is_named_and_the_other_is_asked_anyway(twin: Twin, lost: str, what: str) -> None:
    found = ask(SETTINGS, twin.endpoints | {lost: NOBODY[lost], TOKEN_VARIABLE: "of-the-twin"}, ROWS, SINCE)

    assert (found.jobs is None, found.tables is None) == (lost == SCHEDULER, lost == BIGQUERY)
    (why,) = found.silent
    assert what in why
