"""Every kind of live job gets its verdict, the fields that differ, and what to do."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from google.cloud.scheduler_v1.types import Job

from ingest.baseline import BaselineJob
from ingest.text.shown import HIDDEN
from operations.adopt import UNDECLARED, Difference, Verdict, as_found, compare, live_jobs, other_target, recordable
from operations.errors import OperationError
from tests.given.adopt import (
    OIDC,
    TUNED,
    add,
    add_live,
    change,
    change_target,
    client_of,
    compared,
    give_headers_and_bodies,
    job_of,
    make_hostile,
    recorded,
)
from tests.given.domain import SETTINGS, night
from tests.given.twin import named
from twin.twin import Twin


def test_jobs_as_gcloud_makes_them_are_as_expected(twin: Twin) -> None:
    found = compared(twin)

    assert len(found) == 7
    for one in found.values():
        assert (one.verdict, one.todo) == (Verdict.EXPECTED, [])
        assert one.differences == [Difference("max_doublings", UNDECLARED, 16)]


def test_without_a_baseline_what_night_0_would_change_differs_and_the_rest_is_shown(twin: Twin) -> None:
    make_hostile(twin)
    found = compared(twin)

    assert {name for name, one in found.items() if one.verdict is Verdict.DIFFERS} == {"invoices", "estimates"}
    assert Difference("http_method", "GET", "POST") in found["invoices"].differences
    assert found["invoices"].todo[0].startswith("night 0 would change http_method: record it as it is with --record")
    assert len(found["invoices"].todo) == 1
    assert Difference("attempt_deadline", UNDECLARED, "600s") in found["jobs"].differences
    assert Difference("retry_count", UNDECLARED, 3) in found["payroll"].differences
    assert found["customers"].verdict is Verdict.EXPECTED
    assert Difference("paused", UNDECLARED, True) in found["customers"].differences
    (todo,) = found["customers"].todo
    assert todo.endswith(
        "gcloud scheduler jobs resume v2-sync-customers-daily --project=kpi-auto-471020 --location=us-central1"
    )


def test_once_recorded_the_same_jobs_are_as_expected_without_a_difference(twin: Twin) -> None:
    make_hostile(twin)
    give_headers_and_bodies(twin)
    baseline = recorded(twin)
    found = compared(twin, baseline)

    assert {one.verdict for one in found.values()} == {Verdict.EXPECTED}
    assert not any(one.differences for one in found.values())


@pytest.mark.parametrize(
    ("body", "field", "before", "after"),
    [
        ({"description": "new"}, "description", None, "new"),
        ({"attemptDeadline": "181s"}, "attempt_deadline", "180s", "181s"),
        ({"schedule": "1 2 * * *"}, "schedule", "0 2 * * *", "1 2 * * *"),
        ({"description": "again"}, "description", None, "again"),
        ({"retryConfig": {"retryCount": 1, "maxDoublings": 16}}, "retry_count", 0, 1),
    ],
)
def test_a_job_that_was_changed_since_it_was_recorded_differs(
    body: dict[str, object], field: str, before: object, after: object, twin: Twin
) -> None:
    baseline = recorded(twin)
    change(twin, "jobs", body)
    found = compared(twin, baseline)["jobs"]

    assert (found.verdict, found.differences) == (Verdict.DIFFERS, [Difference(field, before, after)])
    assert found.todo == [f"{field} changed since it was recorded: record it again with --record, or change it back"]


@pytest.mark.parametrize("has_baseline", [False, True])
@pytest.mark.parametrize(
    ("body", "field", "told"),
    [
        ({"timeZone": "UTC"}, "time_zone", "correct time_zone in cdktf.json, or change the job: "),
        ({"httpTarget": {"uri": "https://old.example/"}}, "uri", "correct base_url in cdktf.json, or change the job: "),
    ],
)
def test_what_recording_cannot_cover_has_to_be_mended(
    body: dict[str, object], field: str, told: str, has_baseline: bool, twin: Twin
) -> None:
    baseline = recorded(twin) if has_baseline else {}
    change(twin, "payroll", body)
    found = compared(twin, baseline)["payroll"]

    assert found.verdict is Verdict.FIX_FIRST
    assert field in {difference.field for difference in found.differences}
    assert told in found.todo[0]
    assert "gcloud scheduler jobs update http v2-sync-payroll-daily" in found.todo[0]


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"description": "costs ${price}"}, "which Terraform would evaluate"),
        ({"attempt_deadline": None}, "attempt_deadline 0s is out of range; allowed: 15s to 1800s; change the live job"),
        ({"state": Job.State.UPDATE_FAILED}, "is in state UPDATE_FAILED"),
        ({"http_target": None}, "uri is ''"),
    ],
)
def test_a_job_that_cannot_be_declared_has_to_be_mended(fields: dict[str, object], told: str, twin: Twin) -> None:
    live = live_jobs(lambda: client_of(twin), SETTINGS)
    job = live[job_of("jobs")]
    for key, value in fields.items():
        setattr(job, key, value)
    found = {one.entity: one for one in compare(SETTINGS, live)}["jobs"]

    assert found.verdict is Verdict.FIX_FIRST
    assert any(told in text for text in found.todo), found.todo


def test_a_job_with_an_oauth_token_has_to_be_mended(twin: Twin) -> None:
    change_target(twin, "jobs", {"oauthToken": {"serviceAccountEmail": "a@example.com"}})
    found = compared(twin)["jobs"]

    assert found.verdict is Verdict.FIX_FIRST
    assert Difference("oauth_service_account_email", None, "a@example.com") in found.differences


@pytest.mark.parametrize(
    ("target", "kind"),
    [
        ({"pubsub_target": {"topic_name": "projects/p/topics/t"}}, "Pub/Sub topic projects/p/topics/t"),
        ({"app_engine_http_target": {"relative_uri": "/ingest?key=s3cret"}}, "App Engine /ingest"),
    ],
)
def test_a_target_of_another_kind_is_named_as_that(target: dict[str, object], kind: str) -> None:
    live = {job_of("jobs"): Job(name=named(job_of("jobs")), **target)}
    found = {one.entity: one for one in compare(SETTINGS, live)}["jobs"]

    assert found.verdict is Verdict.FIX_FIRST
    assert found.differences == [Difference("target", "HTTP", kind)]
    assert found.todo == [other_target(kind)]
    assert "s3cret" not in repr(found)


def test_a_schedule_in_english_is_named_as_that_with_the_same_in_unix_cron(twin: Twin) -> None:
    twin.scheduler.jobs[named(job_of("jobs"))]["schedule"] = "every day 02:00"
    found = compared(twin)["jobs"]

    assert found.verdict is Verdict.FIX_FIRST
    assert found.todo[0] == (
        "schedule: 'every day 02:00' is Cloud Scheduler's English; write it as unix-cron, here '0 2 * * *'; "
        "change the live job"
    )


SECRETS: dict[str, Any] = {"headers": {"X-Api-Key": "s3cret-1", "X-Tenant": "42"}, "body": "eyJwYXNzd29yZCI6MX0="}


def test_what_may_be_a_secret_is_neither_shown_nor_recorded(twin: Twin) -> None:
    change_target(twin, "jobs", {"httpMethod": "POST", **SECRETS})
    found = compared(twin)["jobs"]

    assert found.verdict is Verdict.FIX_FIRST
    assert [text.partition(",")[0] for text in found.todo] == [
        "its header X-Api-Key may hold a secret",
        "its body may hold a secret",
    ]
    assert {one.field: one.live for one in found.differences if one.field in SECRETS} == {
        "headers": dict.fromkeys(SECRETS["headers"], HIDDEN),
        "body": HIDDEN,
    }
    with pytest.raises(OperationError, match="nothing was recorded"):
        recorded(twin)


def test_what_is_said_to_be_no_secret_is_recorded_and_not_asked_about_again(twin: Twin) -> None:
    change_target(twin, "jobs", {"httpMethod": "POST", **SECRETS})
    none = ["jobs:X-Api-Key", "jobs:body"]
    baseline = recordable(compare(SETTINGS, live_jobs(lambda: client_of(twin), SETTINGS), not_secret=none))

    assert baseline["jobs"].headers == SECRETS["headers"]
    assert compared(twin, baseline)["jobs"].verdict is Verdict.EXPECTED
    change_target(twin, "jobs", {"headers": {"X-Api-Key": "s3cret-2", "X-Tenant": "42"}})
    (todo,) = compared(twin, baseline)["jobs"].todo
    assert todo.startswith("its header X-Api-Key")


def test_a_job_with_nothing_but_a_name_is_no_crash(twin: Twin) -> None:
    found = compare(SETTINGS, {job_of("jobs"): Job(name=named(job_of("jobs")))})

    assert next(one for one in found if one.entity == "jobs").verdict is Verdict.FIX_FIRST


def test_missing_unrecorded_and_foreign_jobs_are_told_apart(twin: Twin) -> None:
    twin.scheduler.delete(named(job_of("payroll")))
    add_live(twin, "returns", "55 4 * * *")
    add_live(twin, "campaigns", "15 6 * * 0")
    add(twin, "v2-sync-inventory-bills-daily")
    add(twin, "v2-sync-locations-weekly")
    add(twin, "somebody-elses")
    found = compared(twin)

    assert found["payroll"].verdict is Verdict.MISSING
    assert "adopt_existing to false" in found["payroll"].todo[0]
    assert found["returns"].verdict is Verdict.UNRECORDED
    assert found["returns"].todo == [
        "night 1 would create it, which ends in 409 ALREADY_EXISTS: record it with `ingest-rollout adopt --record`, so "
        "that night 0 imports it as it is"
    ]
    assert found["campaigns"].verdict is Verdict.UNRECORDED
    assert found["campaigns"].todo[0].startswith("night 3 would create it")
    assert found["inventory_bills"].verdict is Verdict.FIX_FIRST
    assert found["v2-sync-locations-weekly"].verdict is Verdict.UNMANAGED
    assert "gcloud scheduler jobs pause v2-sync-locations-weekly" in found["v2-sync-locations-weekly"].todo[0]
    assert "somebody-elses" not in found


def test_every_job_that_is_live_is_recorded_with_all_that_it_has(twin: Twin) -> None:
    add_live(twin, "returns", "0 2,14 * * *")
    change(twin, "returns", {"attemptDeadline": "700s", "description": "by hand", "retryConfig": TUNED})
    change_target(twin, "returns", {"oidcToken": OIDC, "headers": {"X-Tenant": "42"}, "httpMethod": "POST"})
    twin.scheduler.pause(named(job_of("returns")))
    baseline = recorded(twin)

    assert len(baseline) == 8
    assert baseline["returns"] == BaselineJob(
        schedule="0 2,14 * * *",
        http_method="POST",
        attempt_deadline="700s",
        retry_count=3,
        min_backoff_duration="7s",
        max_backoff_duration="90s",
        max_retry_duration="600s",
        max_doublings=16,
        paused=True,
        description="by hand",
        oidc_service_account_email=OIDC["serviceAccountEmail"],
        oidc_audience=OIDC["audience"],
        headers={"X-Tenant": "42"},
    )
    assert compared(twin, baseline)["returns"].verdict is Verdict.EXPECTED


def test_a_recorded_job_that_is_gone_is_left_out_of_the_next_record(twin: Twin) -> None:
    add_live(twin, "returns", "55 4 * * *")
    baseline = recorded(twin)
    twin.scheduler.delete(named(job_of("returns")))
    found = compared(twin, baseline)

    assert found["returns"].verdict is Verdict.GONE
    assert set(recordable(found.values())) == set(baseline) - {"returns"}


def test_what_a_night_made_or_moved_is_not_recorded_over_what_was_found(twin: Twin) -> None:
    add_live(twin, "returns", "0 1 * * *")
    settings = replace(SETTINGS, found=recorded(twin))
    live = live_jobs(lambda: client_of(twin), SETTINGS)
    everything = compare(settings, live, settings.world(2))
    found = {one.entity: one for one in everything}

    assert {found[name].verdict for name in ("jobs", "returns")} == {Verdict.MANAGED}
    assert recordable(everything) == settings.found

    # Without a record there is nothing to keep, and what Terraform made or moved is not what was found.
    moved = {one.entity: one for one in compare(SETTINGS, live, SETTINGS.world(2))}
    assert {moved[name].verdict for name in ("jobs", "returns")} == {Verdict.MANAGED}
    # Adopted and not moved yet, so that it can still be recorded; and what was recorded can be so again.
    adopted = {one.entity: one for one in compare(SETTINGS, live, {"jobs": SETTINGS.world(0)["jobs"]})}
    assert adopted["jobs"].found == settings.found["jobs"]
    again = {one.entity: one for one in compare(settings, live, settings.world(0))}
    assert {one.verdict for one in again.values()} == {Verdict.EXPECTED}


def test_a_reference_route_that_differs_names_its_own_setting(twin: Twin) -> None:
    add_live(twin, "technicians", "5 6 * * 0")
    change_target(twin, "technicians", {"uri": f"{SETTINGS.base_url}/ingest-ref/technicians?mode=full"})

    (todo,) = compared(twin)["technicians"].todo
    assert "correct reference_path in cdktf.json" in todo
    settings = replace(SETTINGS, reference_path="/ingest-ref")
    found = {one.entity: one for one in compare(settings, live_jobs(lambda: client_of(twin), SETTINGS))}
    assert found["technicians"].verdict is Verdict.UNRECORDED


def test_nothing_is_recorded_while_a_job_has_to_be_mended(twin: Twin) -> None:
    twin.scheduler.delete(named(job_of("payroll")))
    add(twin, "v2-sync-returns-daily")

    with pytest.raises(OperationError) as caught:
        recorded(twin)
    assert str(caught.value).splitlines() == [
        "nothing was recorded; fix first what is said above:",
        "v2-sync-payroll-daily: missing",
        "v2-sync-returns-daily: fix first",
    ]


def test_a_foreign_job_does_not_keep_the_others_from_being_recorded(twin: Twin) -> None:
    add(twin, "v2-sync-locations-weekly")

    assert len(recorded(twin)) == 7


def test_in_a_project_without_adoption_each_live_job_is_in_the_way(twin: Twin) -> None:
    live = live_jobs(lambda: client_of(twin), SETTINGS)
    found = compare(night(0, adopt_existing=False), live)

    assert {one.verdict for one in found} == {Verdict.TAKEN}
    assert all("set adopt_existing to true in cdktf.json" in one.todo[0] for one in found)
    with pytest.raises(OperationError, match="adopt_existing is false"):
        recordable(compare(night(0, adopt_existing=False), {}))


def test_what_the_scheduler_adds_to_a_request_is_not_recorded(twin: Twin) -> None:
    give_headers_and_bodies(twin)
    live = live_jobs(lambda: client_of(twin), SETTINGS)

    assert as_found(live[job_of("jobs")]).headers == {}
    assert as_found(live[job_of("invoices")]).headers == {"Content-Type": "application/json", "X-Tenant": "42"}
    assert as_found(live[job_of("invoices")]).body == "eyJtb2RlIjogImluY3JlbWVudGFsIn0="


@pytest.mark.parametrize("strategy", ["phased", "immediate"])
def test_both_strategies_adopt_the_same(strategy: str, twin: Twin) -> None:
    live = live_jobs(lambda: client_of(twin), SETTINGS)

    assert compare(replace(SETTINGS, strategy=strategy), live) == compare(SETTINGS, live)
