"""The scheduled query that fails when a job did not run, and the notification of its failure."""

from __future__ import annotations

from typing import Any

from tests.given.monitoring import ACCOUNT, ON, STACK, matched, policy
from tests.given.synth import Synthesize


def test_the_assertion_runs_daily_where_the_run_log_is(monitoring: Any) -> None:
    assertion = monitoring["resource"]["google_bigquery_data_transfer_config"]["freshness_assertion"]

    assert assertion["data_source_id"] == "scheduled_query"
    assert assertion["schedule"] == "every day 16:15"
    assert assertion["service_account_name"] == ACCOUNT
    assert assertion["location"] == "${data.google_bigquery_dataset.asked.location}"
    assert monitoring["data"]["google_bigquery_dataset"]["asked"]["dataset_id"] == "st_logs_v2"
    assert "destination_dataset_id" not in assertion
    assert list(assertion["params"]) == ["query"]


def test_the_assertions_own_failure_is_notified(monitoring: Any) -> None:
    assert matched(policy(monitoring, "job_did_not_run"))["filter"].splitlines() == [
        'resource.type="bigquery_dts_config"',
        'log_id("bigquerydatatransfer.googleapis.com/transfer_config")',
        "resource.labels.config_id="
        '"${element(split("/", google_bigquery_data_transfer_config.freshness_assertion.name), 5)}"',
        "severity>=ERROR",
    ]


def test_without_a_run_log_the_assertion_runs_where_the_tables_are_and_its_playbook_is_of_tables(
    monitoring: Any, synthesize: Synthesize
) -> None:
    without = synthesize(night=3, run_log="", **ON)[STACK]
    by_log, by_tables = (
        policy(stack, "job_did_not_run")["documentation"]["content"] for stack in (monitoring, without)
    )

    assert without["data"]["google_bigquery_dataset"]["asked"]["dataset_id"] == "st_raw_v2"
    assert "run log st_logs_v2.ingestion_logs for the last success" in by_log
    assert "st_logs_v2" not in by_tables
    assert "the service keeps no run log" in by_tables
