"""The rollout as a picture: when each job runs after each night, and how far it moves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import time
from itertools import pairwise
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from ingest.catalogue import CATALOGUE, GROUPS
from ingest.entity import Entity, Group
from ingest.rollout import Action, Change, Night, changes, night_before, state_at
from ingest.schedule import WEEKDAYS, Cadence
from ingest.settings import Settings

# Lengths are in px, times in minutes from midnight.
WIDTH = 1000
MARGIN = 28
NAMES_WIDTH = 158
NIGHT_WIDTH = 102
AXIS_GAP = 26
TOP = 148
ROW, GROUP_HEAD, GROUP_GAP = 28, 34, 14
CHIP_WIDTH, CHIP_HEIGHT = 82, 21
LEGEND_HEIGHT = 62
TICK = 30

COLOURS = ("#1f5fbf", "#0b7a53", "#b3541e", "#7a3fb5")
"""Of the groups, in their order, over again where there are more."""

STYLE = """
text { font-family: system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; fill: #1f2328 }
.title { font-size: 21px; font-weight: 600 }
.head { font-size: 14px; font-weight: 600 }
.name { font-size: 14px }
.note { font-size: 12px; fill: #59636e }
.time { font-size: 13px; font-variant-numeric: tabular-nums }
.muted { fill: #818b98 }
.strong { font-weight: 600 }
.middle { text-anchor: middle }
.end { text-anchor: end }
"""

STATES = {
    Action.ADOPT: "adopted",
    Action.CREATE: "new",
    Action.SHIFT_LATER: "moved",
    Action.SHIFT_EARLIER: "moved",
    Action.UNCHANGED: "unchanged",
}
LEGEND = {
    "adopted": "adopted as it is",
    "moved": "moved to this time",
    "new": "new job",
    "unchanged": "runs as before",
}
DESCRIBED = {"adopted": "adopted at", "moved": "moved to", "new": "new at"}


@dataclass(frozen=True)
class Step:
    """A night and what it changes, by entity name."""

    night: Night
    changes: dict[str, Change]


def timeline_svg(settings: Settings) -> str:
    """An SVG of the settings' strategy, the same for the same data."""
    return _Picture(settings).render()


def steps(settings: Settings) -> list[Step]:
    """The strategy's nights, each counted from the one before."""
    found = []
    for night in settings.rollout.nights:
        before = night_before(settings.rollout, night.number, adopt_existing=settings.adopt_existing)
        after = state_at(settings.rollout, night.number, adopt_existing=settings.adopt_existing)
        found.append(Step(night, {change.entity.name: change for change in changes(before, after)}))
    return found


class _Picture:
    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.steps = steps(settings)
        self.left = MARGIN + NAMES_WIDTH + NIGHT_WIDTH * len(self.steps) + AXIS_GAP
        self.right = WIDTH - MARGIN - 12
        minutes = [cadence.minute for entity in CATALOGUE for cadence in self._stations(entity)]
        waves = [_minute(at) for group in GROUPS for at in (group.opens, group.closes) if at]
        self.opens = min(minutes + waves) // 60 * 60
        self.closes = (max(minutes + waves) // TICK + 1) * TICK
        self.bottom = TOP + sum(self._height(group) + GROUP_GAP for group in GROUPS)
        self.svg = Element("svg")
        self.into = self.svg

    def render(self) -> str:
        height = self.bottom + LEGEND_HEIGHT
        self.svg.attrib = {
            "xmlns": "http://www.w3.org/2000/svg",
            "viewBox": f"0 0 {WIDTH} {height}",
            "width": str(WIDTH),
            "height": str(height),
            "role": "img",
            "aria-labelledby": "title desc",
        }
        title = f"The {self.settings.strategy} rollout: when each job runs after each night"
        SubElement(self.svg, "title", id="title").text = title
        SubElement(self.svg, "desc", id="desc").text = self._description()
        SubElement(self.svg, "style").text = STYLE
        self._rect(0.5, 0.5, WIDTH - 1, height - 1, rx=10, fill="#ffffff", stroke="#d1d9e0")
        self._text(MARGIN, 42, title, "title")
        stack = f"A name such as {GROUPS[0].stack} is a stack that the night deploys."
        self._text(MARGIN, 65, f"Start times in {self.settings.time_zone}. {stack}", "note")
        self._night_heads()
        self._axis()
        top = TOP
        for number, group in enumerate(GROUPS):
            self._group(group, COLOURS[number % len(COLOURS)], top)
            top += self._height(group) + GROUP_GAP
        self._legend(self.bottom + 22)
        indent(self.svg)
        return tostring(self.svg, encoding="unicode") + "\n"

    def _description(self) -> str:
        nights = []
        for step in self.steps:
            changed = [
                f"{change.entity.title} {DESCRIBED[STATES[change.actions[-1]]]} {change.after.clock}"
                for change in step.changes.values()
                if change.after and change.actions != (Action.UNCHANGED,)
            ]
            nights.append(f"Night {step.night.number}, {step.night.title}: {', '.join(changed)}.")
        return " ".join(nights)

    def _night_heads(self) -> None:
        for number, step in enumerate(self.steps):
            middle = self._night_middle(number)
            self._text(middle, TOP - 52, f"Night {step.night.number}", "head middle")
            self._text(middle, TOP - 34, step.night.title, "note middle")

    def _axis(self) -> None:
        self._text(self._x((self.opens + self.closes) / 2), TOP - 52, "From the old time to the new one", "head middle")
        self._line(self.left, TOP - 18, self.right, TOP - 18, stroke="#d1d9e0")
        for minute in range(self.opens, self.closes + 1, 60):
            self._line(self._x(minute), TOP - 23, self._x(minute), TOP - 18, stroke="#d1d9e0")
            self._text(self._x(minute), TOP - 30, _clock(minute), "time middle muted")

    def _group(self, group: Group, colour: str, top: float) -> None:
        after = f"after {' and '.join(group.after)}" if group.after else ""
        self._rect(MARGIN, top, 4, self._height(group), rx=2, fill=colour)
        name = self._text(MARGIN + 14, top + 20, group.name, "head", fill=colour)
        if after:
            SubElement(name, "tspan", {"class": "note", "dx": "7", "font-weight": "400"}).text = after
        self._line(MARGIN + 14, top + GROUP_HEAD - 5, self.left - AXIS_GAP, top + GROUP_HEAD - 5, stroke="#d1d9e0")
        for number, step in enumerate(self.steps):
            if any(c.entity.group == group.name and c.actions != (Action.UNCHANGED,) for c in step.changes.values()):
                self._text(self._night_middle(number), top + 20, group.stack, "note middle")
        for minute in range(self.opens, self.closes + 1, TICK):
            stroke = "#eff2f5" if minute % 60 else "#d1d9e0"
            self._line(self._x(minute), top + GROUP_HEAD, self._x(minute), top + self._height(group), stroke=stroke)
        self._wave(group, colour, top)
        for row, entity in enumerate(_members(group)):
            self.into = SubElement(self.svg, "g", id=entity.name)
            self._entity(entity, colour, top + GROUP_HEAD + ROW * (row + 0.5))
        self.into = self.svg

    def _wave(self, group: Group, colour: str, top: float) -> None:
        opens = _minute(group.opens)
        closes = _minute(group.closes) if group.closes else self.closes
        rows = self._height(group) - GROUP_HEAD
        left, right = self._x(opens), self._x(closes)
        self._rect(left, top + GROUP_HEAD, right - left, rows, rx=4, fill=colour, fill_opacity=0.13)
        day = "" if group.weekday is None else f" on {WEEKDAYS[group.weekday]}s"
        label = f"wave {_clock(opens)} to {_clock(closes)}" if group.closes else f"wave from {_clock(opens)}"
        self._text(right, top + 20, label + day, "note end strong", fill=colour)

    def _entity(self, entity: Entity, colour: str, middle: float) -> None:
        self._line(MARGIN + 14, middle + ROW / 2, WIDTH - MARGIN, middle + ROW / 2, stroke="#eff2f5")
        self._text(MARGIN + 14, middle + 5, entity.title, "name")
        for number, step in enumerate(self.steps):
            if change := step.changes.get(entity.name):
                self._chip(self._night_middle(number), middle, STATES[change.actions[-1]], _time(change), colour)
        stations = self._stations(entity)
        for old, new in pairwise(stations):
            self._move(self._x(old.minute), self._x(new.minute), middle, colour)
        if len(stations) == 1:
            self._circle(self._x(stations[0].minute), middle, 9, fill=colour, fill_opacity=0.25)
        self._circle(self._x(stations[-1].minute), middle, 5.5, fill=colour)

    def _move(self, old: float, new: float, middle: float, colour: str) -> None:
        tip = new - 9 if new > old else new + 9
        back = -6 if new > old else 6
        self._line(old, middle, tip, middle, stroke=colour, stroke_opacity=0.45, stroke_width=1.5)
        points = f"{tip + back:.1f},{middle - 4:.1f} {tip:.1f},{middle:.1f} {tip + back:.1f},{middle + 4:.1f}"
        arrow = {"points": points, "fill": "none", "stroke": colour, "stroke-opacity": "0.45", "stroke-width": "1.5"}
        SubElement(self.into, "polyline", arrow)
        self._circle(old, middle, 4.5, fill="#ffffff", stroke=colour, stroke_width=1.5)

    def _chip(self, centre: float, middle: float, state: str, text: str, colour: str) -> None:
        box = (centre - CHIP_WIDTH / 2, middle - CHIP_HEIGHT / 2, CHIP_WIDTH, CHIP_HEIGHT)
        if state == "new":
            self._rect(*box, rx=6, fill=colour)
            self._text(centre, middle + 4.5, text, "time middle strong", fill="#ffffff")
        elif state == "moved":
            self._rect(*box, rx=6, fill=colour, fill_opacity=0.13)
            self._text(centre, middle + 4.5, f"→ {text}", "time middle strong", fill=colour)
        elif state == "adopted":
            self._rect(*box, rx=6, fill="#ffffff", stroke=colour, stroke_width=1.5)
            self._text(centre, middle + 4.5, text, "time middle", fill=colour)
        else:
            self._text(centre, middle + 4.5, text, "time middle muted")

    def _legend(self, middle: float) -> None:
        shown = {STATES[c.actions[-1]] for step in self.steps for c in step.changes.values()}
        words = {state: text for state, text in LEGEND.items() if state in shown}
        column = (WIDTH - 2 * MARGIN) / len(words)
        for number, (state, text) in enumerate(words.items()):
            x = MARGIN + column * number
            self._chip(x + CHIP_WIDTH / 2, middle, state, "04:00", "#424a53")
            self._text(x + CHIP_WIDTH + 10, middle + 4.5, text, "note")

    def _stations(self, entity: Entity) -> list[Cadence]:
        """The cadences that the job has one after the other, before the rollout included."""
        found: list[Cadence] = []
        for step in self.steps:
            change = step.changes.get(entity.name)
            for cadence in (change.before, change.after) if change else ():
                if cadence and cadence not in found[-1:]:
                    found.append(cadence)
        return found

    def _height(self, group: Group) -> int:
        return GROUP_HEAD + ROW * len(list(_members(group)))

    def _night_middle(self, number: int) -> float:
        return MARGIN + NAMES_WIDTH + NIGHT_WIDTH * (number + 0.5)

    def _x(self, minute: float) -> float:
        return self.left + (self.right - self.left) * (minute - self.opens) / (self.closes - self.opens)

    def _text(self, x: float, y: float, text: str, classes: str, fill: str = "") -> Element:
        element = SubElement(self.into, "text", {"x": f"{x:.1f}", "y": f"{y:.1f}", "class": classes})
        if fill:
            # As a style: the classes' own fill would win over an attribute.
            element.set("style", f"fill: {fill}")
        element.text = text
        return element

    def _rect(self, x: float, y: float, width: float, height: float, **more: str | float) -> None:
        self._draw("rect", {"x": x, "y": y, "width": width, "height": height}, more)

    def _circle(self, x: float, y: float, r: float, **more: str | float) -> None:
        self._draw("circle", {"cx": x, "cy": y, "r": r}, more)

    def _line(self, x1: float, y1: float, x2: float, y2: float, **more: str | float) -> None:
        self._draw("line", {"x1": x1, "y1": y1, "x2": x2, "y2": y2}, more)

    def _draw(self, tag: str, lengths: dict[str, float], more: dict[str, str | float]) -> None:
        attributes = {name: f"{value:.1f}" for name, value in lengths.items()}
        SubElement(self.into, tag, attributes | {name.replace("_", "-"): str(value) for name, value in more.items()})


def _members(group: Group) -> Iterator[Entity]:
    return (entity for entity in CATALOGUE if entity.group == group.name)


def _time(change: Change) -> str:
    return change.after.clock if change.after else ""


def _minute(at: time) -> int:
    return at.hour * 60 + at.minute


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"
