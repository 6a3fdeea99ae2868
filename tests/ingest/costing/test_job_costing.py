"""The job costing query, run in DuckDB as the twin runs it: each rule by a row that only that rule counts right."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import hypothesis
import pytest
from hypothesis import settings
from hypothesis import strategies as st

from ingest.catalogue import CATALOGUE
from ingest.costing.cost_report import ReportRow
from ingest.costing.job_costing import COLUMNS, TABLES, JobCost, job_costs, query
from ingest.settings import Settings
from operations.cloud import bigquery
from tests.given.domain import SETTINGS
from tests.given.job_costing import END, INGESTED, START, Raw, add_job, warehouse_of, week
from tests.given.tables import Place
from tests.given.tables import place as made

ROW = ReportRow(
    line=2,
    number="900001",
    day=date(2025, 10, 22),
    business_unit="Phoenix-Production",
    status="In Progress",
    subtotal=Decimal("1000.10"),
    labor_pay=Decimal("200.20"),
    adjustments=Decimal("100.30"),
    materials=Decimal("300.00"),
    returns=Decimal("-30.03"),
)
JOB = 9000010
Line = tuple[int, int, int, bool]


@pytest.fixture
def place() -> Iterator[Place]:
    with made() as found:
        yield found


@pytest.fixture(scope="module")
def shared() -> Iterator[Place]:
    with made() as found:
        yield found


@pytest.fixture
def raw() -> Raw:
    found = Raw()
    add_job(found, ROW)
    return found


def costs(place: Place, raw: Raw, *numbers: str, of: Settings = SETTINGS) -> dict[str, JobCost]:
    raw.load(place.warehouse)
    return job_costs(bigquery.rows(place.client, query(of, START, END, numbers), COLUMNS))


def cost(place: Place, raw: Raw, *numbers: str, of: Settings = SETTINGS) -> JobCost:
    (found,) = costs(place, raw, *numbers, of=of).values()
    return found


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_a_job_has_the_sums_of_its_rows(place: Place, raw: Raw) -> None:
    assert cost(place, raw) == JobCost(
        number="900001",
        day=date(2025, 10, 22),
        business_unit=898,
        status="InProgress",
        revenue=Decimal("1000.10"),
        labor=Decimal("300.50"),
        purchase_orders=Decimal("200.00"),
        items=Decimal("100.00"),
        returns=Decimal("30.03"),
        invoice_rows=1,
        payroll_rows=2,
        purchase_order_rows=1,
        return_rows=1,
        item_rows=2,
    )


def test_materials_are_net_of_returns(place: Place, raw: Raw) -> None:
    assert cost(place, raw).materials == ROW.net_materials == Decimal("269.97")


def test_a_job_without_any_row_costs_nothing(place: Place) -> None:
    raw = Raw()
    raw.add("jobs", id=JOB, jobNumber="900001", createdOn=at("2025-10-22T18:00"))

    assert cost(place, raw) == JobCost(number="900001", day=date(2025, 10, 22), business_unit=0, status="")


@pytest.mark.parametrize(
    ("appointment", "completed", "created", "day"),
    [
        ("2025-10-27T06:59", "2025-10-01T12:00", "2025-10-01T12:00", "2025-10-26"),
        ("2025-10-27T07:00", "2025-10-22T12:00", "2025-10-22T12:00", None),
        ("2025-10-20T07:00", None, "2025-10-01T12:00", "2025-10-20"),
        ("2025-10-20T06:59", None, "2025-10-22T12:00", None),
        (None, "2025-10-23T02:00", "2025-10-01T12:00", "2025-10-22"),
        (None, None, "2025-10-24T07:00", "2025-10-24"),
        (None, None, None, None),
    ],
)
def test_a_jobs_day_is_of_its_first_appointment_else_completion_else_creation_in_local_time(
    place: Place, appointment: str | None, completed: str | None, created: str | None, day: str | None
) -> None:
    raw = Raw()
    times = {"completedOn": completed, "createdOn": created}
    raw.add("jobs", id=JOB, jobNumber="900001", **{name: at(text) if text else None for name, text in times.items()})
    if appointment:
        raw.add("appointments", jobId=JOB, scheduledStart=at(appointment) + timedelta(days=30))
        raw.add("appointments", jobId=JOB, scheduledStart=at(appointment))
    raw.add("appointments", jobId=JOB, scheduledStart=None)

    assert [str(found.day) for found in costs(place, raw).values()] == ([day] if day else [])


def test_the_day_is_in_the_settings_time_zone(place: Place, raw: Raw) -> None:
    # 6 PM in Phoenix is the next day in Berlin.
    assert cost(place, raw, of=replace(SETTINGS, time_zone="Europe/Berlin")).day == date(2025, 10, 23)


def test_jobs_of_other_days_come_only_by_their_number(place: Place, raw: Raw) -> None:
    add_job(raw, replace(ROW, number="900002", day=date(2025, 11, 5)))
    add_job(raw, replace(ROW, number="900003", day=date(2025, 11, 5)))

    assert set(costs(place, raw, "900003", "1")) == {"900001", "900003"}


def test_canceled_orders_services_and_rows_without_a_job_do_not_count(place: Place, raw: Raw) -> None:
    usual = cost(place, raw)
    raw = Raw()
    add_job(raw, ROW)
    raw.add("invoices", subTotal=5.0, items=json.dumps([{"type": "Material", "cost": "5"}]))
    raw.add("invoices", jobId=JOB, subTotal=0.0, items=json.dumps([{"type": "Service", "cost": "5"}]))
    raw.add("invoices", jobId=JOB, subTotal=None, items=None)
    raw.add("payroll", amount=5.0)
    raw.add("purchase_orders", purchaseOrderId=1, jobId=JOB, total=5.0, status="Canceled")
    raw.add("returns", returnId=1, total=5.0)
    with made() as other:
        found = cost(other, raw)

    assert found == replace(usual, invoice_rows=3)


def test_rows_that_are_there_twice_count_twice_and_are_named(place: Place, raw: Raw) -> None:
    raw.double("invoices", ROW.number)
    raw.double("purchase_orders", ROW.number, id=5)
    raw.double("returns", ROW.number, id=6)
    found = cost(place, raw)

    assert (found.revenue, found.revenue_doubled) == (Decimal("2000.20"), Decimal("1000.10"))
    assert (found.purchase_orders, found.purchase_orders_doubled) == (Decimal("400"), Decimal("200"))
    assert (found.items, found.items_doubled) == (Decimal("200"), Decimal("100"))
    assert (found.returns, found.returns_doubled) == (Decimal("60.06"), Decimal("30.03"))
    assert found.materials - found.materials_doubled == ROW.net_materials
    rows = (found.invoice_rows_doubled, found.purchase_order_rows_doubled, found.return_rows_doubled)
    assert rows == (1, 1, 1)


def test_the_newest_row_of_a_key_is_the_one_that_is_not_doubled(place: Place, raw: Raw) -> None:
    raw.double("purchase_orders", ROW.number, total=250.0)

    assert cost(place, raw).purchase_orders_doubled == Decimal("200")


def test_pay_that_equals_another_counts_once_and_is_named(place: Place, raw: Raw) -> None:
    raw.double("payroll", ROW.number, id=8)
    raw.add("payroll", jobId=JOB, employeeId=8, activity="Working", amount=200.2, paidDurationHours=8.0)
    found = cost(place, raw)

    assert (found.labor, found.payroll_repeated) == (Decimal("500.70"), Decimal("300.50"))
    assert (found.payroll_rows, found.payroll_rows_repeated) == (5, 2)


def test_a_job_that_is_there_twice_is_one_by_its_newest_row(place: Place, raw: Raw) -> None:
    usual = cost(place, raw)
    raw = Raw()
    add_job(raw, ROW)
    raw.double("jobs", ROW.number, jobStatus="Hold")
    with made() as other:
        assert cost(other, raw) == replace(usual, status="Hold")


def test_two_jobs_of_one_number_are_one_with_the_amounts_of_both(place: Place, raw: Raw) -> None:
    other = Raw()
    add_job(other, replace(ROW, number="900002"))
    other.rows["jobs"][0]["jobNumber"] = ROW.number
    for entity, rows in other.rows.items():
        raw.rows[entity] += rows
    found = cost(place, raw)

    assert (found.revenue, found.business_unit) == (Decimal("2000.20"), 898)


def test_a_cost_that_is_no_number_is_counted_and_many_decimals_are_rounded_once(place: Place, raw: Raw) -> None:
    items = [{"type": "Material", "cost": cost} for cost in ("", None, "n/a", "0.333", 0.333, "0.339")]
    raw.of("invoices", ROW.number)[0]["items"] = json.dumps(items)
    found = cost(place, raw)

    assert (found.item_rows, found.items_without_cost, found.items) == (6, 3, Decimal("1.01"))


CENTS = st.integers(-(10**7), 10**7)
LINES = st.tuples(st.integers(1, 3), st.integers(1, 3), CENTS, st.booleans())
"""A row: of which job, with which natural key, how many cents, and a choice."""
ROWS = st.lists(LINES, max_size=6)


@settings(max_examples=15, deadline=None)
@hypothesis.given(invoices=ROWS, pays=ROWS, orders=ROWS, returns=ROWS)
def test_every_sum_is_that_of_its_rows(
    shared: Place, invoices: list[Line], pays: list[Line], orders: list[Line], returns: list[Line]
) -> None:
    raw = Raw()
    for job in (1, 2, 3):
        raw.add("jobs", id=job, jobNumber=str(job), businessUnitId=1, jobStatus="", createdOn=at("2025-10-22T12:00"))
    for job, key, cents, is_material in invoices:
        items = json.dumps([{"type": "Material" if is_material else "Service", "cost": str(Decimal(cents) / 100)}])
        raw.add("invoices", id=key, jobId=job, subTotal=cents / 100, items=items)
    for job, key, cents, _ in pays:
        raw.add("payroll", jobId=job, employeeId=key, amount=cents / 100)
    for job, key, cents, is_canceled in orders:
        status = "Canceled" if is_canceled else "Sent"
        raw.add("purchase_orders", purchaseOrderId=key, jobId=job, total=cents / 100, status=status)
    for job, key, cents, _ in returns:
        raw.add("returns", returnId=key, jobId=job, total=cents / 100)
    for table in TABLES:
        if shared.warehouse.has(table):
            shared.warehouse.execute(f'DELETE FROM "{SETTINGS.dataset}"."raw_{table}"')  # noqa: S608
    found = costs(shared, raw)

    for job in (1, 2, 3):
        cost = found[str(job)]
        assert cost.revenue * 100 == sum(line[2] for line in invoices if line[0] == job)
        assert cost.items * 100 == sum(line[2] for line in invoices if line[0] == job and line[3])
        assert cost.labor * 100 == sum(cents for of, _, cents in {line[:3] for line in pays} if of == job)
        assert (cost.labor + cost.payroll_repeated) * 100 == sum(line[2] for line in pays if line[0] == job)
        assert cost.purchase_orders * 100 == sum(line[2] for line in orders if line[0] == job and not line[3])
        assert cost.returns * 100 == sum(line[2] for line in returns if line[0] == job)
    assert sum(c.invoice_rows_doubled for c in found.values()) == len(invoices) - len({line[1] for line in invoices})
    assert sum(c.return_rows_doubled for c in found.values()) == len(returns) - len({line[1] for line in returns})


def test_a_week_of_jobs_is_what_the_report_has(place: Place) -> None:
    rows = week()
    found = costs(place, warehouse_of(rows))

    assert {n: (c.day, c.revenue, c.labor, c.materials) for n, c in found.items()} == {
        row.number: (row.day, row.subtotal, row.labor, row.net_materials) for row in rows
    }


def test_the_query_names_the_settings_tables() -> None:
    sql = query(replace(SETTINGS, project="other-project-1", dataset="raw_9"), START, END)

    assert [sql.count(f"`other-project-1`.`raw_9`.`raw_{name}`") for name in TABLES] == [1] * len(TABLES)
    assert "number IN" not in sql
    # "Parameterized types are not allowed in CAST expressions", says BigQuery, and GoogleSQL's own analyzer does not.
    assert "NUMERIC(" not in sql
    assert {entity.name for entity in CATALOGUE} >= set(TABLES)
    assert INGESTED.date() > END
