"""The notification of a failed attempt: what it matches, and its playbook."""

from __future__ import annotations

from typing import Any

from ingest.catalogue import CATALOGUE
from tests.given.monitoring import matched, policy


def test_a_failed_attempt_of_any_job_of_the_catalogue_is_notified(monitoring: Any) -> None:
    lines = matched(policy(monitoring, "failed_attempts"))["filter"].splitlines()

    assert lines[:3] == [
        'resource.type="cloud_scheduler_job"',
        'log_id("cloudscheduler.googleapis.com/executions")',
        'jsonPayload."@type"="type.googleapis.com/google.cloud.scheduler.logging.AttemptFinished"',
    ]
    names = lines[3].removeprefix("resource.labels.job_id=(").removesuffix(")").split(" OR ")
    assert names == [f'"{entity.job_name}"' for entity in CATALOGUE]
    assert lines[4:] == ["severity>=ERROR"]


def test_the_playbook_of_a_failed_attempt_says_how_to_run_the_job_by_hand_and_when_to_go_back(monitoring: Any) -> None:
    content = policy(monitoring, "failed_attempts")["documentation"]["content"]

    assert "--location=us-central1 --project=kpi-auto-471020" in content
    assert "ingest-rollout rollback --to" in content
    assert "https://console.cloud.google.com/logs/query;query=resource.type%3D%22cloud_run_revision%22" in content
