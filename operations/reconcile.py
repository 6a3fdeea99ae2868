"""A period of the warehouse against ServiceTitan's own report: what is asked, and the record that is kept."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Literal, TypedDict

from google.cloud.bigquery import Client

from ingest.costing import job_costing
from ingest.costing.cost_report import CENT, MONEY, Report, ReportError, read_report
from ingest.costing.job_costing import JobCost, job_costs
from ingest.costing.reconcile import SUMMED, Comparison, Metric, Pair, Population, Unit
from ingest.schedule import time_zone
from ingest.settings import Settings
from ingest.text.shapes import ShapeError, misfits, read_json
from operations.cloud import bigquery
from operations.cloud.bigquery import MINIMUM_BILLED
from operations.errors import OperationError
from operations.local.files import write_together

PATIENCE = 300.0
"""Seconds for the query: it reads six tables whole."""

FORMAT: Literal["reconcile/2"] = "reconcile/2"


class ShareRecord(TypedDict):
    part: str
    jobs: int
    amount: str


class MetricRecord(TypedDict):
    """Amounts are strings of dollars, jobs or points, so that no cent is lost; so are percents."""

    metric: str
    unit: str
    servicetitan: str | None
    warehouse: str | None
    gap: str | None
    gap_percent: str | None
    limit: str
    verdict: str
    parts: list[ShareRecord]


class PopulationRecord(TypedDict):
    """`jobs` is how many count on each side; empty lists mean that all are compared."""

    business_units: list[int]
    statuses: list[str]
    jobs_servicetitan: int
    jobs_warehouse: int
    report_business_units: Mapping[str, int]
    warehouse_business_units: Mapping[str, int]


PeriodRecord = TypedDict("PeriodRecord", {"from": str, "to": str})


class ClosedRecord(TypedDict):
    metric: str
    gap_then: str
    gap_now: str
    closed: str


class SinceRecord(TypedDict):
    """What became of the gaps of an earlier record, which its time and its report's hash name."""

    compared_at: str
    file_sha256: str
    metrics: list[ClosedRecord]


class Record(TypedDict):
    format: Literal["reconcile/2"]
    period: PeriodRecord
    time_zone: str
    population: PopulationRecord
    verdict: str
    compared_at: str
    file: str
    file_sha256: str
    bytes_billed_at_most: int
    metrics: list[MetricRecord]
    since: SinceRecord | None
    notes: list[str]
    jobs: list[Mapping[str, object]]
    query: str


@dataclass(frozen=True)
class Closed:
    """How a gap changed since an earlier record, in the metric's unit; `by` is negative where it grew."""

    metric: str
    unit: Unit
    then: Decimal
    now: Decimal

    @property
    def by(self) -> Decimal:
        return abs(self.then) - abs(self.now)

    @property
    def percent(self) -> Decimal | None:
        """Of the gap then; None where there was none."""
        return self.by / abs(self.then) * 100 if self.then else None


def report_of(path: Path, population: Population) -> Report:
    """The report in the file. Raises OperationError (code 2), also where it has no job that is compared."""
    try:
        report = read_report(path.read_bytes())
    except OSError as error:
        raise OperationError(f"{path}: cannot be read ({error.strerror})", code=2) from None
    except ReportError as error:
        raise OperationError(f"{path}: {error}", code=2) from None
    if population.statuses and not report.has_status:
        raise OperationError(
            f"{path}: no column JobStatus, which reconcile_statuses needs; add it to the report", code=2
        )
    if not any(population.has_day(row.day) and population.has_status(row.status) for row in report.rows):
        days = sorted({row.day for row in report.rows if row.day})
        dated = f"its rows are dated {days[0]} to {days[-1]}" if days else "it has no rows"
        raise OperationError(
            f"{path}: no job from {population.start} to {population.end} to compare; {dated}; correct --from and --to, "
            "or reconcile_statuses",
            code=2,
        )
    return report


def check_period(start: date, end: date, settings: Settings, now: datetime) -> None:
    """Raises OperationError (code 2) for a period that is none, or that is not over."""
    if end < start:
        raise OperationError(f"--to {end} is before --from {start}; swap them", code=2)
    if end >= now.astimezone(time_zone(settings.time_zone)).date():
        raise OperationError(f"--to {end} is not over in {settings.time_zone}; compare days that are", code=2)


def question(settings: Settings, report: Report, start: date, end: date) -> str:
    """The query for the period, and for the report's jobs whatever their day."""
    return job_costing.query(settings, start, end, {row.number for row in report.rows})


def bytes_to_be_billed(client: Client, sql: str) -> int:
    """The most that the query is billed for, by a dry run. Raises OperationError (code 2)."""
    least = MINIMUM_BILLED * len(job_costing.TABLES)
    return max(least, bigquery.bytes_processed(client, sql, patience=PATIENCE))


def ask(client: Client, sql: str, max_bytes: int | None) -> dict[str, JobCost]:
    """The warehouse's jobs by number. Raises OperationError (code 2)."""
    return job_costs(bigquery.rows(client, sql, job_costing.COLUMNS, max_bytes=max_bytes, patience=PATIENCE))


def read_record(path: Path) -> Record:
    """An earlier record. Raises OperationError (code 2) where the file is none."""
    remedy = "--before takes the JSON file that --record wrote"
    try:
        content = read_json(path, remedy)
    except FileNotFoundError as error:
        raise OperationError(f"{path}: cannot be read ({error.strerror})", code=2) from None
    except ShapeError as error:
        raise OperationError(f"--before: {error}", code=2) from None
    if wrong := misfits(content, Record, ""):
        raise OperationError(f"{path}: no record of reconcile: it {wrong[0]}; {remedy}", code=2)
    record: Record = content
    for metric in record["metrics"]:
        if not re.fullmatch(r"-?\d{1,15}(\.\d\d)?", metric["gap"] or "0", re.ASCII):
            raise OperationError(f"{path}: {metric['metric']} has a gap that is no number; {remedy}", code=2)
    return record


def closed(before: Record, comparison: Comparison) -> list[Closed]:
    """What became of the gaps that are in both."""
    then = {metric["metric"]: metric["gap"] for metric in before["metrics"]}
    return [
        Closed(metric.name, metric.unit, Decimal(gap), metric.gap)
        for metric in comparison.metrics
        if (gap := then.get(metric.name)) is not None and metric.gap is not None
    ]


def doubts(before: Record, comparison: Comparison) -> list[str]:
    """Why the two are not of the same jobs."""
    population = comparison.population
    of = before["population"]
    pairs: tuple[tuple[str, list[str], list[str]], ...] = (
        ("days", [before["period"]["from"], before["period"]["to"]], [str(population.start), str(population.end)]),
        ("business units", [*map(str, of["business_units"])], [*map(str, sorted(population.business_units))]),
        ("statuses", of["statuses"], sorted(population.statuses)),
    )
    return [
        f"the earlier record is of other {what}: {', '.join(then) or 'all'}; now {', '.join(now) or 'all'}"
        for what, then, now in pairs
        if then != now
    ]


def record_of(
    comparison: Comparison,
    report: Report,
    settings: Settings,
    *,
    file: str,
    at: datetime,
    sql: str,
    billed: int,
    before: Record | None = None,
) -> Record:
    """What is kept: every figure, every job, the query and the file's hash."""
    population, pairs = comparison.population, comparison.pairs
    there = [pair.row.business_unit for pair in pairs if pair.counts_there and pair.row]
    here = [str(pair.cost.business_unit) for pair in pairs if pair.counts_here and pair.cost]
    return {
        "format": FORMAT,
        "period": {"from": str(population.start), "to": str(population.end)},
        "time_zone": settings.time_zone,
        "population": {
            "business_units": sorted(population.business_units),
            "statuses": sorted(population.statuses),
            "jobs_servicetitan": len(there),
            "jobs_warehouse": len(here),
            "report_business_units": {unit: there.count(unit) for unit in sorted(set(there))},
            "warehouse_business_units": {unit: here.count(unit) for unit in sorted(set(here))},
        },
        "verdict": comparison.verdict,
        "compared_at": at.isoformat(timespec="seconds"),
        "file": file,
        "file_sha256": report.digest,
        "bytes_billed_at_most": billed,
        "metrics": [_metric(metric) for metric in comparison.metrics],
        "since": _since(before, comparison) if before else None,
        "notes": list(comparison.notes),
        "jobs": [_job(pair) for pair in pairs],
        "query": sql,
    }


def write_record(folder: Path, stem: str, texts: Mapping[str, str], overwrite: bool) -> list[Path]:
    """Writes `texts`, by ending, to files named `stem` in `folder`, all whole or none.

    Raises OperationError where one is there already, unless `overwrite`, and where they cannot be written.
    """
    paths = [folder / f"{stem}.{ending}" for ending in texts]
    there = [path.name for path in paths if os.path.lexists(path)]
    if there and not overwrite:
        raise OperationError(
            f"not recorded: {folder} already has {' and '.join(there)}; "
            "use --overwrite to replace what is there, or another folder"
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OperationError(f"not recorded: {folder} cannot be created ({error.strerror})") from None
    contents = {path: content.encode() for path, content in zip(paths, texts.values(), strict=True)}
    write_together(contents, otherwise="nothing was recorded")
    return paths


def record_json(record: Record) -> str:
    return json.dumps(record, indent=2)


def _since(before: Record, comparison: Comparison) -> SinceRecord:
    metrics: list[ClosedRecord] = [
        {
            "metric": gap.metric,
            "gap_then": str(_number(gap.unit, gap.then)),
            "gap_now": str(_number(gap.unit, gap.now)),
            "closed": str(_number(gap.unit, gap.by)),
        }
        for gap in closed(before, comparison)
    ]
    return {"compared_at": before["compared_at"], "file_sha256": before["file_sha256"], "metrics": metrics}


def _metric(metric: Metric) -> MetricRecord:
    return {
        "metric": metric.name,
        "unit": metric.unit,
        "servicetitan": _number(metric.unit, metric.theirs),
        "warehouse": _number(metric.unit, metric.ours),
        "gap": _number(metric.unit, metric.gap),
        "gap_percent": _number(Unit.POINTS, metric.percent),
        "limit": str(metric.limit),
        "verdict": metric.verdict,
        "parts": [
            {"part": share.part, "jobs": share.jobs, "amount": str(_number(metric.unit, share.amount))}
            for share in metric.shares
        ],
    }


def _job(pair: Pair) -> Mapping[str, object]:
    row, cost = pair.row, pair.cost
    there = row and {
        "line": row.line,
        "day": str(row.day) if row.day else None,
        "status": row.status,
        **{name: _number(Unit.DOLLARS, getattr(row, name)) for name in MONEY},
    }
    here = cost and {
        name: _number(Unit.DOLLARS, value) if isinstance(value, Decimal) else value
        for name, value in {**vars(cost), "day": str(cost.day)}.items()
    }
    gaps = {metric: _number(Unit.DOLLARS, pair.gap(metric)) for metric in SUMMED[1:]}
    return {"job": pair.number, "part": pair.part, "gap": gaps, "servicetitan": there, "warehouse": here}


def _number(unit: Unit, value: Decimal | None) -> str | None:
    if value is None:
        return None
    return f"{value:.0f}" if unit is Unit.JOBS else str(value.quantize(CENT, ROUND_HALF_UP) + 0)
