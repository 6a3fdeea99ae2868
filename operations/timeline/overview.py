"""The nights side by side: when each job runs after each of them, and how far it moves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import time
from itertools import pairwise

from ingest.catalogue import CATALOGUE, GROUPS
from ingest.entity import Entity, Group
from ingest.rollout import Action, Change, Night, changes
from ingest.schedule import WEEKDAYS, Cadence
from ingest.settings import Settings
from operations.timeline.drawing import Drawing, Scale, clock
from operations.timeline.palette import NEUTRAL, colour_class

# Lengths are in px, times in minutes from midnight.
WIDTH = 1000
MARGIN = 28
NAMES_WIDTH = 158
NIGHT_WIDTH = 102
AXIS_GAP = 26
TITLE_HEIGHT = 82
HEADS_HEIGHT = 66
ROW, GROUP_HEAD, GROUP_GAP = 28, 34, 14
CHIP_WIDTH, CHIP_HEIGHT = 82, 21
LEGEND_HEIGHT = 62
TICK = 30

STATES = {
    Action.ADOPT: "adopted",
    Action.CREATE: "new",
    Action.SHIFT_LATER: "moved",
    Action.SHIFT_EARLIER: "moved",
    Action.ADD_OIDC: "token",
    Action.UNCHANGED: "unchanged",
}
LEGEND = {
    "adopted": "adopted as it is",
    "moved": "new time",
    "new": "new job",
    "token": "with a token",
    "unchanged": "runs as before",
}
DESCRIBED = {"adopted": "adopted at", "moved": "moved to", "new": "new at", "token": "with a token at"}


@dataclass(frozen=True)
class Step:
    """A night and what it changes, by entity name."""

    night: Night
    changes: dict[str, Change]


def steps(settings: Settings) -> list[Step]:
    """The strategy's nights, each counted from the one before."""
    return [
        Step(night, {change.entity.name: change for change in changed})
        for night in settings.rollout.nights
        for changed in [changes(settings.world_before(night.number), settings.world(night.number))]
    ]


def state(change: Change) -> str:
    """What a night makes of a job: a key of LEGEND."""
    return STATES[change.actions[-1]]


def legend(steps: Iterable[Step]) -> dict[str, str]:
    """What the states that occur mean."""
    shown = {state(change) for step in steps for change in step.changes.values()}
    return {kind: text for kind, text in LEGEND.items() if kind in shown}


def members(group: Group) -> Iterator[Entity]:
    """The group's entities, in the catalogue's order."""
    return (entity for entity in CATALOGUE if entity.group == group.name)


def wave_label(group: Group) -> str:
    """Such as "wave 04:00 to 04:30" and "wave from 06:00 on Sundays"."""
    day = "" if group.weekday is None else f" on {WEEKDAYS[group.weekday]}s"
    hours = f"{group.opens:%H:%M} to {group.closes:%H:%M}" if group.closes else f"from {group.opens:%H:%M}"
    return f"wave {hours}{day}"


def after_label(group: Group) -> str:
    """Such as "after core", "" for a group that waits for none."""
    return f"after {' and '.join(group.after)}" if group.after else ""


def minute_of(at: time) -> int:
    """Minutes from midnight."""
    return at.hour * 60 + at.minute


def overview(settings: Settings, *, headed: bool = True) -> Drawing:
    """A picture of the settings' strategy, the same for the same data. `headed`: with a title, on a ground."""
    return _Overview(settings, headed).drawn()


def timeline_svg(settings: Settings) -> str:
    """The overview as a file of its own."""
    return overview(settings).stand_alone()


class _Overview:
    def __init__(self, settings: Settings, headed: bool) -> None:
        self.settings = settings
        self.headed = headed
        self.steps = steps(settings)
        minutes = [cadence.minute for entity in CATALOGUE for cadence in self._stations(entity)]
        waves = [minute_of(at) for group in GROUPS for at in (group.opens, group.closes) if at]
        self.scale = Scale(
            opens=min(minutes + waves) // 60 * 60,
            closes=(max(minutes + waves) // TICK + 1) * TICK,
            left=MARGIN + NAMES_WIDTH + NIGHT_WIDTH * len(self.steps) + AXIS_GAP,
            right=WIDTH - MARGIN - 12,
        )
        self.top = HEADS_HEIGHT + (TITLE_HEIGHT if headed else 0)
        self.bottom = self.top + sum(self._height(group) + GROUP_GAP for group in GROUPS)
        self.title = f"The {settings.strategy} rollout: when each job runs after each night"
        self.to = Drawing("overview", WIDTH, self.bottom + LEGEND_HEIGHT, self.title, self._description())

    def drawn(self) -> Drawing:
        if self.headed:
            self.to.card()
            self.to.text(MARGIN, 42, self.title, "title")
            stack = f"A name such as {GROUPS[0].stack} is a stack that the night deploys."
            self.to.text(MARGIN, 65, f"Start times in {self.settings.time_zone}. {stack}", "note")
        self._night_heads()
        self._axis()
        top = self.top
        for number, group in enumerate(GROUPS):
            self._group(group, colour_class(number), top)
            top += self._height(group) + GROUP_GAP
        self._legend(self.bottom + 22)
        return self.to

    def _description(self) -> str:
        nights = []
        for step in self.steps:
            changed = [
                f"{change.entity.title} {DESCRIBED[state(change)]} {change.after.clock}"
                for change in step.changes.values()
                if change.after and not change.is_unchanged
            ]
            nights.append(f"Night {step.night.number}, {step.night.title}: {', '.join(changed)}.")
        return " ".join(nights)

    def _night_heads(self) -> None:
        for number, step in enumerate(self.steps):
            middle = self._night_middle(number)
            self.to.text(middle, self.top - 52, f"Night {step.night.number}", "head middle")
            self.to.text(middle, self.top - 34, step.night.title, "note middle")

    def _axis(self) -> None:
        scale, base = self.scale, self.top - 18
        middle = (scale.left + scale.right) / 2
        self.to.text(middle, self.top - 52, "From the old time to the new one", "head middle")
        self.to.line(scale.left, base, scale.right, base, "rule")
        for minute in range(scale.opens, scale.closes + 1, 60):
            self.to.line(scale.x(minute), base - 5, scale.x(minute), base, "rule")
            self.to.text(scale.x(minute), base - 12, clock(minute), "time note middle")

    def _group(self, group: Group, colour: str, top: float) -> None:
        scale, bottom = self.scale, top + self._height(group)
        self.to.rect(MARGIN, top, 4, self._height(group), f"solid-{colour}", rx=2)
        self.to.text(MARGIN + 14, top + 20, group.name, f"head ink-{colour}", after=after_label(group))
        self.to.line(MARGIN + 14, top + GROUP_HEAD - 5, scale.left - AXIS_GAP, top + GROUP_HEAD - 5, "rule")
        for number, step in enumerate(self.steps):
            if any(c.entity.group == group.name and not c.is_unchanged for c in step.changes.values()):
                self.to.text(self._night_middle(number), top + 20, group.stack, "note middle")
        for minute in range(scale.opens, scale.closes + 1, TICK):
            self.to.line(scale.x(minute), top + GROUP_HEAD, scale.x(minute), bottom, "grid" if minute % 60 else "rule")
        left = scale.x(minute_of(group.opens))
        right = scale.x(minute_of(group.closes) if group.closes else scale.closes)
        self.to.rect(left, top + GROUP_HEAD, right - left, bottom - top - GROUP_HEAD, f"tint-{colour}", rx=4)
        self.to.text(right, top + 20, wave_label(group), f"note end strong ink-{colour}")
        for row, entity in enumerate(members(group)):
            with self.to.group(entity=entity.name):
                self._entity(entity, colour, top + GROUP_HEAD + ROW * (row + 0.5))

    def _entity(self, entity: Entity, colour: str, middle: float) -> None:
        self.to.line(MARGIN + 14, middle + ROW / 2, WIDTH - MARGIN, middle + ROW / 2, "grid")
        self.to.text(MARGIN + 14, middle + 5, entity.title, "name")
        for number, step in enumerate(self.steps):
            if change := step.changes.get(entity.name):
                at = change.after.clock if change.after else ""
                self._chip(self._night_middle(number), middle, state(change), at, colour)
        stations = self._stations(entity)
        for old, new in pairwise(stations):
            self._move(self.scale.x(old.minute), self.scale.x(new.minute), middle, colour)
        if len(stations) == 1:
            self.to.circle(self.scale.x(stations[0].minute), middle, 9, f"halo-{colour}")
        self.to.circle(self.scale.x(stations[-1].minute), middle, 5.5, f"solid-{colour}")

    def _move(self, old: float, new: float, middle: float, colour: str) -> None:
        self.to.arrow(old, new - 9 if new > old else new + 9, middle, colour)
        self.to.circle(old, middle, 4.5, f"hollow-{colour}")

    def _chip(self, centre: float, middle: float, kind: str, text: str, colour: str) -> None:
        box = (centre - CHIP_WIDTH / 2, middle - CHIP_HEIGHT / 2, CHIP_WIDTH, CHIP_HEIGHT)
        base = middle + 4.5
        if kind == "new":
            self.to.rect(*box, f"solid-{colour}", rx=6)
            self.to.text(centre, base, text, "time middle strong on")
        elif kind == "moved":
            self.to.rect(*box, f"tint-{colour}", rx=6)
            self.to.text(centre, base, f"→ {text}", f"time middle strong ink-{colour}")
        elif kind == "adopted":
            self.to.rect(*box, f"hollow-{colour}", rx=6)
            self.to.text(centre, base, text, f"time middle ink-{colour}")
        elif kind == "token":
            self.to.text(centre, base, f"{text} +token", f"time middle ink-{colour}")
        else:
            self.to.text(centre, base, text, "time middle note")

    def _legend(self, middle: float) -> None:
        meanings = legend(self.steps)
        column = (WIDTH - 2 * MARGIN) / len(meanings)
        for number, (kind, text) in enumerate(meanings.items()):
            x = MARGIN + column * number
            self._chip(x + CHIP_WIDTH / 2, middle, kind, "04:00", NEUTRAL)
            self.to.text(x + CHIP_WIDTH + 10, middle + 4.5, text, "note")

    def _stations(self, entity: Entity) -> list[Cadence]:
        """The cadences that the job has one after the other, before the rollout included."""
        stations: list[Cadence] = []
        for step in self.steps:
            change = step.changes.get(entity.name)
            for cadence in (change.before, change.after) if change else ():
                if cadence and cadence not in stations[-1:]:
                    stations.append(cadence)
        return stations

    def _height(self, group: Group) -> int:
        return GROUP_HEAD + ROW * len(list(members(group)))

    def _night_middle(self, number: int) -> float:
        return MARGIN + NAMES_WIDTH + NIGHT_WIDTH * (number + 0.5)
