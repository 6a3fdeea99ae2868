"""Cloud Scheduler's API as Google's own client sees it: the twin must not be told from the service by these tests."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from google.api_core.exceptions import BadRequest, Conflict, GoogleAPICallError, NotFound
from google.cloud.scheduler_v1 import CloudSchedulerClient
from google.cloud.scheduler_v1.types import HttpMethod, Job

from tests.given.domain import in_phoenix
from tests.given.twin import BY_HAND, PARENT, START, a_job, ask, named, seconds, uri
from twin.scheduler import Fields
from twin.twin import Twin

JOBS = f"/v1/{PARENT}/jobs"


def create(client: CloudSchedulerClient, job: Job) -> Job:
    return client.create_job(parent=PARENT, job=job)


def update(client: CloudSchedulerClient, job: Job, *paths: str) -> Job:
    return client.update_job({"job": job, "update_mask": {"paths": paths}})


def google_error(error: pytest.ExceptionInfo[GoogleAPICallError]) -> dict[str, Any]:
    """The body's error as it came over the wire."""
    found: dict[str, Any] = error.value.response.json()["error"]
    assert found.keys() == {"code", "message", "status"}
    return found


# Create and get


def test_a_created_job_gets_the_apis_defaults(client: CloudSchedulerClient) -> None:
    job = create(client, a_job())

    assert job.time_zone == "UTC"
    assert job.description == ""
    assert job.attempt_deadline == timedelta(minutes=3)
    assert job.http_target.http_method == HttpMethod.POST
    assert job.http_target.headers == {"User-Agent": "Google-Cloud-Scheduler"}
    assert job.retry_config.retry_count == 0
    assert job.retry_config.max_retry_duration == timedelta(0)
    assert job.retry_config.min_backoff_duration == timedelta(seconds=5)
    assert job.retry_config.max_backoff_duration == timedelta(hours=1)
    assert job.retry_config.max_doublings == 5
    assert job.state == Job.State.ENABLED
    assert job.user_update_time == START


def test_a_created_job_keeps_what_was_set(client: CloudSchedulerClient) -> None:
    retry = {
        "retry_count": 5,
        "min_backoff_duration": timedelta(seconds=7.5),
        "max_backoff_duration": timedelta(minutes=2),
        "max_retry_duration": timedelta(hours=1),
        "max_doublings": 16,
    }
    target = {
        "uri": uri("returns"),
        "http_method": HttpMethod.PUT,
        "headers": {"X-Team": "data, finance"},
        "body": b"\x00bytes",
        "oidc_token": {"service_account_email": "a@b.example", "audience": "https://b.example"},
    }
    job = create(
        client,
        a_job(
            time_zone="America/Phoenix",
            description="d" * 500,
            attempt_deadline=timedelta(seconds=1800),
            retry_config=retry,
            http_target=target,
        ),
    )

    assert job == client.get_job(name=job.name)
    assert job.time_zone == "America/Phoenix"
    assert job.description == "d" * 500
    assert job.attempt_deadline == timedelta(minutes=30)
    assert {key: getattr(job.retry_config, key) for key in retry} == retry
    assert (job.http_target.uri, job.http_target.http_method, job.http_target.body) == (
        uri("returns"),
        HttpMethod.PUT,
        b"\x00bytes",
    )
    assert job.http_target.headers["X-Team"] == "data, finance"
    assert job.http_target.oidc_token.service_account_email == "a@b.example"
    assert job.http_target.oidc_token.audience == "https://b.example"


def test_a_user_agent_of_ones_own_is_replaced(client: CloudSchedulerClient) -> None:
    job = create(client, a_job(http_target={"uri": uri("returns"), "headers": {"User-Agent": "mine"}}))

    assert job.http_target.headers == {"User-Agent": "Google-Cloud-Scheduler"}


@pytest.mark.parametrize("name", ["POST", "GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_methods_go_as_numbers_and_as_names(name: str, client: CloudSchedulerClient, twin: Twin) -> None:
    # The client sends numbers.
    method = getattr(HttpMethod, name)
    by_number = create(client, a_job(http_target={"uri": uri("returns"), "http_method": method}))
    target = {"uri": uri("returns"), "httpMethod": name}
    status, _, _ = ask(
        twin.address, "POST", JOBS, {"name": named("by-name"), "schedule": "0 4 * * *", "httpTarget": target}
    )

    assert status == 200
    assert by_number.http_target.http_method == method
    assert client.get_job(name=named("by-name")).http_target.http_method == method


@pytest.mark.parametrize("sunday", ["0", "7", "SUN", "sun"])
def test_sunday_has_three_names(sunday: str, client: CloudSchedulerClient) -> None:
    job = create(client, a_job(schedule=f"0 6 * * {sunday}", time_zone="America/Phoenix"))

    assert job.schedule_time == in_phoenix("2026-10-25T06:00")


def test_the_next_run_is_in_the_jobs_zone(client: CloudSchedulerClient) -> None:
    times = {zone: create(client, a_job(zone[:3], time_zone=zone)) for zone in ("America/Phoenix", "UTC")}

    assert times["America/Phoenix"].schedule_time.isoformat() == "2026-10-20T11:30:00+00:00"
    assert times["UTC"].schedule_time.isoformat() == "2026-10-21T04:30:00+00:00"


def test_a_name_that_is_taken_is_a_conflict_and_changes_nothing(client: CloudSchedulerClient) -> None:
    before = client.get_job(name=named("v2-sync-jobs-daily"))

    with pytest.raises(Conflict) as error:
        create(client, a_job("v2-sync-jobs-daily"))

    assert google_error(error) == {
        "code": 409,
        "message": f"Job [{named('v2-sync-jobs-daily')}] already exists.",
        "status": "ALREADY_EXISTS",
    }
    assert client.get_job(name=before.name) == before


@pytest.mark.parametrize(
    "call",
    [
        lambda client, name: client.get_job(name=name),
        lambda client, name: client.delete_job(name=name),
        lambda client, name: client.pause_job(name=name),
        lambda client, name: client.resume_job(name=name),
        lambda client, name: client.run_job(name=name),
        lambda client, name: client.update_job(job=a_job(name.rpartition("/")[2])),
    ],
    ids=["get", "delete", "pause", "resume", "run", "update"],
)
def test_a_job_that_is_not_there_is_not_found(
    call: Callable[[CloudSchedulerClient, str], object], client: CloudSchedulerClient, twin: Twin
) -> None:
    with pytest.raises(NotFound) as error:
        call(client, named("nowhere"))

    assert google_error(error) == {"code": 404, "message": "Job not found.", "status": "NOT_FOUND"}
    assert twin.scheduler.take_writes() == []
    assert twin.dispatcher.attempts == []


def test_jobs_of_another_location_are_apart(client: CloudSchedulerClient) -> None:
    elsewhere = "projects/kpi-auto-471020/locations/us-west1"
    client.create_job(parent=elsewhere, job=a_job(name=f"{elsewhere}/jobs/v2-sync-jobs-daily"))

    assert [job.name for job in client.list_jobs(parent=elsewhere)] == [f"{elsewhere}/jobs/v2-sync-jobs-daily"]
    assert len(list(client.list_jobs(parent=PARENT))) == 7


# List


@pytest.mark.parametrize("size", [0, 1, 3, 7, 500])
def test_a_list_comes_in_pages_in_the_order_of_names(size: int, client: CloudSchedulerClient) -> None:
    pages = list(client.list_jobs({"parent": PARENT, "page_size": size}).pages)

    assert [job.name for page in pages for job in page.jobs] == sorted(map(named, BY_HAND))
    assert [len(page.jobs) for page in pages] == {1: [1] * 7, 3: [3, 3, 1]}.get(size, [7])
    assert [bool(page.next_page_token) for page in pages] == [True] * (len(pages) - 1) + [False]


def test_a_page_begins_where_its_token_says_whatever_was_deleted_meanwhile(client: CloudSchedulerClient) -> None:
    first = client.list_jobs({"parent": PARENT, "page_size": 3})
    client.delete_job(name=first.jobs[0].name)
    second = client.list_jobs({"parent": PARENT, "page_size": 3, "page_token": first.next_page_token})

    assert [job.name for job in second.jobs] == sorted(map(named, BY_HAND))[3:6]


def test_a_location_without_jobs_lists_none(client: CloudSchedulerClient) -> None:
    assert list(client.list_jobs(parent="projects/empty/locations/us-central1")) == []


@pytest.mark.parametrize("size", [-1, 501])
def test_a_page_size_off_the_limits_is_refused(size: int, client: CloudSchedulerClient) -> None:
    with pytest.raises(BadRequest) as error:
        client.list_jobs({"parent": PARENT, "page_size": size})

    assert google_error(error)["status"] == "INVALID_ARGUMENT"


# Update


FULL: dict[str, Any] = {
    "time_zone": "America/Phoenix",
    "description": "written down",
    "attempt_deadline": timedelta(minutes=10),
    "retry_config": {"retry_count": 2, "min_backoff_duration": seconds(60), "max_doublings": 3},
    "http_target": {"uri": uri("returns"), "http_method": HttpMethod.GET, "headers": {"X-Team": "data"}},
}


def test_an_update_without_a_mask_replaces_the_whole_object(client: CloudSchedulerClient) -> None:
    created = create(client, a_job(**FULL))
    updated = client.update_job(job=a_job(schedule="0 5 * * *"))

    # All that the update did not name is at the API's defaults again.
    fresh = create(client, a_job("fresh", schedule="0 5 * * *"))
    fresh.name = created.name
    assert updated == fresh == client.get_job(name=created.name)


def test_an_empty_mask_is_none(client: CloudSchedulerClient) -> None:
    create(client, a_job(**FULL))

    assert update(client, a_job()).description == ""


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("schedule", "0 5 * * *"),
        ("time_zone", "Europe/Berlin"),
        ("description", "another"),
        ("description", ""),
        ("attempt_deadline", timedelta(seconds=15)),
        ("retry_config.retry_count", 5),
        ("retry_config.min_backoff_duration", timedelta(seconds=6)),
        ("http_target.uri", "https://b.example/other"),
        ("http_target.http_method", HttpMethod.POST),
    ],
)
def test_an_update_with_a_mask_sets_that_field_alone(path: str, value: Any, client: CloudSchedulerClient) -> None:
    created = create(client, a_job(**FULL))
    other: dict[str, Any] = {
        "description": "not in the mask",
        "schedule": "59 23 * * *",
        "time_zone": "Asia/Tokyo",
        "attempt_deadline": timedelta(minutes=20),
        "retry_config": {"retry_count": 4, "min_backoff_duration": seconds(99), "max_doublings": 9},
        "http_target": {"uri": "https://c.example/x", "http_method": HttpMethod.PUT},
    }
    head, _, leaf = path.partition(".")
    other[head] = other[head] | {leaf: value} if leaf else value
    updated = update(client, a_job(**other), path)

    expected = Job(created)
    setattr(getattr(expected, head) if leaf else expected, leaf or head, value)
    expected.schedule_time = updated.schedule_time
    assert updated == expected
    assert client.get_job(name=created.name) == expected


def test_a_masked_field_that_is_not_sent_goes_back_to_its_default(client: CloudSchedulerClient) -> None:
    create(client, a_job(**FULL))
    updated = update(client, Job(name=named("added")), "attempt_deadline", "retry_config", "description", "time_zone")

    assert updated.attempt_deadline == timedelta(minutes=3)
    assert (updated.retry_config.retry_count, updated.retry_config.max_doublings) == (0, 5)
    assert (updated.description, updated.time_zone) == ("", "UTC")
    assert updated.http_target.uri == uri("returns")


def test_a_mask_reaches_three_levels_down(client: CloudSchedulerClient) -> None:
    target = FULL["http_target"] | {"oidc_token": {"service_account_email": "a@b.example", "audience": "https://old"}}
    create(client, a_job(http_target=target))
    new = Job(name=named("added"), http_target={"oidc_token": {"audience": "https://new"}})
    token = update(client, new, "http_target.oidc_token.audience").http_target.oidc_token

    assert (token.service_account_email, token.audience) == ("a@b.example", "https://new")


@pytest.mark.parametrize(
    "path", ["nonsense", "http_target.nonsense", "description.x", "http_target.uri.x", "name", "state", "status.code"]
)
def test_a_mask_with_a_path_that_cannot_be_set_is_refused(path: str, client: CloudSchedulerClient) -> None:
    created = create(client, a_job(**FULL))

    with pytest.raises(BadRequest) as error:
        update(client, a_job(description="new"), path, "description")

    assert google_error(error)["status"] == "INVALID_ARGUMENT"
    assert client.get_job(name=created.name) == created


def test_an_update_moves_the_next_run(client: CloudSchedulerClient) -> None:
    create(client, a_job(time_zone="America/Phoenix"))

    def moved_to(cron: str) -> Job:
        return update(client, a_job(schedule=cron), "schedule")

    assert moved_to("0 5 * * *").schedule_time == in_phoenix("2026-10-20T05:00")
    # It is 1 AM: that time has passed today.
    assert moved_to("30 0 * * *").schedule_time == in_phoenix("2026-10-21T00:30")


def test_an_update_leaves_state_and_last_attempt_alone(client: CloudSchedulerClient, twin: Twin) -> None:
    twin.advance(in_phoenix("2026-10-20T02:05"))
    paused = client.pause_job(name=named("v2-sync-jobs-daily"))
    updated = client.update_job(job=a_job("v2-sync-jobs-daily"))

    assert updated.state == Job.State.PAUSED
    assert updated.last_attempt_time == paused.last_attempt_time == in_phoenix("2026-10-20T02:00")
    assert updated.status == paused.status
    assert updated.user_update_time == in_phoenix("2026-10-20T02:05")


def test_what_is_output_only_cannot_be_set(client: CloudSchedulerClient) -> None:
    job = a_job(state=Job.State.PAUSED, status={"code": 13}, last_attempt_time=START, schedule_time=START)

    for answer in (create(client, job), client.update_job(job=job)):
        assert answer.state == Job.State.ENABLED
        assert answer.status.code == -1
        assert "last_attempt_time" not in answer
        assert answer.schedule_time > START


# Delete, pause, resume, run


def test_a_deleted_job_is_gone_and_its_name_is_free(client: CloudSchedulerClient) -> None:
    name = named("v2-sync-jobs-daily")
    client.delete_job(name=name)

    with pytest.raises(NotFound):
        client.get_job(name=name)
    with pytest.raises(NotFound):
        client.delete_job(name=name)
    assert create(client, a_job("v2-sync-jobs-daily")).status.code == -1


def test_pause_and_resume_change_the_state_and_nothing_else(client: CloudSchedulerClient) -> None:
    before = client.get_job(name=named("v2-sync-jobs-daily"))
    paused = client.pause_job(name=before.name)
    resumed = client.resume_job(name=before.name)

    assert paused.state == Job.State.PAUSED
    assert resumed == before


def test_pause_and_resume_may_be_repeated(client: CloudSchedulerClient) -> None:
    name = named("v2-sync-jobs-daily")

    assert [client.pause_job(name=name).state for _ in range(2)] == [Job.State.PAUSED] * 2
    # The google provider resumes each job that it creates.
    assert [client.resume_job(name=name).state for _ in range(2)] == [Job.State.ENABLED] * 2


def test_a_job_that_never_ran_says_so(client: CloudSchedulerClient) -> None:
    job = create(client, a_job())

    assert job.status.code == -1
    assert "last_attempt_time" not in job


def test_run_makes_an_attempt_at_once(client: CloudSchedulerClient, twin: Twin) -> None:
    create(client, a_job(http_target=FULL["http_target"]))
    answer = client.run_job(name=named("added"))
    at_work = client.get_job(name=named("added"))
    twin.advance(in_phoenix("2026-10-20T01:02"))
    done = client.get_job(name=named("added"))

    assert answer.last_attempt_time == START
    assert at_work.status.code == -1, "the outcome is not known before the attempt has ended"
    assert (done.status.code, done.last_attempt_time) == (0, START)
    assert twin.warehouse.count("returns") == len(twin.ingestor.read["returns"]) > 0


def test_a_paused_job_runs_when_it_is_told_to_and_stays_paused(client: CloudSchedulerClient, twin: Twin) -> None:
    client.pause_job(name=named("v2-sync-jobs-daily"))
    client.run_job(name=named("v2-sync-jobs-daily"))
    twin.advance(in_phoenix("2026-10-21T01:00"))

    assert [a.started for a in twin.dispatcher.attempts if a.job == "v2-sync-jobs-daily"] == [START]
    assert client.get_job(name=named("v2-sync-jobs-daily")).state == Job.State.PAUSED


def test_a_failed_attempt_has_a_time_and_a_status(client: CloudSchedulerClient, twin: Twin) -> None:
    client.update_job(
        job=a_job("v2-sync-jobs-daily", http_target={"uri": uri("nowhere"), "http_method": HttpMethod.GET})
    )
    client.run_job(name=named("v2-sync-jobs-daily"))
    twin.advance(in_phoenix("2026-10-20T01:01"))
    job = client.get_job(name=named("v2-sync-jobs-daily"))

    assert (job.last_attempt_time, job.status.code) == (START, 5)


# What is refused

REFUSED: dict[str, dict[str, Any]] = {
    "no schedule": {"schedule": ""},
    "4 cron fields": {"schedule": "0 4 * *"},
    "6 cron fields": {"schedule": "0 0 4 * * *"},
    "a cron alias": {"schedule": "@daily"},
    "minute 60": {"schedule": "60 4 * * *"},
    "hour 24": {"schedule": "0 24 * * *"},
    "weekday 8": {"schedule": "0 4 * * 8"},
    "a day that never comes": {"schedule": "0 0 30 2 *"},
    "words for a cron": {"schedule": "a b c d e"},
    "an unknown zone": {"time_zone": "America/Phoenixx"},
    "a zone that is a path": {"time_zone": "../UTC"},
    "the machine's own zone": {"time_zone": "localtime"},
    "no target": {"http_target": None},
    "no URL": {"http_target": {"uri": ""}},
    "a URL without a scheme": {"http_target": {"uri": "b.example/ingest"}},
    "ftp": {"http_target": {"uri": "ftp://b.example/ingest"}},
    "a scheme in capitals": {"http_target": {"uri": "HTTPS//b.example"}},
    "a URL without a host": {"http_target": {"uri": "https:///ingest"}},
    "a URL with a space": {"http_target": {"uri": "https://b.example/in gest"}},
    "a URL with a new line": {"http_target": {"uri": "https://b.example/ingest\n"}},
    "a URL of 2084 characters": {"http_target": {"uri": "https://b.example/".ljust(2084, "x")}},
    "a deadline under 15 s": {"attempt_deadline": timedelta(seconds=14.999)},
    "a deadline over 1800 s": {"attempt_deadline": timedelta(seconds=1800.001)},
    "6 retries": {"retry_config": {"retry_count": 6}},
    "-1 retries": {"retry_config": {"retry_count": -1}},
    "17 doublings": {"retry_config": {"max_doublings": 17}},
    "-1 doublings": {"retry_config": {"max_doublings": -1}},
    "the least backoff over the most": {
        "retry_config": {"min_backoff_duration": seconds(61), "max_backoff_duration": seconds(60)}
    },
    "the least backoff over the default most": {"retry_config": {"min_backoff_duration": seconds(3601)}},
    "a negative backoff": {"retry_config": {"min_backoff_duration": seconds(-5)}},
    "a description of 501 characters": {"description": "d" * 501},
    "a body with GET": {"http_target": {"uri": uri("returns"), "http_method": HttpMethod.GET, "body": b"x"}},
    "a body with DELETE": {"http_target": {"uri": uri("returns"), "http_method": HttpMethod.DELETE, "body": b"x"}},
    "a Pub/Sub target": {"http_target": None, "pubsub_target": {"topic_name": "projects/p/topics/t"}},
    "an App Engine target": {"http_target": None, "app_engine_http_target": {"relative_uri": "/"}},
}


@pytest.mark.parametrize("fields", REFUSED.values(), ids=REFUSED.keys())
def test_a_bad_job_is_neither_created_nor_taken_as_an_update(
    fields: dict[str, Any], client: CloudSchedulerClient, twin: Twin
) -> None:
    live = client.get_job(name=named("v2-sync-jobs-daily"))

    with pytest.raises(BadRequest) as on_create:
        create(client, a_job(**fields))
    with pytest.raises(BadRequest) as on_update:
        client.update_job(job=a_job("v2-sync-jobs-daily", **fields))

    for error in (on_create, on_update):
        assert google_error(error)["status"] == "INVALID_ARGUMENT"
        assert google_error(error)["code"] == 400
        assert google_error(error)["message"]
    assert client.get_job(name=live.name) == live
    assert len(list(client.list_jobs(parent=PARENT))) == 7
    assert twin.scheduler.take_writes() == []


@pytest.mark.parametrize(
    "fields",
    [
        {"attempt_deadline": timedelta(seconds=15)},
        {"attempt_deadline": timedelta(seconds=1800)},
        {"retry_config": {"retry_count": 5, "max_doublings": 16}},
        {"retry_config": {"min_backoff_duration": seconds(60), "max_backoff_duration": seconds(60)}},
        {"description": "d" * 500},
        {"http_target": {"uri": "https://b.example/".ljust(2083, "x")}},
        {"http_target": {"uri": "http://b.example"}},
        {"http_target": {"uri": uri("returns"), "http_method": HttpMethod.PATCH, "body": b"x"}},
        {"name": named("A_z-0" * 100)},
    ],
    ids=lambda fields: str(fields)[:60],
)
def test_what_is_just_allowed_is_taken(fields: dict[str, Any], client: CloudSchedulerClient) -> None:
    name = create(client, a_job(**fields)).name

    assert client.get_job(name=name).name == name


@pytest.mark.parametrize(
    "name",
    [
        named("with space"),
        named("with.dot"),
        named("with/slash"),
        named("ünïcode"),
        named("new-line\n"),
        named(""),
        named("x" * 501),
        "short",
        "",
        "projects/another/locations/us-central1/jobs/added",
        "projects/kpi-auto-471020/locations/us-west1/jobs/added",
        "projects/kpi-auto-471020/locations/us-central1xjobs/added",
    ],
)
def test_a_bad_name_or_one_of_another_parent_is_refused(name: str, client: CloudSchedulerClient) -> None:
    with pytest.raises(BadRequest) as error:
        create(client, a_job(name=name))

    assert google_error(error)["status"] == "INVALID_ARGUMENT"


def test_a_dot_in_a_project_is_a_dot(client: CloudSchedulerClient) -> None:
    parent = "projects/example.com:data/locations/us-central1"
    with pytest.raises(BadRequest):
        client.create_job(parent=parent, job=a_job(name="projects/exampleXcom:data/locations/us-central1/jobs/added"))

    assert client.create_job(parent=parent, job=a_job(name=f"{parent}/jobs/added")).name == f"{parent}/jobs/added"


def test_what_is_handed_out_is_a_copy(twin: Twin) -> None:
    name = named("v2-sync-jobs-daily")
    for answer in (twin.scheduler.get(name), twin.scheduler.pause(name), twin.scheduler.page(PARENT, 0, "")["jobs"][0]):
        answer["httpTarget"]["uri"] = "https://changed.example/"

    assert "changed" not in json.dumps(twin.scheduler.jobs)


TARGET = {"uri": "https://b.example/", "httpMethod": "GET"}
BAD_JSON: dict[str, bytes | Fields] = {
    "not JSON": b"{",
    "not UTF-8": b'{"description": "\xff"}',
    "a list": b"[]",
    "a word": b'"job"',
    "null": b"null",
    "a number for a schedule": {"schedule": 4},
    "a number for a description": {"description": 4},
    "a list for a zone": {"timeZone": ["UTC"]},
    "a list for a target": {"httpTarget": []},
    "a word for a retry_config": {"retryConfig": "none"},
    "a word for retries": {"retryConfig": {"retryCount": "many"}},
    "true for retries": {"retryConfig": {"retryCount": True}},
    "a number for a URL": {"httpTarget": {"uri": 4}},
    "a number for a header": {"httpTarget": TARGET | {"headers": {"X": 4}}},
    "a list for headers": {"httpTarget": TARGET | {"headers": ["X"]}},
    "an unknown method": {"httpTarget": TARGET | {"httpMethod": "TRACE"}},
    "a method's number off the list": {"httpTarget": TARGET | {"httpMethod": 8}},
    "a negative method": {"httpTarget": TARGET | {"httpMethod": -1}},
    "a deadline without its unit": {"attemptDeadline": "180"},
    "a deadline in minutes": {"attemptDeadline": "3m"},
    "a number for a deadline": {"attemptDeadline": 180},
    "an unknown field": {"scheduel": "0 4 * * *"},
    "an unknown field in the target": {"httpTarget": TARGET | {"url": "https://b.example/"}},
}


@pytest.mark.parametrize("content", BAD_JSON.values(), ids=BAD_JSON.keys())
@pytest.mark.parametrize(
    ("method", "path"), [("POST", JOBS), ("PATCH", f"{JOBS}/v2-sync-jobs-daily")], ids=["create", "update"]
)
def test_bad_json_is_refused_in_googles_form(content: bytes | Fields, method: str, path: str, twin: Twin) -> None:
    if isinstance(content, dict):
        content = {"name": named("added"), "schedule": "0 4 * * *", "httpTarget": TARGET} | content
    status, headers, answer = ask(twin.address, method, path, content)

    error = json.loads(answer)["error"]
    assert (status, error["code"], error["status"]) == (400, 400, "INVALID_ARGUMENT")
    assert headers["Content-Type"].startswith("application/json")
    assert twin.scheduler.take_writes() == []


def test_null_counts_as_not_set(twin: Twin) -> None:
    body = {"name": named("added"), "schedule": "0 4 * * *", "httpTarget": TARGET, "description": None}
    status, _, answer = ask(twin.address, "POST", JOBS, body | {"retryConfig": None, "timeZone": None})

    assert (status, json.loads(answer)["timeZone"]) == (200, "UTC")


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("GET", "/", 404),
        ("GET", "/v1/projects/p/jobs", 404),
        ("POST", f"{JOBS}/v2-sync-jobs-daily:start", 405),
        ("PUT", f"{JOBS}/v2-sync-jobs-daily", 405),
        ("DELETE", JOBS, 405),
    ],
)
def test_a_route_that_the_api_does_not_have_is_an_error_in_json(method: str, path: str, code: int, twin: Twin) -> None:
    status, _, answer = ask(twin.address, method, path)

    assert (status, json.loads(answer)["error"]["code"]) == (code, code)
    assert twin.scheduler.take_writes() == []


def test_accepted_writes_are_on_record_once_in_order_of_names(client: CloudSchedulerClient, twin: Twin) -> None:
    create(client, a_job())
    client.resume_job(name=named("added"))
    client.update_job(job=a_job("v2-sync-jobs-daily"))
    client.delete_job(name=named("added"))
    client.get_job(name=named("v2-sync-jobs-daily"))

    assert twin.scheduler.take_writes() == [
        ("create", "added"),
        ("delete", "added"),
        ("patch", "v2-sync-jobs-daily"),
        ("resume", "added"),
    ]
    assert twin.scheduler.take_writes() == []
