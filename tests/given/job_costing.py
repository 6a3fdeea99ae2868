"""A made-up week of jobs: ServiceTitan's report of it, and the raw tables, in which it can differ from the report.

The sums are those that the data team measured for 2025-10-20 to 26 (docs/reconcile.md); no job is real.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from ingest.costing.cost_report import ReportRow
from twin.warehouse import Warehouse

START, END = date(2025, 10, 20), date(2025, 10, 26)
INGESTED = datetime(2025, 10, 27, 11, 30, tzinfo=UTC)
HEAD = (
    "Scheduled Date,Business Unit,Sold By,Primary Technician,Job Type,Customer Name,Job #,Jobs Subtotal,Labor Pay,"
    "Payroll Adjustments,Materials + Equip. + PO/Bill Costs,Returns,Jobs Total Costs,Jobs Gross Margin %,Status"
)
UNITS = {898: "Phoenix-Production", 899: "Tucson-Production"}


def split(total: str, count: int) -> list[Decimal]:
    """The total in `count` different amounts of whole cents."""
    weights = [n % 7 + 1 for n in range(count)]
    parts = [Decimal(int(Decimal(total) * 100) * weight // sum(weights)) / 100 for weight in weights]
    return [*parts[:-1], Decimal(total) - sum(parts[:-1])]


def week(count: int = 244) -> list[ReportRow]:
    """The report's jobs, 900001 and on: in all $474,562.39 of revenue."""
    figures = zip(
        split("474562.39", count),
        split("36298.52", count),
        split("135839.70", count),
        split("107694.71", count),
        [Decimal("-262.01"), *[Decimal(0)] * (count - 2), Decimal("-262.01")],
        strict=True,
    )
    return [
        ReportRow(
            line=n + 2,
            number=str(900001 + n),
            day=START + timedelta(n % 7),
            business_unit=UNITS[898 + n % 2],
            status=("Completed", "Hold", "In Progress")[n % 3],
            subtotal=subtotal,
            labor_pay=pay,
            adjustments=adjustments,
            materials=materials,
            returns=returns,
        )
        for n, (subtotal, pay, adjustments, materials, returns) in enumerate(figures)
    ]


def export(rows: Sequence[ReportRow], delimiter: str = ",") -> str:
    """The report as ServiceTitan exports it."""
    lines = [HEAD.replace(",", delimiter)]
    for row in rows:
        costs = row.labor + row.net_materials
        margin = (row.subtotal - costs) / row.subtotal * 100 if row.subtotal else 0
        cells = [
            f"{row.day:%m/%d/%Y}" if row.day else "",
            *(row.business_unit, "", "A technician", "A type", "A customer", row.number),
            *map(dollars, (row.subtotal, row.labor_pay, row.adjustments, row.materials, row.returns, costs)),
            f"{margin:.2f}%",
            row.status,
        ]
        lines.append(delimiter.join(cells))
    return "\n".join(lines) + "\n"


def dollars(value: Decimal) -> str:
    return f"{'-' if value < 0 else ''}${abs(value):.2f}"


@dataclass
class Raw:
    """Rows of the raw tables by entity."""

    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def add(self, entity: str, **columns: Any) -> None:
        table = self.rows.setdefault(entity, [])
        stamped = {"id": 1000 + len(table), "_ingested_at": INGESTED, "_ingestion_source": "servicetitan_v2"}
        table.append(stamped | columns)

    def of(self, entity: str, number: str) -> list[dict[str, Any]]:
        """The rows of a job."""
        return [row for row in self.rows[entity] if row.get("jobId", row["id"]) == int(number) * 10]

    def double(self, entity: str, number: str, **columns: Any) -> None:
        """Adds the job's rows once more."""
        for row in list(self.of(entity, number)):
            self.add(entity, **row | columns | {"_ingested_at": INGESTED + timedelta(days=1)})

    def remove(self, entity: str, number: str) -> None:
        found = self.of(entity, number)
        self.rows[entity] = [row for row in self.rows[entity] if row not in found]

    def load(self, warehouse: Warehouse) -> None:
        for entity in ("jobs", "appointments", "invoices", "payroll", "purchase_orders", "returns"):
            warehouse.load(entity, range(0), INGESTED)
        for entity, rows in self.rows.items():
            shapes = {tuple(row): [other for other in rows if tuple(other) == tuple(row)] for row in rows}
            for alike in shapes.values():
                for begin in range(0, len(alike), 200):
                    warehouse.insert(entity, *alike[begin : begin + 200])


def warehouse_of(rows: Sequence[ReportRow]) -> Raw:
    """Raw tables that agree with the report to the cent."""
    raw = Raw()
    for row in rows:
        add_job(raw, row)
    return raw


def add_job(raw: Raw, row: ReportRow) -> None:
    assert row.day
    job = int(row.number) * 10
    unit = next((number for number, name in UNITS.items() if name == row.business_unit), None)
    # 6 PM in Phoenix is the next day in UTC.
    starts = datetime(row.day.year, row.day.month, row.day.day, 1, tzinfo=UTC) + timedelta(days=1)
    status = row.status.replace(" ", "")
    raw.add("jobs", id=job, jobNumber=row.number, businessUnitId=unit, jobStatus=status, createdOn=starts)
    raw.add("appointments", jobId=job, scheduledStart=starts)
    raw.add("appointments", jobId=job, scheduledStart=starts + timedelta(days=9))
    used = (row.materials / 3).quantize(Decimal("0.01"))
    items = [
        {"type": "Material", "cost": str(used - 1), "quantity": "1"},
        {"type": "Equipment", "cost": 1},
        {"type": "Service", "cost": "5000"},
    ]
    raw.add("invoices", jobId=job, subTotal=float(row.subtotal), items=json.dumps(items))
    for activity, pay in (("Working", row.labor_pay), ("Direct Adjustment", row.adjustments)):
        common = {"employeeId": 7, "date": starts, "paidDurationHours": 8.0}
        raw.add("payroll", jobId=job, activity=activity, amount=float(pay), **common)
    bought = float(row.materials - used)
    raw.add("purchase_orders", purchaseOrderId=job + 1, jobId=job, status="Received", total=bought)
    raw.add("purchase_orders", purchaseOrderId=job + 2, jobId=job, status="Canceled", total=999.0)
    if row.returns:
        raw.add("returns", returnId=job + 3, jobId=job, total=float(-row.returns))


DOUBLED = "900010"
LATE = [f"{number}" for number in range(900007, 900098, 7)]
"""Jobs whose purchase orders are not there before the rollout."""


def after_rollout() -> tuple[list[ReportRow], Raw]:
    """The week once the rollout is done: an invoice is there twice, and a job is of a unit that the report leaves out.

    A MERGE that fell back to inserts doubled the invoice; it has no items.
    """
    rows = week()
    raw = warehouse_of(rows)
    raw.of("invoices", DOUBLED)[0]["items"] = None
    for order in raw.of("purchase_orders", DOUBLED)[:1]:
        order["total"] = float(rows[9].materials)
    raw.double("invoices", DOUBLED)
    add_job(raw, replace(rows[1], number="900900", business_unit="", subtotal=Decimal("3104.99"), returns=Decimal(0)))
    raw.of("jobs", "900900")[0]["businessUnitId"] = 2305
    return rows, raw


def before_rollout() -> tuple[list[ReportRow], Raw]:
    """The week as the team measured it: revenue +$9,734.18, labor -$3,182.06, materials -$6,500.08."""
    rows, raw = after_rollout()
    moved, extra, doubled = rows[0], rows[1], rows[9]
    # By what the warehouse has of its appointments, this one began in the week before.
    for appointment in raw.of("appointments", moved.number):
        appointment["scheduledStart"] -= timedelta(days=7)
    missing = {"revenue": Decimal(0), "labor": Decimal(0), "materials": Decimal(0)}
    for number in LATE[:2]:
        missing["labor"] += sum(Decimal(str(row["amount"])) for row in raw.of("payroll", number))
        raw.remove("payroll", number)
    for number in LATE:
        missing["materials"] += Decimal(str(raw.of("purchase_orders", number)[0]["total"]))
        raw.remove("purchase_orders", number)
    # What is left is in one job each.
    revenue = Decimal("9734.18") - (Decimal("3104.99") - moved.subtotal + doubled.subtotal)
    labor = Decimal("-3182.06") - (extra.labor - moved.labor - missing["labor"])
    materials = Decimal("-6500.08") - (extra.materials - moved.net_materials - missing["materials"])
    for entity, number, column, rest in (
        ("invoices", "900020", "subTotal", revenue),
        ("payroll", "900028", "amount", labor),
        ("purchase_orders", "900105", "total", materials),
    ):
        row = raw.of(entity, number)[-1 if entity == "payroll" else 0]
        row[column] = float(Decimal(str(row[column])) + rest)
    return rows, raw
