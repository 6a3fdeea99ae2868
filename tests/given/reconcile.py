"""Figures to compare: all as ServiceTitan has them, but for what a test says."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from operations.reconcile import PLAN, Figure, Figures, Metric, Row, compare

START, END, AS_OF = date(2025, 10, 20), date(2025, 10, 26), date(2025, 11, 3)
REFERENCES = {"revenue": "474829.27", "materials": "107730.06", "labor": "172000.00", "job_count": "244"}


def figure(value: str | Decimal, as_of: date = AS_OF) -> Figure:
    return Figure(Decimal(value), "a report", "a person", as_of)


def figures(changes: dict[str, dict[str, Any]] | None = None, **more: Any) -> Figures:
    """`changes` are fields of a Metric, by its name."""
    metrics = {
        name: replace(
            Metric(name, PLAN[name], reference=figure(value), now=figure(value)), **(changes or {}).get(name, {})
        )
        for name, value in REFERENCES.items()
    }
    return Figures(START, END, metrics, **more)


def row(name: str, changes: dict[str, dict[str, Any]] | None = None, **more: Any) -> Row:
    return next(one for one in compare(figures(changes, **more)) if one.metric == name)
