"""What the stack ingest-monitoring promises: when it is there, what it watches, and where its texts lead."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from ingest.rollout import STRATEGIES
from tests.given.domain import night
from tests.given.monitoring import ACCOUNT, CHANNEL, ON, STACK, datasets, jobs
from tests.given.synth import Stacks, Synthesize

NIGHTS = [(s.name, n) for s in STRATEGIES.values() for n in s.numbers]


def addresses(monitoring: Any) -> set[str]:
    return {f"{kind}.{name}" for kind, resources in monitoring["resource"].items() for name in resources}


def test_the_stack_is_synthesized_to_this_json(synthesize: Synthesize, snapshot_json: Any) -> None:
    assert synthesize(night=1, **ON)[STACK] == snapshot_json


def test_there_is_none_without_channels_and_the_other_stacks_are_the_same_with_it(synthesize: Synthesize) -> None:
    without: Stacks = synthesize(night=3, freshness_service_account=ACCOUNT)
    assert STACK not in without

    stacks = synthesize(night=3, **ON)
    del stacks[STACK]
    assert stacks == without


def test_the_addresses_in_terraforms_state_are_these(monitoring: Any) -> None:
    assert addresses(monitoring) == {
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


@pytest.mark.parametrize(("strategy", "number"), NIGHTS)
def test_the_sql_that_is_deployed_expects_the_jobs_of_the_night(
    strategy: str, number: int, synthesize: Synthesize
) -> None:
    resources = synthesize(strategy=strategy, night=number, **ON)[STACK]["resource"]
    expected = [job.entity.name for job in jobs(night(number, strategy))]
    with datasets() as log:
        view = resources["google_bigquery_table"]["freshness"]["view"]["query"]
        assert [row["entity"] for row in log.rows(view)] == expected

        query = resources["google_bigquery_data_transfer_config"]["freshness_assertion"]["params"]["query"]
        log.ran("collections", timedelta(hours=1))
        assert log.late(query) == "; ".join(f"{e}: no success in 90 days, never called" for e in sorted(expected))
        for entity in expected:
            log.ran(entity, timedelta(hours=1))
        assert log.late(query) is None
