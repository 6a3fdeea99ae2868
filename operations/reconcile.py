"""The weekly comparison of the warehouse's figures with ServiceTitan's own, from a file that a person fills.

A gap is the warehouse's figure minus ServiceTitan's: where it is negative, the warehouse has too little. Money is in US
dollars, as Decimal; nothing is rounded before it is judged.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_DOWN, Decimal, InvalidOperation
from enum import StrEnum
from hashlib import sha256
from pathlib import Path

from ingest.shapes import Table, shown
from ingest.verdict import Verdict
from operations.errors import OperationError

CENT = Decimal("0.01")


class Unit(StrEnum):
    DOLLARS = "$"
    JOBS = "jobs"
    POINTS = "points"
    """Of a percentage: from 41 % to 43 % are 2 points."""


@dataclass(frozen=True)
class Tolerance:
    """How far from the reference is near enough: percent of the reference, or an amount in the metric's unit.

    With both the larger limit counts, as in math.isclose; the percentage is of the reference alone.
    """

    percent: Decimal | None = None
    absolute: Decimal | None = None

    def limit(self, reference: Decimal, unit: Unit) -> Decimal:
        """In the metric's unit, cut to whole cents or jobs: figures have no finer step."""
        step = CENT if unit is Unit.DOLLARS else Decimal(1)
        limits = [self.absolute or Decimal(0), abs(reference) * (self.percent or Decimal(0)) / 100]
        return max(limits).quantize(step, ROUND_DOWN)


UNITS = {"revenue": Unit.DOLLARS, "materials": Unit.DOLLARS, "labor": Unit.DOLLARS, "job_count": Unit.JOBS}
PLAN = {
    "revenue": Tolerance(percent=Decimal(1)),
    "materials": Tolerance(percent=Decimal(1)),
    "labor": Tolerance(percent=Decimal("0.5")),
    "job_count": Tolerance(absolute=Decimal(0)),
}
"""The plan's targets; the file may set others."""
PLAN_POINTS = Decimal(2)
"""The plan's target for the gross margin, in points."""
MARGIN = "gross_margin"
MARGIN_PARTS = ("revenue", "materials", "labor")


@dataclass(frozen=True)
class Figure:
    """What somebody read where. `as_of` is the day whose end the figure shows the state of."""

    value: Decimal
    source: str
    by: str
    as_of: date


@dataclass(frozen=True)
class Metric:
    """`reference` is ServiceTitan's; `before` and `now` are the warehouse's, before the rollout and after."""

    name: str
    tolerance: Tolerance
    reference: Figure | None = None
    before: Figure | None = None
    now: Figure | None = None


@dataclass(frozen=True)
class Figures:
    """The whole file. `start` and `end` are the period's first and last day; `margin_points` is a tolerance."""

    start: date
    end: date
    metrics: Mapping[str, Metric]
    max_days_apart: int = 1
    margin_points: Decimal = PLAN_POINTS
    is_example: bool = False
    digest: str = ""
    """SHA-256 of the file, in hexadecimal."""


@dataclass(frozen=True)
class Comparison:
    """One figure against the reference. Gap and limit are in the metric's unit, `percent` is of the reference.

    `gap` and `value` are None where a figure is missing or a margin cannot be computed, `percent` also where the
    reference is 0. `reasons` say why it is inconclusive.
    """

    value: Decimal | None
    gap: Decimal | None
    percent: Decimal | None
    limit: Decimal | None
    verdict: Verdict
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class Row:
    """A metric with its comparisons; `before` is of the start, and no part of the verdict."""

    metric: str
    unit: Unit
    tolerance: Tolerance
    plan: Tolerance
    reference: Decimal | None
    before: Comparison | None
    now: Comparison


def compare(figures: Figures) -> list[Row]:
    """The metrics in the plan's order, and the gross margin."""
    return [*(_row(figures.metrics[name], figures) for name in UNITS), _margin_row(figures)]


def gross_margin(revenue: Decimal, materials: Decimal, labor: Decimal) -> Decimal | None:
    """In percent of the revenue; None where there is no revenue."""
    return (revenue - materials - labor) / revenue * 100 if revenue > 0 else None


def _row(metric: Metric, figures: Figures) -> Row:
    unit = UNITS[metric.name]
    reference = metric.reference.value if metric.reference else None
    limit = None if reference is None else metric.tolerance.limit(reference, unit)

    def against(key: str, figure: Figure | None, max_days_apart: int | None) -> Comparison:
        reasons = _doubts({"reference": metric.reference, key: figure}, figures.end, max_days_apart)
        return _judge(reference, figure.value if figure else None, limit, reasons, relative=True)

    # The figure from before the rollout is older than the reference by its nature.
    before = against("before", metric.before, None) if metric.before else None
    now = against("now", metric.now, figures.max_days_apart)
    return Row(metric.name, unit, metric.tolerance, PLAN[metric.name], reference, before, now)


def _margin_row(figures: Figures) -> Row:
    parts = [figures.metrics[name] for name in MARGIN_PARTS]
    references = {f"{part.name}.reference": part.reference for part in parts}
    reference = _margin(references)

    def against(found: Mapping[str, Figure | None], max_days_apart: int | None) -> Comparison:
        reasons = _doubts({**references, **found}, figures.end, max_days_apart)
        margin = _margin(found)
        if not reasons and (margin is None or reference is None):
            reasons = ("revenue: it must be over 0 for a margin",)
        return _judge(reference, margin, figures.margin_points, reasons, relative=False)

    befores = {f"{part.name}.before": part.before for part in parts}
    before = against(befores, None) if all(befores.values()) else None
    now = against({f"{part.name}.now": part.now for part in parts}, figures.max_days_apart)
    tolerance, plan = Tolerance(absolute=figures.margin_points), Tolerance(absolute=PLAN_POINTS)
    return Row(MARGIN, Unit.POINTS, tolerance, plan, reference, before, now)


def _margin(parts: Mapping[str, Figure | None]) -> Decimal | None:
    values = [figure.value for figure in parts.values() if figure]
    return gross_margin(*values) if len(values) == len(MARGIN_PARTS) else None


def _judge(
    reference: Decimal | None,
    value: Decimal | None,
    limit: Decimal | None,
    reasons: tuple[str, ...],
    *,
    relative: bool,
) -> Comparison:
    if reference is None or value is None or limit is None:
        return Comparison(value, None, None, limit, Verdict.INCONCLUSIVE, reasons)
    gap = value - reference
    percent = gap / abs(reference) * 100 if relative and reference else None
    verdict = Verdict.PASS if abs(gap) <= limit else Verdict.FAIL
    return Comparison(value, gap, percent, limit, Verdict.INCONCLUSIVE if reasons else verdict, reasons)


def _doubts(named: Mapping[str, Figure | None], end: date, max_days_apart: int | None) -> tuple[str, ...]:
    """Why these figures prove nothing together; empty: they do."""
    reasons = [f"{key}: there is no figure" for key, figure in named.items() if figure is None]
    dates = {key: figure.as_of for key, figure in named.items() if figure}
    reasons += [f"{key}: as of {day}, before the period's end, {end}" for key, day in dates.items() if day < end]
    if dates and max_days_apart is not None:
        first, last = min(dates, key=dates.__getitem__), max(dates, key=dates.__getitem__)
        days = (dates[last] - dates[first]).days
        if days > max_days_apart:
            reasons.append(
                f"{first} is as of {dates[first]}, {last} as of {dates[last]}: "
                f"{days} days apart, max_days_apart is {max_days_apart}"
            )
    return tuple(reasons)


def read(path: Path, today: date) -> Figures:
    """The figures in the TOML file at `path`; no date in it may be after `today`.

    Raises OperationError with all problems.
    """
    try:
        raw = path.read_bytes()
        content = tomllib.loads(raw.decode("utf-8-sig"), parse_float=_decimal)
    except OSError as error:
        raise OperationError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError as error:
        raise OperationError(f"{path}: byte {error.start} is not UTF-8; save the file as UTF-8") from None
    except RecursionError:
        raise OperationError(f"{path}: nested too deeply; docs/reconcile-example.toml shows the form") from None
    except ValueError as error:
        raise OperationError(f"{path}: not TOML: {error}") from None
    problems: list[str] = []
    figures = _figures(content, today, sha256(raw).hexdigest(), problems)
    if figures is None:
        raise OperationError("\n".join(f"{path}: {problem}" for problem in problems))
    return figures


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        return Decimal("NaN")


def _within(table: Table, key: str, known: Sequence[str]) -> Table:
    """The table of that key; an empty one where it is missing."""
    content, name = table.content.get(key, {}), table.name(key)
    if not isinstance(content, dict):
        table.problems.append(f"{name}: {shown(content)} is no table; write [{name}] and its keys below it")
        content = {}
    return Table(content, name, known, table.problems)


FIGURE_KEYS = ("value", "source", "by", "as_of")
METRIC_KEYS = ("tolerance_percent", "tolerance_absolute", "reference", "before", "now")
KEYS = ("example", "max_days_apart", "period", *UNITS, MARGIN)


def _figures(content: dict[str, object], today: date, digest: str, problems: list[str]) -> Figures | None:
    """None where `problems` were found."""
    file = Table(content, "", KEYS, problems)
    past = _day(today)
    allowed_day = f"a date until {today}, without quotes, such as 2025-10-26"
    period = _within(file, "period", ("from", "to"))
    start, end = period.need("from", past, allowed_day), period.need("to", past, allowed_day)
    if start and end and start > end:
        problems.append(f"period.to: {end} is before period.from, {start}; swap them")
    days = file.take("max_days_apart", lambda value: int(_whole(value)), "a whole number of days from 0")
    example = file.take("example", _boolean, "true or false")
    points = _within(file, MARGIN, ("tolerance_points",)).take("tolerance_points", _percent, "0 to 100, in points")
    metrics = {name: _metric(_within(file, name, METRIC_KEYS), name, past, allowed_day) for name in UNITS}
    if problems or start is None or end is None:
        return None
    return Figures(
        start=start,
        end=end,
        metrics=metrics,
        max_days_apart=Figures.max_days_apart if days is None else days,
        margin_points=PLAN_POINTS if points is None else points,
        is_example=bool(example),
        digest=digest,
    )


def _metric(table: Table, name: str, past: Callable[[object], date], allowed_day: str) -> Metric:
    is_money = UNITS[name] is Unit.DOLLARS
    check, allowed = (_money, "dollars and cents, without quotes and commas, such as 107730.06")
    if not is_money:
        check, allowed = (_whole, "a whole number from 0, without quotes, such as 244")
    percent = table.take("tolerance_percent", _percent, "0 to 100")
    absolute = table.take("tolerance_absolute", _positive(check), f"from 0, {allowed}")
    given = Tolerance(percent, absolute)
    sides: dict[str, Figure | None] = {}
    for side in ("reference", "before", "now"):
        one = _within(table, side, FIGURE_KEYS)
        ask = one.need if "value" in one.content else one.take
        value = one.take("value", check, allowed)
        source = ask("source", _line, 'the report or query it is from, such as "Job Costing Summary"')
        by = ask("by", _line, "who read it, a name in quotes")
        as_of = ask("as_of", past, allowed_day)
        if value is None or source is None or by is None or as_of is None:
            sides[side] = None
        else:
            sides[side] = Figure(value, source, by, as_of)
    return Metric(name, PLAN[name] if given == Tolerance() else given, **sides)


def _number(value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueError
    number = Decimal(value)
    if not number.is_finite() or abs(number) >= Decimal(10) ** 12:
        raise ValueError
    return number


def _in_steps(value: object, step: Decimal) -> Decimal:
    number = _number(value)
    if number != number.quantize(step):
        raise ValueError
    return number.quantize(step)


def _money(value: object) -> Decimal:
    return _in_steps(value, CENT)


def _whole(value: object) -> Decimal:
    return _positive(lambda number: _in_steps(number, Decimal(1)))(value)


def _positive(check: Callable[[object], Decimal]) -> Callable[[object], Decimal]:
    def checked(value: object) -> Decimal:
        number = check(value)
        if number < 0:
            raise ValueError
        return number

    return checked


def _percent(value: object) -> Decimal:
    number = _in_steps(value, Decimal("0.0001"))
    if not 0 <= number <= 100:
        raise ValueError
    return number.normalize()


def _day(today: date) -> Callable[[object], date]:
    def check(value: object) -> date:
        if not isinstance(value, date) or isinstance(value, datetime) or value > today:
            raise ValueError
        return value

    return check


def _line(value: object) -> str:
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        raise ValueError
    return value.strip()


def _boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError
    return value
