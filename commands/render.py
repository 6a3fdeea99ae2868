"""Tables and texts for the terminal. Our own few lines: a table library costs more start-up than the command."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from ingest.catalogue import CATALOGUE
from ingest.preview import Preview
from ingest.rollout import Action
from ingest.schedule import Cadence, first
from ingest.settings import Settings
from ingest.shown import printable
from ingest.verdict import Verdict

if TYPE_CHECKING:
    from operations.preflight import Check

_ACTIONS = {
    Action.ADOPT: "cyan",
    Action.CREATE: "green",
    Action.SHIFT_LATER: "yellow",
    Action.SHIFT_EARLIER: "yellow",
    Action.REMOVE: "red",
    Action.RELEASE: "red",
    Action.ADD_OIDC: "cyan",
    Action.DROP_OIDC: "yellow",
    Action.CHANGE: "yellow",
}

VERDICT_COLOURS: dict[str, str] = {
    Verdict.PASS: "green",
    Verdict.WARN: "yellow",
    Verdict.INCONCLUSIVE: "magenta",
    Verdict.FAIL: "red",
}


def styled(verdict: Verdict, text: str | None = None, *, bold: bool | None = None) -> str:
    """`text`, else the verdict's name, in the verdict's colour."""
    return click.style(verdict if text is None else text, fg=VERDICT_COLOURS[verdict], bold=bold)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Left-aligned columns, two spaces apart; cells may be styled as a whole, or at their beginning."""
    lines = [list(head), *(list(map(_shown, row)) for row in rows)]
    widths = [max(len(click.unstyle(cell)) for cell in column) for column in zip(*lines, strict=True)]
    lines.insert(1, ["-" * width for width in widths])
    return "\n".join("  ".join(map(_padded, line, widths)).rstrip() for line in lines)


def _shown(cell: str) -> str:
    """A cell that is harmless and in one line, in its colours."""
    parts = re.fullmatch(r"((?:\x1b\[\d+m)*)(.*?)(\x1b\[0m)(.*)", cell, re.DOTALL)
    if not parts:
        return printable(cell)
    return f"{parts[1]}{printable(parts[2])}{parts[3]}{printable(f'.{parts[4]}')[1:]}"


def _padded(cell: str, width: int) -> str:
    return cell + " " * (width - len(click.unstyle(cell)))


def moment(cadence: Cadence, after: datetime, zone: str) -> tuple[str, str]:
    """The next run, in local time and in UTC."""
    run = first(cadence.next_fires(after, zone), 1)[0]
    return f"{run:%a %Y-%m-%d %H:%M}", f"{run.astimezone(UTC):%a %H:%M}"


def preview_text(preview: Preview, *, unchanged: bool = True) -> str:
    title = click.style(f"Night {preview.night}, {preview.title}", bold=True)
    lines = [f"{title} (strategy {preview.strategy}; {preview.before})"]
    lines.append(f"Stacks to deploy: {', '.join(preview.stacks) or 'none'}")
    rows = []
    for change in preview.changes:
        if change.is_unchanged and not unchanged:
            continue
        local, utc = moment(change.after, preview.at, preview.time_zone) if change.after else ("", "")
        rows.append(
            (
                click.style(" and ".join(change.actions), fg=_ACTIONS.get(change.actions[-1])),
                change.entity.name,
                change.entity.group,
                change.before.clock if change.before else "",
                change.after.clock if change.after else "",
                local,
                utc,
            )
        )
    if rows:
        head = ("change", "entity", "group", "before", "after", f"next run, {preview.time_zone}", "UTC")
        lines += ["", table(head, rows)]
    counts = Counter(" and ".join(change.actions) for change in preview.changes)
    lines += ["", ", ".join(f"{count} {action}" for action, count in counts.items())]
    notes = [f"{change.entity.name}: {note}" for change in preview.changes for note in change.notes]
    lines += ["", *(click.style(printable(note, None), fg="yellow") for note in notes), ""] if notes else []
    lines += [click.style(f"WARNING {w.kind}: {printable(w.text, None)}", fg="yellow") for w in preview.warnings]
    return "\n".join(lines)


def catalogue_rows(settings: Settings, at: datetime) -> list[dict[str, str | None]]:
    """The 16 entities at their target cadence, one JSON object each; next runs are ISO 8601."""
    rows: list[dict[str, str | None]] = []
    for entity in CATALOGUE:
        run = first(entity.target.next_fires(at, settings.time_zone), 1)[0]
        rows.append(
            {
                "entity": entity.name,
                "group": entity.group,
                "job": entity.job_name,
                "live": entity.live.cron if entity.live else None,
                "schedule": entity.target.cron,
                "time_zone": settings.time_zone,
                "next_run": run.isoformat(),
                "next_run_utc": run.astimezone(UTC).isoformat(),
                "uri": settings.uri(entity),
                "description": entity.description(entity.target, settings.time_zone),
                "table": settings.table(entity),
                "console": entity.console_url(settings.project, settings.region),
                "margin_effect": entity.margin_effect,
            }
        )
    return rows


def catalogue_text(settings: Settings, at: datetime) -> str:
    rows = [
        (
            entity.group,
            entity.name,
            entity.job_name,
            entity.live.clock if entity.live else "none",
            entity.target.clock,
            *moment(entity.target, at, settings.time_zone),
            entity.margin_effect,
        )
        for entity in CATALOGUE
    ]
    head = ("group", "entity", "job", "live", "target", f"next run, {settings.time_zone}", "UTC", "effect on margin")
    return table(head, rows)


def preflight_text(settings: Settings, found: Sequence[Check]) -> str:
    """A list, not a table: what an API says is longer than a column."""
    width = max(map(len, Verdict))
    lines = [f"Before night {settings.night} ({settings.strategy}) in {settings.project}", ""]
    for one in found:
        reason, remedy = printable(one.reason, None), printable(one.remedy, None)
        lines.append(f"{styled(one.verdict, f'{one.verdict:{width}}')}  {one.name}: {reason}")
        lines += [f"{'':{width}}    {printable(detail, None)}" for detail in one.details]
        lines += [f"{'':{width}}  > {remedy}"] if remedy else []
    counts = Counter(one.verdict for one in found)
    lines += ["", ", ".join(f"{counts[verdict]} {verdict}" for verdict in Verdict if counts[verdict])]
    return "\n".join(lines)
