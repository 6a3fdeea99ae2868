"""The warehouse's job costing: what each job earned and cost by the raw tables, as one query of BigQuery's SQL.

Only text is built here, and rows are given names. The rules are the data team's own (docs/reconcile.md). All amounts
are NUMERIC: the raw columns are FLOAT64, and a cast to NUMERIC gives back the cents that ServiceTitan sent.

As in freshness_sql.py no functions are used but those that sqlglot knows for other dialects.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

from ingest.catalogue import CATALOGUE
from ingest.judging.freshness_sql import quoted
from ingest.settings import Settings

TABLES = ("jobs", "appointments", "invoices", "payroll", "purchase_orders", "returns")
"""The entities whose tables the query reads."""

COLUMNS = {
    "number": "STRING",
    "day": "DATE",
    "business_unit": "INTEGER",
    "status": "STRING",
    "revenue": "NUMERIC",
    "labor": "NUMERIC",
    "purchase_orders": "NUMERIC",
    "items": "NUMERIC",
    "returns": "NUMERIC",
    "revenue_doubled": "NUMERIC",
    "purchase_orders_doubled": "NUMERIC",
    "items_doubled": "NUMERIC",
    "returns_doubled": "NUMERIC",
    "payroll_repeated": "NUMERIC",
    "invoice_rows": "INTEGER",
    "invoice_rows_doubled": "INTEGER",
    "payroll_rows": "INTEGER",
    "payroll_rows_repeated": "INTEGER",
    "purchase_order_rows": "INTEGER",
    "purchase_order_rows_doubled": "INTEGER",
    "return_rows": "INTEGER",
    "return_rows_doubled": "INTEGER",
    "item_rows": "INTEGER",
    "items_without_cost": "INTEGER",
}
"""The query's columns with the API's types; each is a field of JobCost."""


@dataclass(frozen=True, kw_only=True)
class JobCost:
    """A job in the warehouse, in US dollars and cents.

    `items` are the materials and equipment on its invoices. `returns` is what vendors credited: it lowers the costs.
    What is `doubled` is in the amounts, and comes from rows whose natural key is there once more: invoices by id,
    purchase orders and returns by ServiceTitan's id. `payroll_repeated` is not in `labor`: rows that equal another.
    """

    number: str
    day: date
    business_unit: int
    """0: the job has none."""
    status: str
    revenue: Decimal = Decimal(0)
    labor: Decimal = Decimal(0)
    purchase_orders: Decimal = Decimal(0)
    items: Decimal = Decimal(0)
    returns: Decimal = Decimal(0)
    revenue_doubled: Decimal = Decimal(0)
    purchase_orders_doubled: Decimal = Decimal(0)
    items_doubled: Decimal = Decimal(0)
    returns_doubled: Decimal = Decimal(0)
    payroll_repeated: Decimal = Decimal(0)
    invoice_rows: int = 0
    invoice_rows_doubled: int = 0
    payroll_rows: int = 0
    payroll_rows_repeated: int = 0
    purchase_order_rows: int = 0
    purchase_order_rows_doubled: int = 0
    return_rows: int = 0
    return_rows_doubled: int = 0
    item_rows: int = 0
    items_without_cost: int = 0

    @property
    def materials(self) -> Decimal:
        """Net of returns."""
        return self.purchase_orders + self.items - self.returns

    @property
    def materials_doubled(self) -> Decimal:
        return self.purchase_orders_doubled + self.items_doubled - self.returns_doubled


def job_costs(rows: Collection[Mapping[str, Any]]) -> dict[str, JobCost]:
    """The query's rows by job number. Two jobs of one number are one, with the amounts of both."""
    costs: dict[str, JobCost] = {}
    for row in rows:
        cost = JobCost(**row)
        if cost.number in costs:
            first = costs[cost.number]
            sums = {n: getattr(first, n) + getattr(cost, n) for n, k in COLUMNS.items() if k in ("NUMERIC", "INTEGER")}
            cost = replace(first, **{**sums, "business_unit": first.business_unit})
        costs[cost.number] = cost
    return costs


def query(settings: Settings, start: date, end: date, numbers: Collection[str] = ()) -> str:
    """A row for each job whose day is from `start` to `end`, of whatever status and business unit, and for `numbers`.

    A job's day is that of its first appointment in the settings' time zone, else of its completion, else of its
    creation. `numbers` are letters, digits and hyphens only.
    """
    entities = {entity.name: entity for entity in CATALOGUE}
    table = {name: quoted(settings.table(entities[name])) for name in TABLES}
    named = f"\n    OR number IN ({', '.join(repr(number) for number in sorted(numbers))})" if numbers else ""
    return f"""WITH job AS (
  SELECT id, number, business_unit, status, completedOn, createdOn FROM (
    SELECT id, COALESCE(jobNumber, CAST(id AS STRING)) AS number, COALESCE(businessUnitId, 0) AS business_unit,
      COALESCE(jobStatus, '') AS status, completedOn, createdOn, {_place("id")}
    FROM {table["jobs"]}
  ) AS jobs WHERE place = 1
), first_appointment AS (
  SELECT jobId, MIN(scheduledStart) AS starts FROM {table["appointments"]} GROUP BY jobId
), dated AS (
  SELECT job.id, number, business_unit, status,
    DATE(COALESCE(starts, completedOn, createdOn), '{settings.time_zone}') AS day
  FROM job LEFT JOIN first_appointment ON first_appointment.jobId = job.id
), picked AS (
  SELECT id, number, business_unit, status, day FROM dated
  WHERE day IS NOT NULL AND (day BETWEEN DATE '{start}' AND DATE '{end}'{named})
), invoice AS (
  SELECT jobId, items, {_money("subTotal")} AS amount, {_place("id")}
  FROM {table["invoices"]}
), invoiced AS (
  SELECT jobId, {_sums("revenue", "invoice_rows")}
  FROM invoice GROUP BY jobId
), item AS (
  SELECT jobId, place, SAFE_CAST(JSON_VALUE(line, '$.cost') AS NUMERIC) AS amount
  FROM invoice CROSS JOIN UNNEST(JSON_QUERY_ARRAY(items)) AS line
  WHERE JSON_VALUE(line, '$.type') IN ('Material', 'Equipment')
), used AS (
  SELECT jobId, {_sums("items", "item_rows")},
    SUM(CASE WHEN amount IS NULL THEN 1 ELSE 0 END) AS items_without_cost
  FROM item GROUP BY jobId
), pay_item AS (
  SELECT jobId, employeeId, date, activity, paidDurationHours, {_money("amount")} AS pay, COUNT(*) AS times
  FROM {table["payroll"]} GROUP BY jobId, employeeId, date, activity, paidDurationHours, amount
), paid AS (
  SELECT jobId, SUM(pay) AS labor, SUM(times) AS payroll_rows, SUM(times - 1) AS payroll_rows_repeated,
    SUM(pay * (times - 1)) AS payroll_repeated
  FROM pay_item GROUP BY jobId
), bought AS (
  SELECT jobId, {_sums("purchase_orders", "purchase_order_rows")}
  FROM (
    SELECT jobId, status, {_money("total")} AS amount, {_place("COALESCE(purchaseOrderId, id)")}
    FROM {table["purchase_orders"]}
  ) AS ordered WHERE status != 'Canceled' GROUP BY jobId
), returned AS (
  SELECT jobId, {_sums("returns", "return_rows")}
  FROM (
    SELECT jobId, {_money("total")} AS amount, {_place("COALESCE(returnId, id)")}
    FROM {table["returns"]}
  ) AS sent_back GROUP BY jobId
)
SELECT number, day, business_unit, status,
{_columns()}
FROM picked
LEFT JOIN invoiced ON invoiced.jobId = picked.id
LEFT JOIN paid ON paid.jobId = picked.id
LEFT JOIN bought ON bought.jobId = picked.id
LEFT JOIN used ON used.jobId = picked.id
LEFT JOIN returned ON returned.jobId = picked.id
ORDER BY number"""  # noqa: S608


def _money(column: str) -> str:
    return f"CAST({column} AS NUMERIC)"


def _place(key: str) -> str:
    """1 for the newest row of a natural key; what comes after it is doubled."""
    return f"ROW_NUMBER() OVER (PARTITION BY {key} ORDER BY _ingested_at DESC, id) AS place"


def _sums(amount: str, count: str) -> str:
    doubled = f"SUM(CASE WHEN place > 1 THEN amount ELSE 0 END) AS {amount}_doubled"
    if count != "item_rows":
        doubled += f", SUM(CASE WHEN place > 1 THEN 1 ELSE 0 END) AS {count}_doubled"
    return f"SUM(amount) AS {amount}, COUNT(*) AS {count}, {doubled}"


def _columns() -> str:
    """Without nulls, in cents."""
    lines = []
    for name, kind in COLUMNS.items():
        if kind == "NUMERIC":
            lines.append(f"  ROUND(COALESCE({name}, 0), 2) AS {name}")
        elif kind == "INTEGER" and name != "business_unit":
            lines.append(f"  COALESCE({name}, 0) AS {name}")
    return ",\n".join(lines)
