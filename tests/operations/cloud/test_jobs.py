"""A job as Terraform declares it and as the API has it, compared."""

from __future__ import annotations

from typing import Any

import pytest
from google.cloud.scheduler_v1 import CloudSchedulerClient

from operations.cloud import jobs
from tests.given.policy import JOB, SAMPLES, changed
from tests.given.twin import PARENT, named

DECLARED = SAMPLES[JOB]


def differing(resource: dict[str, Any], live: dict[str, Any]) -> list[str]:
    return jobs.differences(jobs.declared(resource), live, jobs.ignored(resource))


def test_a_job_that_was_created_as_declared_does_not_differ(client: CloudSchedulerClient) -> None:
    name = named("v2-sync-returns-daily")
    client.create_job(parent=PARENT, job=jobs.message(name, jobs.declared(DECLARED)))
    live = jobs.find(client, name)

    assert live == jobs.declared(DECLARED)
    assert differing(DECLARED, live) == []


def test_a_job_that_is_not_there_is_none(client: CloudSchedulerClient) -> None:
    assert jobs.find(client, named("nothing")) is None


@pytest.mark.parametrize(
    ("change", "keys"),
    [
        ({"schedule": "0 5 * * *"}, ["schedule"]),
        ({"http_target__uri": "https://example.com"}, ["uri"]),
        ({"http_target__oidc_token__audience": "https://example.com"}, ["oidc_audience"]),
        ({"retry_config__max_doublings": 16, "paused": True}, ["max_doublings", "paused"]),
    ],
)
def test_what_differs_is_named_in_the_order_of_the_keys(change: dict[str, Any], keys: list[str]) -> None:
    assert differing(DECLARED, jobs.declared(changed(DECLARED, **change))) == keys


def test_what_the_resource_ignores_and_what_the_provider_does_not_see_is_no_difference() -> None:
    live = jobs.declared(changed(DECLARED, retry_config__retry_count=5, attempt_deadline="180s", paused=True))
    left = {key: value for key, value in DECLARED.items() if key not in ("attempt_deadline", "paused")}

    assert differing(left, live) == ["retry_count"]
    assert differing(left | {"lifecycle": {"ignore_changes": ["retry_config"]}}, live) == []


def test_the_jobs_of_a_stack_come_with_their_address_and_full_name() -> None:
    content = {"provider": {"google": [{"project": "kpi-auto-471020"}]}, "resource": {JOB: {"jobs": DECLARED}}}

    assert list(jobs.resources(content)) == [(f"{JOB}.jobs", named("v2-sync-jobs-daily"), DECLARED)]
    assert list(jobs.resources({"provider": content["provider"]})) == []
