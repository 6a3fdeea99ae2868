"""The plan, typed a second time: these literals are the oracle, so never derive them."""

from __future__ import annotations

# entity, group, job, live cron, target cron; then for phased and immediate: night it enters, night it gets its target.
PLAN = [
    ("jobs", "core", "v2-sync-jobs-daily", "0 2 * * *", "0 4 * * *", (0, 2), (0, 1)),
    ("appointments", "core", "v2-sync-appointments-daily", "10 2 * * *", "5 4 * * *", (0, 2), (0, 1)),
    ("customers", "core", "v2-sync-customers-daily", "15 3 * * *", "10 4 * * *", (0, 2), (0, 1)),
    ("locations", "core", "v2-sync-locations-daily", None, "15 4 * * *", (2, 2), (1, 1)),
    ("invoices", "financial", "v2-sync-invoices-daily", "15 2 * * *", "30 4 * * *", (0, 2), (0, 1)),
    ("estimates", "financial", "v2-sync-estimates-daily", "30 2 * * *", "35 4 * * *", (0, 2), (0, 1)),
    ("payments", "financial", "v2-sync-payments-daily", "45 2 * * *", "40 4 * * *", (0, 2), (0, 1)),
    ("purchase_orders", "financial", "v2-sync-purchase-orders-daily", None, "45 4 * * *", (1, 1), (1, 1)),
    ("inventory_bills", "financial", "v2-sync-inventory-bills-daily", None, "50 4 * * *", (1, 1), (1, 1)),
    ("returns", "financial", "v2-sync-returns-daily", None, "55 4 * * *", (1, 1), (1, 1)),
    ("payroll", "labor", "v2-sync-payroll-daily", "0 3 * * *", "0 5 * * *", (0, 2), (0, 1)),
    ("payroll_adjustments", "labor", "v2-sync-payroll-adjustments-daily", None, "5 5 * * *", (1, 1), (1, 1)),
    ("business_units", "reference", "v2-sync-business-units-weekly", None, "0 6 * * 0", (3, 3), (2, 2)),
    ("technicians", "reference", "v2-sync-technicians-weekly", None, "5 6 * * 0", (3, 3), (2, 2)),
    ("activity_codes", "reference", "v2-sync-activity-codes-weekly", None, "10 6 * * 0", (3, 3), (2, 2)),
    ("campaigns", "reference", "v2-sync-campaigns-weekly", None, "15 6 * * 0", (3, 3), (2, 2)),
]
