"""Tables and texts for the terminal. Our own few lines: a table library costs more start-up than the command."""

from __future__ import annotations

import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain, zip_longest
from typing import TYPE_CHECKING

import click

from ingest.judging.verdict import Verdict
from ingest.preview import Preview
from ingest.rollout import Action
from ingest.schedule import Cadence
from ingest.settings import Settings
from ingest.text.shown import printable

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


def table(
    head: Sequence[str], rows: Iterable[Sequence[str]], *, spare: Sequence[str] = (), width: int | None = None
) -> str:
    """Left-aligned columns, two spaces apart; cells may be styled as a whole, or at their beginning.

    In a terminal (or `width` characters) that is too narrow, heads wrap, then the columns whose heads are `spare` go
    one by one, then the widest ones wrap. Elsewhere nothing does.
    """
    limit = width or _terminal_width()
    columns = list(zip(*[list(head), *(list(map(_shown, row)) for row in rows)], strict=True))
    widths = [max(map(_length, column)) for column in columns]
    if not _fits(widths, limit):
        widths = [max(*map(_length, [*column[0].split(), "", *column[1:]])) for column in columns]
    for name in spare:
        if not _fits(widths, limit):
            kept = [(column, size) for column, size in zip(columns, widths, strict=True) if column[0] != name]
            columns, widths = [column for column, _ in kept], [size for _, size in kept]
    while not _fits(widths, limit) and max(widths) > _NARROWEST:
        widths[widths.index(max(widths))] -= 1
    top, *below = [
        ["  ".join(map(_padded, line, widths)).rstrip() for line in zip_longest(*cells, fillvalue="")]
        for cells in zip(
            *([_wrapped(cell, n) for cell in column] for column, n in zip(columns, widths, strict=True)), strict=True
        )
    ]
    return "\n".join([*top, "  ".join("-" * size for size in widths), *chain.from_iterable(below)])


_NARROWEST = 12
_STYLED = re.compile(r"((?:\x1b\[[0-9;]*m)+)(.*?)(?:\x1b\[0m)+", re.DOTALL)


def _terminal_width() -> int:
    if not sys.stdout.isatty():
        return sys.maxsize
    # Imported where it is used, as textwrap is: `plan` starts faster.
    from shutil import get_terminal_size

    return get_terminal_size().columns


def _fits(widths: Sequence[int], limit: int) -> bool:
    return sum(widths) + 2 * (len(widths) - 1) <= limit


def _length(cell: str) -> int:
    return len(click.unstyle(cell))


def _wrapped(cell: str, width: int) -> list[str]:
    if _length(cell) <= width:
        return [cell]
    from textwrap import wrap

    style = _STYLED.fullmatch(cell)
    lines = wrap(click.unstyle(cell), width)
    return [f"{style.group(1)}{line}\x1b[0m" for line in lines] if style else lines


def _shown(cell: str) -> str:
    """A cell that is harmless and in one line, in its colours."""
    parts = re.fullmatch(r"((?:\x1b\[\d+m)*)(.*?)(\x1b\[0m)(.*)", cell, re.DOTALL)
    if not parts:
        return printable(cell)
    return f"{parts[1]}{printable(parts[2])}{parts[3]}{printable(f'.{parts[4]}')[1:]}"


def _padded(cell: str, width: int) -> str:
    return cell + " " * (width - _length(cell))


def moment(cadence: Cadence, after: datetime, zone: str) -> tuple[str, str]:
    """The next run, in local time and in UTC."""
    run = next(cadence.next_fires(after, zone))
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
        lines += ["", table(head, rows, spare=("UTC", "group"))]
    counts = Counter(" and ".join(change.actions) for change in preview.changes)
    lines += ["", ", ".join(f"{count} {action}" for action, count in counts.items())]
    notes = [f"{change.entity.name}: {note}" for change in preview.changes for note in change.notes]
    lines += ["", *(click.style(printable(note, None), fg="yellow") for note in notes), ""] if notes else []
    lines += [click.style(f"WARNING {w.kind}: {printable(w.text, None)}", fg="yellow") for w in preview.warnings]
    return "\n".join(lines)


def catalogue_rows(settings: Settings, at: datetime) -> list[dict[str, str | None]]:
    """The 16 entities at their target cadence, one JSON object each; next runs are ISO 8601."""
    rows: list[dict[str, str | None]] = []
    for entity in settings.catalogue:
        run = next(entity.target.next_fires(at, settings.time_zone))
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
        for entity in settings.catalogue
    ]
    head = ("group", "entity", "job", "live", "target", f"next run, {settings.time_zone}", "UTC", "effect on margin")
    return table(head, rows, spare=("job", "UTC", "effect on margin"))


def preflight_text(settings: Settings, checks: Sequence[Check]) -> str:
    """A list, not a table: what an API says is longer than a column. Checks that share a reason share its line."""
    width = max(map(len, Verdict))
    lines = [f"Before night {settings.night} ({settings.strategy}) in {settings.project}", ""]
    alike: dict[Check, list[str]] = defaultdict(list)
    for check in checks:
        alike[replace(check, name="")].append(check.name)
    for check, names in alike.items():
        lines.append(
            f"{styled(check.verdict, f'{check.verdict:{width}}')}  {', '.join(names)}: {printable(check.reason, None)}"
        )
        lines += [f"{'':{width}}    {printable(detail, None)}" for detail in check.details]
        lines += [f"{'':{width}}  > {printable(check.remedy, None)}"] if check.remedy else []
    counts = Counter(check.verdict for check in checks)
    lines += ["", ", ".join(f"{counts[verdict]} {verdict}" for verdict in Verdict if counts[verdict])]
    return "\n".join(lines)
