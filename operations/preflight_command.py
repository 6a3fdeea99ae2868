"""The command `preflight`."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence

import click

from ingest.settings import Settings
from operations.errors import OperationError
from operations.options import echo_json, json_option, night_options
from operations.preflight import Check, Verdict
from operations.repository import ROOT, read_settings

_COLOURS = {Verdict.PASS: "green", Verdict.FAIL: "red", Verdict.INCONCLUSIVE: "yellow"}


@click.command()
@night_options
@json_option
def preflight(night: int | None, strategy: str | None, as_json: bool) -> int:
    """Check before a night that its deploy can work: API, permissions, routes, names, tables.

    Changes nothing. The service's routes are asked for with OPTIONS only, which starts no ingest.
    Exit code 0: all pass, 1: a check fails, 2: none fails, but one could not be evaluated.

    \b
    Example, in the afternoon before night 1:
      ingest-rollout preflight --night 1
    """
    from operations import preflight as checks

    try:
        settings = read_settings(night=night, strategy=strategy)
    except OperationError as error:
        raise OperationError(str(error), code=2) from None
    found = checks.preflight(settings, checks.live_sources(ROOT, settings, os.environ))
    if as_json:
        echo_json(preflight_json(settings, found))
    else:
        click.echo(preflight_text(settings, found))
    return checks.exit_code(found)


def preflight_json(settings: Settings, found: Sequence[Check]) -> dict[str, object]:
    return {
        "strategy": settings.strategy,
        "night": settings.night,
        "project": settings.project,
        "checks": [
            {
                "check": one.name,
                "verdict": str(one.verdict),
                "reason": one.reason,
                "details": list(one.details),
                "remedy": one.remedy,
            }
            for one in found
        ],
    }


def preflight_text(settings: Settings, found: Sequence[Check]) -> str:
    """A list, not a table: what an API says is longer than a column."""
    width = max(map(len, Verdict))
    lines = [f"Before night {settings.night} ({settings.strategy}) in {settings.project}", ""]
    for one in found:
        lines.append(f"{click.style(f'{one.verdict:{width}}', fg=_COLOURS[one.verdict])}  {one.name}: {one.reason}")
        lines += [f"{'':{width}}    {detail}" for detail in one.details]
        lines += [f"{'':{width}}  > {one.remedy}"] if one.remedy else []
    counts = Counter(one.verdict for one in found)
    lines += ["", ", ".join(f"{counts[verdict]} {verdict}" for verdict in Verdict if counts[verdict])]
    return "\n".join(lines)
