"""Neighbours: unmanaged jobs of the region that call the same service, or are named after what we load.

The rollout never changes them. What it does change is what they run beside: see `crossings`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice, takewhile
from urllib.parse import urlsplit

from ingest.attempt import LiveJob
from ingest.catalogue import CATALOGUE
from ingest.rollout import Change
from ingest.rules import GAP_MINUTES
from ingest.schedule import Cadence, ScheduleError, as_cron, time_zone
from ingest.settings import Settings
from ingest.text import shown

MOST_RUNS = 7 * 24
"""A week's runs of a neighbour that are compared with ours, each for itself."""


@dataclass(frozen=True)
class Neighbour:
    """`schedule` is a cron in the job's own `time_zone`; `why` is what makes it a neighbour."""

    job: str
    schedule: str
    time_zone: str
    why: str
    paused: bool = False

    @property
    def cron(self) -> str:
        """The schedule in unix-cron where that can be had, else as it is."""
        return as_cron(self.schedule) or self.schedule

    @property
    def cadence(self) -> Cadence | None:
        """None for a schedule that is neither daily nor weekly, or a zone that is none."""
        try:
            time_zone(self.time_zone)
            return Cadence.parse(self.cron)
        except ScheduleError:
            return None

    @property
    def when(self) -> str:
        """Such as "daily at 04:00 America/Phoenix"; the schedule as it is where it has another form."""
        written = shown.printable(f"{self.schedule} {self.time_zone}")
        recurrence = self.cadence.recurrence(self.time_zone) if self.cadence else written
        return f"{recurrence}, paused" if self.paused else recurrence

    def runs(self, at: datetime) -> list[datetime]:
        """Those of the week after `at` (aware), in its own zone; none for a cron or a zone that cannot be read."""
        from cronsim import CronSim, CronSimError

        try:
            fires = CronSim(self.cron, at.astimezone(time_zone(self.time_zone)))
        except (CronSimError, ScheduleError):
            return []
        return list(takewhile(lambda run: run <= at + timedelta(days=7), islice(fires, MOST_RUNS + 1)))

    def __str__(self) -> str:
        return f"{self.job}: {self.when}; it {self.why}"


def neighbours(live: Mapping[str, LiveJob], settings: Settings) -> list[Neighbour]:
    """Those of the location's live jobs, by name. `live` is by short name."""
    known = {entity.job_name for entity in settings.catalogue}
    return [
        Neighbour(shown.printable(name), job.schedule, job.time_zone, shown.printable(why), job.attempt.paused)
        for name, job in sorted(live.items())
        if name not in known and (why := _why(name, job.uri, settings))
    ]


def _why(name: str, uri: str, settings: Settings) -> str:
    try:
        target = urlsplit(uri)
        host = target.hostname or ""
    except ValueError:
        host = ""
    # Cloud Run gives a service two addresses: with the project's number, and with a hash.
    another = rf"{re.escape(settings.cloud_run_service)}-\w+(-\w+\.a|\.[\w-]+)\.run\.app"
    if host and (host == urlsplit(settings.base_url).hostname or re.fullmatch(another, host)):
        return f"calls the ingest service at {target.path or '/'}"
    kind = f"; its target is {uri}" if uri and "://" not in uri else ""
    if entity := _named_after(name):
        return f"is named after {entity}{kind}"
    return f"is named like our jobs{kind}" if name.startswith(settings.job_prefix) else ""


def _named_after(name: str) -> str | None:
    """The entity whose words the name has side by side; the one with the most words."""
    text = f"-{name.lower().replace('_', '-')}-"
    names = sorted((entity.name for entity in CATALOGUE), key=lambda entity: entity.count("_"), reverse=True)
    return next((entity for entity in names if f"-{entity.replace('_', '-')}-" in text), None)


def crossings(
    changes: Iterable[Change], beside: Iterable[Neighbour], at: datetime, zone: str
) -> Iterator[tuple[Neighbour, str]]:
    """The neighbours that the changes put at another place among the jobs that change; `at` (aware) is now.

    A job is taken to load for the GAP_MINUTES that the plan keeps free for it.
    """
    moved = [change for change in changes if change.before != change.after]
    if not moved:
        return
    weekdays = {cadence.weekday for change in moved for cadence in (change.before, change.after) if cadence}
    for neighbour in beside:
        if neighbour.paused:
            continue
        runs = neighbour.runs(at)
        if not runs or len(runs) > MOST_RUNS:
            yield neighbour, f"{neighbour.job} runs at {neighbour.when}; compare that with the new times by hand"
            continue
        # A daily one meets the daily jobs on each day of the week in the same way.
        texts = [
            text
            for weekday in sorted(weekdays, key=lambda day: -1 if day is None else day)
            for run in runs
            if weekday in (None, run.astimezone(time_zone(zone)).isoweekday() % 7)
            for text in _crossing(moved, weekday, neighbour, run, zone)
        ]
        yield from ((neighbour, text) for text in dict.fromkeys(texts))


def _crossing(
    moved: Iterable[Change], weekday: int | None, neighbour: Neighbour, run: datetime, zone: str
) -> Iterator[str]:
    """What a run of the neighbour meets among the jobs of that weekday (None: the daily ones)."""
    local = run.astimezone(time_zone(zone))
    minute = local.hour * 60 + local.minute
    before, after = (_starts(moved, side, weekday) for side in ("before", "after"))
    if any(_crosses(before.get(name), start, minute) for name, start in after.items()):
        clock = neighbour.cadence.clock if neighbour.cadence else f"{run:%H:%M}"
        where = f" {neighbour.time_zone}" if neighbour.time_zone != zone else ""
        text = f"{neighbour.job} at {clock}{where} now runs {_place(minute, after, 'loads')}"
        used = _place(minute, before, "loaded")
        yield f"{text}; it used to run {used}" if used else text


def _starts(moved: Iterable[Change], side: str, weekday: int | None) -> dict[str, int]:
    """The minutes of the day at which the jobs of that weekday (None: the daily ones) begin, by entity."""
    cadences = ((change.entity.name, getattr(change, side)) for change in moved)
    return {name: cadence.minute for name, cadence in cadences if cadence and cadence.weekday == weekday}


def _side(start: int, minute: int) -> int:
    """-1: the job has loaded by that minute; 0: it loads; 1: it has not begun."""
    return 1 if start > minute else 0 if minute < start + GAP_MINUTES else -1


def _crosses(before: int | None, after: int, minute: int) -> bool:
    return _side(after, minute) != (-1 if before is None else _side(before, minute)) and (
        before is not None or _side(after, minute) == 0
    )


def _place(minute: int, starts: Mapping[str, int], loads: str) -> str:
    """Where in their order a neighbour runs at that minute; "" where there are none."""
    at_work = [name for name, start in starts.items() if _side(start, minute) == 0]
    earlier = _ordered(starts, minute, -1)
    later = _ordered(starts, minute, 1)
    if at_work:
        return f"while {' and '.join(at_work)} {loads if len(at_work) == 1 else loads.replace('loads', 'load')}"
    if earlier and later:
        return f"between {earlier[-1]} and {later[0]}"
    if earlier:
        return f"{_span(minute - starts[earlier[-1]])} after the last one"
    return f"{_span(starts[later[0]] - minute)} before the first one" if later else ""


def _ordered(starts: Mapping[str, int], minute: int, side: int) -> Sequence[str]:
    return sorted((name for name, start in starts.items() if _side(start, minute) == side), key=lambda n: starts[n])


def _span(minutes: int) -> str:
    hours, rest = divmod(minutes, 60)
    return " ".join([f"{hours} h"] * bool(hours) + [f"{rest} min"] * bool(rest or not hours))
