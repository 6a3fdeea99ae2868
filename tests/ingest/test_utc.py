"""Times in UTC, of the runs and of the assertion that comes after them."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from ingest.judging.freshness import DAILY, WEEKLY, Status
from ingest.rollout import STRATEGIES
from ingest.schedule import Cadence, ScheduleError
from ingest.utc import assertion_time, utc_clock, utc_offsets
from tests.given.domain import PHOENIX, night
from tests.given.monitoring import jobs

NEW_YORK = "America/New_York"
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("zone", "minutes"),
    [(PHOENIX, (-420,)), (NEW_YORK, (-240, -300)), ("Asia/Kolkata", (330,)), ("Africa/Casablanca", (60, 0))],
)
def test_a_zone_has_its_offsets_of_all_the_year(zone: str, minutes: tuple[int, ...]) -> None:
    assert utc_offsets(zone) == minutes


def test_a_zone_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ScheduleError, match="not an IANA time zone"):
        utc_offsets("America/Pheonix")


@pytest.mark.parametrize(
    ("cron", "zone", "words"),
    [
        ("0 4 * * *", PHOENIX, "11:00"),
        ("15 6 * * 0", PHOENIX, "Sun 13:15"),
        ("15 6 * * 0", NEW_YORK, "Sun 10:15 or Sun 11:15"),
        ("0 18 * * 6", PHOENIX, "Sun 01:00"),
        ("15 6 * * 0", "Asia/Tokyo", "Sat 21:15"),
        ("30 2 * * *", "Asia/Kolkata", "21:00"),
    ],
)
def test_a_cadence_in_utc(cron: str, zone: str, words: str) -> None:
    assert utc_clock(Cadence.parse(cron), zone) == words


@pytest.mark.parametrize(
    ("crons", "zone", "at"),
    [
        (["0 4 * * *", "5 5 * * *"], PHOENIX, "15:05"),
        (["5 5 * * *", "15 6 * * 0"], PHOENIX, "16:15"),
        (["5 5 * * *", "15 6 * * 0"], NEW_YORK, "14:15"),  # 09:15 EST, 10:15 EDT
        (["0 15 * * *"], PHOENIX, "01:00"),  # past midnight in UTC
        (["15 6 * * 0"], "Asia/Tokyo", "00:15"),
        (["0 4 * * *"], "Asia/Tokyo", "22:00"),  # the day before in UTC
    ],
)
def test_the_assertion_is_three_hours_after_the_last_run_of_any_day(crons: list[str], zone: str, at: str) -> None:
    assert assertion_time(map(Cadence.parse, crons), zone) == at


def test_the_assertion_needs_a_run_to_come_after() -> None:
    with pytest.raises(ValueError, match="empty"):
        assertion_time([], PHOENIX)


def checks_after(start: datetime, at: str) -> datetime:
    """The first assertion after `start`."""
    found = datetime.combine(start.astimezone(UTC).date(), time.fromisoformat(at), UTC)
    return found if found >= start else found + DAY


@pytest.mark.parametrize("zone", [PHOENIX, NEW_YORK, "Europe/Berlin", "Asia/Tokyo"])
@pytest.mark.parametrize(("strategy", "number"), [(s.name, n) for s in STRATEGIES.values() for n in s.numbers])
def test_two_missed_runs_are_seen_and_a_run_that_is_on_time_is_not(strategy: str, number: int, zone: str) -> None:
    listed = jobs(night(number, strategy))
    at = assertion_time([job.cadence for job in listed], zone)
    tz = ZoneInfo(zone)
    for job in listed:
        step, criteria, patience = (7 * DAY, WEEKLY, DAY) if job.cadence.is_weekly else (DAY, DAILY, timedelta(0))
        for week in range(53):
            # A Sunday; the weeks in which the clock changes are among them.
            due = datetime.combine(datetime(2026, 1, 4) + 7 * DAY * week, job.cadence.at, tz)
            for took in (timedelta(0), timedelta(minutes=59)):
                loaded = due.astimezone(UTC) + took
                assert criteria.status(checks_after(due, at) - loaded) is Status.PASS
                second = checks_after(due + 2 * step, at) + patience
                assert criteria.status(second - loaded) is Status.ERROR, (job.entity.name, due)
