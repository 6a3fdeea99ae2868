"""What the stack ingest-monitoring promises: when it is there, what it watches, and where its texts lead."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
import sqlglot
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension

from ingest.catalogue import CATALOGUE
from ingest.rollout import STRATEGIES
from tests.given.domain import night
from tests.given.monitoring import ACCOUNT, CHANNEL, Raised, dataset, jobs
from tests.given.synth import Stacks, Synthesize

STACK = "ingest-monitoring"
NIGHTS = [(s.name, n) for s in STRATEGIES.values() for n in s.numbers]
ON: dict[str, Any] = {"notification_channels": (CHANNEL,), "freshness_service_account": ACCOUNT}


@pytest.fixture
def snapshot_json(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    return snapshot.use_extension(JSONSnapshotExtension)


@pytest.fixture
def stack(synthesize: Synthesize) -> Any:
    """All of it, at the last night."""
    return synthesize(night=3, **ON)[STACK]


def addresses(stack: Any) -> set[str]:
    return {f"{kind}.{name}" for kind, resources in stack["resource"].items() for name in resources}


def policy(stack: Any, name: str) -> Any:
    return stack["resource"]["google_monitoring_alert_policy"][name]


def matched(policy: Any) -> Any:
    (condition,) = policy["conditions"]
    return condition["condition_matched_log"]


def dashboard(stack: Any) -> Any:
    return json.loads(stack["resource"]["google_monitoring_dashboard"]["night"]["dashboard_json"])


def test_the_stack_is_synthesized_to_this_json(synthesize: Synthesize, snapshot_json: Any) -> None:
    assert synthesize(night=1, **ON)[STACK] == snapshot_json


def test_there_is_none_without_channels_and_the_other_stacks_are_the_same_with_it(synthesize: Synthesize) -> None:
    without: Stacks = synthesize(night=3, freshness_service_account=ACCOUNT)
    assert STACK not in without

    stacks = synthesize(night=3, **ON)
    del stacks[STACK]
    assert stacks == without


def test_the_addresses_in_terraforms_state_are_these(stack: Any) -> None:
    assert addresses(stack) == {
        "google_monitoring_alert_policy.failed_attempts",
        "google_monitoring_alert_policy.job_did_not_run",
        "google_monitoring_dashboard.night",
        "google_bigquery_table.freshness",
        "google_bigquery_data_transfer_config.freshness_assertion",
    }


def test_there_is_no_assertion_without_an_account_to_run_it(synthesize: Synthesize) -> None:
    stack = synthesize(night=3, notification_channels=(CHANNEL,))[STACK]

    assert addresses(stack) == {
        "google_monitoring_alert_policy.failed_attempts",
        "google_monitoring_dashboard.night",
        "google_bigquery_table.freshness",
    }
    assert "data" not in stack


def test_a_failed_attempt_of_any_job_of_the_catalogue_is_notified(stack: Any) -> None:
    lines = matched(policy(stack, "failed_attempts"))["filter"].splitlines()

    assert lines[:3] == [
        'resource.type="cloud_scheduler_job"',
        'log_id("cloudscheduler.googleapis.com/executions")',
        'jsonPayload."@type"="type.googleapis.com/google.cloud.scheduler.logging.AttemptFinished"',
    ]
    names = lines[3].removeprefix("resource.labels.job_id=(").removesuffix(")").split(" OR ")
    assert names == [f'"{entity.job_name}"' for entity in CATALOGUE]
    assert lines[4:] == ["severity>=ERROR"]


@pytest.mark.parametrize("name", ["failed_attempts", "job_did_not_run"])
def test_a_condition_on_logs_has_what_the_api_asks_of_it(stack: Any, name: str) -> None:
    found = policy(stack, name)

    assert len(found["conditions"]) == 1
    assert found["combiner"] == "OR"
    assert found["alert_strategy"] == {"auto_close": "86400s", "notification_rate_limit": {"period": "3600s"}}
    assert found["notification_channels"] == [CHANNEL]
    assert len(matched(found)["filter"]) < 20_000, "Cloud Logging's limit for a filter"


@pytest.mark.parametrize("name", ["failed_attempts", "job_did_not_run"])
def test_a_playbook_is_within_the_limits_and_leads_to_the_console(stack: Any, name: str) -> None:
    found = policy(stack, name)
    documentation, labels = found["documentation"], matched(found)["label_extractors"]
    content = documentation["content"]

    assert documentation["mime_type"] == "text/markdown"
    assert len(content) <= 8_192
    assert len(content.encode()) <= 10_240
    assert len(documentation["subject"]) <= 255
    assert len(documentation["links"]) <= 3
    assert "https://console.cloud.google.com/cloudscheduler?project=kpi-auto-471020" in content
    for label in labels:
        assert f"$${{log.extracted_label.{label}}}" in content, "Terraform reads a single $ as a reference of its own"
    assert content.count("${") == content.count("$${")
    for step in ("ingest-rollout status", "ingest-rollout freshness", "gcloud scheduler jobs run"):
        assert step in content


def test_the_playbook_of_a_failed_attempt_says_how_to_run_the_job_by_hand_and_when_to_go_back(stack: Any) -> None:
    content = policy(stack, "failed_attempts")["documentation"]["content"]

    assert "--location=us-central1 --project=kpi-auto-471020" in content
    assert "ingest-rollout rollback --to" in content
    assert "https://console.cloud.google.com/logs/query;query=resource.type%3D%22cloud_run_revision%22" in content


def test_the_assertion_is_a_script_that_runs_daily_where_the_dataset_is(stack: Any) -> None:
    assertion = stack["resource"]["google_bigquery_data_transfer_config"]["freshness_assertion"]

    assert assertion["data_source_id"] == "scheduled_query"
    assert assertion["schedule"] == "every day 16:15"
    assert assertion["service_account_name"] == ACCOUNT
    assert assertion["location"] == "${data.google_bigquery_dataset.tables.location}"
    assert stack["data"]["google_bigquery_dataset"]["tables"]["dataset_id"] == "st_raw_v2"
    assert "destination_dataset_id" not in assertion
    assert list(assertion["params"]) == ["query"]


def test_the_assertions_own_failure_is_notified(stack: Any) -> None:
    assert matched(policy(stack, "job_did_not_run"))["filter"].splitlines() == [
        'resource.type="bigquery_dts_config"',
        'log_id("bigquerydatatransfer.googleapis.com/transfer_config")',
        "resource.labels.config_id="
        '"${element(split("/", google_bigquery_data_transfer_config.freshness_assertion.name), 5)}"',
        "severity>=ERROR",
    ]


@pytest.mark.parametrize(("strategy", "number"), NIGHTS)
def test_the_sql_that_is_deployed_expects_the_jobs_of_the_night(
    strategy: str, number: int, synthesize: Synthesize
) -> None:
    resources = synthesize(strategy=strategy, night=number, **ON)[STACK]["resource"]
    expected = [job.entity.name for job in jobs(night(number, strategy))]
    with dataset() as tables:
        view = resources["google_bigquery_table"]["freshness"]["view"]["query"]
        assert [row["entity"] for row in tables.rows(view)] == expected

        script = resources["google_bigquery_data_transfer_config"]["freshness_assertion"]["params"]["query"]
        with pytest.raises(Raised) as raised:
            tables.run(script)
        assert str(raised.value) == "ingest freshness: " + "; ".join(f"{e}: never loaded" for e in sorted(expected))
        for entity in expected:
            tables.load(entity, timedelta(hours=1))
        tables.run(script)


def test_the_view_may_be_destroyed_and_is_beside_the_tables(stack: Any) -> None:
    view = stack["resource"]["google_bigquery_table"]["freshness"]

    assert (view["dataset_id"], view["table_id"]) == ("st_raw_v2", "ingest_freshness")
    assert view["deletion_protection"] is False
    assert view["view"]["use_legacy_sql"] is False
    assert "lifecycle" not in view
    assert sqlglot.parse(view["view"]["query"], read="bigquery")


def test_the_dashboard_lists_the_nights_jobs_in_the_order_of_their_runs(synthesize: Synthesize) -> None:
    tiles = dashboard(synthesize(night=0, **ON)[STACK])["mosaicLayout"]["tiles"]
    text = tiles[0]["widget"]["text"]

    assert text["format"] == "MARKDOWN"
    assert text["content"].startswith("Strategy phased, night 0: 7 jobs, local times in America/Phoenix.")
    assert [line for line in text["content"].splitlines() if line.startswith("| v2")] == [
        "| v2-sync-jobs-daily | core | 02:00 | 09:00 |",
        "| v2-sync-appointments-daily | core | 02:10 | 09:10 |",
        "| v2-sync-invoices-daily | financial | 02:15 | 09:15 |",
        "| v2-sync-estimates-daily | financial | 02:30 | 09:30 |",
        "| v2-sync-payments-daily | financial | 02:45 | 09:45 |",
        "| v2-sync-payroll-daily | labor | 03:00 | 10:00 |",
        "| v2-sync-customers-daily | core | 03:15 | 10:15 |",
    ]


def test_the_dashboards_tiles_fill_the_grid_and_do_not_overlap(stack: Any) -> None:
    layout = dashboard(stack)["mosaicLayout"]
    taken: set[tuple[int, int]] = set()
    for tile in layout["tiles"]:
        assert tile.get("xPos") != 0, "the API drops a 0, and each plan would show a change"
        assert tile.get("yPos") != 0
        x, y = tile.get("xPos", 0), tile.get("yPos", 0)
        cells = {(x + dx, y + dy) for dx in range(tile["width"]) for dy in range(tile["height"])}
        assert not cells & taken
        taken |= cells

    assert 1 <= layout["columns"] <= 48
    assert taken == {(x, y) for x in range(layout["columns"]) for y in range(max(y for _, y in taken) + 1)}


def test_the_dashboard_charts_attempts_and_failures_and_shows_the_log_that_the_policy_matches(stack: Any) -> None:
    _, attempts, failures, logs = [tile["widget"] for tile in dashboard(stack)["mosaicLayout"]["tiles"]]

    for chart, group in ((attempts, "metric.label.severity"), (failures, "resource.label.job_id")):
        (data,) = chart["xyChart"]["dataSets"]
        query = data["timeSeriesQuery"]["timeSeriesFilter"]
        assert 'metric.type="logging.googleapis.com/log_entry_count"' in query["filter"]
        assert query["aggregation"]["groupByFields"] == [group]
    assert logs["logsPanel"]["filter"] == matched(policy(stack, "failed_attempts"))["filter"]


def test_the_dashboards_text_is_the_same_each_time_and_on_several_lines(synthesize: Synthesize) -> None:
    first, second = (
        synthesize(night=3, **ON)[STACK]["resource"]["google_monitoring_dashboard"]["night"] for _ in range(2)
    )

    assert first["dashboard_json"] == second["dashboard_json"]
    assert first["dashboard_json"] == json.dumps(json.loads(first["dashboard_json"]), sort_keys=True, indent=1)
    assert len(first["dashboard_json"]) < 10_000
