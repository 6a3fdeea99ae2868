"""`ingest-rollout reconcile`: the comparison as a table, as JSON, and as a record in a folder."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import click

from commands.options import json_option, judges, now
from commands.render import styled, table
from ingest.verdict import Verdict, overall
from operations.errors import OperationError
from operations.files import write_together
from operations.reconcile import (
    MARGIN,
    UNITS,
    Comparison,
    Figures,
    Row,
    Tolerance,
    Unit,
    compare,
    read,
)

HEAD = ("metric", "ServiceTitan", "before", "gap before", "now", "gap now", "tolerance", "limit", "verdict")


@click.command()
@click.argument("figures", type=click.Path(path_type=Path))
@click.option("--record", "folder", type=click.Path(path_type=Path), metavar="FOLDER", help="Write a record there.")
@click.option("--overwrite", is_flag=True, help="Replace the period's record if there is one.")
@json_option
@judges
def reconcile(figures: Path, folder: Path | None, overwrite: bool, as_json: bool) -> int:
    """Compare the warehouse's figures with ServiceTitan's.

    FIGURES is a TOML file that a person fills; docs/reconcile-example.toml is one to copy. Exit code 0: all pass,
    1: one failed, 2: could not be evaluated (a figure is missing or too old, or the file is wrong).

    \b
    Example, with a Markdown and a JSON record:
      ingest-rollout reconcile docs/reconcile-example.toml --record records
    """
    moment = now()
    found = read(figures, moment.astimezone().date())
    rows = compare(found)
    content = as_object(found, rows, figures.name, moment)
    click.echo(_json(content) if as_json else text(found, rows))
    if folder:
        texts = {"json": _json(content) + "\n", "md": markdown(found, rows, figures.name, content["compared_at"])}
        for path in record(folder, f"reconcile-{found.start}-to-{found.end}", texts, overwrite):
            click.echo(f"recorded in {path}", err=True)
    return verdict_of(rows).exit_code


def verdict_of(rows: Sequence[Row]) -> Verdict:
    return overall(row.now.verdict for row in rows)


def text(figures: Figures, rows: Sequence[Row]) -> str:
    """For the terminal."""
    lines = [click.style(_title(figures), bold=True), ""]
    lines.append(table(HEAD, [(*_cells(row), styled(row.now.verdict)) for row in rows]))
    lines += ["", *notes(rows), f"Verdict: {styled(verdict_of(rows))}"]
    return "\n".join(lines)


def markdown(figures: Figures, rows: Sequence[Row], file: str, compared_at: str) -> str:
    """The record for people: the comparison, why, and where each figure is from."""
    provenance = [
        (metric.name, side, amount(UNITS[metric.name], one.value), one.source, one.by, str(one.as_of))
        for metric in figures.metrics.values()
        for side, one in (("ServiceTitan", metric.reference), ("before", metric.before), ("now", metric.now))
        if one
    ]
    parts = [
        f"# {_title(figures)}",
        f"Verdict: **{verdict_of(rows)}**",
        _markdown_table(HEAD, [(*_cells(row), row.now.verdict) for row in rows]),
        "\n".join(f"- {_escaped(note)}" for note in notes(rows)),
        "A gap is the warehouse's figure minus ServiceTitan's. Gross margin: (revenue - materials - labor) / revenue.",
        "## Where the figures are from",
        _markdown_table(("metric", "figure", "value", "source", "read by", "as of"), provenance),
        f"Compared at {compared_at} from {_escaped(file)}, SHA-256 `{figures.digest}`.",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def as_object(figures: Figures, rows: Sequence[Row], file: str, at: datetime) -> dict[str, Any]:
    """For JSON. Amounts are strings of dollars, jobs or points, so that no cent is lost; percents likewise."""
    return {
        "period": {"from": str(figures.start), "to": str(figures.end)},
        "example": figures.is_example,
        "verdict": verdict_of(rows),
        "compared_at": at.isoformat(timespec="seconds"),
        "file": file,
        "file_sha256": figures.digest,
        "max_days_apart": figures.max_days_apart,
        "metrics": [_row_object(row) for row in rows],
        "figures": {
            metric.name: {
                side: one and {key: str(value) for key, value in asdict(one).items()}
                for side, one in (("reference", metric.reference), ("before", metric.before), ("now", metric.now))
            }
            for metric in figures.metrics.values()
        },
    }


def record(folder: Path, stem: str, texts: Mapping[str, str], overwrite: bool) -> list[Path]:
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


def notes(rows: Sequence[Row]) -> list[str]:
    """Why a metric failed or proves nothing, and what is doubtful in the figures from before."""
    found = []
    for row in rows:
        if row.now.verdict is Verdict.FAIL and row.now.gap is not None and row.now.limit is not None:
            gap = f"{row.now.gap:+.4f} points" if row.metric == MARGIN else _gap(row.unit, row.now)
            found.append(f"{row.metric}: fail: the gap is {gap}, the limit {_limit(row)}")
        found += [f"{row.metric}: inconclusive: {reason}" for reason in row.now.reasons]
        known = row.now.reasons
        doubts = [reason for reason in (row.before.reasons if row.before else ()) if reason not in known]
        found += [f"{row.metric}: the gap before proves nothing: {reason}" for reason in doubts]
    return found


def amount(unit: Unit, value: Decimal | None, *, sign: bool = False) -> str:
    """A figure for people: `$1,234.50`, `244`, `41.09 %`; a gap has a sign, and a margin's is in points."""
    if value is None:
        return ""
    before = "-" if value < 0 else "+" if sign and value else ""
    if unit is Unit.JOBS:
        return f"{before}{abs(value):,.0f}"
    digits = f"{abs(_rounded(value)):,.2f}"
    if unit is Unit.DOLLARS:
        return f"{before}${digits}"
    return f"{before}{digits} {'points' if sign else '%'}"


def _rounded(value: Decimal) -> Decimal:
    return value.quantize(Decimal("0.01"), ROUND_HALF_UP) + 0


def _title(figures: Figures) -> str:
    example = "EXAMPLE FIGURES, not measured: " if figures.is_example else ""
    return f"{example}the warehouse against ServiceTitan, {figures.start} to {figures.end}"


def _cells(row: Row) -> tuple[str, ...]:
    """All columns but the verdict."""
    return (
        row.metric,
        amount(row.unit, row.reference),
        amount(row.unit, row.before.value) if row.before else "",
        _gap(row.unit, row.before) if row.before else "",
        amount(row.unit, row.now.value),
        _gap(row.unit, row.now),
        _tolerance(row),
        _limit(row),
    )


def _gap(unit: Unit, one: Comparison) -> str:
    if one.percent is None:
        return amount(unit, one.gap, sign=True)
    percent = _rounded(one.percent)
    return f"{amount(unit, one.gap, sign=True)} ({percent:{'+' if percent else ''},.2f} %)"


def _limit(row: Row) -> str:
    if row.now.limit is None:
        return ""
    return _plain(row.now.limit, "points") if row.metric == MARGIN else amount(row.unit, row.now.limit)


def _tolerance(row: Row) -> str:
    given, plan = _in_words(row.tolerance, row.unit), _in_words(row.plan, row.unit)
    return given if given == plan else f"{given} (plan: {plan})"


def _in_words(tolerance: Tolerance, unit: Unit) -> str:
    words = []
    if tolerance.percent is not None:
        words.append(_plain(tolerance.percent, "%"))
    if tolerance.absolute is not None:
        is_points = unit is Unit.POINTS
        words.append(_plain(tolerance.absolute, "points") if is_points else amount(unit, tolerance.absolute))
    return "exact" if not any((tolerance.percent, tolerance.absolute)) else " or ".join(words)


def _plain(value: Decimal, unit: str) -> str:
    return f"{value.normalize():f} {unit}"


def _row_object(row: Row) -> dict[str, Any]:
    return {
        "metric": row.metric,
        "unit": row.unit,
        "reference": _number(row.unit, row.reference),
        "tolerance": _tolerance_object(row.tolerance),
        "plan": _tolerance_object(row.plan),
        "before": _comparison_object(row.unit, row.before) if row.before else None,
        "now": _comparison_object(row.unit, row.now),
    }


def _tolerance_object(tolerance: Tolerance) -> dict[str, str | None]:
    return {key: None if value is None else f"{value:f}" for key, value in asdict(tolerance).items()}


def _comparison_object(unit: Unit, one: Comparison) -> dict[str, Any]:
    return {
        "value": _number(unit, one.value),
        "gap": _number(unit, one.gap),
        "gap_percent": None if one.percent is None else str(_rounded(one.percent)),
        "limit": _number(unit, one.limit),
        "verdict": one.verdict,
        "reasons": list(one.reasons),
    }


def _number(unit: Unit, value: Decimal | None) -> str | None:
    if value is None:
        return None
    return f"{value:.0f}" if unit is Unit.JOBS else str(_rounded(value))


def _json(content: object) -> str:
    return json.dumps(content, indent=2)


def _markdown_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [list(head), ["---"] * len(head), *([_escaped(cell) for cell in row] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _escaped(words: str) -> str:
    return re.sub(r"([\\`*_\[\]<>|])", r"\\\1", words)
