"""The names that derive from an entity: where it is asked for, how its job is described and found."""

from __future__ import annotations

import pytest

from ingest.catalogue import CATALOGUE
from tests.given.domain import PHOENIX

BASE = "https://st-v2-ingestor-999875365235.us-central1.run.app"
ENTITIES = {entity.name: entity for entity in CATALOGUE}


@pytest.mark.parametrize(
    ("name", "uri"),
    [
        ("purchase_orders", f"{BASE}/ingest/purchase_orders?mode=incremental"),
        ("jobs", f"{BASE}/ingest/jobs?mode=incremental"),
        ("business_units", f"{BASE}/ingest/ref/business_units?mode=full"),
        ("campaigns", f"{BASE}/ingest/ref/campaigns?mode=full"),
    ],
)
def test_a_daily_job_calls_the_incremental_route_and_a_weekly_one_the_full_reference_route(name: str, uri: str) -> None:
    assert ENTITIES[name].uri(BASE, "/ingest/ref") == uri


def test_the_reference_path_is_that_of_the_settings_and_moves_no_daily_job() -> None:
    assert ENTITIES["technicians"].uri("https://x", "/ingest-ref") == "https://x/ingest-ref/technicians?mode=full"
    assert ENTITIES["returns"].uri("https://x", "/ingest-ref") == "https://x/ingest/returns?mode=incremental"


@pytest.mark.parametrize(
    ("name", "description"),
    [
        ("purchase_orders", "Daily incremental sync of ServiceTitan purchase orders (4:45 AM AZ time)"),
        ("business_units", "Weekly full sync of ServiceTitan business units (Sundays 6:00 AM AZ time)"),
    ],
)
def test_the_description_says_what_runs_and_when(name: str, description: str) -> None:
    assert ENTITIES[name].description(ENTITIES[name].target, PHOENIX) == description


def test_the_description_follows_the_cadence_that_the_job_has_and_not_its_target() -> None:
    jobs = ENTITIES["jobs"]
    assert jobs.live is not None
    assert jobs.description(jobs.live, PHOENIX) == "Daily incremental sync of ServiceTitan jobs (2:00 AM AZ time)"


def test_the_console_link_opens_the_job_in_its_project_and_region() -> None:
    assert ENTITIES["activity_codes"].console_url("kpi-auto-471020", "us-central1") == (
        "https://console.cloud.google.com/cloudscheduler/jobs/edit/us-central1/v2-sync-activity-codes-weekly"
        "?project=kpi-auto-471020"
    )
