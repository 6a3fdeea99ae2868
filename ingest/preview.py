"""What a deploy changes, as a reviewer and an operator read it, and what the clock says against it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from ingest.rollout import Action, Change, World, changes, stacks_of
from ingest.schedule import DAY_MINUTES, Cadence, ScheduleError, clock_changes, time_zone
from ingest.settings import Settings

# Imported where there are some: `plan` starts faster.
if TYPE_CHECKING:
    from ingest.neighbours import Neighbour

APPLY_ALLOWANCE = timedelta(minutes=5)
"""A deploy that starts now may reach Cloud Scheduler this much later; windows begin earlier by it."""


@dataclass(frozen=True)
class Warning:
    """`kind` is "lost run" (a deploy now skips a run), "double run", "clock change" (daylight saving), "no token" or
    "neighbour".
    """

    kind: str
    entity: str
    """Names of entities; of a "neighbour" its job."""
    text: str


@dataclass(frozen=True)
class Preview:
    """`before` says in words what the changes are counted from; `stacks` are stack ids."""

    strategy: str
    night: int
    title: str
    before: str
    at: datetime
    time_zone: str
    changes: list[Change]
    stacks: list[str]
    warnings: list[Warning]

    @property
    def has_changes(self) -> bool:
        return bool(self.stacks)

    @property
    def loses_runs(self) -> bool:
        return any(w.kind == "lost run" for w in self.warnings)

    @property
    def loses_nothing_from(self) -> datetime:
        """From when on a deploy takes no run away, in the time zone."""
        moment = self.at
        while lost := {w.entity for w in run_windows(self.changes, moment, self.time_zone) if w.kind == "lost run"}:
            olds = (_old(c, moment, self.time_zone) for c in self.changes if c.entity.name in lost)
            moment = max(next(old.next_fires(moment, self.time_zone)) for old in olds if old) + timedelta(minutes=1)
        return moment.astimezone(time_zone(self.time_zone))

    @property
    def when_nothing_is_lost(self) -> str:
        """In words, for a preview that loses runs."""
        return f"From {self.loses_nothing_from:%a %Y-%m-%d %H:%M} ({self.time_zone}) on nothing is lost"

    def as_json(self) -> dict[str, object]:
        return {
            "strategy": self.strategy,
            "night": self.night,
            "title": self.title,
            "before": self.before,
            "at": self.at.isoformat(),
            "time_zone": self.time_zone,
            "stacks": self.stacks,
            "changes": [
                {
                    "entity": c.entity.name,
                    "job": c.entity.job_name,
                    "group": c.entity.group,
                    "actions": [str(action) for action in c.actions],
                    "before": c.before and c.before.cron,
                    "after": c.after and c.after.cron,
                    "fields": list(c.fields),
                    "notes": list(c.notes),
                    "next_run": next_run(c.after, self.at, self.time_zone),
                }
                for c in self.changes
            ],
            "warnings": [{"kind": w.kind, "entity": w.entity, "text": w.text} for w in self.warnings],
        }


def next_run(cadence: Cadence | None, after: datetime, zone: str) -> str | None:
    """The next run as ISO 8601 in the zone's local time with its offset."""
    return next(cadence.next_fires(after, zone)).isoformat() if cadence else None


def preview(
    settings: Settings, before: World, before_label: str, at: datetime, neighbours: Sequence[Neighbour] = ()
) -> Preview:
    """What deploying the settings' night changes in the world `before`, with the clock at `at` (aware).

    `neighbours` are the unmanaged jobs that it is to be compared with; none where nobody has asked for them.
    """
    night = next(n for n in settings.rollout.nights if n.number == settings.night)
    after = settings.world()
    night_changes = changes(before, after)
    return Preview(
        strategy=settings.strategy,
        night=settings.night,
        title=night.title,
        before=before_label,
        at=at,
        time_zone=settings.time_zone,
        changes=night_changes,
        stacks=stacks_of(night_changes),
        warnings=[
            *run_windows(night_changes, at, settings.time_zone),
            *clock_warnings(night_changes, at, settings.time_zone),
            *token_warnings(night_changes, after, settings),
            *neighbour_warnings(night_changes, neighbours, at, settings.time_zone),
        ],
    )


def neighbour_warnings(
    changes: Iterable[Change], neighbours: Sequence[Neighbour], at: datetime, zone: str
) -> list[Warning]:
    """The neighbours that the changes put at another place among our jobs."""
    if not neighbours:
        return []
    from ingest.neighbours import crossings

    return [Warning("neighbour", neighbour.job, text) for neighbour, text in crossings(changes, neighbours, at, zone)]


def token_warnings(changes: Iterable[Change], after: World, settings: Settings) -> list[Warning]:
    """The jobs that are created without a token beside live ones that all send one: the service may be closed."""
    live = settings.world_at_start()
    if not live or not all(job.sends_token for job in live.values()):
        return []
    names = [c.entity.name for c in changes if Action.CREATE in c.actions and not after[c.entity.name].sends_token]
    text = (
        f"{', '.join(names)}: created without an OIDC token, and each job found live sends one; a service that is "
        'closed to requests without a token refuses them until the night "identity" (docs/identity.md)'
    )
    return [Warning("no token", ", ".join(names), text)] if names else []


def run_windows(changes: Iterable[Change], at: datetime, zone: str) -> list[Warning]:
    """The shifts that, deployed at `at`, make a job run twice in its day (or week) or not at all."""
    now = f"{at.astimezone(time_zone(zone)):%H:%M}"
    warnings = []
    for change in changes:
        if not (change.before and change.after):
            continue
        old, new, name = _old(change, at, zone) or change.before, change.after, change.entity.name
        period = "this week's" if old.is_weekly else "today's"
        if old.is_weekly is not new.is_weekly:
            # Both run on the weekly one's day only; there it is as with two daily ones.
            weekly = old if old.is_weekly else new
            if (at + APPLY_ALLOWANCE).astimezone(time_zone(zone)).isoweekday() % 7 != weekly.weekday:
                continue
            old, new = replace(old, weekday=None, text=None), replace(new, weekday=None, text=None)
        moment = new.slot_of(at, zone)
        length = 7 * DAY_MINUTES if new.is_weekly else DAY_MINUTES
        if _lands_between(old.slot, new.slot, moment, length):
            text = (
                f"{name}: runs twice, it starts at {old.clock} and again at {new.clock} (now {now}); "
                f"deploy after {new.clock}, or accept a second incremental run"
            )
            warnings.append(Warning("double run", name, text))
        if _lands_between(new.slot, old.slot, moment, length):
            text = (
                f"{name}: loses {period} run, {new.clock} has passed and the run at {old.clock} is taken away "
                f"(now {now})"
            )
            warnings.append(Warning("lost run", name, text))
    return warnings


def _old(change: Change, at: datetime, zone: str) -> Cadence | None:
    """When the job ran before the change, in the zone that it has after it."""
    if change.before and change.before_zone:
        with suppress(ScheduleError):  # Of a zone that is none: its times are taken for those of ours.
            return change.before.in_zone(change.before_zone, zone, at)
    return change.before


def _lands_between(opens: int, closes: int, moment: int, length: int) -> bool:
    """Whether a deploy begun at `moment` can land from `opens` to before `closes`, in this period or the next one."""
    allowance = int(APPLY_ALLOWANCE.total_seconds() // 60)
    starts = (moment, moment - length)
    return opens < closes and any(opens <= start + allowance and start < closes for start in starts)


def clock_warnings(changes: Iterable[Change], at: datetime, zone: str) -> list[Warning]:
    """The nights of the year from `at` on which daylight saving skips or repeats a job's local time."""
    since = at.astimezone(time_zone(zone)).date()
    nights: dict[tuple[date, str], list[str]] = {}
    for change in changes:
        for jump in clock_changes(change.after, zone, since) if change.after else []:
            nights.setdefault((jump.day, jump.effect), []).append(change.entity.name)
    return [
        Warning(
            "clock change",
            ", ".join(names),
            f"{', '.join(names)}: on {day} the clock of {zone} changes and the local time is {effect}; "
            "pick a time that occurs once on that night, or a zone without daylight saving",
        )
        for (day, effect), names in sorted(nights.items())
    ]
