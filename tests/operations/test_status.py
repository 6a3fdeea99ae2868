"""What is declared against what is live, on the twin."""

from __future__ import annotations

import warnings
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from google.cloud.scheduler_v1 import CloudSchedulerClient
from google.cloud.scheduler_v1.types import HttpMethod, Job
from hypothesis import given
from hypothesis import strategies as st

from ingest.attempt import NEVER, Attempt, Code
from ingest.text.shown import HIDDEN
from operations.cloud import jobs
from operations.status import Difference, Held, JobStatus, State, exit_code, statuses
from operations.terraform.declared import Declared
from tests.given.domain import SETTINGS, in_phoenix, night
from tests.given.status import found, from_api, make_live
from tests.given.twin import PARENT, a_job, named
from twin.service import Behaviour
from twin.twin import Twin

Nights = dict[int, list[Declared]]

RETURNS = "v2-sync-returns-daily"
JOBS = "v2-sync-jobs-daily"
CAMPAIGNS = "v2-sync-campaigns-weekly"


ELSEWHERE = {"uri": "https://elsewhere.example/x"}


def edit(client: CloudSchedulerClient, job: str, **fields: Any) -> None:
    client.update_job({"job": Job({"name": named(job), **fields}), "update_mask": {"paths": list(fields)}})


def one(states: dict[str, JobStatus]) -> JobStatus:
    """The only job that is not in sync."""
    (different,) = [each for each in states.values() if each.states != (State.IN_SYNC,)]
    return different


def test_the_adopted_jobs_are_in_sync_at_night_0(client: CloudSchedulerClient, nights: Nights) -> None:
    states = found(client, nights[0], 0)

    assert len(states) == 7
    assert {each.states for each in states.values()} == {(State.IN_SYNC,)}
    assert exit_code(list(states.values())) == 0


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_deployed_night_is_in_sync(number: int, client: CloudSchedulerClient, nights: Nights) -> None:
    make_live(client, [each for each in nights[number] if each.fields["paused"] is not None])
    states = found(client, nights[number], number)

    assert len(states) == len(nights[number])
    assert {each.states for each in states.values()} == {(State.IN_SYNC,)}


def test_before_night_0_is_deployed_nothing_is_adopted(client: CloudSchedulerClient, nights: Nights) -> None:
    states = found(client, nights[0], 0, held=Held(frozenset()))

    assert {each.states for each in states.values()} == {(State.NOT_ADOPTED,)}
    assert exit_code(list(states.values())) == 2


def test_a_remote_state_leaves_adoption_untold(client: CloudSchedulerClient, nights: Nights) -> None:
    states = found(client, nights[0], 0, held=Held(None, "remote"))

    assert {each.states for each in states.values()} == {(State.IN_SYNC,)}


def test_a_created_job_that_the_state_lacks_is_told(client: CloudSchedulerClient, nights: Nights) -> None:
    make_live(client, [each for each in nights[1] if each.name == RETURNS])
    rest = frozenset(each.entity for each in nights[1]) - {"returns"}

    states = found(client, nights[1], 1, held=Held(rest))[RETURNS]
    assert (states.states, "takes it over" in states.note) == ((State.NOT_HELD,), True)

    edit(client, RETURNS, schedule="0 9 * * *")
    states = found(client, nights[1], 1, held=Held(rest))[RETURNS]
    assert (states.states, "ALREADY_EXISTS" in states.note) == ((State.NOT_HELD, State.DRIFTED), True)


def test_what_is_not_live_is_missing(client: CloudSchedulerClient, nights: Nights) -> None:
    states = found(client, nights[1], 1)
    missing = [each for each in states.values() if each.states == (State.MISSING,)]

    assert [each.entity for each in missing] == [
        "purchase_orders",
        "inventory_bills",
        "returns",
        "payroll_adjustments",
    ]
    assert {(each.attempt, each.next_run) for each in missing} == {(NEVER, None)}
    assert exit_code(missing) == 2


def test_an_adopted_job_that_is_gone_says_how_to_go_on(client: CloudSchedulerClient, nights: Nights) -> None:
    client.delete_job(name=named(JOBS))

    assert "adopt_existing" in found(client, nights[0], 0, held=Held(frozenset()))[JOBS].note


def test_every_drifted_field_is_shown_with_both_values(client: CloudSchedulerClient, nights: Nights) -> None:
    make_live(client, nights[3])
    edit(client, RETURNS, schedule="0 9 * * *", time_zone="UTC", description="mine", attempt_deadline=timedelta(0, 60))
    edit(client, RETURNS, retry_config={"retry_count": 5, "max_doublings": 16})
    edit(client, RETURNS, http_target={"uri": "https://elsewhere.example/x", "http_method": HttpMethod.POST})
    drifted = one(found(client, nights[3], 3))

    assert drifted.job == RETURNS
    assert drifted.states == (State.DRIFTED,)
    assert drifted.differences[0] == Difference("schedule", "55 4 * * *", "0 9 * * *")
    assert {each.field: each.live for each in drifted.differences} == {
        "schedule": "0 9 * * *",
        "time_zone": "UTC",
        "uri": "https://elsewhere.example/x",
        "http_method": "POST",
        "description": "mine",
        "attempt_deadline": "60s",
        "retry_count": 5,
        "min_backoff_duration": "5s",
        "max_backoff_duration": "3600s",
        "max_doublings": 16,
    }
    assert exit_code([drifted]) == 2


@pytest.mark.parametrize("number", [0, 3])
def test_a_job_paused_by_hand_is_a_difference_on_every_night(
    number: int, client: CloudSchedulerClient, nights: Nights
) -> None:
    if number:
        make_live(client, nights[number])
    client.pause_job(name=named(JOBS))
    paused = one(found(client, nights[number], number))

    assert (paused.job, paused.states, paused.differences) == (JOBS, (State.PAUSED,), ())
    assert paused.next_run is None
    assert exit_code([paused]) == 2


def test_a_job_can_be_drifted_and_paused_and_not_adopted(client: CloudSchedulerClient, nights: Nights) -> None:
    client.pause_job(name=named(JOBS))
    edit(client, JOBS, schedule="1 2 * * *")
    states = found(client, nights[0], 0, held=Held(frozenset()))[JOBS]

    assert states.states == (State.NOT_ADOPTED, State.DRIFTED, State.PAUSED)
    assert [each.field for each in states.differences] == ["schedule"]
    assert "would change it while it imports it: record it with `ingest-rollout adopt --record`" in states.note


def test_a_job_of_a_later_night_is_unmanaged_and_says_which(client: CloudSchedulerClient, nights: Nights) -> None:
    make_live(client, [each for each in nights[3] if each.name == CAMPAIGNS])
    unmanaged = one(found(client, nights[0], 0))

    assert (unmanaged.job, unmanaged.states, unmanaged.entity) == (CAMPAIGNS, (State.UNMANAGED,), "campaigns")
    assert unmanaged.note.startswith("night 3 would create it")
    assert exit_code([unmanaged]) == 2


def test_a_job_left_from_a_later_night_is_removed_by_a_deploy(client: CloudSchedulerClient, nights: Nights) -> None:
    make_live(client, [each for each in nights[3] if each.name == CAMPAIGNS])
    held = Held(frozenset({each.entity for each in nights[0]} | {"campaigns"}))

    assert "removes it" in one(found(client, nights[0], 0, held=held)).note


def test_a_neighbour_is_shown_after_the_others_and_is_no_difference(
    client: CloudSchedulerClient, nights: Nights
) -> None:
    job = a_job("v2-rebuild-dim-jobs-daily")
    job.schedule = "0 4 * * *"
    job.time_zone = "America/Denver"
    job.http_target.uri = f"{SETTINGS.base_url}/rebuild/dim_jobs"
    client.create_job(parent=PARENT, job=job)
    client.create_job(parent=PARENT, job=a_job("nightly-report", http_target=ELSEWHERE))
    states = found(client, nights[0], 0)
    neighbour = one(states)

    assert [*states][-1] == neighbour.job == "v2-rebuild-dim-jobs-daily"
    assert (neighbour.states, neighbour.entity) == ((State.NEIGHBOUR,), None)
    assert neighbour.note == "it calls the ingest service at /rebuild/dim_jobs; daily at 04:00 America/Denver"
    assert neighbour.next_run
    assert exit_code(list(states.values())) == 0


def test_a_neighbour_with_a_hostile_name_is_shown_in_one_line(nights: Nights) -> None:
    live = {"jobs-x\n::error::x": from_api(name=named("jobs-x\n::error::x"), schedule="0 4 * * *")}
    (shown,) = statuses(night(0), [], live, Held(None))

    assert (shown.job, shown.states) == ("jobs-x ::error::x", (State.NEIGHBOUR,))


def test_jobs_of_others_are_not_looked_at(client: CloudSchedulerClient, nights: Nights) -> None:
    client.create_job(parent=PARENT, job=a_job("nightly-report", http_target=ELSEWHERE))

    assert "nightly-report" not in found(client, nights[0], 0)


def test_the_last_attempt_is_told_with_its_outcome(twin: Twin, client: CloudSchedulerClient, nights: Nights) -> None:
    make_live(client, [each for each in nights[1] if each.name == RETURNS])
    twin.ingestor.behaviours["invoices"] = Behaviour(http_status=500)
    twin.advance(in_phoenix("2026-10-20T03:30"))
    states = found(client, nights[1], 1)
    failed = states["v2-sync-invoices-daily"]

    assert states[JOBS].attempt == Attempt(in_phoenix("2026-10-20T02:00"), Code.OK)
    assert states[JOBS].next_run == in_phoenix("2026-10-21T02:00")
    assert failed.attempt == Attempt(in_phoenix("2026-10-20T02:15"), Code.INTERNAL)
    assert states[RETURNS].attempt == NEVER
    assert states[RETURNS].next_run == in_phoenix("2026-10-20T04:55")


def judged(job: Job, declared: Declared) -> JobStatus:
    (status,) = statuses(SETTINGS, [declared], {declared.name: job}, Held(None))
    return status


def test_a_job_that_google_disabled_is_drifted(nights: Nights) -> None:
    declared = nights[3][0]
    job = jobs.message(named(declared.name), declared.fields)
    job.state = Job.State.UPDATE_FAILED  # type: ignore[assignment]

    assert judged(job, declared).differences == (Difference("state", "ENABLED", "UPDATE_FAILED"),)


def test_a_job_with_nothing_but_a_name_is_drifted_in_every_declared_field(nights: Nights) -> None:
    status = judged(from_api(name=named(JOBS)), nights[3][0])

    assert status.states == (State.DRIFTED,)
    assert {"schedule", "uri", "http_method", "state"} <= {each.field for each in status.differences}


@pytest.mark.parametrize(
    ("live", "field", "value"),
    [
        ({"headers": {"X-Api-Key": "s3cret"}}, "headers", {"X-Api-Key": HIDDEN}),
        ({"body": "czNjcmV0"}, "body", HIDDEN),
        ({"uri": "https://me:s3cret@h.example/x?key=s3cret"}, "uri", "https://h.example/x?key=..."),
        ({"oauthToken": {"serviceAccountEmail": "a@example.com"}}, "oauth_service_account_email", "a@example.com"),
        ({"oidcToken": {"serviceAccountEmail": "a@example.com"}}, "oidc_service_account_email", "a@example.com"),
    ],
)
def test_every_field_of_a_request_is_compared_and_nothing_that_may_be_a_secret_shown(
    live: dict[str, Any], field: str, value: object, nights: Nights
) -> None:
    declared = nights[3][0]
    target = {"uri": declared.fields["uri"], "httpMethod": "GET", **live}
    status = judged(from_api(name=named(JOBS), schedule=declared.fields["schedule"], httpTarget=target), declared)

    assert {one.field: one.live for one in status.differences}[field] == value
    assert "s3cret" not in repr(status)
    assert "czNjcmV0" not in repr(status)


def test_another_value_of_the_same_header_is_a_difference_that_shows_neither(nights: Nights) -> None:
    declared = replace(nights[3][0], fields=nights[3][0].fields | {"headers": {"X-A": "old", "X-B": "1"}})
    live = from_api(name=named(JOBS), httpTarget={"headers": {"X-A": "new", "X-B": "1"}})
    (shown,) = (one for one in judged(live, declared).differences if one.field == "headers")

    assert shown == Difference(
        "headers", {"X-A": HIDDEN, "X-B": HIDDEN}, {"X-A": "(not shown, another)", "X-B": HIDDEN}
    )


def test_a_job_of_another_kind_is_named_as_that(nights: Nights) -> None:
    live = from_api(name=named(JOBS), pubsubTarget={"topicName": "projects/p/topics/t"})
    status = judged(live, nights[3][0])

    assert Difference("target", "HTTP", "Pub/Sub topic projects/p/topics/t") in status.differences
    assert not {"uri", "http_method"} & {one.field for one in status.differences}
    assert status.note.startswith("its target is Pub/Sub topic projects/p/topics/t, and the rollout's jobs call")


def test_a_schedule_in_english_is_named_as_that(nights: Nights) -> None:
    declared = nights[3][0]
    target = {"uri": declared.fields["uri"], "httpMethod": "GET"}
    status = judged(from_api(name=named(JOBS), schedule="every 5 minutes", httpTarget=target), declared)

    assert status.note.startswith("schedule: 'every 5 minutes' is Cloud Scheduler's English; write it as unix-cron")


def test_a_value_that_no_job_has_makes_that_job_unreadable_and_hides_no_other(nights: Nights) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        broken = from_api(name=named(JOBS), httpTarget={"httpMethod": 99}, state=77)
        both = statuses(night(3), nights[3][:2], {JOBS: broken}, Held(None))

    assert [each.states for each in both] == [(State.UNREADABLE,), (State.MISSING,)]
    assert exit_code(both) == 1


def test_an_unknown_outcome_is_told_by_its_number(nights: Nights) -> None:
    job = from_api(name=named(JOBS), lastAttemptTime="2026-10-20T09:00:00Z", status={"code": 99})

    attempt = judged(job, nights[3][0]).attempt
    assert attempt
    assert attempt.outcome == "code 99"


OTHER = {
    "schedule": st.sampled_from(["1 2 * * *", "* * * * *", "0 4 * * 0"]),
    "time_zone": st.sampled_from(["UTC", "America/Denver"]),
    "uri": st.sampled_from(["https://st-v2.example/ingest/jobs", "http://127.0.0.1/"]),
    "http_method": st.sampled_from(["POST", "PUT", "HEAD"]),
    "oidc_service_account_email": st.just("a@b.example"),
    "oidc_audience": st.just("https://b.example"),
    "description": st.sampled_from([None, "mine"]),
    "attempt_deadline": st.sampled_from(["180s", "15s", "0.5s"]),
    "retry_count": st.sampled_from([0, 5]),
    "min_backoff_duration": st.sampled_from(["5s", "61s"]),
    "max_backoff_duration": st.sampled_from(["3600s", "601s"]),
    "max_retry_duration": st.just("60s"),
    "max_doublings": st.sampled_from([0, 16]),
}


@given(data=st.data(), keys=st.sets(st.sampled_from(sorted(OTHER))))
def test_exactly_the_fields_that_differ_are_shown(data: st.DataObject, keys: set[str], nights: Nights) -> None:
    declared = data.draw(st.sampled_from(nights[3]))
    if "oidc_audience" in keys:
        keys.add("oidc_service_account_email")
    live = declared.fields | {key: data.draw(OTHER[key]) for key in keys}
    job = jobs.message(named(declared.name), live)
    job.state = Job.State.ENABLED  # type: ignore[assignment]

    assert {each.field for each in judged(job, declared).differences} == {
        key for key in keys if live[key] != declared.fields[key]
    }
