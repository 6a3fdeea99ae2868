"""The command `evidence`: what a night's shift is worth, and whether its schedule would have held."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal

import click

from commands.billing import accept_bill, billed_options
from commands.options import at_option, clock, echo_json, json_option, judges, night_options, progress
from commands.render import styled, table
from ingest.judging.gate import WARN_SHARE
from ingest.judging.replay import RULES, Headroom, Replay
from ingest.judging.verdict import Verdict
from ingest.judging.worth import LIMITS, Worth
from ingest.schedule import time_zone
from ingest.settings import Settings
from operations.cloud.bigquery import bigquery_client
from operations.local.repository import read_settings
from operations.outlook import Outlook, ask, questions
from operations.timeline.evidence import Evidence, Held, Replayed, WorthOfJob

_MINUTE = timedelta(minutes=1)


@click.command()
@night_options
@at_option
@json_option
@billed_options
@judges
def evidence(night: int | None, strategy: str | None, at: str | None, as_json: bool, max_bytes: int, yes: bool) -> int:
    """Show what a night's shift is worth, and whether it would hold.

    By the last 30 nights in the tables: the records that were changed in ServiceTitan between a job's old time and its
    new one, and what they come to. By those in the run log: the runs, replayed at the night's times and judged by the
    gate's rules, and each job's headroom. Asks BigQuery two things, changes nothing. Exit code 0: it would have held
    on all of these nights, 1: it would not, 2: it could not be found out.

    \b
    Example, before the jobs are moved:
      ingest-rollout evidence --night 2
    """
    settings = read_settings(night=night, strategy=strategy)
    client = bigquery_client(settings, os.environ)
    progress("asking BigQuery what a query bills")
    asked = questions(client, settings, clock(settings, at))
    limit = accept_bill(asked.billed, asked.what, max_bytes, yes=yes, err=as_json)
    outlook = ask(client, asked, max_bytes=limit)
    if as_json:
        echo_json(evidence_json(outlook))
    else:
        click.echo("\n".join(_lines(outlook)))
    return (outlook.replay.verdict if outlook.replay else Verdict.INCONCLUSIVE).exit_code


def _lines(outlook: Outlook) -> Iterator[str]:
    settings = outlook.questions.settings
    zone = settings.time_zone
    now = outlook.questions.now.astimezone(time_zone(zone))
    yield f"Night {settings.night} ({settings.strategy}), as of {now:%a %Y-%m-%d %H:%M} {zone}"
    if outlook.worth:
        yield from _worth_lines(outlook)
    elif not outlook.questions.moves:
        yield from ("", f"Night {settings.night} moves no daily job to a later time.")
    yield from (click.style(f"{name}: not counted, {why}", fg="yellow") for name, why in outlook.uncounted.items())
    if outlook.replay:
        yield from _replay_lines(outlook.replay, settings)
    if outlook.silent:
        yield from ("", *(click.style(why, fg="red") for why in outlook.silent))


def _worth_lines(outlook: Outlook) -> Iterator[str]:
    nights = outlook.questions.read_nights
    yield from ("", click.style("What the shift is worth", bold=True))
    yield (
        f"Changed in ServiceTitan between the old time and the new one, {_span(nights[0], nights[-1])}, "
        f"{len(nights)} nights"
    )
    head = ("entity", "from", "to", "records", "a night", "amount", "a night", "most in one night")
    yield from ("", table(head, map(_worth_row, outlook.worth), spare=head[-1:]))
    if any(not worth.moved.is_own for worth in outlook.worth):
        yield (
            "*: this night does not move it. Counted as if it had run with the first of those that move; what runs at "
            "its time already gains nothing."
        )
    yield from ("", "What this cannot see:", *(f"- {text}" for text in LIMITS))


def _worth_row(worth: Worth) -> tuple[str, ...]:
    mark = "" if worth.moved.is_own else "*"
    count = len(worth.nights)
    day, (records, amount) = max(worth.nights.items(), key=lambda item: (item[1][1] or 0, item[1][0]))
    most = f"{records:,}" + (f", {_money(amount)}" if amount is not None else "") + f" on {day:%a %Y-%m-%d}"
    return (
        worth.moved.entity.name,
        f"{worth.moved.old.clock}{mark}",
        worth.moved.new.clock,
        f"{worth.records:,}",
        f"{worth.records / count:,.1f}",
        "" if worth.amount is None else _money(worth.amount),
        "" if worth.amount is None else _money(worth.amount / count),
        most if worth.records else "",
    )


def _replay_lines(replay: Replay, settings: Settings) -> Iterator[str]:
    nights = replay.nights
    yield from ("", click.style("Would it have held", bold=True))
    yield f"The runs of {_span(nights[0].day, nights[-1].day)}, {len(nights)} nights, at night {settings.night}'s times"
    yield ""
    for rule, what in zip(RULES, ("the order", "each gap"), strict=True):
        held, asked = replay.held(rule)
        verdict = Verdict.INCONCLUSIVE if not asked else Verdict.PASS if held == asked else Verdict.FAIL
        known = f"would have held on {held} of {asked} nights" if asked else "is not known, no run is on record"
        yield f"{styled(verdict)}: {what} {known}"
    for night in nights:
        yield from (click.style(f"{night.day:%a %Y-%m-%d} {check}", fg="red") for check in night.failed)
    lacking: dict[tuple[str, ...], list[date]] = {}
    for night in nights:
        if night.lacking:
            lacking.setdefault(night.lacking, []).append(night.day)
    if lacking:
        yield "Nights that are not known in whole, since the run log has no run of some jobs:"
        yield from (f"  {_days(days)}: {', '.join(names)}" for names, days in lacking.items())
    if replay.unknown:
        yield f"Without any run on record, so taken as ending at once: {', '.join(replay.unknown)}"
    if replay.begins:
        since = ", ".join(f"{name} ({day:%a %Y-%m-%d})" for name, day in replay.begins.items())
        yield f"Taken as ending at once before their first run on record: {since}"
    if replay.irregular:
        yield f"Left out, they run at no one time of a day: {', '.join(replay.irregular)}"
    head = ("job", "time", "runs", "p50", "p95", "longest", "gap", "until", "overran")
    yield from ("", click.style("Headroom", bold=True))
    yield (
        "Minutes from the scheduled time to the run's end, and to the next job. Percentiles by nearest rank: each is a "
        "run's own length"
    )
    yield from ("", table(head, map(_headroom_row, replay.headroom), spare=("longest", "overran")))
    suggestions = [headroom.suggestion for headroom in replay.headroom if headroom.suggestion]
    yield from (click.style(f"WARNING {text}", fg="yellow") for text in suggestions)
    if not suggestions:
        yield f"No job's p95 is over {WARN_SHARE:.0%} of its gap."


def _headroom_row(headroom: Headroom) -> tuple[str, ...]:
    runs, gap = headroom.runs, headroom.gap
    return (
        headroom.job.entity.name,
        headroom.job.cadence.clock,
        str(len(runs)),
        *map(_minutes, (headroom.p50, headroom.p95, runs[-1] if runs else None, gap)),
        headroom.following.entity.name if headroom.following else "",
        str(headroom.overruns) if runs and gap is not None else "",
    )


def evidence_json(outlook: Outlook) -> Evidence:
    """`timeline --evidence` draws it."""
    asked = outlook.questions
    return {
        "night": asked.settings.night,
        "strategy": asked.settings.strategy,
        "at": asked.now.isoformat(),
        "time_zone": asked.settings.time_zone,
        "bytes_billed_at_most": asked.billed,
        "worth": [_worth_json(worth) for worth in outlook.worth],
        "uncounted": outlook.uncounted,
        "cannot_see": list(LIMITS),
        "replay": _replay_json(outlook.replay) if outlook.replay else None,
        "silent": list(outlook.silent),
    }


def _worth_json(worth: Worth) -> WorthOfJob:
    return {
        "entity": worth.moved.entity.name,
        "before": worth.moved.old.cron,
        "before_time_zone": worth.moved.zone,
        "after": worth.moved.new.cron,
        "moved_by_this_night": worth.moved.is_own,
        "records": worth.records,
        "amount": _text(worth.amount),
        "nights": [
            {"night": day.isoformat(), "records": records, "amount": _text(amount)}
            for day, (records, amount) in worth.nights.items()
        ],
    }


def _replay_json(replay: Replay) -> Replayed:
    order, gaps = (Held(held=held, nights=nights) for held, nights in map(replay.held, RULES))
    return {
        "verdict": str(replay.verdict),
        "order": order,
        "gaps": gaps,
        "nights": [
            {
                "night": night.day.isoformat(),
                "verdict": str(night.verdict),
                "failed": [dict(check.record()) for check in night.failed],
                "without_a_run_on_record": list(night.lacking),
            }
            for night in replay.nights
        ],
        "without_any_run_on_record": list(replay.unknown),
        "first_run_on_record": {name: day.isoformat() for name, day in replay.begins.items()},
        "left_out": list(replay.irregular),
        "percentiles": "nearest rank",
        "headroom": [
            {
                "entity": headroom.job.entity.name,
                "time": headroom.job.cadence.clock,
                "runs": len(headroom.runs),
                "p50_seconds": _seconds(headroom.p50),
                "p95_seconds": _seconds(headroom.p95),
                "longest_seconds": _seconds(headroom.runs[-1] if headroom.runs else None),
                "gap_seconds": _seconds(headroom.gap),
                "until": headroom.following.entity.name if headroom.following else None,
                "overran": headroom.overruns,
                "suggestion": headroom.suggestion,
            }
            for headroom in replay.headroom
        ],
    }


def _days(days: Sequence[date]) -> str:
    if len(days) == 1:
        return f"{days[0]:%a %Y-%m-%d}"
    return f"{len(days)} nights, {_span(days[0], days[-1])}"


def _span(begins: date, ends: date) -> str:
    return f"{begins:%a %Y-%m-%d} to {ends:%a %Y-%m-%d}"


def _money(amount: Decimal | None) -> str:
    return f"{amount:,.2f}"


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount:.2f}"


def _minutes(span: timedelta | None) -> str:
    return "" if span is None else f"{span / _MINUTE:.1f}"


def _seconds(span: timedelta | None) -> float | None:
    return None if span is None else span.total_seconds()
