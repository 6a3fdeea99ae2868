"""`ingest-rollout gate`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime

import click

from commands.options import at_option, clock, echo_json, json_option, judges, night_options
from commands.render import styled, table
from ingest.gate import Check
from ingest.settings import Settings
from ingest.verdict import Verdict, overall
from operations.judge import judge
from operations.ledger.ledger import FILE, Ledger
from operations.repository import ROOT, read_settings


@click.command()
@night_options
@click.option("--since", metavar="TIME", help="When the night was deployed, for a deploy that is not in the ledger.")
@at_option
@json_option
@judges
def gate(night: int | None, strategy: str | None, since: str | None, at: str | None, as_json: bool) -> int:
    """Ask whether a night worked; the next night waits for it.

    Counts the scheduled runs since the night's deploy. What cannot be known blocks as a failure does. The outcome is
    recorded in history/ledger.jsonl; with --at, and with --since for a deploy that is on record, it is only printed.
    Exit code 0: passed, 1: failed, 2: could not be evaluated.

    \b
    Example, the morning after night 1:
      ingest-rollout gate --night 1
    """
    settings = read_settings(night=night, strategy=strategy)
    begin = clock(settings, since, "--since") if since else None
    found = judge(
        ROOT,
        Ledger(ROOT / FILE),
        settings,
        os.environ,
        clock(settings, at),
        since=begin,
        at_another_time=at is not None,
    )
    if as_json:
        about = {"strategy": settings.strategy, "night": settings.night, "silent": found.silent}
        echo_json({**about, "not_recorded": found.not_recorded, **found.data})
    else:
        click.echo(text(settings, found.checks, found.since, found.silent))
        if found.not_recorded:
            click.echo(f"Not recorded: {found.not_recorded}.")
    return overall(check.verdict for check in found.checks).exit_code


def text(settings: Settings, checks: Sequence[Check], since: datetime, silent: Sequence[str]) -> str:
    """A table with what is not well first."""
    order = [*Verdict]
    rows = [
        (
            styled(check.verdict),
            check.name,
            check.entity,
            check.expected,
            check.measured,
            check.tolerance,
        )
        for check in sorted(checks, key=lambda check: -order.index(check.verdict))
    ]
    verdict = overall(check.verdict for check in checks)
    lines = [f"Night {settings.night} ({settings.strategy}), since its deploy on {since:%a %Y-%m-%d %H:%M %Z}", ""]
    lines.append(table(("verdict", "check", "entity", "expected", "measured", "tolerance"), rows))
    lines += [f"NO ANSWER: {why}" for why in silent]
    lines.append(f"The gate of night {settings.night}: {styled(verdict, bold=True)}")
    return "\n".join(lines)
