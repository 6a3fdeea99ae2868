"""What the twin holds before the rollout: seven jobs made by hand, and what they have loaded."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, timedelta

import pytest
from google.cloud.scheduler_v1.types import HttpMethod, Job

from ingest.catalogue import CATALOGUE
from ingest.settings import Settings
from operations.cloud.credentials import local_scheduler_client
from tests.given.domain import PHOENIX, SETTINGS, in_phoenix
from tests.given.found import GCLOUD_JOB
from tests.given.twin import BY_HAND, PARENT, START, named, uri
from twin.seeds import last_run, made_by_hand, neighbours
from twin.twin import HISTORY, LOGGED_DAYS, Twin, running

ENTITIES = {job: job.removeprefix("v2-sync-").removesuffix("-daily") for job in BY_HAND}


def live_jobs(twin: Twin) -> dict[str, Job]:
    jobs = local_scheduler_client(twin.address).list_jobs(parent=PARENT)
    return {job.name.rpartition("/")[2]: job for job in jobs}


def test_seven_jobs_are_live_as_gcloud_made_them(twin: Twin) -> None:
    found = live_jobs(twin)

    assert {name: job.schedule for name, job in found.items()} == BY_HAND
    for name, job in found.items():
        assert job.name == named(name)
        assert job.time_zone == PHOENIX
        assert job.http_target.uri == uri(ENTITIES[name])
        assert job.http_target.http_method == HttpMethod.GET
        assert "oidc_token" not in job.http_target
        assert job.description == ""
        assert job.attempt_deadline == timedelta(minutes=3)
        assert (job.retry_config.retry_count, job.retry_config.max_doublings) == (0, 16)
        assert job.state == Job.State.ENABLED


@pytest.mark.parametrize(
    ("now", "yesterdays"),
    [
        ("2026-10-20T01:00", set(BY_HAND)),
        ("2026-10-20T02:00", set(BY_HAND) - {"v2-sync-jobs-daily"}),
        ("2026-10-20T02:44", {"v2-sync-payments-daily", "v2-sync-payroll-daily", "v2-sync-customers-daily"}),
        ("2026-10-20T21:00", set()),
    ],
)
def test_each_ran_well_at_its_last_time_and_its_table_is_loaded_until_then(now: str, yesterdays: set[str]) -> None:
    moment = in_phoenix(now)
    with running(SETTINGS, moment) as twin:
        for name, job in live_jobs(twin).items():
            minute, hour, *_ = map(int, BY_HAND[name].split()[:2])
            ran = in_phoenix(f"2026-10-{19 if name in yesterdays else 20}T{hour:02}:{minute:02}")
            assert (job.last_attempt_time, job.status.code) == (ran, 0)
            assert job.schedule_time == ran + timedelta(days=1)
            entity = ENTITIES[name]
            assert twin.warehouse.max_loaded_at(entity) == ran
            records = len(twin.ingestor.upstream.records(entity, ran))
            assert twin.warehouse.rows(entity) == twin.warehouse.count(entity) == records > 0


def test_entities_without_a_job_have_no_table_and_no_run_in_the_log(twin: Twin) -> None:
    without = [entity.name for entity in CATALOGUE if entity.name not in ENTITIES.values()]

    assert len(without) == 9
    assert [twin.warehouse.max_loaded_at(entity) for entity in without] == [None] * 9
    assert not [entity for entity in without if twin.warehouse.has(entity)]
    logged = twin.warehouse.execute("SELECT DISTINCT entity_type FROM st_logs_v2.ingestion_logs").fetchall()
    assert {entity for (entity,) in logged} == {*ENTITIES.values()}


def test_the_run_log_has_a_week_of_good_runs_of_each_and_nothing_of_the_future(twin: Twin) -> None:
    query = "SELECT entity_type, count(*), min(start_time), max(end_time) FROM st_logs_v2.ingestion_logs GROUP BY 1"

    for entity, count, first, last in twin.warehouse.execute(query).fetchall():
        assert count == LOGGED_DAYS, entity
        assert START - timedelta(days=LOGGED_DAYS + 1) < first.replace(tzinfo=UTC) <= last.replace(tzinfo=UTC) <= START


def test_the_neighbours_call_the_same_service_and_bear_no_name_of_the_catalogue() -> None:
    found = neighbours(SETTINGS)

    assert len(found) == 7
    assert not {job["name"] for job in found} & {named(entity.job_name) for entity in CATALOGUE}
    with running(SETTINGS, START) as twin:
        for job in found:
            twin.scheduler.create(PARENT, job)
        twin.advance(START + timedelta(days=1))
        codes = {a.job: a.code for a in twin.dispatcher.attempts if "intraday" in a.job or "rebuild" in a.job}
    # The service rebuilds dim_jobs and answers 500.
    assert codes.pop("v2-rebuild-dim-jobs-daily") == 13
    assert len(codes) == 5
    assert set(codes.values()) == {0}


def test_the_next_run_goes_on_where_the_seeds_ended(twin: Twin) -> None:
    twin.advance(in_phoenix("2026-10-20T02:05"))

    records = len(twin.ingestor.upstream.records("jobs", in_phoenix("2026-10-20T02:00")))
    assert twin.warehouse.rows("jobs") == twin.warehouse.count("jobs") == records


def test_the_source_has_a_month_of_history(twin: Twin) -> None:
    assert not twin.ingestor.upstream.records("jobs", START - HISTORY)
    assert twin.ingestor.upstream.records("jobs", START - HISTORY + timedelta(days=2))


def test_seeding_leaves_no_writes_and_no_attempts_on_record(twin: Twin) -> None:
    assert twin.scheduler.take_writes() == []
    assert twin.dispatcher.attempts == []


def test_a_project_without_live_jobs_has_none_and_empty_tables() -> None:
    with running(replace(SETTINGS, adopt_existing=False), START) as twin:
        assert live_jobs(twin) == {}
        assert not [entity.name for entity in CATALOGUE if twin.warehouse.rows(entity.name)]


def test_the_settings_say_where_the_jobs_live_and_what_they_call() -> None:
    elsewhere = replace(
        SETTINGS,
        project="another-one",
        region="us-west1",
        time_zone="UTC",
        base_url="https://b.example",
        dataset="other",
    )
    with running(elsewhere, START) as twin:
        jobs = list(local_scheduler_client(twin.address).list_jobs(parent="projects/another-one/locations/us-west1"))
        assert len(jobs) == 7
        assert {job.time_zone for job in jobs} == {"UTC"}
        assert all(job.http_target.uri.startswith("https://b.example/ingest/") for job in jobs)

        twin.advance(START + timedelta(days=1))
        assert len(twin.dispatcher.attempts) == 7
        assert all(attempt.ok for attempt in twin.dispatcher.attempts)


def test_an_entity_without_a_live_job_was_not_made_by_hand() -> None:
    returns = next(entity for entity in CATALOGUE if entity.name == "returns")

    with pytest.raises(ValueError, match="returns has no live job"):
        made_by_hand(returns, SETTINGS)


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-10-20T02:00", "2026-10-20T02:00"),
        ("2026-10-20T01:59", "2026-10-19T02:00"),
        ("2026-10-20T23:59", "2026-10-20T02:00"),
        ("2026-11-01T00:00", "2026-10-31T02:00"),
    ],
)
def test_the_last_run_may_be_this_very_moment(moment: str, expected: str) -> None:
    jobs = CATALOGUE[0].live

    assert jobs
    assert last_run(jobs, in_phoenix(moment), PHOENIX) == in_phoenix(expected)


AS_FOUND = replace(GCLOUD_JOB, oidc_service_account_email="calls@b.example")


def found_with_tokens(names: Iterable[str]) -> Settings:
    return replace(SETTINGS, found=dict.fromkeys(names, AS_FOUND))


def test_where_all_live_jobs_send_a_token_the_service_lets_nobody_in_without_one() -> None:
    with running(found_with_tokens(ENTITIES.values()), START) as twin:
        target = {"uri": uri("returns"), "httpMethod": "GET"}
        twin.scheduler.create(PARENT, {"name": named("added"), "schedule": "0 9 * * *", "httpTarget": target})
        twin.advance(START + timedelta(days=1))

        codes = {attempt.job: attempt.code for attempt in twin.dispatcher.attempts}
        assert codes == {**dict.fromkeys(BY_HAND, 0), "added": 7}


def test_where_one_of_them_sends_none_the_service_is_open() -> None:
    with running(found_with_tokens(name for name in ENTITIES.values() if name != "jobs"), START) as twin:
        assert twin.identity.is_open
