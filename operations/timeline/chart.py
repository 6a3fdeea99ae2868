"""The schedule as a chart: a bar for each job before and after, groups as bands, what was measured beneath."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta

from ingest.entity import Group
from ingest.rules import GAP_MINUTES
from ingest.schedule import Cadence
from operations.timeline.drawing import Drawing, Scale, clock
from operations.timeline.measured import Measurement
from operations.timeline.overview import after_label, minute_of, wave_label
from operations.timeline.palette import NEUTRAL, colour_class
from operations.timeline.schedule import Row, Schedule, lasts

GROUP_HEAD, GROUP_GAP = 30, 14
BAR, MEASURED_BAR = 12, 5
LEAST = 2.5
"""A measured bar is drawn no shorter than that."""
LEGEND_ROW = 26
NAME_HEIGHT = 23
LINE = 20
"""Of a neighbour's text."""
LABEL_GAP = 6


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Where things are, in px. `names` is the width of the names' column; 0 puts a name and its times above its bars.

    `lead` and `tail` are free for labels and half a tick's text; `lane` is the height of the bars of a row, to which
    `measured` adds where something was measured.
    """

    name: str
    width: int
    margin: int
    names: int
    lead: int
    tail: int
    heading: int
    lane: int
    measured: int
    legend_columns: int
    most_ticks: int

    @property
    def is_narrow(self) -> bool:
        return not self.names


WIDE = Layout(
    name="wide",
    width=1000,
    margin=28,
    names=158,
    lead=48,
    tail=92,
    heading=82,
    lane=28,
    measured=16,
    legend_columns=4,
    most_ticks=12,
)
NARROW = Layout(
    name="narrow",
    width=366,
    margin=1,
    names=0,
    lead=20,
    tail=18,
    heading=0,
    lane=46,
    measured=12,
    legend_columns=1,
    most_ticks=6,
)
"""For a phone: as wide as its page, with text as large."""


def chart(schedule: Schedule, layout: Layout = WIDE, *, headed: bool = True) -> Drawing:
    """A picture of the schedule. `headed`: with a title, on a ground; for the wide layout only."""
    return _Chart(schedule, layout, headed).drawn()


def title(schedule: Schedule) -> str:
    """What the chart shows, in a line."""
    return f"The schedule before the rollout and after night {schedule.night.number}, {schedule.night.title}"


class _Chart:
    def __init__(self, schedule: Schedule, layout: Layout, headed: bool) -> None:
        self.schedule, self.layout = schedule, layout
        self.headed = headed and not layout.is_narrow
        self.row_height = layout.lane + (layout.measured if schedule.has_measured else 0)
        opens, closes = self._hours()
        left = layout.margin + layout.names + layout.lead
        self.scale = Scale(opens, closes, left, layout.width - layout.margin - layout.tail)
        self.tick = _tick(closes - opens, layout.most_ticks)
        self.top = (layout.heading if self.headed else 0) + (86 if layout.is_narrow else 62)
        groups = list(schedule.groups())
        self.lines = self._neighbour_lines()
        self.bottom = self.top + sum(self._height(rows) + GROUP_GAP for _, _, rows in groups) + LINE * len(self.lines)
        self.legend = self._legend_entries()
        legend_rows = -(-len(self.legend) // layout.legend_columns)
        height = self.bottom + (44 if layout.is_narrow else 0) + LEGEND_ROW * legend_rows + 18
        self.to = Drawing(f"schedule-{layout.name}", layout.width, height, title(schedule), self._description())

    def drawn(self) -> Drawing:
        margin = self.layout.margin
        if self.headed:
            self.to.card()
            self.to.text(margin, 42, title(self.schedule), "title")
            self.to.text(margin, 65, self._note(), "note")
        self._axis()
        top = self.top
        for number, group, rows in self.schedule.groups():
            self._group(group, rows, colour_class(number), top)
            top += self._height(rows) + GROUP_GAP
        for line in self.lines:
            self.to.text(margin, top + 12, line, "note")
            top += LINE
        if self.layout.is_narrow:
            self._ticks(top + 6, local=top + 20, utc=top + 36)
            top += 44
        self._legend(top + 14)
        return self.to

    def _note(self) -> str:
        measured = f" Measured: {self.schedule.measured_days}." if self.schedule.has_measured else ""
        return f"Times in {self.schedule.zone} and {self.schedule.utc_note}.{measured}"

    def _description(self) -> str:
        groups = []
        for _, group, rows in self.schedule.groups():
            groups.append(f"{group.name}, {wave_label(group)}: {', '.join(_told(row) for row in rows)}.")
        return " ".join([self._note(), *groups, *self._neighbour_lines()])

    def _neighbour_lines(self) -> list[str]:
        neighbours = self.schedule.neighbours
        if self.layout.is_narrow:
            texts = [text for neighbour in neighbours for text in (neighbour.job, f"  {neighbour.when}")]
        else:
            texts = [f"{neighbour.job}, {neighbour.when}" for neighbour in neighbours]
        return ["Neighbours, with a ring at their time:", *texts] if texts else []

    def _hours(self) -> tuple[int, int]:
        """The whole hours around everything that is drawn, in minutes from midnight."""
        starts, ends = [], []
        for _, group, rows in self.schedule.groups():
            starts.append(minute_of(group.opens))
            ends.append(minute_of(group.closes or group.opens))
            for row in rows:
                minutes = [cadence.minute for cadence in (row.before, row.after) if cadence]
                spans = [self._span(attempt) for attempt in row.measured]
                starts += [*minutes, *(int(start) for start, _ in spans)]
                ends += [*(minute + GAP_MINUTES for minute in minutes), *(int(end) + 1 for _, end in spans)]
        return min(starts) // 60 * 60, -(-max(ends) // 60) * 60

    def _span(self, attempt: Measurement) -> tuple[float, float]:
        """From its start by the local clock on, in minutes from that day's midnight."""
        local = self.schedule.local(attempt.started).replace(tzinfo=None)
        start = (local - datetime.combine(local, time())) / timedelta(minutes=1)
        return start, start + (attempt.ended - attempt.started) / timedelta(minutes=1)

    def _axis(self) -> None:
        schedule, scale, base = self.schedule, self.scale, self.top - 12
        utc = "UTC" if schedule.utc_note.endswith("all year") else schedule.utc_note
        if self.layout.is_narrow:
            self.to.text(scale.left - 18, base - 60, schedule.zone, "note strong")
            self.to.text(scale.left - 18, base - 28, utc, "note strong")
            self._ticks(base, local=base - 44, utc=base - 12)
        else:
            end = scale.left - 30
            self.to.text(end, base - 30, schedule.zone, "note strong end")
            self.to.text(end, base - 12, utc, "note strong end")
            self._ticks(base, local=base - 30, utc=base - 12)

    def _ticks(self, base: float, *, local: float, utc: float) -> None:
        """A line with the local hours and UTC, whose texts have their baselines at `local` and `utc`."""
        scale = self.scale
        self.to.line(scale.left, base, scale.right, base, "rule")
        for minute in range(scale.opens, scale.closes + 1, self.tick):
            self.to.line(scale.x(minute), base - 4, scale.x(minute), base + 4, "rule")
            self.to.text(scale.x(minute), local, clock(minute), "time middle")
            self.to.text(scale.x(minute), utc, self.schedule.utc_at(minute), "time note middle")
        for neighbour in self.schedule.neighbours:
            minute = self.schedule.minute(neighbour.cadence, neighbour.time_zone) if neighbour.cadence else -1
            if scale.opens <= minute <= scale.closes and not neighbour.paused:
                self.to.circle(scale.x(minute), base, 5, f"hollow-{NEUTRAL}")

    def _group(self, group: Group, rows: list[Row], colour: str, top: float) -> None:
        layout, scale, bottom = self.layout, self.scale, top + self._height(rows)
        left = layout.margin + (8 if layout.is_narrow else 14)
        first = top + GROUP_HEAD
        self.to.rect(layout.margin, top, 4, bottom - top, f"solid-{colour}", rx=2)
        self.to.text(left, top + 19, group.name, f"head ink-{colour}", after=after_label(group))
        # Not behind the names and times that stand above the bars of a narrow row.
        clear = NAME_HEIGHT if layout.is_narrow else 0
        for number in range(len(rows)):
            above = first + self.row_height * number
            for minute in range(scale.opens, scale.closes + 1, 30):
                classes = "grid" if minute % 60 else "rule"
                self.to.line(scale.x(minute), above + clear, scale.x(minute), above + self.row_height, classes)
        opens = scale.x(minute_of(group.opens))
        closes = scale.x(minute_of(group.closes) if group.closes else scale.closes)
        self.to.rect(opens, first, closes - opens, bottom - first, f"tint-{colour}", rx=4)
        end = layout.width - layout.margin if layout.is_narrow else closes
        self.to.text(end, top + 19, wave_label(group), f"note end strong ink-{colour}")
        for number, row in enumerate(rows):
            with self.to.group(entity=row.entity.name):
                self._row(row, colour, first + self.row_height * number)

    def _row(self, row: Row, colour: str, top: float) -> None:
        layout = self.layout
        left = layout.margin + (8 if layout.is_narrow else 14)
        self.to.line(left, top + self.row_height, layout.width - layout.margin, top + self.row_height, "grid")
        if layout.is_narrow:
            self.to.text(left, top + 17, row.entity.title, "name")
            self.to.text(layout.width - layout.margin, top + 17, _times(row), f"time end strong ink-{colour}")
            middle = top + 33
        else:
            middle = top + 14
            self.to.text(left, middle + 5, row.entity.title, "name")
            self._labels(row, colour, middle)
        if row.before and row.kind != "unchanged":
            self._bar(row.before, middle, f"before hollow-{colour}")
        self._bar(row.after, middle, f"after solid-{colour}")
        if row.before and row.kind == "moved":
            old, new = self._bar_ends(row.before), self._bar_ends(row.after)
            later = row.after.minute > row.before.minute
            self.to.arrow(*((old[1], new[0] - 3) if later else (old[0], new[1] + 3)), middle, colour)
        for attempt in sorted(row.measured, key=lambda attempt: not attempt.ok):
            self._measured(attempt, middle + BAR / 2 + (6 if layout.is_narrow else 9))
        if row.measured and not layout.is_narrow:
            end = max(self._span(attempt)[1] for attempt in row.measured)
            durations = " + ".join(lasts(attempt) for attempt in row.measured)
            self.to.text(self.scale.x(end) + LABEL_GAP, middle + BAR / 2 + 15.5, durations, "note")

    def _bar(self, cadence: Cadence, middle: float, classes: str) -> None:
        left, right = self._bar_ends(cadence)
        self.to.rect(left, middle - BAR / 2, right - left, BAR, classes, rx=2.5)

    def _measured(self, attempt: Measurement, top: float) -> None:
        start, end = self._span(attempt)
        left, right = self.scale.x(start), self.scale.x(end)
        classes = "run measured" if attempt.ok else "run failed"
        self.to.rect(left, top, max(right - left, LEAST), MEASURED_BAR, classes, rx=1)

    def _bar_ends(self, cadence: Cadence) -> tuple[float, float]:
        return self.scale.x(cadence.minute), self.scale.x(cadence.minute + GAP_MINUTES)

    def _labels(self, row: Row, colour: str, middle: float) -> None:
        """The old time and the new one, each on the far side of its bar, so that they never meet."""
        backwards = bool(row.before and row.after.minute < row.before.minute)
        if row.before and row.kind != "unchanged":
            self._label(row.before, middle, "time note", left=not backwards)
        new = "new" if row.kind == "new" else ""
        self._label(row.after, middle, f"time strong ink-{colour}", left=backwards, after=new)

    def _label(self, cadence: Cadence, middle: float, classes: str, *, left: bool, after: str = "") -> None:
        start, end = self._bar_ends(cadence)
        x = start - LABEL_GAP if left else end + LABEL_GAP
        self.to.text(x, middle + 4.5, cadence.clock, f"{classes} end" if left else classes, after=after)

    def _legend_entries(self) -> list[tuple[str, str]]:
        """Classes of a bar, and what it means."""
        rows = self.schedule.rows
        attempts = [attempt for row in rows for attempt in row.measured]
        night = f"after night {self.schedule.night.number}, with its {GAP_MINUTES} minutes"
        entries = [
            (
                "before",
                f"hollow-{NEUTRAL}",
                "before the rollout",
                any(row.kind == "moved" for row in rows),
            ),
            ("after", f"solid-{NEUTRAL}", night, True),
            ("run", "measured", "measured, start to end", any(attempt.ok for attempt in attempts)),
            ("run", "failed", "measured, failed", any(not attempt.ok for attempt in attempts)),
            ("wave", f"tint-{NEUTRAL}", "wave of a group", True),
        ]
        return [(f"{kind} {classes}", text) for kind, classes, text, shown in entries if shown]

    def _legend(self, top: float) -> None:
        layout = self.layout
        column = (layout.width - 2 * layout.margin) / layout.legend_columns
        for number, (classes, text) in enumerate(self.legend):
            row, place = divmod(number, layout.legend_columns)
            x, middle = layout.margin + column * place, top + LEGEND_ROW * row
            height = MEASURED_BAR if classes.startswith("run") else BAR
            self.to.rect(x + 1, middle - height / 2, 22, height, classes, rx=1 if height < BAR else 2.5)
            self.to.text(x + 32, middle + 4.5, text, "note")

    def _height(self, rows: list[Row]) -> int:
        return GROUP_HEAD + self.row_height * len(rows)


def _tick(span: int, most: int) -> int:
    """Minutes between ticks over `span` minutes: whole hours, so that there are about `most` of them at most."""
    return next((hours * 60 for hours in (1, 2, 3, 4, 6) if span <= hours * 60 * most), 12 * 60)


def _times(row: Row) -> str:
    old, new = row.before.clock if row.before else "", row.after.clock
    return {"moved": f"{old} → {new}", "new": f"{new} new"}.get(row.kind, new)


def _told(row: Row) -> str:
    old, new = row.before.clock if row.before else "", row.after.clock
    texts = {"moved": f"from {old} to {new}", "new": f"new at {new}"}
    attempts = [lasts(attempt) + ("" if attempt.ok else " (failed)") for attempt in row.measured]
    measured = f", measured {' and '.join(attempts)}" if attempts else ""
    return f"{row.entity.title} {texts.get(row.kind, f'at {new} as before')}{measured}"
