"""What the synthesized stacks promise to Terraform and to their users."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from ingest.rollout import STRATEGIES
from tests.given.domain import IDENTITY, SETTINGS
from tests.given.monitoring import ON
from tests.given.synth import Stacks, Synthesize

KIND = "google_cloud_scheduler_job"
STACKS = ["phase-core", "phase-financial", "phase-labor", "phase-reference"]
LIVE = {"jobs", "appointments", "customers", "invoices", "estimates", "payments", "payroll"}
NIGHTS = [(s.name, n) for s in STRATEGIES.values() for n in s.numbers]


def jobs(stacks: Stacks) -> dict[str, Any]:
    """Each job's fields by resource name."""
    return {
        name: fields for stack in stacks.values() for name, fields in stack.get("resource", {}).get(KIND, {}).items()
    }


@pytest.mark.parametrize("night", [1, 2], ids=["adopted and new", "declared whole"])
def test_a_stack_is_synthesized_to_this_json(night: int, synthesize: Synthesize, snapshot_json: Any) -> None:
    assert synthesize(night=night)["phase-labor"] == snapshot_json


def test_an_invoker_account_adds_oidc_with_the_services_root_as_audience(
    synthesize: Synthesize, snapshot_json: Any
) -> None:
    account = "invoker@kpi-auto-471020.iam.gserviceaccount.com"
    stack = synthesize(night=IDENTITY, invoker_service_account=account)["phase-reference"]
    token = {"service_account_email": account, "audience": SETTINGS.base_url}

    assert all(job["http_target"]["oidc_token"] == token for job in jobs({"": stack}).values())
    assert stack == snapshot_json


def test_the_addresses_in_terraforms_state_are_these(synthesize: Synthesize) -> None:
    # Typed here, not derived: a changed address makes Terraform destroy one job and create another.
    addresses = {
        stack: [f"{kind}.{name}" for kind, resources in content["resource"].items() for name in resources]
        for stack, content in synthesize(night=3).items()
    }

    assert addresses == {
        "phase-core": [f"{KIND}.{name}" for name in ("appointments", "customers", "jobs", "locations")],
        "phase-financial": [
            f"{KIND}.{name}"
            for name in ("estimates", "inventory_bills", "invoices", "payments", "purchase_orders", "returns")
        ],
        "phase-labor": [f"{KIND}.payroll", f"{KIND}.payroll_adjustments"],
        "phase-reference": [
            f"{KIND}.{name}" for name in ("activity_codes", "business_units", "campaigns", "technicians")
        ],
    }


@pytest.mark.parametrize(("strategy", "night"), NIGHTS)
def test_every_night_has_the_four_stacks_and_none_needs_another(
    strategy: str, night: int, synthesize: Synthesize
) -> None:
    stacks = synthesize(strategy=strategy, night=night)

    assert sorted(stacks) == STACKS
    assert "terraform_remote_state" not in json.dumps(stacks)


@pytest.mark.parametrize(("strategy", "night"), NIGHTS)
def test_exactly_the_live_jobs_are_imported_and_guarded(strategy: str, night: int, synthesize: Synthesize) -> None:
    stacks = synthesize(strategy=strategy, night=night)

    imported = {i["to"].removeprefix(f"{KIND}.") for s in stacks.values() for i in s.get("import", [])}
    guarded = {name for name, job in jobs(stacks).items() if job.get("lifecycle", {}).get("prevent_destroy")}
    assert imported == guarded == LIVE


def test_without_adoption_nothing_is_imported_and_every_job_is_declared_whole(synthesize: Synthesize) -> None:
    stacks = synthesize(night=0, adopt_existing=False)

    assert jobs(stacks).keys() == LIVE
    assert not any("import" in stack for stack in stacks.values())
    assert all("lifecycle" not in job and job["paused"] is False for job in jobs(stacks).values())


def test_what_forces_a_replacement_is_the_same_on_every_night(synthesize: Synthesize) -> None:
    seen: dict[str, set[tuple[str, str]]] = {}
    for strategy, night in NIGHTS:
        for name, job in jobs(synthesize(strategy=strategy, night=night)).items():
            seen.setdefault(name, set()).add((job["name"], job["region"]))

    assert len(seen) == 16
    assert all(len(identities) == 1 for identities in seen.values())


def test_a_job_that_is_declared_whole_leaves_no_field_for_the_provider_to_clear(synthesize: Synthesize) -> None:
    for name, job in jobs(synthesize(night=3)).items():
        assert {"description", "retry_config", "attempt_deadline", "paused", "schedule", "time_zone"} <= job.keys(), (
            name
        )


def test_the_prefix_and_the_source_are_in_every_name_and_text_and_in_no_address(synthesize: Synthesize) -> None:
    ours = synthesize(night=3, **ON)
    theirs = synthesize(night=3, job_prefix="acme-load-", source="Acme ERP", **ON)
    job = jobs(theirs)["returns"]

    assert (job["name"], job["description"]) == (
        "acme-load-returns-daily",
        "Daily incremental sync of Acme ERP returns (4:55 AM AZ time)",
    )
    assert re.findall("v2-sync-|ServiceTitan", json.dumps(theirs)) == []
    assert jobs(theirs).keys() == jobs(ours).keys()


def test_the_retry_and_deadline_settings_reach_the_jobs(synthesize: Synthesize) -> None:
    changed = {
        "attempt_deadline_seconds": 900,
        "retry_count": 5,
        "min_backoff_seconds": 7,
        "max_backoff_seconds": 70,
    }
    job = jobs(synthesize(night=3, **changed))["returns"]

    assert job["attempt_deadline"] == "900s"
    assert job["retry_config"] == {
        "retry_count": 5,
        "min_backoff_duration": "7s",
        "max_backoff_duration": "70s",
        "max_retry_duration": "0s",
        "max_doublings": 5,
    }


def test_a_stacks_output_lists_its_jobs_with_schedule_and_next_run(synthesize: Synthesize) -> None:
    assert synthesize(night=3)["phase-reference"]["output"]["jobs"]["value"]["v2-sync-campaigns-weekly"] == {
        "schedule": "15 6 * * 0",
        "time_zone": "America/Phoenix",
        "next_run": "Sundays at 06:15 America/Phoenix",
    }


def test_the_same_night_is_synthesized_to_the_same_bytes(synthesize: Synthesize) -> None:
    assert json.dumps(synthesize(night=2)) == json.dumps(synthesize(night=2))


@pytest.mark.parametrize(("strategy", "night"), NIGHTS)
def test_a_job_that_was_found_is_imported_on_every_night_and_keeps_what_it_sends(
    strategy: str, night: int, synthesize: Synthesize
) -> None:
    planned = SETTINGS.planned(SETTINGS.world(1)["returns"])
    email = "by-hand@kpi-auto-471020.iam.gserviceaccount.com"
    recorded = replace(
        planned,
        schedule="0 2,14 * * *",
        http_method="POST",
        headers={"X-Tenant": "42"},
        oidc_service_account_email=email,
        attempt_deadline="700s",
        paused=True,
    )
    stacks = synthesize(strategy=strategy, night=night, found={"returns": recorded})
    job = jobs(stacks)["returns"]

    assert f"{KIND}.returns" in [entry["to"] for entry in stacks["phase-financial"]["import"]]
    assert job["lifecycle"] == {"prevent_destroy": True}
    assert (job["http_target"]["http_method"], job["http_target"]["headers"]) == ("POST", {"X-Tenant": "42"})
    assert job["http_target"]["oidc_token"] == {"service_account_email": email}
    moved = (job["schedule"], job["attempt_deadline"], job["paused"])
    assert moved == (("55 4 * * *", "1800s", False) if night else ("0 2,14 * * *", "700s", True))
