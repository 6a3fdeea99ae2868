"""What the stack ingest-foundation holds, and that it holds no more than it says."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from ingest.access import PREVIEWER
from tests.given.domain import IDENTITY
from tests.given.grants import FOUNDATION, INVOKER, resources
from tests.given.synth import Synthesize


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


def issuer(synthesize: Synthesize) -> dict[str, Any]:
    return resources(synthesize(night=0, **FOUNDATION), "ingest-foundation")[
        "google_iam_workload_identity_pool_provider.github"
    ]


def test_each_account_is_signed_in_to_by_its_own_runs(synthesize: Synthesize) -> None:
    found = resources(synthesize(night=0, **FOUNDATION), "ingest-foundation")
    members = {a: f["member"] for a, f in found.items() if f.get("role") == "roles/iam.workloadIdentityUser"}

    assert {address.rpartition("signs_in_ingest_")[2]: who.rpartition("}/")[2] for address, who in members.items()} == {
        "deployer": "attribute.deploys/acme/ingest-schedules",
        "operator": "attribute.on_main/acme/ingest-schedules",
        "previewer": "attribute.previews/acme/ingest-schedules",
    }


def test_the_repository_is_known_by_its_name_and_by_numbers_that_nobody_else_gets(synthesize: Synthesize) -> None:
    assert issuer(synthesize)["attribute_condition"] == (
        'assertion.repository == "acme/ingest-schedules" && assertion.repository_id == "987654321" && '
        'assertion.repository_owner_id == "12345"'
    )


def test_the_pool_has_the_id_that_the_settings_give(synthesize: Synthesize) -> None:
    found = resources(synthesize(night=0, **FOUNDATION, workload_identity_pool="ingest-2"), "ingest-foundation")

    assert found["google_iam_workload_identity_pool.github"]["workload_identity_pool_id"] == "ingest-2"
    pool = found["google_iam_workload_identity_pool_provider.github"]["workload_identity_pool_id"]
    assert pool == "${google_iam_workload_identity_pool.github.workload_identity_pool_id}"


WORKFLOW = "acme/ingest-schedules/.github/workflows"
ON_MAIN = "@refs/heads/main"
DEPLOYS = {
    "ref": "refs/heads/main",
    "event_name": "workflow_dispatch",
    "workflow_ref": f"{WORKFLOW}/rollback.yml{ON_MAIN}",
    "environment": "production",
}
LOOKS = {"ref": "refs/heads/main", "event_name": "schedule", "workflow_ref": f"{WORKFLOW}/gate.yml{ON_MAIN}"}
PREVIEWS = {
    "ref": "refs/pull/7/merge",
    "event_name": "pull_request",
    "workflow_ref": f"{WORKFLOW}/pull-request.yml@refs/pull/7/merge",
}


def signs_in(condition: str, claims: dict[str, str]) -> bool:
    """Evaluates the part of CEL that the mapping uses, which is Python but for its operators."""
    text = condition.removesuffix(' ? assertion.repository : "none"').replace("&&", "and").replace("||", "or")
    text = re.sub(r"has\(assertion\.(\w+)\)", r'("\1" in claims)', text).replace(".startsWith(", ".startswith(")
    return bool(eval(re.sub(r"assertion\.(\w+)", r'claims["\1"]', text), {"claims": claims}))  # noqa: S307


@pytest.mark.parametrize(
    ("claims", "attributes"),
    [
        (DEPLOYS, {"deploys"}),
        (DEPLOYS | {"event_name": "push", "workflow_ref": f"{WORKFLOW}/deploy.yml{ON_MAIN}"}, {"deploys", "on_main"}),
        (DEPLOYS | {"event_name": "pull_request_target"}, set()),
        (DEPLOYS | {"event_name": "schedule"}, set()),
        (DEPLOYS | {"ref": "refs/heads/other"}, set()),
        (DEPLOYS | {"workflow_ref": f"{WORKFLOW}/rollback.yml@refs/heads/other"}, set()),
        (DEPLOYS | {"workflow_ref": f"{WORKFLOW}/other.yml{ON_MAIN}"}, set()),
        (DEPLOYS | {"environment": "staging"}, set()),
        (LOOKS, {"on_main"}),
        (LOOKS | {"workflow_ref": f"{WORKFLOW}/deploy.yml{ON_MAIN}", "event_name": "push"}, {"on_main"}),
        (LOOKS | {"event_name": "pull_request_target"}, set()),
        (LOOKS | {"ref": "refs/heads/other"}, set()),
        (PREVIEWS, {"previews"}),
        (PREVIEWS | {"event_name": "push"}, set()),
        (PREVIEWS | {"workflow_ref": f"{WORKFLOW}/other.yml@refs/pull/7/merge"}, set()),
    ],
)
def test_a_run_signs_in_by_its_event_its_workflow_and_its_branch(
    synthesize: Synthesize, claims: dict[str, str], attributes: set[str]
) -> None:
    mapping = issuer(synthesize)["attribute_mapping"]
    conditions = {name.removeprefix("attribute."): text for name, text in mapping.items() if "?" in text}

    assert conditions.keys() == {"deploys", "on_main", "previews"}
    assert {name for name, text in conditions.items() if signs_in(text, claims)} == attributes


def writable(found: dict[str, dict[str, Any]], member: str) -> list[str]:
    """The objects that the member may write, by the grant's condition; below the prefix of the state."""
    (grant,) = [
        one for one in found.values() if one.get("role") == "roles/storage.objectUser" and one["member"] == member
    ]
    terms = grant["condition"]["expression"].split(" || ")
    assert len(terms) <= 13, "IAM takes 12 operators"
    objects = "projects/_/buckets/acme-ingest-state/objects/ingest-schedules/"
    assert all(re.fullmatch(f'resource.name == "{objects}[^"]+"', term) for term in terms)
    return sorted(term.removesuffix('"').partition(objects)[2] for term in terms)


LOCKS = [f"phase-{group}/default.tflock" for group in ("core", "financial", "labor", "reference")]


def test_operators_may_write_the_locks_of_the_phases_and_no_other_lock(synthesize: Synthesize) -> None:
    found = resources(synthesize(night=0, **FOUNDATION), "ingest-foundation")

    assert writable(found, "user:reader@example.com") == LOCKS


def test_with_an_invoker_they_may_lock_what_the_night_identity_plans_as_well(synthesize: Synthesize) -> None:
    found = resources(synthesize(night=0, **FOUNDATION | INVOKER), "ingest-foundation")

    assert writable(found, "user:reader@example.com") == ["ingest-identity/default.tflock", *LOCKS]
    assert "ingest-identity/default.tfstate" not in writable(found, "group:data@example.com")


def test_no_workflow_but_the_deployers_may_write_a_lock(synthesize: Synthesize) -> None:
    found = resources(synthesize(night=0, **FOUNDATION), "ingest-foundation")
    writers = {f["member"] for f in found.values() if f.get("role") == "roles/storage.objectUser"}

    deployer = "serviceAccount:ingest-deployer@kpi-auto-471020.iam.gserviceaccount.com"
    assert writers == {"group:data@example.com", "user:reader@example.com", deployer}


def test_deployers_may_write_the_states_of_the_phases_and_no_administrators_one(synthesize: Synthesize) -> None:
    found = resources(synthesize(night=0, **FOUNDATION), "ingest-foundation")

    states = [name.replace("tflock", "tfstate") for name in LOCKS]
    assert writable(found, "group:data@example.com") == sorted([*states, *LOCKS])


def test_the_previewer_reads_no_table(synthesize: Synthesize) -> None:
    found = resources(synthesize(night=0, **FOUNDATION), "ingest-foundation")
    readers = {f["member"] for a, f in found.items() if a.startswith("google_bigquery_dataset_iam_member")}

    assert readers
    assert not [member for member in readers if "previewer" in member]
    assert not [permission for permission in PREVIEWER.permissions if permission.startswith("bigquery")]


def test_the_bucket_keeps_old_states_and_cannot_be_destroyed(synthesize: Synthesize) -> None:
    bucket = resources(synthesize(night=0, **FOUNDATION), "ingest-foundation")["google_storage_bucket.state"]

    assert bucket["versioning"] == {"enabled": True}
    assert bucket["lifecycle"] == {"prevent_destroy": True}
    assert bucket["public_access_prevention"] == "enforced"


def test_no_stack_holds_a_key_or_a_grant_to_everybody(synthesize: Synthesize) -> None:
    text = json.dumps(
        synthesize(night=IDENTITY, **INVOKER, **{k: v for k, v in FOUNDATION.items() if k != "deployers"})
    )

    assert "google_service_account_key" not in text
    assert "allUsers" not in text
    assert "allAuthenticatedUsers" not in text
