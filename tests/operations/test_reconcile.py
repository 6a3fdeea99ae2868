"""Gaps, limits and verdicts."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commands.reconcile import amount, verdict_of
from ingest.verdict import Verdict
from operations.reconcile import Tolerance, Unit, compare, gross_margin
from tests.given.reconcile import AS_OF, END, REFERENCES, figure, figures, row

CENT = Decimal("0.01")
MONEY = st.decimals(min_value=Decimal("-999999999"), max_value=Decimal("999999999"), places=2)
PERCENT = st.decimals(min_value=0, max_value=100, places=4)

# design.md, section 1: the gaps before the rollout.
KNOWN = [("materials", "-7024", "-6.52"), ("labor", "-3182", "-1.85"), ("revenue", "9734", "2.05")]


@pytest.mark.parametrize(("name", "gap", "percent"), KNOWN)
@pytest.mark.parametrize("off", ["-0.0049", "0", "0.0049"], ids=["least", "middle", "most"])
def test_the_plans_gaps_come_out_with_their_sign_and_rounding_and_fail(
    name: str, gap: str, percent: str, off: str
) -> None:
    reference = (Decimal(gap) * 100 / (Decimal(percent) + Decimal(off))).quantize(CENT)
    changes = {name: {"reference": figure(reference), "before": figure(reference + Decimal(gap))}}
    found = row(name, changes).before

    assert found is not None
    assert found.percent is not None
    assert (found.gap, found.percent.quantize(CENT), found.verdict) == (Decimal(gap), Decimal(percent), Verdict.FAIL)


# The figure that is just within the plan's target, and the one that is not.
EDGES = [
    ("revenue", "479577.56", "479577.57"),
    ("revenue", "470080.98", "470080.97"),
    ("materials", "108807.36", "108807.37"),
    ("materials", "106652.76", "106652.75"),
    ("labor", "172860.00", "172860.01"),
    ("labor", "171140.00", "171139.99"),
    ("job_count", "244", "245"),
    ("job_count", "244", "243"),
]


@pytest.mark.parametrize(("name", "within", "outside"), EDGES)
def test_a_metric_passes_up_to_the_plans_target_and_fails_beyond(name: str, within: str, outside: str) -> None:
    assert row(name, {name: {"now": figure(within)}}).now.verdict == Verdict.PASS
    assert row(name, {name: {"now": figure(outside)}}).now.verdict == Verdict.FAIL


@pytest.mark.parametrize(
    ("percent", "absolute", "limit"),
    [
        ("1", None, "10.00"),
        (None, "15", "15.00"),
        ("1", "15", "15.00"),
        ("2", "15", "20.00"),
        ("0", None, "0.00"),
        (None, None, "0.00"),
        ("0.3333", None, "3.33"),
        ("0.3339", None, "3.33"),
    ],
)
def test_of_two_tolerances_the_larger_limit_counts(percent: str | None, absolute: str | None, limit: str) -> None:
    tolerance = Tolerance(percent and Decimal(percent), absolute and Decimal(absolute))  # type: ignore[arg-type]

    assert str(tolerance.limit(Decimal("1000"), Unit.DOLLARS)) == limit
    assert str(tolerance.limit(Decimal("-1000"), Unit.DOLLARS)) == limit


def test_a_limit_in_jobs_is_cut_to_whole_jobs() -> None:
    assert Tolerance(percent=Decimal(1)).limit(Decimal(244), Unit.JOBS) == 2


@settings(deadline=None)
@given(reference=MONEY, now=MONEY, percent=st.none() | PERCENT, absolute=st.none() | MONEY.map(abs))
def test_a_metric_passes_exactly_within_the_larger_limit(
    reference: Decimal, now: Decimal, percent: Decimal | None, absolute: Decimal | None
) -> None:
    changes = {
        "labor": {
            "reference": figure(reference),
            "now": figure(now),
            "tolerance": Tolerance(percent, absolute),
        }
    }
    found = row("labor", changes).now
    gap = abs(now - reference)
    within = gap * 100 <= abs(reference) * (percent or 0) or gap <= (absolute or 0)

    assert found.verdict == (Verdict.PASS if within else Verdict.FAIL)
    assert found.gap == now - reference
    assert (found.percent is None) == (reference == 0)
    if found.percent:
        assert (found.percent > 0) == (now > reference), "short is negative, whatever the reference's sign"


def test_a_reference_of_zero_has_no_percent_and_is_judged_by_the_amount() -> None:
    changes = {"materials": {"reference": figure("0"), "now": figure("5")}}
    found = row("materials", changes).now
    assert (found.percent, found.verdict) == (None, Verdict.FAIL)

    changes["materials"]["tolerance"] = Tolerance(absolute=Decimal(5))  # type: ignore[assignment]
    assert row("materials", changes).now.verdict == Verdict.PASS


LATE: dict[str, dict[str, Any]] = {
    "labor.now: there is no figure": {"now": None},
    "labor.reference: there is no figure": {"reference": None},
    "labor.now: as of 2025-10-25, before the period's end, 2025-10-26": {
        "now": figure("172000", END - timedelta(days=1)),
        "reference": figure("172000", END),
    },
    "labor.reference: as of 2025-10-25, before the period's end, 2025-10-26": {
        "now": figure("172000", END),
        "reference": figure("172000", END - timedelta(days=1)),
    },
    "labor.reference is as of 2025-11-03, labor.now as of 2025-11-05: 2 days apart, max_days_apart is 1": {
        "now": figure("172000", AS_OF + timedelta(days=2))
    },
}


@pytest.mark.parametrize("reason", LATE)
def test_a_missing_or_early_or_distant_figure_is_inconclusive_though_equal(reason: str) -> None:
    found = row("labor", {"labor": LATE[reason]}).now

    assert found.verdict == Verdict.INCONCLUSIVE
    assert found.reasons == (reason.replace("labor.", ""),)
    rows = compare(figures({"labor": LATE[reason]}))
    assert rows[-1].now.verdict == Verdict.INCONCLUSIVE, "the margin has labor in it"
    assert any(doubt == reason or doubt.endswith(reason.partition(", ")[2]) for doubt in rows[-1].now.reasons)
    assert verdict_of(rows) == Verdict.INCONCLUSIVE


def test_a_figure_of_the_periods_last_day_counts_and_so_do_dates_just_near_enough() -> None:
    changes = {"labor": {"reference": figure("172000", END), "now": figure("172000", END + timedelta(days=3))}}

    assert row("labor", changes, max_days_apart=3).now.verdict == Verdict.PASS
    assert row("labor", changes, max_days_apart=2).now.verdict == Verdict.INCONCLUSIVE


def test_a_doubtful_figure_with_a_large_gap_is_inconclusive_with_its_gap_shown() -> None:
    found = row("revenue", {"revenue": {"now": figure("1", END - timedelta(days=9))}}).now

    assert (found.gap, found.verdict) == (Decimal("-474828.27"), Verdict.INCONCLUSIVE)


@settings(deadline=None)
@given(
    ages=st.lists(st.none() | st.integers(-9, 9), min_size=2, max_size=2),
    value=st.sampled_from(["172000", "1"]),
    apart=st.integers(0, 9),
)
def test_what_proves_nothing_never_passes_and_never_fails(ages: list[int | None], value: str, apart: int) -> None:
    sides = [None if age is None else figure(value, END + timedelta(days=age)) for age in ages]
    found = row("labor", {"labor": {"reference": sides[0], "now": sides[1]}}, max_days_apart=apart).now
    known = [age for age in ages if age is not None]
    proves = len(known) == 2 and min(known) >= 0 and max(known) - min(known) <= apart

    assert (found.verdict == Verdict.INCONCLUSIVE) == (not proves)
    assert bool(found.reasons) == (not proves)


def test_the_figure_before_is_optional_older_by_nature_and_no_part_of_the_verdict() -> None:
    without = row("labor")
    older = row("labor", {"labor": {"before": figure("1", END)}}, max_days_apart=0)
    early = row("labor", {"labor": {"before": figure("172000", END - timedelta(days=1))}})

    assert without.before is None
    assert older.before is not None
    assert (older.before.verdict, older.now.verdict) == (Verdict.FAIL, Verdict.PASS)
    assert early.before is not None
    assert (early.before.verdict, early.now.verdict) == (Verdict.INCONCLUSIVE, Verdict.PASS)


def test_the_margin_is_computed_from_its_parts_on_both_sides() -> None:
    changes = {
        "revenue": {"reference": figure("1000"), "now": figure("2000"), "before": figure("500")},
        "materials": {"reference": figure("300"), "now": figure("500"), "before": figure("100")},
        "labor": {"reference": figure("300"), "now": figure("680"), "before": figure("100")},
    }
    found = row("gross_margin", changes)

    assert (found.reference, found.now.value, found.now.gap) == (Decimal(40), Decimal(41), Decimal(1))
    assert found.now.verdict == Verdict.PASS
    assert found.now.percent is None
    assert found.before is not None
    assert (found.before.value, found.before.gap) == (Decimal(60), Decimal(20))
    assert found.before.verdict == Verdict.FAIL


@pytest.mark.parametrize(
    ("labor", "verdict"), [("280.00", "pass"), ("279.99", "fail"), ("320", "pass"), ("321", "fail")]
)
def test_the_margin_passes_up_to_two_points_either_way(labor: str, verdict: str) -> None:
    changes = {
        "revenue": {"reference": figure("1000"), "now": figure("1000")},
        "materials": {"reference": figure("300"), "now": figure("300")},
        "labor": {"reference": figure("300"), "now": figure(labor)},
    }
    assert row("gross_margin", changes).now.verdict == verdict


def test_the_margin_before_needs_all_three_figures_from_before() -> None:
    assert row("gross_margin", {"revenue": {"before": figure("1")}}).before is None


@pytest.mark.parametrize("side", ["reference", "now"])
@pytest.mark.parametrize("revenue", ["0", "-5"])
def test_without_revenue_the_margin_is_inconclusive(side: str, revenue: str) -> None:
    found = row("gross_margin", {"revenue": {side: figure(revenue)}}).now

    assert found.verdict == Verdict.INCONCLUSIVE
    assert found.reasons == ("revenue: it must be over 0 for a margin",)


def test_the_margins_parts_must_all_be_of_about_one_day() -> None:
    late = figure(REFERENCES["labor"], AS_OF + timedelta(days=30))
    rows = compare(figures({"labor": {"reference": late, "now": late}}))

    assert [one.now.verdict for one in rows[:4]] == ["pass"] * 4
    assert rows[4].now.verdict == Verdict.INCONCLUSIVE


@settings(deadline=None)
@given(MONEY, MONEY, MONEY)
def test_a_margin_gives_its_profit_back(revenue: Decimal, materials: Decimal, labor: Decimal) -> None:
    margin = gross_margin(revenue, materials, labor)

    assert (margin is None) == (revenue <= 0)
    if margin is not None:
        assert (margin * revenue / 100).quantize(CENT) == revenue - materials - labor


def test_one_failure_counts_more_than_what_is_inconclusive_and_all_must_pass() -> None:
    assert verdict_of(compare(figures())) == Verdict.PASS
    assert verdict_of(compare(figures({"labor": {"now": None}}))) == Verdict.INCONCLUSIVE
    assert verdict_of(compare(figures({"labor": {"now": None}, "job_count": {"now": figure("243")}}))) == Verdict.FAIL


@pytest.mark.parametrize(
    ("unit", "value", "shown", "as_gap"),
    [
        (Unit.DOLLARS, "-7024", "-$7,024.00", "-$7,024.00"),
        (Unit.DOLLARS, "9734.5", "$9,734.50", "+$9,734.50"),
        (Unit.DOLLARS, "0", "$0.00", "$0.00"),
        (Unit.JOBS, "-3", "-3", "-3"),
        (Unit.JOBS, "1244", "1,244", "+1,244"),
        (Unit.POINTS, "41.085", "41.09 %", "+41.09 points"),
    ],
)
def test_amounts_are_written_with_their_unit(unit: Unit, value: str, shown: str, as_gap: str) -> None:
    assert amount(unit, Decimal(value)) == shown
    assert amount(unit, Decimal(value), sign=True) == as_gap
