"""The account whose token the jobs send: what it may do, and who may act as it."""

from __future__ import annotations

from tests.given.domain import EMAIL, IDENTITY
from tests.given.grants import FOUNDATION, INVOKER, resources
from tests.given.synth import Synthesize


def test_the_invoker_may_call_the_one_service_and_nothing_else(synthesize: Synthesize) -> None:
    found = resources(synthesize(night=IDENTITY, **INVOKER), "ingest-identity")
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


def test_an_invoker_of_somebody_elses_is_only_granted_the_service(synthesize: Synthesize) -> None:
    found = resources(
        synthesize(night=IDENTITY, invoker_service_account="a@other.iam.gserviceaccount.com"), "ingest-identity"
    )

    assert [*found] == ["google_cloud_run_v2_service_iam_member.may_invoke"]


def test_members_that_look_alike_to_terraform_are_told_apart_and_none_is_granted_twice(synthesize: Synthesize) -> None:
    alike = (
        "user:a.x@example.com",
        "user:a-x@example.com",
        "serviceAccount:ingest-deployer@kpi-auto-471020.iam.gserviceaccount.com",
    )
    stacks = synthesize(night=IDENTITY, **INVOKER | FOUNDATION | {"deployers": alike})
    acts = [f["member"] for a, f in resources(stacks, "ingest-identity").items() if "acts_as" in a]

    assert sorted(acts) == sorted(alike)
