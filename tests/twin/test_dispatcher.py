"""Time, runs, retries and deadlines: each moment is exact, because time moves only by advance()."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import count, cycle, pairwise

import pytest
from google.cloud.scheduler_v1 import CloudSchedulerClient
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.given.domain import in_phoenix
from tests.given.twin import GET, PARENT, PHOENIX, START, at, attempts, given_job, named, seconds, uri
from twin.clock import Clock
from twin.dispatcher import Answer, Attempt, Dispatcher, backoff
from twin.scheduler import Fields, Scheduler
from twin.service import Behaviour
from twin.twin import Twin

MINUTE = timedelta(minutes=1)


# Time and schedules


def test_time_stands_still_until_it_is_advanced(twin: Twin, client: CloudSchedulerClient) -> None:
    given_job(client, "* * * * *")
    client.run_job(name=named("v2-sync-jobs-daily"))

    assert twin.clock.now == START
    assert twin.dispatcher.attempts == []
    assert client.get_job(name=named("added")).schedule_time == at("01:01")


def test_the_seven_jobs_run_at_their_local_times_in_order(twin: Twin) -> None:
    twin.advance(at("01:00", 21))

    assert [(a.job, a.started.astimezone(PHOENIX).strftime("%d %H:%M:%S")) for a in twin.dispatcher.attempts] == [
        ("v2-sync-jobs-daily", "20 02:00:00"),
        ("v2-sync-appointments-daily", "20 02:10:00"),
        ("v2-sync-invoices-daily", "20 02:15:00"),
        ("v2-sync-estimates-daily", "20 02:30:00"),
        ("v2-sync-payments-daily", "20 02:45:00"),
        ("v2-sync-payroll-daily", "20 03:00:00"),
        ("v2-sync-customers-daily", "20 03:15:00"),
    ]
    assert all(attempt.ok for attempt in twin.dispatcher.attempts)
    assert twin.dispatcher.attempts[0].started.astimezone(UTC).hour == 9


def test_what_is_due_at_the_moment_itself_has_begun(twin: Twin, client: CloudSchedulerClient) -> None:
    twin.advance(at("01:59:59"))
    assert client.get_job(name=named("v2-sync-jobs-daily")).last_attempt_time == at("02:00", 19)

    twin.advance(at("02:00"))
    assert client.get_job(name=named("v2-sync-jobs-daily")).last_attempt_time == at("02:00")
    twin.advance(at("02:00"))
    twin.advance(at("02:05"))
    assert attempts(twin, "v2-sync-jobs-daily") == [("Tue 02:00:00", 0, 0)]


def test_small_steps_and_a_great_one_come_to_the_same(twin: Twin, client: CloudSchedulerClient) -> None:
    given_job(client, "*/7 * * * *", retry_config={"retry_count": 3, "min_backoff_duration": seconds(11)})
    twin.dispatcher.send = lambda job: Answer(500, seconds(50))
    for minute in range(1, 121):
        twin.advance(START + timedelta(minutes=minute))
    stepwise = list(twin.dispatcher.attempts)

    for name in [job.name for job in client.list_jobs(parent=PARENT)]:
        client.delete_job(name=name)
    twin.advance(at("01:00", 21))
    twin.dispatcher.attempts.clear()
    given_job(client, "*/7 * * * *", retry_config={"retry_count": 3, "min_backoff_duration": seconds(11)})
    twin.advance(at("03:00", 21))

    ours = [a for a in stepwise if a.job == "added"]
    assert len(ours) > 30
    day = timedelta(days=1)
    assert [(a.started + day, a.ended + day, a.number) for a in ours] == [
        (a.started, a.ended, a.number) for a in twin.dispatcher.attempts
    ]


def test_a_weekly_job_runs_on_its_weekday_alone(twin: Twin, client: CloudSchedulerClient) -> None:
    given_job(client, "0 6 * * 0")
    twin.advance(in_phoenix("2026-11-09T00:00"))

    days = [a.started.astimezone(PHOENIX) for a in twin.dispatcher.attempts if a.job == "added"]
    assert [f"{day:%a %m-%d %H:%M}" for day in days] == ["Sun 10-25 06:00", "Sun 11-01 06:00", "Sun 11-08 06:00"]


def test_a_job_of_another_zone_runs_by_that_zones_clock(twin: Twin, client: CloudSchedulerClient) -> None:
    given_job(client, "30 4 * * 0", time_zone="America/New_York")
    twin.advance(in_phoenix("2026-11-09T00:00"))

    # New York sets its clocks back on 1 November, at two in the night.
    assert [start for start, _, _ in attempts(twin)] == ["Sun 01:30:00", "Sun 02:30:00", "Sun 02:30:00"]


def test_a_paused_job_does_not_run_and_a_resumed_one_does(twin: Twin, client: CloudSchedulerClient) -> None:
    name = named("v2-sync-jobs-daily")
    client.pause_job(name=name)
    twin.advance(at("12:00", 21))
    assert attempts(twin, "v2-sync-jobs-daily") == []

    # What was missed meanwhile is not made up for.
    assert client.resume_job(name=name).schedule_time == at("02:00", 22)
    twin.advance(at("12:00", 22))
    assert attempts(twin, "v2-sync-jobs-daily") == [("Thu 02:00:00", 0, 0)]


def test_a_job_whose_schedule_was_moved_runs_at_the_new_time_only(twin: Twin, client: CloudSchedulerClient) -> None:
    job = client.get_job(name=named("v2-sync-jobs-daily"))
    job.schedule = "0 4 * * *"
    client.update_job(job=job)
    twin.advance(at("12:00", 21))

    assert attempts(twin, "v2-sync-jobs-daily") == [("Tue 04:00:00", 0, 0), ("Wed 04:00:00", 0, 0)]


def test_moved_between_its_two_times_a_job_runs_twice_or_not_at_all(twin: Twin, client: CloudSchedulerClient) -> None:
    later, earlier = client.get_job(name=named("v2-sync-jobs-daily")), client.get_job(name=named("v2-sync-jobs-daily"))
    later.schedule, earlier.schedule = "0 4 * * *", "0 2 * * *"
    twin.advance(at("03:00"))
    client.update_job(job=later)
    twin.advance(at("03:00", 21))
    client.update_job(job=earlier)
    twin.advance(at("23:00", 21))

    assert attempts(twin, "v2-sync-jobs-daily") == [("Tue 02:00:00", 0, 0), ("Tue 04:00:00", 0, 0)]


# Attempts and retries


def test_retries_come_at_the_declared_moments(twin: Twin, client: CloudSchedulerClient) -> None:
    retry = {
        "retry_count": 5,
        "min_backoff_duration": seconds(60),
        "max_backoff_duration": seconds(400),
        "max_doublings": 1,
    }
    given_job(client, "0 4 * * *", retry_config=retry)
    twin.ingestor.behaviours["returns"] = Behaviour(500, seconds(5))
    twin.advance(at("12:00"))

    # Each pause counts from the end of the attempt before: 60, 120, 240, 360 and, at the most, 400 s.
    assert attempts(twin) == [
        ("Tue 04:00:00", 0, 13),
        ("Tue 04:01:05", 1, 13),
        ("Tue 04:03:10", 2, 13),
        ("Tue 04:07:15", 3, 13),
        ("Tue 04:13:20", 4, 13),
        ("Tue 04:20:05", 5, 13),
    ]
    job = client.get_job(name=named("added"))
    assert (job.status.code, job.last_attempt_time, job.schedule_time) == (13, at("04:20:05"), at("04:00", 21))


def test_a_retry_that_succeeds_is_the_last(twin: Twin, client: CloudSchedulerClient) -> None:
    given_job(client, "0 4 * * *", retry_config={"retry_count": 5, "min_backoff_duration": seconds(60)})
    twin.ingestor.behaviours["returns"] = Behaviour(503, seconds(0))
    twin.advance(at("04:00:30"))
    assert client.get_job(name=named("added")).status.code == 13
    assert twin.warehouse.max_loaded_at("returns") is None

    twin.ingestor.behaviours.clear()
    twin.advance(at("12:00"))
    assert attempts(twin) == [("Tue 04:00:00", 0, 13), ("Tue 04:01:00", 1, 0)]
    assert client.get_job(name=named("added")).status.code == 0
    assert twin.warehouse.max_loaded_at("returns") == at("04:02:14")


def test_without_retries_a_failure_waits_for_the_next_run(twin: Twin) -> None:
    twin.ingestor.behaviours["jobs"] = Behaviour(500, seconds(5))
    twin.advance(at("12:00", 21))

    assert attempts(twin, "v2-sync-jobs-daily") == [("Tue 02:00:00", 0, 13), ("Wed 02:00:00", 0, 13)]


@pytest.mark.parametrize(
    ("http_status", "code"),
    [(200, 0), (204, 0), (401, 16), (403, 7), (404, 5), (429, 8), (500, 13), (503, 14), (400, 3), (302, 3)],
)
def test_an_answer_becomes_a_code(http_status: int, code: int, twin: Twin, client: CloudSchedulerClient) -> None:
    twin.dispatcher.send = lambda job: Answer(http_status, seconds(3))
    twin.advance(at("02:01"))

    assert attempts(twin, "v2-sync-jobs-daily") == [("Tue 02:00:00", 0, code)]
    assert client.get_job(name=named("v2-sync-jobs-daily")).status.code == code


def test_a_deadline_cuts_the_attempt_off_but_not_the_service(twin: Twin, client: CloudSchedulerClient) -> None:
    given_job(client, "0 4 * * *", attempt_deadline=timedelta(minutes=30))
    twin.ingestor.behaviours["returns"] = Behaviour(duration=timedelta(minutes=40))
    twin.advance(at("04:29:59"))
    assert client.get_job(name=named("added")).status.code == -1

    twin.advance(at("04:30"))
    assert client.get_job(name=named("added")).status.code == 4
    assert [(a.ended - a.started, a.code) for a in twin.dispatcher.attempts if a.job == "added"] == [
        (timedelta(minutes=30), 4)
    ]
    twin.advance(at("04:39:59"))
    assert twin.warehouse.rows("returns") == 0

    twin.advance(at("04:40"))
    assert twin.warehouse.rows("returns") == len(twin.ingestor.read["returns"]) > 0
    assert twin.warehouse.max_loaded_at("returns") == at("04:39:59")
    assert client.get_job(name=named("added")).status.code == 4


def test_an_answer_at_the_deadline_is_in_time(twin: Twin, client: CloudSchedulerClient) -> None:
    given_job(client, "0 4 * * *", attempt_deadline=seconds(180))
    twin.ingestor.behaviours["returns"] = Behaviour(duration=seconds(180))
    twin.advance(at("12:00"))

    assert attempts(twin) == [("Tue 04:00:00", 0, 0)]


def test_a_retry_after_a_deadline_overlaps_the_service_and_loads_each_record_once(
    twin: Twin, client: CloudSchedulerClient
) -> None:
    retry = {"retry_count": 2, "min_backoff_duration": seconds(60)}
    given_job(client, "0 4 * * *", attempt_deadline=timedelta(minutes=3), retry_config=retry)
    twin.ingestor.behaviours["returns"] = Behaviour(duration=timedelta(minutes=20))
    twin.advance(at("12:00"))

    assert attempts(twin) == [("Tue 04:00:00", 0, 4), ("Tue 04:04:00", 1, 4), ("Tue 04:09:00", 2, 4)]
    assert twin.warehouse.rows("returns") == twin.warehouse.count("returns")
    assert twin.warehouse.lacks("returns", twin.ingestor.read["returns"]) == 0


def test_a_run_that_is_due_while_an_attempt_is_at_work_begins_at_its_end(
    twin: Twin, client: CloudSchedulerClient
) -> None:
    given_job(client, "*/10 4 * * *", attempt_deadline=timedelta(minutes=30))
    twin.ingestor.behaviours["returns"] = Behaviour(duration=timedelta(minutes=25))
    twin.advance(at("12:00"))

    # Two that are due meanwhile become one: 04:10 and 04:20; 04:30 and 04:40; 04:50.
    assert attempts(twin) == [("Tue 04:00:00", 0, 0), ("Tue 04:25:00", 0, 0), ("Tue 04:50:00", 0, 0)]


def test_retries_end_when_the_next_run_is_due(twin: Twin, client: CloudSchedulerClient) -> None:
    retry = {"retry_count": 5, "min_backoff_duration": seconds(480)}
    given_job(client, "0,10,20 4 * * *", retry_config=retry)
    twin.ingestor.behaviours["returns"] = Behaviour(500, seconds(5))
    twin.advance(at("04:25"))

    assert attempts(twin) == [
        ("Tue 04:00:00", 0, 13),
        ("Tue 04:08:05", 1, 13),
        ("Tue 04:10:00", 0, 13),
        ("Tue 04:18:05", 1, 13),
        ("Tue 04:20:00", 0, 13),
    ]


def test_a_retry_due_with_the_next_run_gives_way_to_it(twin: Twin, client: CloudSchedulerClient) -> None:
    given_job(client, "0,10 4 * * *", retry_config={"retry_count": 1, "min_backoff_duration": seconds(600)})
    twin.ingestor.behaviours["returns"] = Behaviour(500, seconds(0))
    twin.advance(at("05:00"))

    assert attempts(twin) == [("Tue 04:00:00", 0, 13), ("Tue 04:10:00", 0, 13), ("Tue 04:20:00", 1, 13)]


def test_a_run_by_hand_waits_for_the_attempt_at_work(twin: Twin, client: CloudSchedulerClient) -> None:
    client.run_job(name=named("v2-sync-jobs-daily"))
    client.run_job(name=named("v2-sync-jobs-daily"))
    twin.advance(at("01:30"))

    assert attempts(twin, "v2-sync-jobs-daily") == [("Tue 01:00:00", 0, 0), ("Tue 01:01:15", 0, 0)]


def test_a_delayed_run_of_a_job_that_was_paused_is_dropped(twin: Twin, client: CloudSchedulerClient) -> None:
    given_job(client, "0,1 4 * * *")
    twin.advance(at("04:01:10"))
    client.pause_job(name=named("added"))
    twin.advance(at("12:00"))

    assert attempts(twin) == [("Tue 04:00:00", 0, 0)]


def test_a_pause_does_not_end_the_retries_of_a_run(twin: Twin, client: CloudSchedulerClient) -> None:
    given_job(client, "0 4 * * *", retry_config={"retry_count": 1, "min_backoff_duration": seconds(60)})
    twin.ingestor.behaviours["returns"] = Behaviour(500, seconds(5))
    twin.advance(at("04:00:30"))
    client.pause_job(name=named("added"))
    twin.advance(at("12:00", 21))

    assert attempts(twin) == [("Tue 04:00:00", 0, 13), ("Tue 04:01:05", 1, 13)]


@pytest.mark.parametrize("moment", ["04:00:02", "04:00:30"], ids=["at work", "between retries"])
def test_a_job_that_is_deleted_in_a_run_ends_quietly(moment: str, twin: Twin, client: CloudSchedulerClient) -> None:
    given_job(client, "0 4 * * *", retry_config={"retry_count": 5, "min_backoff_duration": seconds(60)})
    twin.ingestor.behaviours["returns"] = Behaviour(500, seconds(5))
    twin.advance(at(moment))
    client.delete_job(name=named("added"))
    twin.advance(at("12:00", 21))

    assert attempts(twin) == [("Tue 04:00:00", 0, 13)]


def test_a_job_that_is_deleted_with_a_run_delayed_ends_quietly(twin: Twin, client: CloudSchedulerClient) -> None:
    given_job(client, "0,1 4 * * *")
    twin.advance(at("04:01:10"))
    client.delete_job(name=named("added"))
    twin.advance(at("12:00", 21))

    assert attempts(twin) == [("Tue 04:00:00", 0, 0)]


def test_a_retry_takes_the_target_that_is_declared_by_then(twin: Twin, client: CloudSchedulerClient) -> None:
    retry = {"retry_count": 1, "min_backoff_duration": seconds(60)}
    given_job(client, "0 4 * * *", retry_config=retry, http_target={"uri": uri("nowhere"), **GET})
    twin.advance(at("04:00:30"))
    job = client.get_job(name=named("added"))
    job.http_target.uri = uri("returns")
    client.update_job(job=job)
    twin.advance(at("12:00"))

    assert attempts(twin) == [("Tue 04:00:00", 0, 5), ("Tue 04:01:00", 1, 0)]


# The pause between attempts


def documented_pauses(least: float, most: float, doublings: int) -> list[float]:
    """As RetryConfig in google/cloud/scheduler/v1/job.proto tells it.

    "A job's retry interval starts at min_backoff_duration, then doubles max_doublings times, then increases
    linearly, and finally retries at intervals of max_backoff_duration".
    """
    pauses = [least]
    for _ in range(doublings):
        pauses.append(pauses[-1] * 2)
    step = pauses[-1]
    for _ in range(10):
        pauses.append(pauses[-1] + step)
    return [min(pause, most) for pause in pauses]


def pauses(least: float, most: float, doublings: int, number: int) -> list[float]:
    retry = {"minBackoffDuration": f"{least}s", "maxBackoffDuration": f"{most}s", "maxDoublings": doublings}
    return [backoff(retry, attempt).total_seconds() for attempt in range(number)]


@pytest.mark.parametrize(
    ("least", "most", "doublings", "expected"),
    [
        # The first is the example of the proto itself.
        (10, 300, 3, [10, 20, 40, 80, 160, 240, 300, 300]),
        (5, 3600, 5, [5, 10, 20, 40, 80, 160, 320, 480]),
        (5, 3600, 16, [5, 10, 20, 40, 80, 160, 320, 640]),
        (60, 600, 5, [60, 120, 240, 480, 600, 600, 600, 600]),
        (10, 3600, 0, [10, 20, 30, 40, 50, 60, 70, 80]),
        (30, 30, 5, [30] * 8),
    ],
)
def test_the_pauses_are_the_documented_ones(least: int, most: int, doublings: int, expected: list[float]) -> None:
    assert pauses(least, most, doublings, 8) == expected
    assert documented_pauses(least, most, doublings)[:8] == expected


@settings(deadline=None)
@given(least=st.integers(1, 3600), more=st.integers(0, 3600), doublings=st.integers(0, 16))
def test_any_pauses_are_as_documented(least: int, more: int, doublings: int) -> None:
    assert pauses(least, least + more, doublings, 10) == documented_pauses(least, least + more, doublings)[:10]


# All of it together

PARENT_NAME = "projects/p/locations/l"


class Plan:
    """A job and how its target answers, over and over: (HTTP status, duration)."""

    def __init__(self, fields: Fields, at: time, weekday: int | None, answers: list[tuple[int, int]]) -> None:
        self.fields, self.at, self.weekday = fields, at, weekday
        self.answers = [Answer(status, timedelta(seconds=duration)) for status, duration in answers]

    def __repr__(self) -> str:
        return f"Plan({self.fields}, {self.answers})"

    def moments(self, after: datetime, until: datetime) -> list[datetime]:
        """When a run is due, by the calendar alone."""
        first = after.astimezone(PHOENIX).date()
        days = (first + timedelta(days=n) for n in range((until - after).days + 2))
        due = (datetime.combine(day, self.at, PHOENIX) for day in days if self.is_on(day))
        return [moment for moment in due if after < moment <= until]

    def is_on(self, day: date) -> bool:
        return self.weekday is None or day.isoweekday() % 7 == self.weekday

    def expected(self, after: datetime, until: datetime) -> list[Attempt]:
        """Every attempt that has ended by `until`; runs are a day apart, too far to touch each other."""
        retry = self.fields["retryConfig"]
        deadline = timedelta(seconds=float(self.fields["attemptDeadline"][:-1]))
        least, most = (float(retry[f"{end}BackoffDuration"][:-1]) for end in ("min", "max"))
        waits = documented_pauses(least, most, retry["maxDoublings"])
        answers, found = cycle(self.answers), []
        for start in self.moments(after, until):
            for number in count():
                answer = next(answers)
                code = 4 if answer.duration > deadline else {200: 0, 500: 13, 429: 8}[answer.http_status]
                end = start + min(answer.duration, deadline)
                found.append(Attempt(self.fields["name"].rpartition("/")[2], number, start, end, code))
                if code == 0 or number == retry["retryCount"]:
                    break
                start = end + timedelta(seconds=waits[number])
        return [attempt for attempt in found if attempt.ended <= until]


def retry_configs(least: int = 5) -> st.SearchStrategy[Fields]:
    return st.builds(
        lambda tries, low, more, doublings: {
            "retryCount": tries,
            "minBackoffDuration": f"{low}s",
            "maxBackoffDuration": f"{min(low + more, 3600)}s",
            "maxDoublings": doublings,
        },
        st.integers(0, 5),
        st.integers(least, 1800),
        st.integers(0, 1800),
        st.integers(1, 16),
    )


answers = st.lists(st.tuples(st.sampled_from([200, 500, 429]), st.integers(0, 2400)), min_size=1, max_size=7)


@st.composite
def plans(draw: st.DrawFn, name: str) -> Plan:
    at = draw(st.times().map(lambda found: found.replace(second=0, microsecond=0, fold=0)))
    weekday = draw(st.none() | st.integers(0, 6))
    fields = {
        "name": f"{PARENT_NAME}/jobs/{name}",
        "schedule": f"{at.minute} {at.hour} * * {'*' if weekday is None else weekday}",
        "timeZone": "America/Phoenix",
        "attemptDeadline": f"{draw(st.integers(15, 1800))}s",
        "retryConfig": draw(retry_configs()),
        "httpTarget": {"uri": "https://b.example/", "httpMethod": "GET"},
    }
    return Plan(fields, at, weekday, draw(answers))


def assert_apart(found: list[Attempt]) -> None:
    assert all(before.ended <= after.started for before, after in pairwise(found))
    assert all(attempt.started <= attempt.ended for attempt in found)


def simulated(planned: list[Plan], steps: list[timedelta]) -> Dispatcher:
    scheduler = Scheduler(Clock(START))
    replies = {plan.fields["name"]: cycle(plan.answers) for plan in planned}
    dispatcher = Dispatcher(scheduler, lambda job: next(replies[job["name"]]))
    for plan in planned:
        scheduler.create(PARENT_NAME, plan.fields)
    for step in steps:
        dispatcher.advance(scheduler.clock.now + step)
    return dispatcher


@settings(deadline=None, max_examples=60)
@given(
    planned=st.tuples(plans("one"), plans("two"), plans("three")),
    steps=st.lists(st.integers(1, 3 * 24 * 60).map(lambda n: n * MINUTE), min_size=1, max_size=4),
)
def test_any_jobs_are_attempted_exactly_when_the_calendar_and_their_retries_say(
    planned: tuple[Plan, ...], steps: list[timedelta]
) -> None:
    dispatcher = simulated(list(planned), steps)

    until = START + sum(steps, timedelta(0))
    for plan in planned:
        found = [a for a in dispatcher.attempts if plan.fields["name"].endswith(f"/{a.job}")]
        assert found == plan.expected(START, until)
        assert_apart(found)
    in_order = [attempt.ended for attempt in dispatcher.attempts]
    assert in_order == sorted(in_order)


@settings(deadline=None, max_examples=60)
@given(minutes=st.sampled_from([1, 2, 5, 10, 30]), retry=retry_configs(), given_answers=answers)
def test_runs_that_come_faster_than_they_end_still_do_not_overlap(
    minutes: int, retry: Fields, given_answers: list[tuple[int, int]]
) -> None:
    fields = {
        "name": f"{PARENT_NAME}/jobs/often",
        "schedule": f"*/{minutes} * * * *",
        "attemptDeadline": "1800s",
        "retryConfig": retry,
        "httpTarget": {"uri": "https://b.example/", "httpMethod": "GET"},
    }
    found = simulated([Plan(fields, time(), None, given_answers)], [timedelta(hours=3)]).attempts

    def is_due(moment: datetime) -> bool:
        return moment.minute % minutes == 0 and moment.second == 0

    assert found
    assert found[0].started == START + minutes * MINUTE
    assert_apart(found)
    assert max(attempt.number for attempt in found) <= retry.get("retryCount", 0)
    for before, after in pairwise(found):
        next_due = before.started + MINUTE
        while not is_due(next_due := next_due.replace(second=0)):
            next_due += MINUTE
        if after.number == 0:
            assert after.started == max(next_due, before.ended)
        else:
            assert after.number == before.number + 1
            assert before.code != 0
            assert after.started < next_due
