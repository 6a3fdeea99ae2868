"""`ingest-rollout gate`."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

import click

from commands.options import at_option, clock, echo_json, json_option, judges, night_options, progress
from commands.render import styled, table
from ingest.judging.gate import Check, blocking
from ingest.judging.verdict import Verdict, overall
from ingest.schedule import time_zone
from ingest.settings import Settings
from operations.judge import judge
from operations.ledger.ledger import FILE, Ledger
from operations.local.repository import ROOT, read_settings


@click.command()
@night_options
@click.option("--since", metavar="TIME", help="When the night was deployed, for a deploy that is not in the ledger.")
@at_option
@click.option("--verbose", is_flag=True, help="Show every check, also those that passed.")
@json_option
@judges
def gate(
    night: int | None, strategy: str | None, since: str | None, at: str | None, verbose: bool, as_json: bool
) -> int:
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
    progress("asking Cloud Scheduler, the run log and the tables")
    judgement = judge(
        ROOT,
        Ledger(ROOT / FILE),
        settings,
        os.environ,
        clock(settings, at),
        since=begin,
        at_another_time=at is not None,
    )
    if as_json:
        about = {"strategy": settings.strategy, "night": settings.night, "silent": judgement.silent}
        echo_json({**about, "not_recorded": judgement.not_recorded, **judgement.data})
    else:
        click.echo(text(settings, judgement.checks, judgement.since, judgement.silent, verbose=verbose))
        if judgement.not_recorded:
            click.echo(f"Not recorded: {judgement.not_recorded}.")
    return overall(check.verdict for check in judgement.checks).exit_code


def text(
    settings: Settings, checks: Sequence[Check], since: datetime, silent: Sequence[str], *, verbose: bool = False
) -> str:
    """The verdict, what did not pass (the worst first, causes once), then how much passed; `verbose`: each check."""
    worst = [*Verdict]
    by_verdict = sorted(checks, key=lambda check: -worst.index(check.verdict))
    passed = Counter(check.name for check in checks if check.verdict is Verdict.PASS)
    verdict = overall(check.verdict for check in checks)
    title = f"The gate of night {settings.night} ({settings.strategy}): {styled(verdict, bold=True)}"
    counts = Counter(check.verdict for check in by_verdict)
    lines = [f"{title} ({', '.join(f'{count} {verdict}' for verdict, count in counts.items())})"]
    begin = since.astimezone(time_zone(settings.time_zone))
    lines.append(f"It counts the runs since the deploy on {begin:%a %Y-%m-%d %H:%M} ({settings.time_zone}).")
    lines += [f"NO ANSWER: {why}" for why in silent]
    lines += _not_passed(by_verdict)
    if verbose:
        rows = [(styled(c.verdict), c.name, c.entity, c.expected, c.measured, c.tolerance) for c in by_verdict]
        lines += ["", table(("verdict", "check", "entity", "expected", "measured", "tolerance"), rows)]
    else:
        asked = Counter(check.name for check in checks)
        lines += ["", table(("check", "passed"), [(name, f"{passed[name]} of {asked[name]}") for name in asked])]
    return "\n".join([*lines, "", *_next(settings, blocking(checks))])


def _not_passed(checks: Iterable[Check]) -> list[str]:
    """A line for each cause: jobs that share it are named together."""
    alike: dict[tuple[Verdict, str, str], list[Check]] = defaultdict(list)
    for check in checks:
        if check.verdict is not Verdict.PASS:
            alike[check.verdict, check.name, check.measured].append(check)
    lines = []
    for (verdict, name, measured), members in alike.items():
        expected = {check.expected for check in members}
        wanted = f"expected {expected.pop()}, measured " if len(expected) == 1 else ""
        lines.append(f"{styled(verdict)} {name}: {', '.join(check.entity for check in members)}: {wanted}{measured}")
    return ["", *lines] if lines else []


def _next(settings: Settings, blocked: Sequence[str]) -> list[str]:
    """What to do."""
    following = settings.night + 1
    if following not in settings.rollout.numbers:
        return ["Fix it, then ask the gate again."] if blocked else ["It is the last night."]
    if not blocked:
        return [f"Next: ingest-rollout plan --night {following}"]
    return [
        f"Night {following} waits. Fix it and ask the gate again, or go on:",
        f"  ingest-rollout deploy --night {following} --override {blocked[0]} --reason TEXT",
    ]
