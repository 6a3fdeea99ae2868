"""The catalogue against the plan, which tests/given/plan.py types a second time."""

from __future__ import annotations

from datetime import time

from ingest.catalogue import CATALOGUE, GROUPS
from ingest.rollout import STRATEGIES, state_at
from tests.given.domain import SETTINGS
from tests.given.plan import PLAN

ENTITIES = {entity.name: entity for entity in CATALOGUE}


def _first_nights(strategy: str, name: str, target: str) -> tuple[int, int]:
    rollout = STRATEGIES[strategy]
    crons = {n: job.cadence.cron for n in rollout.numbers if (job := state_at(rollout, n).get(name))}
    return min(crons), min(n for n, cron in crons.items() if cron == target)


def test_the_catalogue_is_the_plan_as_it_is_typed() -> None:
    found = [
        (
            entity.name,
            entity.group,
            entity.job_name,
            entity.live and entity.live.cron,
            entity.target.cron,
            _first_nights("phased", entity.name, entity.target.cron),
            _first_nights("immediate", entity.name, entity.target.cron),
        )
        for entity in CATALOGUE
    ]
    assert found == PLAN


def test_the_waves_are_those_of_the_plan() -> None:
    assert [(g.name, g.stack, g.opens, g.closes, g.weekday, g.after) for g in GROUPS] == [
        ("core", "phase-core", time(4, 0), time(4, 30), None, ()),
        ("financial", "phase-financial", time(4, 30), time(5, 0), None, ("core",)),
        ("labor", "phase-labor", time(5, 0), time(5, 15), None, ("core",)),
        ("reference", "phase-reference", time(6, 0), None, 0, ()),
    ]


def test_what_moves_the_margin_is_noted() -> None:
    assert {e.name: e.margin_effect for e in CATALOGUE if e.margin_effect} == {
        "jobs": "base entity",
        "invoices": "revenue",
        "purchase_orders": "HIGH, materials",
        "inventory_bills": "MEDIUM, materials",
        "returns": "LOW, material credits",
        "payroll": "labor",
        "payroll_adjustments": "MEDIUM, labor",
    }


def test_each_entity_has_its_route_and_its_table_as_the_service_serves_them() -> None:
    reference = {"business_units", "technicians", "activity_codes"}
    full = reference | {"campaigns"}
    for name, entity in ENTITIES.items():
        path = "/ingest/ref" if name in reference else "/ingest"
        mode = "full" if name in full else "incremental"
        assert SETTINGS.uri(entity) == f"{SETTINGS.base_url}{path}/{name}?mode={mode}"
        table = f"st_ref_v2.dim_{name}" if name in reference else f"st_raw_v2.raw_{name}"
        assert SETTINGS.table(entity) == f"kpi-auto-471020.{table}"
        assert entity.log_name == name
        assert entity.loaded_at_fields == ("updated_on", "_ingested_at")


def test_only_jobs_and_estimates_have_records_every_night() -> None:
    assert {entity.name for entity in CATALOGUE if not entity.may_be_quiet} == {"jobs", "estimates"}
