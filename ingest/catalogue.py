"""The 16 entities and their four groups: the one place where they are written down."""

from __future__ import annotations

from dataclasses import replace
from datetime import time
from functools import cache

from ingest.entity import Entity, Group
from ingest.schedule import Cadence

GROUPS = (
    Group(name="core", opens=time(4), closes=time(4, 30)),
    Group(name="financial", opens=time(4, 30), closes=time(5), after=("core",)),
    Group(name="labor", opens=time(5), closes=time(5, 15), after=("core",)),
    Group(name="reference", opens=time(6), weekday=0),
)

_daily, _cron = Cadence.daily, Cadence.parse


def _sundays(at: str) -> Cadence:
    return Cadence.weekly("Sunday", at)


# The service's `id` of a payroll item is sourceEntityId, which several items share, or a hash of the others.
_PAYROLL_KEY = (
    *("sourceEntityId", "payrollId", "employeeId", "jobId", "date", "activity", "amount", "paidDurationHours"),
    *("invoiceId", "createdOn"),
)

# Where `key` is not `id`, the service makes `id` a hash that includes the record's place in ServiceTitan's answer.
# jobs and estimates ask for several days back each time, so a night without records is no quiet one.
CATALOGUE = (
    Entity(
        name="jobs",
        group="core",
        target=_daily("04:00"),
        live=_cron("0 2 * * *"),
        may_be_quiet=False,
        margin_effect="base entity",
    ),
    Entity(name="appointments", group="core", target=_daily("04:05"), live=_cron("10 2 * * *")),
    Entity(name="customers", group="core", target=_daily("04:10"), live=_cron("15 3 * * *")),
    Entity(name="locations", group="core", target=_daily("04:15")),
    Entity(
        name="invoices",
        group="financial",
        target=_daily("04:30"),
        live=_cron("15 2 * * *"),
        amount="subTotal",
        margin_effect="revenue",
    ),
    Entity(name="estimates", group="financial", target=_daily("04:35"), live=_cron("30 2 * * *"), may_be_quiet=False),
    Entity(name="payments", group="financial", target=_daily("04:40"), live=_cron("45 2 * * *")),
    Entity(
        name="purchase_orders",
        group="financial",
        target=_daily("04:45"),
        key=("purchaseOrderId",),
        amount="total",
        margin_effect="HIGH, materials",
    ),
    Entity(
        name="inventory_bills",
        group="financial",
        target=_daily("04:50"),
        key=("inventoryBillId",),
        amount="total",
        margin_effect="MEDIUM, materials",
    ),
    Entity(
        name="returns",
        group="financial",
        target=_daily("04:55"),
        key=("returnId",),
        amount="total",
        margin_effect="LOW, material credits",
    ),
    Entity(
        name="payroll",
        group="labor",
        target=_daily("05:00"),
        live=_cron("0 3 * * *"),
        key=_PAYROLL_KEY,
        amount="amount",
        margin_effect="labor",
    ),
    Entity(
        name="payroll_adjustments",
        group="labor",
        target=_daily("05:05"),
        key=("adjustment_id",),
        amount="amount",
        margin_effect="MEDIUM, labor",
    ),
    Entity(name="business_units", group="reference", target=_sundays("06:00"), is_reference=True),
    Entity(name="technicians", group="reference", target=_sundays("06:05"), is_reference=True),
    Entity(name="activity_codes", group="reference", target=_sundays("06:10"), is_reference=True),
    Entity(name="campaigns", group="reference", target=_sundays("06:15")),
)


@cache
def named(prefix: str, source: str) -> tuple[Entity, ...]:
    """The catalogue with the names that a team gives its jobs and its source."""
    return tuple(replace(entity, prefix=prefix, source=source) for entity in CATALOGUE)
