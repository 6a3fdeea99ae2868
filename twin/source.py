"""The twin's ServiceTitan: what it has at a moment, and how it answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta

from ingest.catalogue import CATALOGUE
from ingest.schedule import time_zone
from twin.contract import ENTITIES

_DAY, _HOUR = timedelta(days=1), timedelta(hours=1)

OPENS = time(7, 45)
"""Records are made in working hours, once an hour from here on, so that none is made while the night's runs read."""

HOURS = 12


class UpstreamError(Exception):
    """ServiceTitan did not answer with records; the text is what the service's HTTP client says."""

    def __init__(self, status: int) -> None:
        super().__init__(f"Request failed with status code {status}")


@dataclass(frozen=True)
class Stream:
    """Records 0, 1, 2 ...: `each` at `first` (aware), as many each hour after, `hours` hours a day."""

    first: datetime
    each: int
    hours: int = HOURS

    def until(self, moment: datetime) -> int:
        """How many records there are at `moment`."""
        if moment < self.first:
            return 0
        days, rest = divmod(moment - self.first, _DAY)
        return self.each * (days * self.hours + min(self.hours, rest // _HOUR + 1))

    def since(self, moment: datetime) -> int:
        """The first record that was made at `moment` or after."""
        return self.until(moment - timedelta.resolution)

    def made(self, record: int) -> datetime:
        days, rest = divmod(record // self.each, self.hours)
        return self.first + days * _DAY + rest * _HOUR


@dataclass
class ServiceTitan:
    """`statuses` are the HTTP statuses that it answers for an entity instead of records, `quiet` those without any.

    `asked` are the requests that came: (entity, since when).
    """

    streams: dict[str, Stream]
    statuses: dict[str, int] = field(default_factory=dict)
    quiet: set[str] = field(default_factory=set)
    asked: list[tuple[str, datetime | None]] = field(default_factory=list)

    def records(self, entity: str, moment: datetime) -> range:
        """What it had at `moment`."""
        return range(self.streams[entity].until(moment))

    def fetch(self, entity: str, since: datetime | None, now: datetime) -> range:
        """The records made since then (None: all), oldest first. Raises UpstreamError."""
        self.asked.append((entity, since))
        if status := self.statuses.get(entity):
            raise UpstreamError(status)
        if entity in self.quiet:
            return range(0)
        stream = self.streams[entity]
        return range(stream.since(since) if since else 0, stream.until(now))


def servicetitan(began: datetime, zone: str) -> ServiceTitan:
    """One that fills from the first working day after `began` (aware): the catalogue's first entities the fastest."""
    order = [entity.name for entity in CATALOGUE]
    order += [entity.name for entity in ENTITIES if entity.name not in order]
    day = began.astimezone(time_zone(zone)).date() + _DAY
    first = datetime.combine(day, OPENS, time_zone(zone)).astimezone(UTC)
    return ServiceTitan({name: Stream(first, len(order) + 3 - place) for place, name in enumerate(order)})
