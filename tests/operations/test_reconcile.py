"""The record of a comparison, and what became of an earlier one's gaps."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.costing.cost_report import Report, ReportRow
from ingest.costing.job_costing import JobCost
from ingest.costing.reconcile import Comparison, Population, Unit, compare
from operations.errors import OperationError
from operations.reconcile import Closed, Record, check_period, closed, doubts, read_record, record_json, record_of
from tests.given.domain import SETTINGS, in_phoenix
from tests.given.job_costing import END, START

CENTS = st.integers(-(10**9), 10**9).map(lambda cents: Decimal(cents) / 100)
AT = in_phoenix("2025-10-27T09:00")


def a_comparison(revenue: Decimal, population: Population | None = None) -> tuple[Comparison, Report]:
    """One job: $100.00 in the report, `revenue` in the warehouse."""
    report = Report([ReportRow(line=2, number="7", day=START, subtotal=Decimal(100))], "UTF-8", "comma", "abc")
    cost = JobCost(number="7", day=START, business_unit=1, status="Completed", revenue=revenue, invoice_rows=1)
    return compare(report, {"7": cost}, population or Population(START, END)), report


def a_record(revenue: Decimal, **more: Any) -> Record:
    comparison, report = a_comparison(revenue)
    return record_of(comparison, report, SETTINGS, file="week.csv", at=AT, sql="SELECT 1", billed=7, **more)


@given(then=CENTS, now=CENTS)
def test_what_is_closed_and_what_is_left_is_the_gap_then(then: Decimal, now: Decimal) -> None:
    one = Closed("revenue", Unit.DOLLARS, then, now)

    assert one.by + abs(one.now) == abs(one.then)
    assert (one.by > 0) is (abs(now) < abs(then))
    assert one.percent is None if not then else one.percent == one.by / abs(then) * 100


def test_gaps_are_compared_by_the_metrics_name_and_a_margin_that_was_none_is_left_out() -> None:
    before = a_record(Decimal("-5.00"))
    found = closed(before, a_comparison(Decimal("90.00"))[0])

    assert [one.metric for one in found] == ["jobs", "revenue", "labor", "materials"]
    assert (found[1].then, found[1].now, found[1].by) == (Decimal(-105), Decimal(-10), Decimal(95))


def test_a_record_reads_back_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    record = a_record(Decimal("90.10"), before=a_record(Decimal("80.00")))
    path.write_text(record_json(record))

    assert read_record(path) == record
    assert (record["file_sha256"], record["query"], record["bytes_billed_at_most"]) == ("abc", "SELECT 1", 7)
    assert record["since"]
    assert record["since"]["metrics"][1] == {
        "metric": "revenue",
        "gap_then": "-20.00",
        "gap_now": "-9.90",
        "closed": "10.10",
    }


@pytest.mark.parametrize("gap", ["much", "NaN", "1e5"])
def test_a_gap_that_is_no_number_is_refused(tmp_path: Path, gap: str) -> None:
    path = tmp_path / "record.json"
    record = json.loads(record_json(a_record(Decimal(90))))
    record["metrics"][1]["gap"] = gap
    path.write_text(json.dumps(record))

    with pytest.raises(OperationError, match="revenue has a gap that is no number") as error:
        read_record(path)
    assert error.value.code == 2


def test_a_record_of_other_jobs_is_told() -> None:
    before = a_record(Decimal(90))
    other = Population(START, date(2025, 10, 25), frozenset([2, 1]), frozenset(["Hold"]))

    assert doubts(before, a_comparison(Decimal(90))[0]) == []
    assert doubts(before, a_comparison(Decimal(90), other)[0]) == [
        "the earlier record is of other days: 2025-10-20, 2025-10-26; now 2025-10-20, 2025-10-25",
        "the earlier record is of other business units: all; now 1, 2",
        "the earlier record is of other statuses: all; now Hold",
    ]


def test_a_period_is_over_at_midnight_of_the_settings_time_zone() -> None:
    check_period(START, END, SETTINGS, in_phoenix("2025-10-27T00:00"))
    with pytest.raises(OperationError, match="--to 2025-10-26 is not over in America/Phoenix"):
        check_period(START, END, SETTINGS, in_phoenix("2025-10-26T23:59"))
