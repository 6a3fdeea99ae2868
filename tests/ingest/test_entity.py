"""The names that derive from an entity: where it is asked for, how its job is described and found."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from ingest.catalogue import CATALOGUE
from ingest.entity import JOB_PREFIX, TABLE_PREFIX
from tests.checkout import ROOT
from tests.given.domain import PHOENIX
from tests.layout import ARROWS

BASE = "https://st-v2-ingestor-999875365235.us-central1.run.app"
ENTITIES = {entity.name: entity for entity in CATALOGUE}


@pytest.mark.parametrize(
    ("name", "uri"),
    [
        ("purchase_orders", f"{BASE}/ingest/purchase_orders?mode=incremental"),
        ("jobs", f"{BASE}/ingest/jobs?mode=incremental"),
        ("business_units", f"{BASE}/ingest/ref/business_units?mode=full"),
        ("campaigns", f"{BASE}/ingest/campaigns?mode=full"),
    ],
)
def test_a_daily_job_calls_the_incremental_route_and_a_weekly_one_the_full_one(name: str, uri: str) -> None:
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


@pytest.mark.parametrize(
    ("name", "job", "table"),
    [
        ("jobs", "v2-sync-jobs-daily", "raw_jobs"),
        ("purchase_orders", "v2-sync-purchase-orders-daily", "raw_purchase_orders"),
        ("business_units", "v2-sync-business-units-weekly", "dim_business_units"),
    ],
)
def test_a_job_and_a_table_are_named_after_the_entity(name: str, job: str, table: str) -> None:
    entity = ENTITIES[name]

    assert (entity.job_name, entity.table_name) == (job, table)


def texts_of(path: Path) -> list[str]:
    """The texts in a module's code, without the docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs
    ]


@pytest.mark.parametrize("prefix", [JOB_PREFIX, TABLE_PREFIX])
def test_a_prefix_is_written_in_the_entitys_module_only(prefix: str) -> None:
    files = [path for name in ARROWS for path in (ROOT / name).rglob("*.py")]
    writers = {path.relative_to(ROOT).as_posix() for path in files for text in texts_of(path) if prefix in text}

    assert writers == {"ingest/entity.py"}
