"""`ingest-rollout gate`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime

import click

from commands.options import at_option, clock, echo_json, json_option, judges, night_options
from commands.render import styled, table
from ingest.gate import Check, evaluate, record
from ingest.settings import Settings
from ingest.verdict import Verdict, overall
from operations.errors import OperationError
from operations.evidence import ask
from operations.ledger.ledger import FILE, Ledger, Record
from operations.repository import ROOT, read_settings


@click.command()
@night_options
@click.option("--since", metavar="TIME", help="When the night was deployed, for a deploy that is not in the ledger.")
@at_option
@json_option
@judges
def gate(night: int | None, strategy: str | None, since: str | None, at: str | None, as_json: bool) -> int:
    """Ask whether a night worked; the next night waits for it.

    Counts the scheduled runs since the night's deploy. What cannot be known holds as a failure does. The outcome is
    recorded in history/ledger.jsonl. Exit code 0: passed, 1: failed, 2: could not be evaluated.

    \b
    Example, the morning after night 1:
      ingest-rollout gate --night 1
    """
    settings = read_settings(night=night, strategy=strategy)
    ledger = Ledger(ROOT / FILE)
    deploy = newest_deploy(ledger, settings)
    begin = clock(settings, since) if since else deployed_at(deploy, settings)
    now = clock(settings, at)
    if begin >= now:
        raise OperationError(f"--since: {begin:%Y-%m-%d %H:%M} is not before now, {now:%Y-%m-%d %H:%M}")
    rows_before = deploy.data.get("rows") if deploy and not since else None
    evidence = ask(settings, os.environ, rows_before, begin)
    checks = evaluate(settings.world(), settings, evidence, begin, now)
    data = record(checks, begin, now)
    ledger.append("gate", strategy=settings.strategy, night=settings.night, data=data)
    if as_json:
        echo_json({"strategy": settings.strategy, "night": settings.night, "silent": evidence.silent, **data})
    else:
        click.echo(text(settings, checks, begin, evidence.silent))
    return overall(check.verdict for check in checks).exit_code


def newest_deploy(ledger: Ledger, settings: Settings) -> Record | None:
    """The last deploy of the night that came to its end. Raises OperationError as the ledger does."""
    found = ledger.last("deploy", settings.strategy, settings.night)
    return found if found and found.data["outcome"] == "done" else None


def deployed_at(deploy: Record | None, settings: Settings) -> datetime:
    """When the deploy ended. Raises OperationError where there is none."""
    if deploy is None:
        raise OperationError(
            f"night {settings.night} ({settings.strategy}) has no finished deploy on record; deploy it, or say when "
            "it was deployed with --since"
        )
    return datetime.fromisoformat(deploy.data["ended_at"])


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
