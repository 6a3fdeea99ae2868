"""The schedule before the rollout and after one of its nights, with what was measured; local times and UTC."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property

from ingest.catalogue import CATALOGUE, GROUPS
from ingest.entity import Entity, Group
from ingest.neighbours import Neighbour
from ingest.rollout import Night
from ingest.schedule import DAY_MINUTES, Cadence, time_zone
from ingest.settings import Settings
from operations.errors import OperationError
from operations.timeline.measured import Measurement, last_nights

MINUS = "\N{MINUS SIGN}"


@dataclass(frozen=True)
class Row:
    """An entity whose job exists after the night; `before` is None where the rollout made it."""

    entity: Entity
    before: Cadence | None
    after: Cadence
    measured: tuple[Measurement, ...] = ()

    @property
    def kind(self) -> str:
        """What became of the job: "moved", "new" or "unchanged"."""
        if self.before is None:
            return "new"
        return "unchanged" if self.before == self.after else "moved"


@dataclass(frozen=True)
class Schedule:
    """`day` is the local day for which UTC is counted; a weekly job's is its next one from that day on.

    `neighbours` are the unmanaged jobs beside ours; none where nobody has asked for them.
    """

    settings: Settings
    night: Night
    day: date
    rows: tuple[Row, ...]
    neighbours: tuple[Neighbour, ...] = ()

    @property
    def zone(self) -> str:
        return self.settings.time_zone

    @property
    def has_measured(self) -> bool:
        return any(row.measured for row in self.rows)

    @property
    def measured_days(self) -> str:
        """The local days of what was measured: "2026-10-25", or "2026-10-20 to 2026-10-25"."""
        days = sorted({self.local(attempt.started).date() for row in self.rows for attempt in row.measured})
        return " to ".join(dict.fromkeys(f"{day:%a %Y-%m-%d}" for day in days[:1] + days[-1:]))

    @cached_property
    def utc_note(self) -> str:
        """Which offset the UTC times have, and for which day where the zone's clock changes in the year from then."""
        offset = _offset(self.day, self.zone)
        if all(_offset(self.day + timedelta(days), self.zone) == offset for days in range(366)):
            return f"UTC{offset} all year"
        return f"UTC{offset} on {self.day:%a %Y-%m-%d}"

    def groups(self) -> Iterator[tuple[int, Group, list[Row]]]:
        """The groups that have jobs here, each with its place among all groups."""
        for number, group in enumerate(GROUPS):
            if rows := [row for row in self.rows if row.entity.group == group.name]:
                yield number, group, rows

    def local(self, moment: datetime) -> datetime:
        return moment.astimezone(time_zone(self.zone))

    def universal(self, moment: datetime) -> datetime:
        return moment.astimezone(UTC)

    def utc(self, cadence: Cadence, zone: str = "") -> str:
        """When the cadence fires in UTC: "11:00", "Sun 13:00"; "22:30 -1 d" where that is the day before there."""
        return _in_utc(self._run(cadence, zone or self.zone), weekday=cadence.is_weekly)

    def minute(self, cadence: Cadence, zone: str) -> int:
        """When the cadence of another zone fires by this schedule's clock, in minutes from midnight."""
        run = self.local(self._run(cadence, zone))
        return run.hour * 60 + run.minute

    def _run(self, cadence: Cadence, zone: str) -> datetime:
        midnight = datetime.combine(self.day, time(), time_zone(self.zone))
        return next(cadence.next_fires(midnight - timedelta(minutes=1), zone))

    def utc_at(self, minute: int) -> str:
        """The UTC time at a local minute of the day, as `utc` writes it."""
        day = self.day + timedelta(days=minute // DAY_MINUTES)
        at = time(minute // 60 % 24, minute % 60)
        return _in_utc(datetime.combine(day, at, time_zone(self.zone)), since=self.day)


def schedule(
    settings: Settings,
    at: datetime,
    *,
    night: int | None = None,
    measured: Iterable[Measurement] = (),
    neighbours: Iterable[Neighbour] = (),
) -> Schedule:
    """The schedule after `night`, the strategy's last one by default.

    UTC is counted for the day on which the jobs run next after `at` (aware). Raises KeyError for a night that the
    strategy does not have, OperationError where something was measured of an entity that has no job by then.
    """
    number = settings.rollout.numbers[-1] if night is None else night
    before = settings.world_at_start()
    # A job that is not adopted yet runs on as it did.
    after = {**before, **settings.world(number)}
    by_entity = last_nights(measured, settings.time_zone)
    if unknown := [name for name in by_entity if name not in after]:
        raise OperationError(
            f"--measured: {', '.join(unknown)} was measured, but has no job after night {number}; "
            "leave it out, or choose a later --night"
        )
    rows = tuple(
        Row(
            entity,
            before[entity.name].cadence if entity.name in before else None,
            after[entity.name].cadence,
            by_entity.get(entity.name, ()),
        )
        for entity in CATALOGUE
        if entity.name in after
    )
    runs = [next(job.cadence.next_fires(at, settings.time_zone)) for job in after.values()]
    day = min(runs).astimezone(time_zone(settings.time_zone)).date()
    named = next(n for n in settings.rollout.nights if n.number == number)
    return Schedule(settings, named, day, rows, tuple(neighbours))


def lasts(attempt: Measurement) -> str:
    """How long an attempt took: "5 s", "1 min 15 s", "20 min"."""
    minutes, seconds = divmod(round((attempt.ended - attempt.started).total_seconds()), 60)
    parts = ([f"{minutes} min"] if minutes else []) + ([f"{seconds} s"] if seconds or not minutes else [])
    return " ".join(parts)


def _in_utc(moment: datetime, *, weekday: bool = False, since: date | None = None) -> str:
    there = moment.astimezone(UTC)
    if weekday:
        return f"{there:%a %H:%M}"
    days = (there.date() - (since or moment.date())).days
    return f"{there:%H:%M}" + (f" {'+' if days > 0 else MINUS}{abs(days)} d" if days else "")


def _offset(day: date, zone: str) -> str:
    text = datetime.combine(day, time(12), time_zone(zone)).isoformat()[-6:]
    return "" if text == "+00:00" else text.replace("-", MINUS)
