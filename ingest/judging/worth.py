"""What moving jobs to a later time is worth: what was changed in ServiceTitan between their old time and their new one.

Each job read the tables' rows at its old time. What was changed after that, and before its new time, came a night later
than it would come now. Only text is built here, and its answer is added up; amounts are exact.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from ingest.entity import Entity
from ingest.judging.freshness_sql import quoted
from ingest.rollout import Action, World, changes
from ingest.schedule import Cadence, time_zone
from ingest.settings import Settings

NIGHTS = 30
"""How many nights are looked back on."""

MODIFIED = "modifiedOn"
"""When ServiceTitan says that the record was changed last."""

LIMITS = (
    "A row has its last change only: what was changed again later counts on that later night, or not at all, so these "
    "figures are the least that it was.",
    "The service asks for records that were both made and changed since its last run. Where ServiceTitan takes the two "
    "together, a record that was made earlier and changed later is never read again, at the old time or the new one: "
    "its row still has its first change, and no shift brings the later one.",
    "What one night's run was too early for, the next night's run read: the shift is worth a day, not the record.",
)
"""What the rows cannot show, for people."""


@dataclass(frozen=True)
class Moved:
    """A job that a night moves from `old`, in `zone`, to `new`, in the settings' zone.

    `is_own`: it ran at `old`. Otherwise it has no time before the night, or keeps it, and is counted as if it had run
    with the first of those that move.
    """

    entity: Entity
    old: Cadence
    new: Cadence
    zone: str
    is_own: bool = True


@dataclass(frozen=True)
class Window:
    """From an old time (inclusive) to the new one (exclusive), both aware; `night` is the local day of the old one."""

    night: date
    opens: datetime
    closes: datetime


@dataclass(frozen=True)
class Worth:
    """What was changed in an entity's windows: by night, the records and what they come to (None: it has no amount)."""

    moved: Moved
    nights: Mapping[date, tuple[int, Decimal | None]]

    @property
    def records(self) -> int:
        return sum(records for records, _ in self.nights.values())

    @property
    def amount(self) -> Decimal | None:
        amounts = [amount for _, amount in self.nights.values() if amount is not None]
        return sum(amounts, Decimal()) if amounts else None


def moved(before: World, after: World, zone: str) -> list[Moved]:
    """The daily jobs that are moved to a later time, then those of other entities with an amount."""
    shifted = [
        Moved(change.entity, change.before, change.after, change.before_zone or zone)
        for change in changes(before, after)
        if Action.SHIFT_LATER in change.actions and change.before and change.after
        if all(cadence.is_regular and not cadence.is_weekly for cadence in (change.before, change.after))
    ]
    if not shifted:
        return []
    earliest = min(shifted, key=lambda move: move.old.minute)
    names = {move.entity.name for move in shifted}
    others = [
        Moved(job.entity, earliest.old, job.cadence, earliest.zone, is_own=False)
        for job in after.values()
        if job.entity.amount and job.entity.name not in names and not job.cadence.is_weekly and job.cadence.is_regular
    ]
    return [*shifted, *others]


def last_nights(moves: Iterable[Moved], now: datetime, count: int = NIGHTS) -> list[date]:
    """The last nights whose windows every job has read by now, oldest first.

    What was changed in a night's window is read at the old time of the night after.
    """
    last = min((_last_run(move, now) for move in moves), default=None)
    return [last - timedelta(days=back) for back in range(count, 0, -1)] if last else []


def windows(move: Moved, zone: str, nights: Iterable[date]) -> list[Window]:
    """The job's windows; `zone` is the settings'."""
    return [
        Window(night, opens, next(move.new.next_fires(opens, zone)).astimezone(UTC))
        for night in nights
        if (opens := move.old.on(night, move.zone))
    ]


def worth_select(settings: Settings, moves: Sequence[Moved], nights: Sequence[date]) -> str:
    """One statement for all the jobs' tables: entity, night (such as 2026-10-20), records, amount (a decimal's text).

    A record that was loaded twice counts once a night, with the larger amount. A night without records has no row;
    without an amount it is 0.
    """
    return "\nUNION ALL\n".join(_select(settings, move, windows(move, settings.time_zone, nights)) for move in moves)


def add_up(moves: Iterable[Moved], nights: Sequence[date], rows: Iterable[Mapping[str, object]]) -> list[Worth]:
    """The answer of `worth_select`, with the nights that it leaves out."""
    counted: dict[str, dict[date, tuple[int, Decimal]]] = {}
    for row in rows:
        night = date.fromisoformat(str(row["night"]))
        counted.setdefault(str(row["entity"]), {})[night] = (int(str(row["records"])), Decimal(str(row["amount"])))
    worth = []
    for move in moves:
        mine = counted.get(move.entity.name, {})
        pairs = {night: mine.get(night, (0, Decimal())) for night in nights}
        by_night = {
            night: (records, amount if move.entity.amount else None) for night, (records, amount) in pairs.items()
        }
        worth.append(Worth(move, by_night))
    return worth


def _select(settings: Settings, move: Moved, windows: Sequence[Window]) -> str:
    keys = ", ".join(f"`{column}`" for column in move.entity.key)
    amount = f"CAST(`{move.entity.amount}` AS NUMERIC)" if move.entity.amount else "CAST(0 AS NUMERIC)"
    cases = "\n      ".join(f"WHEN {_within(window, window)} THEN '{window.night}'" for window in windows)
    return f"""SELECT '{move.entity.name}' AS entity, night, COUNT(*) AS records,
  COALESCE(CAST(SUM(money) AS STRING), '0') AS amount
FROM (
  SELECT night, MAX(money) AS money FROM (
    SELECT {keys}, {amount} AS money, CASE
      {cases}
    END AS night
    FROM {quoted(settings.table(move.entity))}
    WHERE {_within(windows[0], windows[-1])}
  ) AS changed WHERE night IS NOT NULL GROUP BY night, {keys}
) AS counted GROUP BY night"""  # noqa: S608


def _within(opening: Window, closing: Window) -> str:
    opens, closes = (f"TIMESTAMP '{moment:%Y-%m-%d %H:%M:%S}+00:00'" for moment in (opening.opens, closing.closes))
    return f"`{MODIFIED}` >= {opens} AND `{MODIFIED}` < {closes}"


def _last_run(move: Moved, now: datetime) -> date:
    """The local day of its last run at the old time."""
    today = now.astimezone(time_zone(move.zone)).date()
    fire = move.old.on(today, move.zone)
    return today if fire and fire <= now else today - timedelta(days=1)
