"""A period in the warehouse against ServiceTitan's report: the gaps, the verdicts, and what the gaps are made of.

A gap is the warehouse's figure minus ServiceTitan's: where it is negative, the warehouse has too little. Materials are
net of returns on both sides, and labor is with adjustments on both. Money is in US dollars, as Decimal.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_DOWN, Decimal
from enum import StrEnum

from ingest.costing.cost_report import CENT, Report, ReportRow, counted, lines
from ingest.costing.job_costing import JobCost
from ingest.judging.verdict import Verdict, overall
from ingest.settings import Settings


class Unit(StrEnum):
    DOLLARS = "$"
    JOBS = "jobs"
    POINTS = "points"
    """Of a percentage: from 41 % to 43 % are 2 points."""


class Part(StrEnum):
    """Where a job's share of a gap comes from. A job in both is DIFFERENT, and its gap has the last three parts."""

    MISSING = "only in the report: not in the warehouse"
    MOVED = "only in the report: on another day in the warehouse"
    EXCLUDED = "only in the report: of a business unit or status that the settings leave out"
    EXTRA = "only in the warehouse: not in the report"
    MOVED_THERE = "only in the warehouse: on another day in the report"
    EXCLUDED_THERE = "only in the warehouse: of a status in the report that the settings leave out"
    DOUBLED = "in both: rows that are twice in the warehouse"
    ABSENT = "in both: no invoice, no pay or no purchase order in the warehouse"
    DIFFERENT = "in both: other differences"


@dataclass(frozen=True)
class Tolerance:
    """How far from ServiceTitan's figure is near enough: percent of it, or an amount in the metric's unit."""

    percent: Decimal = Decimal(0)
    absolute: Decimal = Decimal(0)

    def limit(self, reference: Decimal, unit: Unit) -> Decimal:
        """In the metric's unit, cut to whole cents or jobs: figures have no finer step."""
        step = CENT if unit is Unit.DOLLARS else Decimal(1)
        return max(self.absolute, abs(reference) * self.percent / 100).quantize(step, ROUND_DOWN)


TARGETS = {
    "jobs": Tolerance(),
    "revenue": Tolerance(percent=Decimal(1)),
    "labor": Tolerance(percent=Decimal("0.5")),
    "materials": Tolerance(percent=Decimal(1)),
    "gross_margin": Tolerance(absolute=Decimal(2)),
}
"""The plan's targets; the gross margin's in points."""

_OURS: dict[str, Callable[[JobCost], Decimal]] = {
    "jobs": lambda cost: Decimal(1),
    "revenue": lambda cost: cost.revenue,
    "labor": lambda cost: cost.labor,
    "materials": lambda cost: cost.materials,
}
_DOUBLED: dict[str, Callable[[JobCost], Decimal]] = {
    "revenue": lambda cost: cost.revenue_doubled,
    "materials": lambda cost: cost.materials_doubled,
}
_ABSENT: dict[str, Callable[[JobCost], bool]] = {
    "revenue": lambda cost: not cost.invoice_rows,
    "labor": lambda cost: not cost.payroll_rows,
    "materials": lambda cost: not cost.purchase_order_rows,
}
_THEIRS: dict[str, Callable[[ReportRow], Decimal]] = {
    "jobs": lambda row: Decimal(1),
    "revenue": lambda row: row.subtotal,
    "labor": lambda row: row.labor,
    "materials": lambda row: row.net_materials,
}
SUMMED = tuple(_OURS)
"""The metrics that are sums over jobs, so that a gap has parts."""


@dataclass(frozen=True)
class Population:
    """Which jobs are compared: dated from `start` to `end`, of these business units and statuses (empty: all)."""

    start: date
    end: date
    business_units: frozenset[int] = frozenset()
    statuses: frozenset[str] = frozenset()

    @classmethod
    def of(cls, settings: Settings, start: date, end: date) -> Population:
        units = frozenset(map(int, settings.reconcile_business_units))
        return cls(start, end, units, frozenset(settings.reconcile_statuses))

    def has_day(self, day: date | None) -> bool:
        """A row of the report without a day counts: the report was made for the period."""
        return day is None or self.start <= day <= self.end

    def has_status(self, status: str) -> bool:
        """The report writes "In Progress", the API "InProgress"."""
        return not self.statuses or _plain(status) in map(_plain, self.statuses)

    def has_business_unit(self, business_unit: int) -> bool:
        return not self.business_units or business_unit in self.business_units


@dataclass(frozen=True)
class Pair:
    """A job on either side or both; on the side where it does not count, what that side has of it."""

    number: str
    row: ReportRow | None
    cost: JobCost | None
    part: Part

    @property
    def counts_there(self) -> bool:
        return self.part in (Part.MISSING, Part.MOVED, Part.EXCLUDED, Part.DIFFERENT)

    @property
    def counts_here(self) -> bool:
        return self.part in (Part.EXTRA, Part.MOVED_THERE, Part.EXCLUDED_THERE, Part.DIFFERENT)

    def theirs(self, metric: str) -> Decimal:
        return _THEIRS[metric](self.row) if self.row and self.counts_there else Decimal(0)

    def ours(self, metric: str) -> Decimal:
        return _OURS[metric](self.cost) if self.cost and self.counts_here else Decimal(0)

    def gap(self, metric: str) -> Decimal:
        return self.ours(metric) - self.theirs(metric)

    def shares(self, metric: str) -> dict[Part, Decimal]:
        """The parts of the job's gap; they add up to it."""
        if self.part is not Part.DIFFERENT or not self.cost or metric == "jobs":
            return {self.part: self.gap(metric)} if self.part is not Part.DIFFERENT else {}
        doubled = _DOUBLED[metric](self.cost) if metric in _DOUBLED else Decimal(0)
        rest = Part.ABSENT if _ABSENT[metric](self.cost) else Part.DIFFERENT
        parts = {Part.DOUBLED: doubled, rest: self.gap(metric) - doubled}
        return {part: amount for part, amount in parts.items() if amount}


@dataclass(frozen=True)
class Share:
    """A part of a gap: over how many jobs, and in all."""

    part: Part
    jobs: int
    amount: Decimal


@dataclass(frozen=True)
class Metric:
    """A figure on both sides. `percent` is of ServiceTitan's; None where that is 0, and for the margin."""

    name: str
    unit: Unit
    tolerance: Tolerance
    theirs: Decimal | None
    ours: Decimal | None
    limit: Decimal
    verdict: Verdict
    shares: tuple[Share, ...] = ()

    @property
    def gap(self) -> Decimal | None:
        return None if self.theirs is None or self.ours is None else self.ours - self.theirs

    @property
    def percent(self) -> Decimal | None:
        if self.gap is None or not self.theirs or self.unit is Unit.POINTS:
            return None
        return self.gap / abs(self.theirs) * 100


@dataclass(frozen=True)
class Comparison:
    """`pairs` are all jobs that count on a side; `notes` say what one has to know to read the figures."""

    population: Population
    metrics: tuple[Metric, ...]
    pairs: tuple[Pair, ...]
    notes: tuple[str, ...]

    @property
    def verdict(self) -> Verdict:
        return overall(metric.verdict for metric in self.metrics)

    def of(self, part: Part) -> list[Pair]:
        return [pair for pair in self.pairs if pair.part is part]

    def largest(self, metric: str, most: int) -> list[Pair]:
        """The jobs in both whose figures differ most, the largest first."""
        differing = [pair for pair in self.of(Part.DIFFERENT) if pair.gap(metric)]
        return sorted(differing, key=lambda pair: (-abs(pair.gap(metric)), pair.number))[:most]


def compare(report: Report, costs: Mapping[str, JobCost], population: Population) -> Comparison:
    """The report's rows against the warehouse's jobs by number."""
    rows = {row.number: row for row in report.rows}
    pairs = [
        Pair(number, rows.get(number), costs.get(number), part)
        for number in sorted({*rows, *costs})
        if (part := _part(rows.get(number), costs.get(number), population))
    ]
    metrics = [_metric(name, pairs) for name in SUMMED]
    return Comparison(population, (*metrics, _margin(metrics)), tuple(pairs), tuple(_notes(report, pairs, population)))


def gross_margin(revenue: Decimal, labor: Decimal, materials: Decimal) -> Decimal | None:
    """In percent of the revenue; None where there is no revenue."""
    return (revenue - labor - materials) / revenue * 100 if revenue > 0 else None


def _part(row: ReportRow | None, cost: JobCost | None, population: Population) -> Part | None:
    there = row is not None and population.has_day(row.day) and population.has_status(row.status)
    here = (
        cost is not None
        and population.has_day(cost.day)
        and population.has_status(cost.status)
        and population.has_business_unit(cost.business_unit)
    )
    if here and there:
        return Part.DIFFERENT
    if there:
        if cost is None:
            return Part.MISSING
        return Part.EXCLUDED if population.has_day(cost.day) else Part.MOVED
    if here:
        if row is None:
            return Part.EXTRA
        return Part.EXCLUDED_THERE if population.has_day(row.day) else Part.MOVED_THERE
    return None


def _metric(name: str, pairs: Sequence[Pair]) -> Metric:
    theirs = sum((pair.theirs(name) for pair in pairs), Decimal(0))
    ours = sum((pair.ours(name) for pair in pairs), Decimal(0))
    shares = []
    of_pairs = [pair.shares(name) for pair in pairs]
    for part in Part:
        if amounts := [of_pair[part] for of_pair in of_pairs if part in of_pair]:
            shares.append(Share(part, len(amounts), sum(amounts, Decimal(0))))
    unit = Unit.JOBS if name == "jobs" else Unit.DOLLARS
    limit = TARGETS[name].limit(theirs, unit)
    gap = ours - theirs
    # As many jobs on both sides prove nothing while they are not the same ones.
    apart = name == "jobs" and any(pair.part is not Part.DIFFERENT for pair in pairs)
    verdict = Verdict.FAIL if abs(gap) > limit or apart else Verdict.PASS
    return Metric(name, unit, TARGETS[name], theirs, ours, limit, verdict, tuple(shares))


def _margin(metrics: Sequence[Metric]) -> Metric:
    by_name = {metric.name: metric for metric in metrics}
    parts = [by_name[name] for name in ("revenue", "labor", "materials")]
    theirs = gross_margin(*(part.theirs or Decimal(0) for part in parts))
    ours = gross_margin(*(part.ours or Decimal(0) for part in parts))
    tolerance = TARGETS["gross_margin"]
    if theirs is None or ours is None:
        verdict = Verdict.INCONCLUSIVE
    else:
        verdict = Verdict.PASS if abs(ours - theirs) <= tolerance.absolute else Verdict.FAIL
    return Metric("gross_margin", Unit.POINTS, tolerance, theirs, ours, tolerance.absolute, verdict)


def _notes(report: Report, pairs: Sequence[Pair], population: Population) -> Iterable[str]:
    yield from (f"report: {note}" for note in report.notes)
    if outside := [row.line for row in report.rows if not population.has_day(row.day)]:
        yield (
            f"report: {counted(len(outside), 'row')} dated outside {population.start} to {population.end}: left out "
            f"({lines(outside)})"
        )
    both = [pair.cost for pair in pairs if pair.part is Part.DIFFERENT and pair.cost]
    here = [pair.cost for pair in pairs if pair.counts_here and pair.cost]
    extra = [pair.cost for pair in pairs if pair.part is Part.EXTRA and pair.cost]
    if units := _strangers([cost.business_unit for cost in extra], [cost.business_unit for cost in both]):
        yield (
            f"{counted(units[0], 'job')} only in the warehouse of business units that the report has no job of "
            f"({units[1]}): set reconcile_business_units"
        )
    if statuses := _strangers([cost.status for cost in extra], [cost.status for cost in both]):
        yield (
            f"{counted(statuses[0], 'job')} only in the warehouse of statuses that the report has no job of "
            f"({statuses[1]}): set reconcile_statuses"
        )
    for table, count, amount in (
        ("invoices", "invoice_rows_doubled", "revenue_doubled"),
        ("purchase_orders", "purchase_order_rows_doubled", "purchase_orders_doubled"),
        ("returns", "return_rows_doubled", "returns_doubled"),
    ):
        if rows := sum(getattr(cost, count) for cost in here):
            dollars = sum((getattr(cost, amount) for cost in here), Decimal(0))
            yield f"{table}: more rows than natural keys, by {rows}: ${dollars:,.2f} counted twice"
    if repeated := sum(cost.payroll_rows_repeated for cost in here):
        dollars = sum((cost.payroll_repeated for cost in here), Decimal(0))
        yield (
            f"payroll: {counted(repeated, 'row')} with the job, employee, date, activity, amount and hours of another: "
            f"not in labor (${dollars:,.2f})"
        )
    if costless := sum(cost.items_without_cost for cost in here):
        yield f"invoices: {counted(costless, 'item')} of type Material or Equipment without a cost: counted as $0.00"


def _strangers(extra: Collection[object], known: Collection[object]) -> tuple[int, str] | None:
    """How many are of a kind that is not known, and those kinds; None where none are known at all."""
    strangers = [kind for kind in extra if kind not in set(known)]
    return (len(strangers), ", ".join(sorted({str(kind) for kind in strangers}))) if strangers and known else None


def _plain(status: str) -> str:
    return status.replace(" ", "").lower()
