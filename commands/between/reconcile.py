"""The command `reconcile`: a week of the warehouse against ServiceTitan's own export, and what the gaps are made of."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import click

from commands.billing import accept_bill, billed_options
from commands.options import json_option, judges, now
from commands.render import styled, table
from ingest.costing.cost_report import CENT, Report, counted
from ingest.costing.reconcile import SUMMED, Comparison, Metric, Pair, Part, Population, Share, Unit, compare
from ingest.judging.verdict import Verdict
from operations.cloud import bigquery
from operations.local.repository import read_settings
from operations.reconcile import (
    Closed,
    Record,
    ask,
    bytes_to_be_billed,
    check_period,
    closed,
    doubts,
    question,
    read_record,
    record_json,
    record_of,
    report_of,
    write_record,
)

HEAD = ("metric", "ServiceTitan", "warehouse", "gap", "tolerance", "limit", "verdict")
SHOWN = 5
"""Jobs of a list on the screen; a Markdown record has RECORDED, the JSON record all."""
RECORDED = 50

_DAY = click.DateTime(["%Y-%m-%d"])
_FILE = click.Path(path_type=Path)


@dataclass(frozen=True)
class Section:
    """A table under a title, for the terminal and for Markdown."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]


@click.command()
@click.option("--report", "file", type=_FILE, required=True, metavar="FILE", help="ServiceTitan's export, CSV or TSV.")
@click.option("--from", "start", type=_DAY, required=True, metavar="DAY", help="First day, such as 2025-10-20.")
@click.option("--to", "end", type=_DAY, required=True, metavar="DAY", help="Last day, such as 2025-10-26.")
@click.option("--before", type=_FILE, metavar="RECORD", help="An earlier JSON record: what of its gaps is closed.")
@click.option("--record", "folder", type=_FILE, metavar="FOLDER", help="Write a record there.")
@click.option("--overwrite", is_flag=True, help="Replace the period's record if there is one.")
@billed_options
@json_option
@judges
def reconcile(
    file: Path,
    start: datetime,
    end: datetime,
    before: Path | None,
    folder: Path | None,
    overwrite: bool,
    max_bytes: int,
    yes: bool,
    as_json: bool,
) -> int:
    """Compare the warehouse's figures with ServiceTitan's.

    The figures are revenue, labor, materials, margin and jobs. The report is ServiceTitan's job costing report as
    exported, a row a job. The warehouse is asked by one query. Each gap is explained: jobs on one side only, on another
    day, counted twice, and the largest differences. Exit code 0: all pass, 1: one failed, 2: could not be evaluated (no
    access, no revenue, or a wrong file).

    \b
    Example, with a Markdown and a JSON record:
      ingest-rollout reconcile --report week.csv --from 2025-10-20 --to 2025-10-26 --record records
    """
    settings, moment = read_settings(), now()
    population = Population.of(settings, start.date(), end.date())
    check_period(population.start, population.end, settings, moment)
    report = report_of(file, population)
    earlier = read_record(before) if before else None
    client = bigquery.bigquery_client(settings, os.environ)
    sql = question(settings, report, population.start, population.end)
    billed = bytes_to_be_billed(client, sql)
    limit = accept_bill(billed, "one query over 6 tables", max_bytes, yes=yes, err=as_json)
    comparison = compare(report, ask(client, sql, limit), population)
    record = record_of(comparison, report, settings, file=file.name, at=moment, sql=sql, billed=billed, before=earlier)
    click.echo(record_json(record) if as_json else text(comparison, report, earlier, record))
    if folder:
        texts = {"json": record_json(record) + "\n", "md": markdown(comparison, report, earlier, record)}
        for path in write_record(folder, f"reconcile-{population.start}-to-{population.end}", texts, overwrite):
            click.echo(f"recorded in {path}", err=True)
    return comparison.verdict.exit_code


def text(comparison: Comparison, report: Report, earlier: Record | None, record: Record) -> str:
    """For the terminal."""
    parts = [click.style(_title(comparison), bold=True), "\n".join(_population(record, report))]
    verdicts = {str(verdict): styled(verdict) for verdict in Verdict}
    for section in sections(comparison, earlier, SHOWN):
        rows = [[verdicts.get(cell, cell) for cell in row] for row in section.rows]
        parts.append(f"{click.style(section.title, bold=True)}\n{table(section.head, rows)}")
    parts.append("\n".join([*notes(comparison, earlier), f"Verdict: {styled(comparison.verdict)}"]))
    return "\n\n".join(parts)


def markdown(comparison: Comparison, report: Report, earlier: Record | None, record: Record) -> str:
    """The record for people: the comparison, why, and where each figure is from."""
    parts = [
        f"# {_title(comparison)}",
        f"Verdict: **{comparison.verdict}**",
        "\n".join(f"- {_escaped(line)}" for line in [*_population(record, report), *notes(comparison, earlier)]),
    ]
    for section in sections(comparison, earlier, RECORDED):
        parts += [f"## {section.title}", _markdown_table(section.head, section.rows)]
    parts += [
        "## Where the figures are from",
        f"ServiceTitan's are from {_escaped(record['file'])}, SHA-256 `{report.digest}`; a job's line is named above. "
        f"The warehouse's are from this query, asked at {record['compared_at']}:",
        f"```sql\n{record['query']}\n```",
    ]
    return "\n\n".join(parts) + "\n"


def sections(comparison: Comparison, earlier: Record | None, most: int) -> list[Section]:
    """The metrics, the gaps' parts, what became of the gaps since `earlier`, and the jobs, `most` of a kind."""
    listed = [Section("Totals", HEAD, [_metric_cells(metric) for metric in comparison.metrics])]
    if earlier:
        rows = [_closed_cells(gap) for gap in closed(earlier, comparison)]
        title = f"Since the record of {earlier['compared_at'][:10]}"
        listed.append(Section(title, ("metric", "gap then", "gap now", "closed", "of the gap then"), rows))
    listed.append(_parts(comparison))
    for part in Part:
        pairs = comparison.of(part)
        if pairs and part not in (Part.DOUBLED, Part.ABSENT, Part.DIFFERENT):
            listed.append(Section(_counted(f"Jobs {part}", len(pairs), most), *_jobs(pairs[:most])))
    for metric in SUMMED[1:]:
        if pairs := comparison.largest(metric, most):
            count = len(comparison.largest(metric, len(comparison.pairs)))
            listed.append(
                Section(_counted(f"Largest differences in {metric}", count, most), *_differences(metric, pairs))
            )
    return listed


def notes(comparison: Comparison, earlier: Record | None) -> list[str]:
    """Why a metric failed or proves nothing, and what one has to know to read the figures."""
    reasons = []
    for metric in comparison.metrics:
        if metric.verdict is Verdict.INCONCLUSIVE:
            reasons.append(f"{metric.name}: inconclusive: the revenue must be over 0 on both sides for a margin")
        elif metric.verdict is Verdict.FAIL and metric.gap == 0:
            reasons.append(f"{metric.name}: fail: as many on both sides, but not the same jobs")
        elif metric.verdict is Verdict.FAIL:
            gap = f"{metric.gap:+.4f} points" if metric.unit is Unit.POINTS else _gap(metric)
            reasons.append(f"{metric.name}: fail: the gap is {gap}, the limit {_limit(metric)}")
    return [*reasons, *comparison.notes, *(doubts(earlier, comparison) if earlier else [])]


def amount(unit: Unit, value: Decimal | None, *, sign: bool = False) -> str:
    """A figure for people: `$1,234.50`, `244`, `41.09 %`; a gap has a sign, and a margin's is in points."""
    if value is None:
        return ""
    value = value if unit is Unit.JOBS else value.quantize(CENT, ROUND_HALF_UP)
    before = "-" if value < 0 else "+" if sign and value else ""
    if unit is Unit.JOBS:
        return f"{before}{abs(value):,.0f}"
    if unit is Unit.DOLLARS:
        return f"{before}${abs(value):,.2f}"
    return f"{before}{abs(value):,.2f} {'points' if sign else '%'}"


def _title(comparison: Comparison) -> str:
    return f"The warehouse against ServiceTitan, {comparison.population.start} to {comparison.population.end}"


def _population(record: Record, report: Report) -> list[str]:
    of = record["population"]
    units = ", ".join(map(str, of["business_units"])) or "all"
    return [
        f"ServiceTitan: {of['jobs_servicetitan']} jobs in {record['file']} ({report.encoding}, {report.delimiter})",
        f"Warehouse: {of['jobs_warehouse']} jobs of business units: {units}; statuses: "
        f"{', '.join(of['statuses']) or 'all'}; days in {record['time_zone']}",
        "Materials are net of returns on both sides; labor is with adjustments on both.",
    ]


def _metric_cells(metric: Metric) -> tuple[str, ...]:
    return (
        metric.name,
        amount(metric.unit, metric.theirs),
        amount(metric.unit, metric.ours),
        _gap(metric),
        _tolerance(metric),
        _limit(metric),
        metric.verdict,
    )


def _closed_cells(gap: Closed) -> tuple[str, ...]:
    percent = "" if gap.percent is None else f"{gap.percent:.0f} %"
    then, now_, by = (amount(gap.unit, value, sign=True) for value in (gap.then, gap.now, gap.by))
    return (gap.metric, then, now_, by, percent)


def _parts(comparison: Comparison) -> Section:
    """A row for each part with its share of each gap; the shares add up to the gaps in the last row."""
    summed = [metric for metric in comparison.metrics if metric.name in SUMMED]
    rows = []
    for part in Part:
        shares = [next((share for share in metric.shares if share.part is part), None) for metric in summed]
        if any(shares):
            rows.append((part, *map(_share, summed, shares)))
    rows.append(("gap", *(amount(metric.unit, metric.gap, sign=True) for metric in summed)))
    return Section("What the gaps are made of", ("part", *SUMMED), rows)


def _share(metric: Metric, share: Share | None) -> str:
    """With the number of jobs where that is not the figure itself."""
    if share is None:
        return ""
    jobs = f" ({counted(share.jobs, 'job')})" if metric.unit is Unit.DOLLARS else ""
    return f"{amount(metric.unit, share.amount, sign=True)}{jobs}"


def _jobs(pairs: Sequence[Pair]) -> tuple[Sequence[str], list[Sequence[str]]]:
    rows: list[Sequence[str]] = []
    for pair in pairs:
        row, cost = pair.row, pair.cost
        gaps = (amount(Unit.DOLLARS, pair.gap(metric), sign=True) for metric in SUMMED[1:])
        there = (str(row.line), _day(row.day)) if row else ("", "")
        here = (_day(cost.day), str(cost.business_unit), cost.status) if cost else ("", "", "")
        rows.append((pair.number, *there, *here, *gaps))
    head = ("job", "line", "day in the report", "in the warehouse", "business unit", "status", *SUMMED[1:])
    return head, rows


def _differences(metric: str, pairs: Sequence[Pair]) -> tuple[Sequence[str], list[Sequence[str]]]:
    """What each side's figure is made of, and from how many rows of the warehouse."""
    head: tuple[str, ...] = {
        "revenue": ("ServiceTitan", "warehouse", "invoices"),
        "labor": ("labor pay", "adjustments", "warehouse", "payroll rows"),
        "materials": ("materials", "returns", "purchase orders", "invoice items", "returns here", "rows"),
    }[metric]
    rows: list[Sequence[str]] = []
    for pair in pairs:
        row, cost = pair.row, pair.cost
        if not row or not cost:
            continue
        cells: tuple[Decimal | str, ...]
        if metric == "revenue":
            cells = (row.subtotal, cost.revenue, _rows(cost.invoice_rows, cost.invoice_rows_doubled, "doubled"))
        elif metric == "labor":
            repeated = _rows(cost.payroll_rows, cost.payroll_rows_repeated, "repeated")
            cells = (row.labor_pay, row.adjustments, cost.labor, repeated)
        else:
            count = cost.purchase_order_rows + cost.item_rows + cost.return_rows
            doubled = cost.purchase_order_rows_doubled + cost.return_rows_doubled
            made = (cost.purchase_orders, cost.items, -cost.returns)
            cells = (row.materials, row.returns, *made, _rows(count, doubled, "doubled"))
        shown = (cell if isinstance(cell, str) else amount(Unit.DOLLARS, cell) for cell in cells)
        rows.append((pair.number, str(row.line), *shown, amount(Unit.DOLLARS, pair.gap(metric), sign=True)))
    return ("job", "line", *head, "gap"), rows


def _rows(count: int, others: int, what: str) -> str:
    return f"{count}, {others} {what}" if others else str(count)


def _day(day: date | None) -> str:
    return str(day) if day else "none"


def _counted(title: str, count: int, most: int) -> str:
    return f"{title} ({count})" if count <= most else f"{title} ({count}, {most} shown)"


def _gap(metric: Metric) -> str:
    gap = amount(metric.unit, metric.gap, sign=True)
    if metric.percent is None:
        return gap
    percent = metric.percent.quantize(CENT, ROUND_HALF_UP) + 0
    return f"{gap} ({percent:{'+' if percent else ''},.2f} %)"


def _limit(metric: Metric) -> str:
    return f"{metric.limit.normalize():f} points" if metric.unit is Unit.POINTS else amount(metric.unit, metric.limit)


def _tolerance(metric: Metric) -> str:
    if metric.tolerance.percent:
        return f"{metric.tolerance.percent.normalize():f} %"
    return _limit(metric) if metric.tolerance.absolute else "exact"


def _markdown_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [list(head), ["---"] * len(head), *([_escaped(cell) for cell in row] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _escaped(text: str) -> str:
    return re.sub(r"([\\`*_\[\]<>|])", r"\\\1", text)
