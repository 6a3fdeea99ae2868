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
    found = ask(client, asked, max_bytes=limit)
    if as_json:
        echo_json(evidence_json(found))
    else:
        click.echo("\n".join(_lines(found)))
    return (found.replay.verdict if found.replay else Verdict.INCONCLUSIVE).exit_code


def _lines(found: Outlook) -> Iterator[str]:
    settings = found.questions.settings
    zone = settings.time_zone
    now = found.questions.now.astimezone(time_zone(zone))
    yield f"Night {settings.night} ({settings.strategy}), as of {now:%a %Y-%m-%d %H:%M} {zone}"
    if found.worth:
        yield from _worth_lines(found)
    elif not found.questions.moves:
        yield from ("", f"Night {settings.night} moves no daily job to a later time.")
    yield from (click.style(f"{name}: not counted, {why}", fg="yellow") for name, why in found.uncounted.items())
    if found.replay:
        yield from _replay_lines(found.replay, settings)
    if found.silent:
        yield from ("", *(click.style(why, fg="red") for why in found.silent))


def _worth_lines(found: Outlook) -> Iterator[str]:
    nights = found.questions.read_nights
    yield from ("", click.style("What the shift is worth", bold=True))
    yield (
        f"Changed in ServiceTitan between the old time and the new one, {_span(nights[0], nights[-1])}, "
        f"{len(nights)} nights"
    )
    head = ("entity", "from", "to", "records", "a night", "amount", "a night", "most in one night")
    yield from ("", table(head, map(_worth_row, found.worth), spare=head[-1:]))
    if any(not one.moved.is_own for one in found.worth):
        yield (
            "*: this night does not move it. Counted as if it had run with the first of those that move; what runs at "
            "its time already gains nothing."
        )
    yield from ("", "What this cannot see:", *(f"- {text}" for text in LIMITS))


def _worth_row(one: Worth) -> tuple[str, ...]:
    mark = "" if one.moved.is_own else "*"
    count = len(one.nights)
    day, (records, amount) = max(one.nights.items(), key=lambda item: (item[1][1] or 0, item[1][0]))
    most = f"{records:,}" + (f", {_money(amount)}" if amount is not None else "") + f" on {day:%a %Y-%m-%d}"
    return (
        one.moved.entity.name,
        f"{one.moved.old.clock}{mark}",
        one.moved.new.clock,
        f"{one.records:,}",
        f"{one.records / count:,.1f}",
        "" if one.amount is None else _money(one.amount),
        "" if one.amount is None else _money(one.amount / count),
        most if one.records else "",
    )


def _replay_lines(found: Replay, settings: Settings) -> Iterator[str]:
    nights = found.nights
    yield from ("", click.style("Would it have held", bold=True))
    yield f"The runs of {_span(nights[0].day, nights[-1].day)}, {len(nights)} nights, at night {settings.night}'s times"
    yield ""
    for rule, what in zip(RULES, ("the order", "each gap"), strict=True):
        held, asked = found.held(rule)
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
    if found.unknown:
        yield f"Without any run on record, so taken as ending at once: {', '.join(found.unknown)}"
    if found.begins:
        since = ", ".join(f"{name} ({day:%a %Y-%m-%d})" for name, day in found.begins.items())
        yield f"Taken as ending at once before their first run on record: {since}"
    if found.irregular:
        yield f"Left out, they run at no one time of a day: {', '.join(found.irregular)}"
    head = ("job", "time", "runs", "p50", "p95", "longest", "gap", "until", "overran")
    yield from ("", click.style("Headroom", bold=True))
    yield (
        "Minutes from the scheduled time to the run's end, and to the next job. Percentiles by nearest rank: each is a "
        "run's own length"
    )
    yield from ("", table(head, map(_headroom_row, found.headroom), spare=("longest", "overran")))
    suggestions = [one.suggestion for one in found.headroom if one.suggestion]
    yield from (click.style(f"WARNING {text}", fg="yellow") for text in suggestions)
    if not suggestions:
        yield f"No job's p95 is over {WARN_SHARE:.0%} of its gap."


def _headroom_row(one: Headroom) -> tuple[str, ...]:
    return (
        one.job.entity.name,
        one.job.cadence.clock,
        str(len(one.runs)),
        *(_minutes(span) for span in (one.p50, one.p95, one.runs[-1] if one.runs else None, one.gap)),
        one.following.entity.name if one.following else "",
        str(one.overruns) if one.runs and one.gap is not None else "",
    )


def evidence_json(found: Outlook) -> Evidence:
    """`timeline --evidence` draws it."""
    asked = found.questions
    return {
        "night": asked.settings.night,
        "strategy": asked.settings.strategy,
        "at": asked.now.isoformat(),
        "time_zone": asked.settings.time_zone,
        "bytes_billed_at_most": asked.billed,
        "worth": [_worth_json(one) for one in found.worth],
        "uncounted": found.uncounted,
        "cannot_see": list(LIMITS),
        "replay": _replay_json(found.replay) if found.replay else None,
        "silent": list(found.silent),
    }


def _worth_json(one: Worth) -> WorthOfJob:
    return {
        "entity": one.moved.entity.name,
        "before": one.moved.old.cron,
        "before_time_zone": one.moved.zone,
        "after": one.moved.new.cron,
        "moved_by_this_night": one.moved.is_own,
        "records": one.records,
        "amount": _text(one.amount),
        "nights": [
            {"night": day.isoformat(), "records": records, "amount": _text(amount)}
            for day, (records, amount) in one.nights.items()
        ],
    }


def _replay_json(found: Replay) -> Replayed:
    order, gaps = (Held(held=held, nights=nights) for held, nights in map(found.held, RULES))
    return {
        "verdict": str(found.verdict),
        "order": order,
        "gaps": gaps,
        "nights": [
            {
                "night": night.day.isoformat(),
                "verdict": str(night.verdict),
                "failed": [dict(check.record()) for check in night.failed],
                "without_a_run_on_record": list(night.lacking),
            }
            for night in found.nights
        ],
        "without_any_run_on_record": list(found.unknown),
        "first_run_on_record": {name: day.isoformat() for name, day in found.begins.items()},
        "left_out": list(found.irregular),
        "percentiles": "nearest rank",
        "headroom": [
            {
                "entity": one.job.entity.name,
                "time": one.job.cadence.clock,
                "runs": len(one.runs),
                "p50_seconds": _seconds(one.p50),
                "p95_seconds": _seconds(one.p95),
                "longest_seconds": _seconds(one.runs[-1] if one.runs else None),
                "gap_seconds": _seconds(one.gap),
                "until": one.following.entity.name if one.following else None,
                "overran": one.overruns,
                "suggestion": one.suggestion,
            }
            for one in found.headroom
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
