"""Cadences: a daily or weekly local time, as unix-cron and back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

WEEKDAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
"""In cron's order: Sunday is 0."""

DAY_MINUTES = 24 * 60

_CRON_DAYS = {name[:3].upper(): number for number, name in enumerate(WEEKDAYS)} | {"7": 0}
_ZONE_LABELS = {"America/Phoenix": "AZ"}


class ScheduleError(ValueError):
    """A cadence or time zone that Cloud Scheduler would refuse, or that is not daily or weekly."""


@dataclass(frozen=True)
class Cadence:
    """A local time of day, each day or on one weekday.

    `at` has minute precision; `weekday` is cron's number (Sunday is 0), None for daily. `text` is the cron of a job
    that was found with another one than ours would be: with other words for the same, or with lists, ranges and steps.
    It is never rewritten. Of an irregular one, `at` is the earliest time of a day, and `weekday` None.
    """

    at: time
    weekday: int | None = None
    text: str | None = None

    def __post_init__(self) -> None:
        if self.at.second or self.at.microsecond or self.at.tzinfo:
            raise ScheduleError(f"{self.at}: a cadence is a local time in whole minutes, such as 04:30")
        if self.weekday is not None and self.weekday not in range(7):
            raise ScheduleError(f"weekday {self.weekday}: allowed are 0 (Sunday) to 6, or none for daily")

    @classmethod
    def daily(cls, at: str) -> Cadence:
        """Each day at `at`, "HH:MM". Raises ScheduleError."""
        return cls(clock_time(at))

    @classmethod
    def weekly(cls, weekday: str, at: str) -> Cadence:
        """Each `weekday` (its English name) at `at`, "HH:MM". Raises ScheduleError."""
        if weekday not in WEEKDAYS:
            raise ScheduleError(f"weekday {weekday!r}: allowed are {', '.join(WEEKDAYS)}")
        return cls(clock_time(at), WEEKDAYS.index(weekday))

    @classmethod
    def parse(cls, cron: str) -> Cadence:
        """The cadence that a unix-cron expression of five fields stands for.

        Sunday is 0, 7 or SUN, as in Cloud Scheduler. Raises ScheduleError for a field out of range
        and for what is neither one time each day nor one time on one weekday.
        """
        fields = cron.split()
        if is_english(cron):
            same = as_cron(cron)
            advice = f", here {same!r}" if same else ""
            raise ScheduleError(f"{cron!r} is Cloud Scheduler's English; write it as unix-cron{advice}")
        if len(fields) != 5:
            raise ScheduleError(f"cron {cron!r}: has {len(fields)} fields, 5 are needed: minute hour day month weekday")
        minute, hour, day, month, weekday = fields
        if day != "*" or month != "*":
            raise ScheduleError(f"cron {cron!r}: day and month must be *, a cadence here is daily or weekly")
        at = time(_cron_number(cron, "hour", hour, 23), _cron_number(cron, "minute", minute, 59))
        if weekday == "*":
            return cls(at)
        known = _CRON_DAYS.get(weekday.upper())
        return cls(at, _cron_number(cron, "weekday", weekday, 7) if known is None else known)

    @classmethod
    def verbatim(cls, cron: str) -> Cadence:
        """Any unix-cron expression of five fields, which stays as it is. Raises ScheduleError for another text."""
        from cronsim import CronSim, CronSimError

        try:
            cadence = cls.parse(cron)
        except ScheduleError:
            if is_english(cron) or len(cron.split()) != 5:
                raise
            try:
                fires = CronSim(cron, datetime(2024, 1, 1, tzinfo=UTC))
                next(fires)
            except (CronSimError, StopIteration) as error:
                raise ScheduleError(f"cron {cron!r}: is not unix-cron, or never fires ({error})") from None
            return cls(time(min(fires.hours), min(fires.minutes)), text=cron)
        return cadence if cadence.cron == cron else replace(cadence, text=cron)

    @property
    def is_regular(self) -> bool:
        """Whether it is one time each day or on one weekday."""
        if self.text is None:
            return True
        try:
            Cadence.parse(self.text)
        except ScheduleError:
            return False
        return True

    @property
    def is_weekly(self) -> bool:
        return self.weekday is not None

    @property
    def cron(self) -> str:
        if self.text is not None:
            return self.text
        return f"{self.at.minute} {self.at.hour} * * {'*' if self.weekday is None else self.weekday}"

    @property
    def minute(self) -> int:
        """Minutes from midnight."""
        return self.at.hour * 60 + self.at.minute

    @property
    def slot(self) -> int:
        """Minutes from the start of its period: local midnight, or Sunday's midnight for a weekly one."""
        return self.minute + (self.weekday or 0) * DAY_MINUTES

    @property
    def clock(self) -> str:
        """A short form for tables: "04:30", "Sun 06:00"; the cron of an irregular one."""
        if not self.is_regular:
            return self.cron
        day = "" if self.weekday is None else f"{WEEKDAYS[self.weekday][:3]} "
        return f"{day}{self.at:%H:%M}"

    def words(self, zone: str) -> str:
        """As job descriptions say it: "4:45 AM AZ time", "Sundays 6:00 AM AZ time". Of a regular one only."""
        day = "" if self.weekday is None else f"{WEEKDAYS[self.weekday]}s "
        half = "AM" if self.at.hour < 12 else "PM"
        return f"{day}{self.at.hour % 12 or 12}:{self.at:%M} {half} {_ZONE_LABELS.get(zone, zone)} time"

    def recurrence(self, zone: str) -> str:
        """When it runs, without a date: "daily at 04:45 America/Phoenix"; "at 0 2,14 * * * America/Phoenix"."""
        if not self.is_regular:
            return f"at {self.cron} {zone}"
        day = "daily" if self.weekday is None else f"{WEEKDAYS[self.weekday]}s"
        return f"{day} at {self.at:%H:%M} {zone}"

    def in_zone(self, zone: str, other: str, at: datetime) -> Cadence:
        """The moments of this cadence in `zone`, as a cadence in the zone `other` has them from `at` (aware) on."""
        fire = next(self.next_fires(at, zone)).astimezone(time_zone(other))
        return Cadence(fire.time(), fire.isoweekday() % 7 if self.is_weekly else None)

    def slot_of(self, moment: datetime, zone: str) -> int:
        """Where `moment` (aware) is in this cadence's period, in minutes as in `slot`."""
        local = moment.astimezone(time_zone(zone))
        minute = local.hour * 60 + local.minute
        return minute + (local.isoweekday() % 7) * DAY_MINUTES if self.is_weekly else minute

    def on(self, day: date, zone: str) -> datetime | None:
        """When a regular cadence runs on that day in `zone`, in UTC; None: on another day."""
        eve = datetime.combine(day, time(), time_zone(zone)) - timedelta(minutes=1)
        fire = next(self.next_fires(eve, zone))
        return fire.astimezone(UTC) if fire.date() == day else None

    def next_fires(self, after: datetime, zone: str) -> Iterator[datetime]:
        """The moments after `after` (aware) at which Cloud Scheduler starts the job, in `zone`, without end."""
        from cronsim import CronSim

        return iter(CronSim(self.cron, after.astimezone(time_zone(zone))))


def is_english(schedule: str) -> bool:
    """Whether it is in the other form that Cloud Scheduler takes: App Engine's, such as "every 5 minutes"."""
    return bool(
        re.match(
            r"(?i)\s*(every|\d+(st|nd|rd|th)|(first|second|third|fourth|fifth)|(sun|mon|tue|wed|thu|fri|sat))", schedule
        )
    )


def as_cron(schedule: str) -> str | None:
    """The same in unix-cron, of the forms that have one and are common; None for others.

    (Source: cloud.google.com/appengine/docs/flexible/scheduling-jobs-with-cron-yaml, "Defining the cron job schedule".)
    """
    text = " ".join(schedule.lower().split())
    # Without "synchronized", an interval begins where the run before it ended.
    minutes = re.fullmatch(r"every ([1-9]\d?) (?:mins|minutes)(?: synchronized)?", text)
    if minutes and 60 % int(minutes[1]) == 0:
        return "0 * * * *" if minutes[1] == "60" else f"*/{minutes[1]} * * * *"
    hours = re.fullmatch(r"every ([1-9]\d?) hours synchronized", text)
    if hours and 24 % int(hours[1]) == 0:
        return "0 0 * * *" if hours[1] == "24" else f"0 */{hours[1]} * * *"
    days = "|".join(f"{day[:3]}|{day}" for day in map(str.lower, WEEKDAYS))
    if match := re.fullmatch(rf"every (day|{days}) (\d\d?):(\d\d)", text):
        weekday = "*" if match[1] == "day" else str(_CRON_DAYS[match[1][:3].upper()])
        if int(match[2]) < 24 and int(match[3]) < 60:
            return f"{int(match[3])} {int(match[2])} * * {weekday}"
    return None


def clock_time(text: str) -> time:
    """Reads "HH:MM". Raises ScheduleError."""
    if not re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]", text):
        raise ScheduleError(f"time {text!r}: must be HH:MM, from 00:00 to 23:59")
    return time.fromisoformat(text)


def _cron_number(cron: str, name: str, text: str, highest: int) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ScheduleError(
            f"cron {cron!r}: {name} {text!r} is not one number; a cadence has one time, so no lists, ranges or steps"
        )
    if int(text) > highest:
        raise ScheduleError(f"cron {cron!r}: {name} {text} is out of range, allowed are 0 to {highest}")
    return int(text)


@lru_cache
def time_zone(name: str) -> ZoneInfo:
    """The zone of an IANA name. Raises ScheduleError with the nearest known names."""
    try:
        if name == "localtime":
            raise ValueError
        # Cloud Scheduler's own documents write it in small letters.
        return ZoneInfo("UTC" if name == "utc" else name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        from difflib import get_close_matches
        from zoneinfo import available_timezones

        near = get_close_matches(name, available_timezones(), n=3, cutoff=0.7) or ["America/Phoenix"]
        raise ScheduleError(f"{name!r} is not an IANA time zone; allowed are names such as {', '.join(near)}") from None


class ClockChange(NamedTuple):
    """A night on which a zone's clock jumps over a cadence's time (skipped) or shows it twice (repeated)."""

    day: date
    effect: str


def clock_changes(cadence: Cadence, zone: str, since: date, days: int = 366) -> list[ClockChange]:
    """The nights from `since` on, within `days`, on which the cadence's local time is skipped or repeated.

    Empty for a zone without daylight saving, such as America/Phoenix.
    """
    changes = []
    for day in _offset_changes(zone, since, days):
        if cadence.weekday in (None, day.isoweekday() % 7):
            local = datetime.combine(day, cadence.at, time_zone(zone))
            there_and_back = local.astimezone(UTC).astimezone(local.tzinfo)
            if there_and_back.replace(tzinfo=None) != local.replace(tzinfo=None):
                changes.append(ClockChange(day, "skipped"))
            elif local.utcoffset() != local.replace(fold=1).utcoffset():
                changes.append(ClockChange(day, "repeated"))
    return changes


@lru_cache
def _offset_changes(zone: str, since: date, days: int) -> tuple[date, ...]:
    tz = time_zone(zone)
    midnights = (datetime.combine(since + timedelta(n), time(), tz) for n in range(days + 2))
    offsets = [(midnight.date(), midnight.utcoffset()) for midnight in midnights]
    changed = [day for (day, before), (_, after) in pairwise(offsets) if before != after]
    # A change near midnight also skips or repeats minutes of the day before.
    touched = {day - timedelta(n) for day in changed for n in (0, 1)}
    return tuple(sorted(day for day in touched if since <= day < since + timedelta(days)))
