"""The comparison: each gap is the sum of its parts, and each job is in the part where it belongs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.costing.cost_report import MONEY, Report, ReportRow
from ingest.costing.job_costing import JobCost
from ingest.costing.reconcile import SUMMED, TARGETS, Comparison, Metric, Part, Population, Tolerance, Unit, compare
from ingest.judging.verdict import Verdict
from tests.given.job_costing import END, START

WEEK = Population(START, END)
CENTS = st.integers(-(10**9), 10**9).map(lambda cents: Decimal(cents) / 100)
NUMBERS = st.integers(1, 8).map(str)
DAYS = st.sampled_from([START - timedelta(1), START, END, END + timedelta(1)])
STATUSES = st.sampled_from(["Completed", "InProgress", "Canceled"])


@st.composite
def reports(draw: st.DrawFn) -> Report:
    numbers = draw(st.lists(NUMBERS, unique=True))
    rows = []
    for line, number in enumerate(numbers, 2):
        fields: dict[str, Any] = {name: draw(CENTS) for name in MONEY}
        rows.append(a_row(number, line=line, day=draw(st.none() | DAYS), status=draw(STATUSES), **fields))
    return a_report(*rows)


@st.composite
def warehouses(draw: st.DrawFn) -> dict[str, JobCost]:
    money = [name for name, kind in JobCost.__annotations__.items() if kind == "Decimal"]
    counts = [name for name, kind in JobCost.__annotations__.items() if kind == "int" and name != "business_unit"]
    costs = {}
    for number in draw(st.lists(NUMBERS, unique=True)):
        fields: dict[str, Any] = {name: draw(CENTS) for name in money} | {n: draw(st.integers(0, 3)) for n in counts}
        unit = draw(st.sampled_from([0, 1, 2]))
        costs[number] = a_cost(number, day=draw(DAYS), business_unit=unit, status=draw(STATUSES), **fields)
    return costs


POPULATIONS = st.builds(
    Population,
    st.just(START),
    st.just(END),
    st.frozensets(st.sampled_from([1, 2])),
    st.frozensets(st.sampled_from(["Completed", "InProgress"])),
)


def a_report(*rows: ReportRow) -> Report:
    return Report(list(rows), "UTF-8", "comma", "")


def a_row(number: str = "7", **fields: Any) -> ReportRow:
    return replace(ReportRow(line=2, number=number, day=START, status="Completed"), **fields)


def a_cost(number: str = "7", **fields: Any) -> JobCost:
    rows = {"invoice_rows": 1, "payroll_rows": 1, "purchase_order_rows": 1}
    return JobCost(**{"number": number, "day": START, "business_unit": 1, "status": "Completed", **rows, **fields})


def compared(row: ReportRow | None, cost: JobCost | None, population: Population = WEEK) -> Comparison:
    costs = {cost.number: cost} if cost else {}
    return compare(a_report(*([row] if row else [])), costs, population)


def metrics(comparison: Comparison) -> Mapping[str, Metric]:
    return {metric.name: metric for metric in comparison.metrics}


def parts(comparison: Comparison, metric: str) -> dict[Part, Decimal]:
    return {share.part: share.amount for share in metrics(comparison)[metric].shares}


@given(report=reports(), costs=warehouses(), population=POPULATIONS)
def test_the_parts_of_a_gap_add_up_to_it_to_the_cent(
    report: Report, costs: dict[str, JobCost], population: Population
) -> None:
    comparison = compare(report, costs, population)

    for name in SUMMED:
        metric = metrics(comparison)[name]
        assert metric.gap == sum((share.amount for share in metric.shares), Decimal(0)), name
        assert len({share.part for share in metric.shares}) == len(metric.shares)


@given(report=reports(), costs=warehouses(), population=POPULATIONS)
def test_the_totals_are_the_sums_of_the_jobs_that_are_in_the_population(
    report: Report, costs: dict[str, JobCost], population: Population
) -> None:
    found = metrics(compare(report, costs, population))
    rows = [
        row
        for row in report.rows
        if (row.day is None or START <= row.day <= END)
        and (not population.statuses or row.status in population.statuses)
    ]
    here = [
        cost
        for cost in costs.values()
        if START <= cost.day <= END
        and (not population.statuses or cost.status in population.statuses)
        and (not population.business_units or cost.business_unit in population.business_units)
    ]

    assert [found["jobs"].theirs, found["jobs"].ours] == [len(rows), len(here)]
    assert found["revenue"].theirs == sum(row.subtotal for row in rows)
    assert found["revenue"].ours == sum(cost.revenue for cost in here)
    assert found["labor"].theirs == sum(row.labor_pay + row.adjustments for row in rows)
    assert found["labor"].ours == sum(cost.labor for cost in here)
    assert found["materials"].theirs == sum(row.materials + row.returns for row in rows)
    assert found["materials"].ours == sum(cost.purchase_orders + cost.items - cost.returns for cost in here)


@pytest.mark.parametrize(
    ("row", "cost", "part"),
    [
        (a_row(), None, Part.MISSING),
        (a_row(), a_cost(day=END + timedelta(1)), Part.MOVED),
        (a_row(), a_cost(business_unit=3), Part.EXCLUDED),
        (a_row(), a_cost(status="Canceled"), Part.EXCLUDED),
        (a_row(), a_cost(status="Canceled", day=END + timedelta(1)), Part.MOVED),
        (None, a_cost(), Part.EXTRA),
        (a_row(day=START - timedelta(1)), a_cost(), Part.MOVED_THERE),
        (a_row(status="Canceled"), a_cost(), Part.EXCLUDED_THERE),
        (a_row(), a_cost(), Part.DIFFERENT),
        (a_row(day=None), a_cost(), Part.DIFFERENT),
        (a_row(status="in progress"), a_cost(status="InProgress"), Part.DIFFERENT),
        (a_row(day=START - timedelta(1)), a_cost(day=END + timedelta(1)), None),
        (a_row(status="Canceled"), None, None),
        (None, a_cost(business_unit=0), None),
    ],
)
def test_a_job_is_in_one_part(row: ReportRow | None, cost: JobCost | None, part: Part | None) -> None:
    population = Population(START, END, frozenset([1, 2]), frozenset(["Completed", "InProgress"]))

    assert [pair.part for pair in compared(row, cost, population).pairs] == ([part] if part else [])


@pytest.mark.parametrize(
    ("cost", "metric", "expected"),
    [
        (a_cost(revenue=Decimal(200), revenue_doubled=Decimal(100)), "revenue", {Part.DOUBLED: 100}),
        (
            a_cost(revenue=Decimal(201), revenue_doubled=Decimal(100)),
            "revenue",
            {Part.DOUBLED: 100, Part.DIFFERENT: 1},
        ),
        (a_cost(invoice_rows=0), "revenue", {Part.ABSENT: -100}),
        (a_cost(payroll_rows=0), "labor", {Part.ABSENT: -30}),
        (a_cost(labor=Decimal(29)), "labor", {Part.DIFFERENT: -1}),
        (a_cost(purchase_order_rows=0, items=Decimal(5)), "materials", {Part.ABSENT: -35}),
        (a_cost(purchase_orders=Decimal(50), returns=Decimal(10)), "materials", {}),
        (
            a_cost(
                purchase_orders=Decimal(90),
                purchase_orders_doubled=Decimal(45),
                items=Decimal(8),
                items_doubled=Decimal(4),
                returns=Decimal(6),
                returns_doubled=Decimal(3),
            ),
            "materials",
            {Part.DOUBLED: 46, Part.DIFFERENT: 6},
        ),
    ],
)
def test_the_gap_of_a_job_in_both_is_told_apart(cost: JobCost, metric: str, expected: dict[Part, int]) -> None:
    money = {"subtotal": 100, "labor_pay": 10, "adjustments": 20, "materials": 50, "returns": -10}
    fields: dict[str, Any] = {name: Decimal(value) for name, value in money.items()}
    row = a_row(**fields)

    assert parts(compared(row, cost), metric) == expected


@pytest.mark.parametrize(
    ("metric", "within", "beyond"),
    [("revenue", "1010.60", "1010.61"), ("materials", "990.60", "990.59"), ("labor", "1005.60", "1005.61")],
)
def test_a_gap_is_judged_by_whole_cents_of_the_limit(metric: str, within: str, beyond: str) -> None:
    row = a_row(subtotal=Decimal("1000.60"), labor_pay=Decimal("1000.60"), materials=Decimal("1000.60"))
    column = {"revenue": "revenue", "labor": "labor", "materials": "purchase_orders"}[metric]

    for value, verdict in ((within, Verdict.PASS), (beyond, Verdict.FAIL)):
        fields: dict[str, Any] = {column: Decimal(value)}
        found = metrics(compared(row, a_cost(**fields)))[metric]
        assert (found.verdict, found.limit) == (verdict, Decimal("5.00" if metric == "labor" else "10.00"))


def test_as_many_jobs_on_both_sides_fail_unless_they_are_the_same() -> None:
    same = compared(a_row(), a_cost())
    others = compare(a_report(a_row("7")), {"8": a_cost("8")}, WEEK)

    assert metrics(same)["jobs"].verdict is Verdict.PASS
    assert metrics(others)["jobs"].gap == 0
    assert metrics(others)["jobs"].verdict is Verdict.FAIL


@pytest.mark.parametrize(
    ("revenue", "labor", "verdict", "gap"),
    [
        ("100", "30", Verdict.PASS, "0"),
        ("100", "28", Verdict.PASS, "2"),
        ("100", "32.01", Verdict.FAIL, "-2.01"),
        ("0", "30", Verdict.INCONCLUSIVE, None),
    ],
)
def test_the_margin_is_of_both_sides_and_may_be_two_points_apart(
    revenue: str, labor: str, verdict: Verdict, gap: str | None
) -> None:
    row = a_row(subtotal=Decimal(100), labor_pay=Decimal(30), materials=Decimal(25), returns=Decimal(-5))
    cost = a_cost(revenue=Decimal(revenue), labor=Decimal(labor), purchase_orders=Decimal(20))
    found = metrics(compared(row, cost))["gross_margin"]

    assert found.theirs == 50
    assert found.verdict is verdict
    assert found.gap == (gap and Decimal(gap))
    assert found.percent is None


def test_the_largest_differences_come_first_and_jobs_without_one_not_at_all() -> None:
    amounts = {"1": 5, "2": -9, "3": 0, "4": 7}
    costs = {number: a_cost(number, revenue=Decimal(amount)) for number, amount in amounts.items()}
    comparison = compare(a_report(*map(a_row, amounts)), costs, WEEK)

    assert [pair.number for pair in comparison.largest("revenue", 2)] == ["2", "4"]
    assert [pair.number for pair in comparison.largest("revenue", 9)] == ["2", "4", "1"]
    assert comparison.largest("labor", 9) == []


def test_what_one_has_to_know_is_in_the_notes() -> None:
    report = a_report(a_row("1"), a_row("2", day=date(2025, 1, 1), line=3))
    report.notes.append("1 empty cell")
    costs = {
        "1": a_cost(
            "1",
            invoice_rows_doubled=1,
            revenue_doubled=Decimal(5),
            payroll_rows_repeated=2,
            payroll_repeated=Decimal("7.5"),
            items_without_cost=3,
        ),
        "8": a_cost("8", business_unit=12),
        "9": a_cost("9", status="Canceled"),
    }

    assert compare(report, costs, WEEK).notes == (
        "report: 1 empty cell",
        "report: 1 row dated outside 2025-10-20 to 2025-10-26: left out (line 3)",
        "1 job only in the warehouse of business units that the report has no job of (12): "
        "set reconcile_business_units",
        "1 job only in the warehouse of statuses that the report has no job of (Canceled): set reconcile_statuses",
        "invoices: more rows than natural keys, by 1: $5.00 counted twice",
        "payroll: 2 rows with the job, employee, date, activity, amount and hours of another: not in labor ($7.50)",
        "invoices: 3 items of type Material or Equipment without a cost: counted as $0.00",
    )


def test_the_targets_are_the_plans() -> None:
    assert {
        "jobs": Tolerance(),
        "revenue": Tolerance(percent=Decimal(1)),
        "labor": Tolerance(percent=Decimal("0.5")),
        "materials": Tolerance(percent=Decimal(1)),
        "gross_margin": Tolerance(absolute=Decimal(2)),
    } == TARGETS
    assert Tolerance(Decimal(1), Decimal(3)).limit(Decimal(-200), Unit.DOLLARS) == 3
    assert Tolerance(Decimal(1), Decimal(3)).limit(Decimal(-400), Unit.DOLLARS) == 4
