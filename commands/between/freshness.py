"""The command `freshness`: asks BigQuery when each job last succeeded, and prints the verdicts."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import click

from commands.billing import accept_bill, billed_options
from commands.options import at_option, clock, echo_json, json_option, judges, now, progress
from commands.render import styled, table
from ingest.catalogue import CATALOGUE
from ingest.judging.freshness import LOOKBACK, Loaded, Status
from ingest.judging.run import SUCCESS
from ingest.judging.verdict import overall
from ingest.schedule import time_zone
from ingest.settings import Settings
from ingest.text.shown import printable
from operations import sources
from operations.cloud import bigquery, run_log
from operations.cloud import tables as asked
from operations.freshness import Freshness, expected, judge_runs, judge_tables, log_silence
from operations.local.repository import read_settings


@click.command()
@at_option
@json_option
@click.option("--output", type=click.Path(dir_okay=False), metavar="FILE", help="Write dbt's sources.json as well.")
@billed_options
@judges
def freshness(at: str | None, as_json: bool, output: str | None, max_bytes: int, yes: bool) -> int:
    """Check that each job of the committed night succeeded in time.

    The service's run log decides, and the newest row of each table is shown beside it; without a run log the newest
    row decides. Exit code 0: all pass or warn, 1: an error, a run log that stopped, or, without one, a table that
    cannot be read, 2: it could not be found out.

    \b
    Example:
      ingest-rollout freshness --output sources.json
    """
    settings = read_settings()
    moment = clock(settings, at)
    since = moment - LOOKBACK
    client = bigquery.bigquery_client(settings, os.environ)
    began = time.monotonic()
    progress("asking BigQuery for the tables and what a query bills")
    jobs = expected(settings)
    surveyed = asked.survey(client, settings, jobs)
    billed = asked.bytes_to_be_billed(client, settings, surveyed.readable)
    if settings.run_log:
        billed += run_log.bytes_to_be_billed(client, settings, since)
    log_too = f" and the run log {settings.run_log}" if settings.run_log else ""
    limit = accept_bill(billed, f"{len(surveyed.readable)} tables{log_too}", max_bytes, yes=yes, err=as_json)
    tables = asked.read_each(client, settings, surveyed, max_bytes=limit)
    silence = None
    if settings.run_log:
        log = run_log.rows(client, settings, since, max_bytes=limit)
        silence = log_silence(jobs, log, settings, moment)
        verdicts = judge_runs(CATALOGUE, jobs, log, tables, moment)
    else:
        verdicts = judge_tables(CATALOGUE, jobs, surveyed, tables, moment)
    elapsed = time.monotonic() - began
    if output:
        sources.write(Path(output), sources.artifact(verdicts, settings, moment, now(), elapsed))
    if as_json:
        echo_json(_json(verdicts, settings, moment, billed, silence))
    else:
        click.echo(freshness_text(verdicts, settings, silence))
    return overall(verdict.status.verdict for verdict in verdicts).exit_code


def freshness_text(verdicts: Sequence[Freshness], settings: Settings, silence: str | None = None) -> str:
    """A table with a row for each entity; below it the last call where it failed, and what is wrong with tables.

    `silence` says what is wrong with the run log.
    """
    zone = settings.time_zone
    newest = f"newest row, {zone}"
    dated = (f"last success, {zone}", "age", newest) if settings.run_log else (newest, "age")
    head = ("entity", *dated, "rows", "criteria", "status")
    rows = [_row(verdict, settings) for verdict in verdicts]
    lines = [table(head, rows, spare=("criteria", newest, "age"))]
    lines += [click.style(silence, fg="red")] if silence else []
    for verdict in verdicts:
        lines += [
            click.style(printable(f"{verdict.entity.name}: {note}", None), fg="red") for note in _notes(verdict, zone)
        ]
    return "\n".join(lines)


def _row(verdict: Freshness, settings: Settings) -> list[str]:
    waiting = verdict.status is Status.NOT_YET
    age = age_words(verdict.age) if verdict.age is not None else ""
    newest = _newest(verdict.loaded, settings.time_zone)
    success = verdict.last_success
    never = "" if waiting else "never"
    last = _when(success.over, settings.time_zone) if success else never
    return [
        verdict.entity.name,
        *((last, age, newest) if settings.run_log else (newest, age)),
        f"{verdict.loaded.rows:,}" if verdict.loaded and verdict.loaded.exists else "",
        f"warn {verdict.criteria.warn_after}, error {verdict.criteria.error_after}",
        str(verdict.status) if waiting else styled(verdict.status.verdict, verdict.status),
    ]


def _notes(verdict: Freshness, zone: str) -> list[str]:
    notes = [verdict.error] if verdict.error else []
    call = verdict.last_call
    if call and call.status != SUCCESS:
        notes.append(f"last call {_when(call.over, zone)} ended as {call.status!r}: {call.fault}")
    return notes


def _newest(loaded: Loaded | None, zone: str) -> str:
    if loaded is None:
        return ""
    if not loaded.exists:
        return "no table"
    return _when(loaded.max_loaded_at, zone) if loaded.max_loaded_at else "no row"


def _when(moment: datetime, zone: str) -> str:
    return f"{moment.astimezone(time_zone(zone)):%a %Y-%m-%d %H:%M}"


def age_words(age: timedelta) -> str:
    """In days, hours and minutes, whole minutes rounded down: "1 d 2 h 5 min"; a moment to come is "in 5 min"."""
    minutes = int(abs(age) / timedelta(minutes=1))
    parts = ((minutes // 1440, "d"), (minutes // 60 % 24, "h"), (minutes % 60, "min"))
    text = " ".join(f"{count} {unit}" for count, unit in parts if count) or "0 min"
    return text if age >= timedelta(0) else f"in {text}"


def _json(
    verdicts: Sequence[Freshness], settings: Settings, at: datetime, billed: int, silence: str | None
) -> dict[str, object]:
    return {
        "night": settings.night,
        "strategy": settings.strategy,
        "at": at.isoformat(),
        "bytes_billed_at_most": billed,
        "run_log": settings.run_log or None,
        "run_log_error": silence,
        "entities": [
            {
                "entity": verdict.entity.name,
                "table": settings.table(verdict.entity),
                "last_success_at": _iso(verdict.last_success.over if verdict.last_success else None),
                "last_call_at": _iso(verdict.last_call.over if verdict.last_call else None),
                "last_call_status": verdict.last_call.status if verdict.last_call else None,
                "age_seconds": verdict.age.total_seconds() if verdict.age is not None else None,
                "max_loaded_at": _iso(verdict.loaded.max_loaded_at if verdict.loaded else None),
                "rows": verdict.loaded.rows if verdict.loaded else None,
                "criteria": sources.criteria_json(verdict.criteria),
                "status": str(verdict.status),
                "error": verdict.error,
            }
            for verdict in verdicts
        ],
    }


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
