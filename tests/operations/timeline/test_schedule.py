"""The schedule before and after, in local time and in UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.rollout import STRATEGIES, before_rollout, state_at
from ingest.schedule import Cadence
from operations.errors import OperationError
from operations.timeline.measured import Measurement
from operations.timeline.schedule import lasts
from tests.given.timeline import BESIDE, TUESDAY, elsewhere, phoenix, run


@pytest.mark.parametrize("adopt_existing", [True, False])
@pytest.mark.parametrize(
    ("strategy", "number"), [(name, n) for name, strategy in STRATEGIES.items() for n in strategy.numbers]
)
def test_each_job_of_each_night_is_there_with_its_old_and_new_time(
    strategy: str, number: int, adopt_existing: bool
) -> None:
    found = phoenix(number, strategy, adopt_existing=adopt_existing)
    before = before_rollout(adopt_existing=adopt_existing)
    after = state_at(STRATEGIES[strategy], number, adopt_existing=adopt_existing)
    assert {row.entity.name: row.after for row in found.rows} == {name: job.cadence for name, job in after.items()}
    assert {row.entity.name: row.before for row in found.rows if row.before} == {
        name: job.cadence for name, job in before.items()
    }


def test_without_a_night_it_is_the_last_one() -> None:
    assert phoenix().night.number == 3
    assert phoenix(strategy="immediate").night.number == 2


def test_what_became_of_a_job() -> None:
    kinds = {row.entity.name: row.kind for row in phoenix(2).rows}
    assert (kinds["jobs"], kinds["locations"]) == ("moved", "new")
    assert {row.kind for row in phoenix(0).rows} == {"unchanged"}


def test_a_zone_without_summer_time_needs_no_date() -> None:
    found = phoenix()
    assert found.utc_note == "UTC−07:00 all year"
    assert found.utc(Cadence.daily("04:00")) == "11:00"
    assert found.utc(Cadence.weekly("Sunday", "06:15")) == "Sun 13:15"
    assert found.utc_at(4 * 60) == "11:00"


@pytest.mark.parametrize(
    ("zone", "at", "note", "daily", "weekly"),
    [
        ("America/Los_Angeles", "2026-10-20T20:00:00+00:00", "UTC−07:00 on Wed 2026-10-21", "11:00", "Sun 13:00"),
        ("America/Los_Angeles", "2026-12-01T08:00:00+00:00", "UTC−08:00 on Tue 2026-12-01", "12:00", "Sun 14:00"),
        # The clock goes back on Sunday, November 1: a weekly job's UTC is that of its own next run.
        ("America/Los_Angeles", "2026-10-28T08:00:00+00:00", "UTC−07:00 on Wed 2026-10-28", "11:00", "Sun 14:00"),
        ("Asia/Kolkata", "2026-10-20T12:00:00+00:00", "UTC+05:30 all year", "22:30 −1 d", "Sun 00:30"),
        ("Asia/Tokyo", "2026-10-20T12:00:00+00:00", "UTC+09:00 all year", "19:00 −1 d", "Sat 21:00"),
        ("UTC", "2026-10-20T12:00:00+00:00", "UTC all year", "04:00", "Sun 06:00"),
    ],
)
def test_utc_is_that_of_the_next_run(zone: str, at: str, note: str, daily: str, weekly: str) -> None:
    found = elsewhere(zone, datetime.fromisoformat(at))
    assert found.utc_note == note
    assert found.utc(Cadence.daily("04:00")) == found.utc_at(240) == daily
    assert found.utc(Cadence.weekly("Sunday", "06:00")) == weekly


def test_the_last_day_of_each_entity_is_what_counts() -> None:
    old = run("jobs", "2026-10-20T04:00", 75)
    # By the clock of UTC both are of the same day.
    retried = [run("jobs", "2026-10-21T04:00", 5, ok=False), run("jobs", "2026-10-21T23:30", 80)]
    weekly = run("campaigns", "2026-10-18T06:15", 60)
    found = {row.entity.name: row.measured for row in phoenix(measured=[weekly, *reversed(retried), old]).rows}
    assert found["jobs"] == tuple(retried)
    assert found["campaigns"] == (weekly,)
    assert found["returns"] == ()


def test_the_days_of_what_was_measured() -> None:
    assert phoenix(measured=[run("jobs", "2026-10-20T04:00", 1)]).measured_days == "Tue 2026-10-20"
    both = [run("jobs", "2026-10-20T04:00", 1), run("campaigns", "2026-10-18T06:15", 1)]
    assert phoenix(measured=both).measured_days == "Sun 2026-10-18 to Tue 2026-10-20"
    assert phoenix().measured_days == ""


def test_what_was_measured_of_a_job_that_is_not_there_is_an_error() -> None:
    with pytest.raises(OperationError, match=r"campaigns was measured, but has no job after night 2; .* later --night"):
        phoenix(2, measured=[run("campaigns", "2026-10-18T06:15", 1)])


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0 s"), (5, "5 s"), (75, "1 min 15 s"), (1200, "20 min"), (59.6, "1 min")]
)
def test_how_long_it_took(seconds: float, text: str) -> None:
    assert lasts(Measurement("jobs", TUESDAY, TUESDAY + timedelta(seconds=seconds))) == text


@given(st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)), st.sampled_from(["Europe/Berlin", "Asia/Kolkata"]))
def test_utc_of_the_axis_and_of_a_cadence_agree_away_from_a_change_of_the_clock(at: datetime, zone: str) -> None:
    found = elsewhere(zone, at.replace(tzinfo=UTC))
    for minute in (240, 300, 420):
        assert found.utc_at(minute) == found.utc(Cadence.daily(f"{minute // 60:02}:00"))


def test_a_night_that_is_not_there_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        phoenix(7)


def test_a_neighbours_time_is_that_of_its_own_zone() -> None:
    found = phoenix(neighbours=BESIDE)
    denver = found.neighbours[0]
    assert denver.cadence

    # In October, Denver is an hour ahead of Phoenix.
    assert found.minute(denver.cadence, denver.time_zone) == 4 * 60
    assert found.utc(denver.cadence, denver.time_zone) == "11:00"
