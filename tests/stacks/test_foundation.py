"""What the stacks ingest-identity and ingest-foundation hold, and that they hold no more than they say."""

from __future__ import annotations

import json
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension

from ingest.access import DEPLOYER, OPERATOR, PREVIEWER
from operations.preflight import PERMISSIONS
from tests.given.domain import EMAIL
from tests.given.synth import Stacks, Synthesize

INVOKER = {"invoker_service_account": EMAIL, "create_invoker": True, "deployers": ("group:data@example.com",)}
FOUNDATION = {
    "deployers": ("group:data@example.com",),
    "operators": ("user:reader@example.com",),
    "github_repository": "acme/ingest-schedules",
    "backend_bucket": "acme-ingest-state",
}


@pytest.fixture
def snapshot_json(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    return snapshot.use_extension(JSONSnapshotExtension)


def resources(stacks: Stacks, stack: str) -> dict[str, dict[str, Any]]:
    """By address, such as "google_service_account.invoker"."""
    return {
        f"{kind}.{name}": fields for kind, named in stacks[stack]["resource"].items() for name, fields in named.items()
    }


def test_the_invoker_may_call_the_one_service_and_nothing_else(synthesize: Synthesize) -> None:
    found = resources(synthesize(night=4, **INVOKER), "ingest-identity")
    grants = {fields["role"]: fields for fields in found.values() if "role" in fields}

    assert grants.keys() == {"roles/run.invoker", "roles/iam.serviceAccountUser"}
    invoker = grants["roles/run.invoker"]
    assert (invoker["name"], invoker["location"], invoker["member"]) == (
        "st-v2-ingestor",
        "us-central1",
        f"serviceAccount:{EMAIL}",
    )
    assert grants["roles/iam.serviceAccountUser"]["member"] == "group:data@example.com"
    assert not [address for address in found if "project_iam" in address or "key" in address]


def test_the_identity_stack_is_synthesized_to_this_json(synthesize: Synthesize, snapshot_json: Any) -> None:
    assert synthesize(night=4, **INVOKER)["ingest-identity"] == snapshot_json


def test_an_invoker_of_somebody_elses_is_only_granted_the_service(synthesize: Synthesize) -> None:
    found = resources(synthesize(night=4, invoker_service_account="a@other.iam.gserviceaccount.com"), "ingest-identity")

    assert [*found] == ["google_cloud_run_v2_service_iam_member.may_invoke"]


@pytest.mark.parametrize("night", [0, 3, 4])
def test_the_identity_stack_is_the_same_on_every_night(night: int, synthesize: Synthesize) -> None:
    assert synthesize(night=night, **INVOKER)["ingest-identity"] == synthesize(night=1, **INVOKER)["ingest-identity"]


def test_only_the_last_nights_jobs_send_a_token(synthesize: Synthesize) -> None:
    def tokens(night: int) -> list[Any]:
        stacks = synthesize(night=night, **INVOKER)
        jobs = [
            job
            for name in stacks
            for job in stacks[name].get("resource", {}).get("google_cloud_scheduler_job", {}).values()
        ]
        return [job["http_target"].get("oidc_token") for job in jobs]

    assert not any(tokens(3))
    assert len(tokens(4)) == 16
    root = "https://st-v2-ingestor-999875365235.us-central1.run.app"
    assert all(token == {"service_account_email": EMAIL, "audience": root} for token in tokens(4))


def test_the_foundation_is_synthesized_to_this_json(synthesize: Synthesize, snapshot_json: Any) -> None:
    assert synthesize(night=0, **FOUNDATION)["ingest-foundation"] == snapshot_json


def test_the_foundation_is_off_without_its_settings(synthesize: Synthesize) -> None:
    assert "ingest-foundation" not in synthesize(night=0, backend_bucket="acme-ingest-state")


def test_each_part_of_the_foundation_comes_only_with_its_setting(synthesize: Synthesize) -> None:
    found = resources(synthesize(night=0, operators=("user:reader@example.com",)), "ingest-foundation")

    assert sorted(address.partition(".")[0] for address in found) == [
        "google_bigquery_dataset_iam_member",
        "google_project_iam_custom_role",
        "google_project_iam_member",
    ]


def test_only_runs_on_main_in_the_environment_deploy_and_only_those_on_main_read_tables(
    synthesize: Synthesize,
) -> None:
    found = resources(synthesize(night=0, **FOUNDATION), "ingest-foundation")
    members = {a: f["member"] for a, f in found.items() if f.get("role") == "roles/iam.workloadIdentityUser"}

    assert {address.rpartition("signs_in_ingest_")[2]: who.rpartition("}/")[2] for address, who in members.items()} == {
        "deployer": "attribute.deploys/acme/ingest-schedules",
        "operator": "attribute.on_main/acme/ingest-schedules",
        "previewer": "attribute.repository/acme/ingest-schedules",
    }
    issuer = found["google_iam_workload_identity_pool_provider.github"]
    on_main = 'assertion.ref == "refs/heads/main"'
    environment = 'has(assertion.environment) && assertion.environment == "production"'
    assert issuer["attribute_mapping"]["attribute.on_main"] == f'{on_main} ? assertion.repository : "none"'
    assert (
        issuer["attribute_mapping"]["attribute.deploys"]
        == f'{on_main} && {environment} ? assertion.repository : "none"'
    )
    assert issuer["attribute_condition"] == 'assertion.repository == "acme/ingest-schedules"'


def test_operators_may_write_nothing_but_locks(synthesize: Synthesize) -> None:
    found = resources(synthesize(night=0, **FOUNDATION), "ingest-foundation")
    (locks,) = [
        f
        for f in found.values()
        if f.get("role") == "roles/storage.objectUser" and f["member"] == "user:reader@example.com"
    ]

    assert locks["condition"]["expression"] == 'resource.name.endsWith(".tflock")'


def test_no_workflow_but_the_deployers_may_write_a_lock(synthesize: Synthesize) -> None:
    found = resources(synthesize(night=0, **FOUNDATION), "ingest-foundation")
    writers = {f["member"] for f in found.values() if f.get("role") == "roles/storage.objectUser"}

    deployer = "serviceAccount:ingest-deployer@kpi-auto-471020.iam.gserviceaccount.com"
    assert writers == {"group:data@example.com", "user:reader@example.com", deployer}


def test_deployers_may_write_the_states_of_the_phases_and_no_administrators_one(synthesize: Synthesize) -> None:
    found = resources(synthesize(night=0, **FOUNDATION), "ingest-foundation")
    (grant,) = [
        f
        for f in found.values()
        if f.get("role") == "roles/storage.objectUser" and f["member"] == "group:data@example.com"
    ]

    objects = "projects/_/buckets/acme-ingest-state/objects/ingest-schedules"
    assert grant["condition"]["expression"] == (
        f'resource.name.startsWith("{objects}/phase-") || resource.name.endsWith(".tflock")'
    )


def test_the_previewer_reads_no_table(synthesize: Synthesize) -> None:
    found = resources(synthesize(night=0, **FOUNDATION), "ingest-foundation")
    readers = {f["member"] for a, f in found.items() if a.startswith("google_bigquery_dataset_iam_member")}

    assert readers
    assert not [member for member in readers if "previewer" in member]
    assert not [permission for permission in PREVIEWER.permissions if permission.startswith("bigquery")]


def test_members_that_look_alike_to_terraform_are_told_apart_and_none_is_granted_twice(synthesize: Synthesize) -> None:
    alike = (
        "user:a.x@example.com",
        "user:a-x@example.com",
        "serviceAccount:ingest-deployer@kpi-auto-471020.iam.gserviceaccount.com",
    )
    stacks = synthesize(night=4, **INVOKER | FOUNDATION | {"deployers": alike})
    acts = [f["member"] for a, f in resources(stacks, "ingest-identity").items() if "acts_as" in a]

    assert sorted(acts) == sorted(alike)


def test_the_bucket_keeps_old_states_and_cannot_be_destroyed(synthesize: Synthesize) -> None:
    bucket = resources(synthesize(night=0, **FOUNDATION), "ingest-foundation")["google_storage_bucket.state"]

    assert bucket["versioning"] == {"enabled": True}
    assert bucket["lifecycle"] == {"prevent_destroy": True}
    assert bucket["public_access_prevention"] == "enforced"


def test_the_deployer_has_what_preflight_asks_for_and_the_operator_no_writes() -> None:
    assert set(PERMISSIONS) <= DEPLOYER.permissions.keys()
    writes = ("create", "update", "delete", "enable", "pause", "run", "setIamPolicy", "actAs")
    assert [one for one in OPERATOR.permissions if one.rpartition(".")[2] in writes] == ["bigquery.jobs.create"]


def test_no_stack_holds_a_key_or_a_grant_to_everybody(synthesize: Synthesize) -> None:
    text = json.dumps(synthesize(night=4, **INVOKER, **{k: v for k, v in FOUNDATION.items() if k != "deployers"}))

    assert "google_service_account_key" not in text
    assert "allUsers" not in text
    assert "allAuthenticatedUsers" not in text
