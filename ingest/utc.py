"""Local cadences in UTC, for what only knows UTC: BigQuery's scheduled queries, and readers of logs."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from ingest.schedule import DAY_MINUTES, WEEKDAYS, Cadence, time_zone

ASSERTION_DELAY = timedelta(hours=3)
"""From the last run's start to the assertion.

A run has 2 hours, its retries included (ingest/judging/freshness.py). error_after counts from the run's end and not
from its start, so an assertion after just these 2 hours would see a job that missed two runs at a minute less than 50
hours, and be silent until the next day. With one hour more, a run that ended within the hour after its start is seen.
"""

# A decade of the zone's rules, so that neither the day of the synth nor one odd year decides.
_SAMPLES = [datetime(2026, 1, 1, 12, tzinfo=UTC) + timedelta(weeks=week) for week in range(522)]


@lru_cache
def utc_offsets(zone: str) -> tuple[int, ...]:
    """The zone's offsets from UTC in minutes, the eastern one first; one where there is no daylight saving.

    Raises ScheduleError for a zone that does not exist.
    """
    tz = time_zone(zone)
    offsets = {(moment.astimezone(tz).utcoffset() or timedelta()) // timedelta(minutes=1) for moment in _SAMPLES}
    return tuple(sorted(offsets, reverse=True))


def utc_clock(cadence: Cadence, zone: str) -> str:
    """When it runs, in UTC: "11:45", "Sun 13:00"; "12:00 or 13:00" where daylight saving moves it."""
    return " or ".join(_clock(cadence.slot - offset, weekly=cadence.is_weekly) for offset in utc_offsets(zone))


def assertion_time(cadences: Iterable[Cadence], zone: str) -> str:
    """The time of day "HH:MM", in UTC, that is ASSERTION_DELAY after the last of the runs on any day of the year.

    Weekly runs count as if they were daily: there is one time, after both. With daylight saving it is the later of the
    two, since a time in UTC does not move with the clock. Raises ValueError without cadences.
    """
    last = max(cadence.minute for cadence in cadences)
    return _clock(last + ASSERTION_DELAY // timedelta(minutes=1) - utc_offsets(zone)[-1], weekly=False)


def _clock(slot: int, *, weekly: bool) -> str:
    """A minute of the day, or of the week from Sunday's midnight; it may lie before or after its period."""
    minute = slot % DAY_MINUTES
    clock = f"{minute // 60:02}:{minute % 60:02}"
    return f"{WEEKDAYS[slot // DAY_MINUTES % 7][:3]} {clock}" if weekly else clock
