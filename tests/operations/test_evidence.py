"""What a gate asks of Cloud Scheduler and BigQuery, and what it says of those that do not answer."""

from __future__ import annotations

import pytest

from ingest.attempt import NEVER, Attempt, Code
from ingest.catalogue import CATALOGUE
from operations.cloud.bigquery import ENDPOINT_VARIABLE as BIGQUERY
from operations.cloud.credentials import ENDPOINT_VARIABLE as SCHEDULER
from operations.cloud.credentials import TOKEN_VARIABLE
from operations.evidence import ask
from tests.given.domain import SETTINGS, in_phoenix
from tests.given.twin import named
from twin.service import Behaviour
from twin.twin import Twin

NOBODY = {
    SCHEDULER: "http://127.0.0.1:9/v1/",
    BIGQUERY: "http://127.0.0.1:9/bigquery/v2/",
    TOKEN_VARIABLE: "of-the-twin",
}
ROWS = {"jobs": 7}


def test_each_job_has_its_attempt_and_each_table_its_state(twin: Twin) -> None:
    twin.scheduler.pause(named("v2-sync-payroll-daily"))
    twin.ingestor.behaviours["invoices"] = Behaviour(http_status=500)
    twin.advance(in_phoenix("2026-10-20T03:30"))
    found = ask(SETTINGS, NOBODY | twin.endpoints, ROWS)

    assert found.attempts
    assert found.tables
    assert (len(found.attempts), len(found.tables)) == (7, len(CATALOGUE))
    assert found.attempts["v2-sync-jobs-daily"] == Attempt(in_phoenix("2026-10-20T02:00"), Code.OK)
    assert found.attempts["v2-sync-invoices-daily"] == Attempt(in_phoenix("2026-10-20T02:15"), Code.INTERNAL)
    assert found.attempts["v2-sync-payroll-daily"].paused
    assert found.tables["jobs"].rows == twin.warehouse.rows("jobs")
    assert (found.rows_before, found.silent) == (ROWS, ())


def test_a_job_that_never_ran_has_no_attempt_and_a_missing_table_no_state(twin: Twin) -> None:
    job = twin.scheduler.get(named("v2-sync-jobs-daily"))
    twin.scheduler.jobs[named("v2-sync-jobs-daily")] = {k: v for k, v in job.items() if k != "lastAttemptTime"}
    twin.warehouse.execute(f'DROP TABLE "{SETTINGS.dataset}"."raw_returns"')
    found = ask(SETTINGS, NOBODY | twin.endpoints, None)

    assert found.attempts
    assert found.attempts["v2-sync-jobs-daily"] == NEVER
    assert {entity.name for entity in CATALOGUE} - {*(found.tables or {})} == {"returns"}


@pytest.mark.parametrize(("lost", "what"), [(SCHEDULER, "Cloud Scheduler cannot list"), (BIGQUERY, "BigQuery")])
def test_who_does_not_answer_is_named_and_the_other_is_asked_anyway(twin: Twin, lost: str, what: str) -> None:
    found = ask(SETTINGS, twin.endpoints | {lost: NOBODY[lost], TOKEN_VARIABLE: "of-the-twin"}, ROWS)

    assert (found.attempts is None, found.tables is None) == (lost == SCHEDULER, lost == BIGQUERY)
    (why,) = found.silent
    assert what in why
