"""The scheduled query that fails when a job did not run, and the notification of its failure."""

from __future__ import annotations

from typing import Any

from tests.given.monitoring import ACCOUNT, matched, policy


def test_the_assertion_is_a_script_that_runs_daily_where_the_dataset_is(monitoring: Any) -> None:
    assertion = monitoring["resource"]["google_bigquery_data_transfer_config"]["freshness_assertion"]

    assert assertion["data_source_id"] == "scheduled_query"
    assert assertion["schedule"] == "every day 16:15"
    assert assertion["service_account_name"] == ACCOUNT
    assert assertion["location"] == "${data.google_bigquery_dataset.tables.location}"
    assert monitoring["data"]["google_bigquery_dataset"]["tables"]["dataset_id"] == "st_raw_v2"
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
