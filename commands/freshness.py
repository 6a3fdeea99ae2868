"""The command `freshness`: asks BigQuery how old the newest rows are, and prints the verdicts."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import click

from commands.options import at_option, clock, echo_json, json_option, judges, now
from commands.render import styled, table
from ingest.catalogue import CATALOGUE
from ingest.freshness import Status
from ingest.schedule import time_zone
from ingest.settings import Settings
from ingest.verdict import overall
from operations import sources
from operations.cloud import bigquery
from operations.cloud import tables as asked
from operations.cloud.tables import Freshness
from operations.errors import OperationError
from operations.repository import read_settings


@click.command()
@at_option
@json_option
@click.option("--output", type=click.Path(dir_okay=False), metavar="FILE", help="Write dbt's sources.json as well.")
@click.option(
    "--max-bytes",
    type=click.IntRange(min=0),
    default=asked.MAX_BYTES,
    show_default="10 GiB",
    metavar="BYTES",
    help="Refuse to be billed for more.",
)
@click.option("--yes", is_flag=True, help="Ask BigQuery whatever it bills.")
@judges
def freshness(at: str | None, as_json: bool, output: str | None, max_bytes: int, yes: bool) -> int:
    """Check that the tables of the committed night got new rows in time.

    Exit code 0: all pass or warn, 1: an error, or a table that cannot be read, 2: it could not be found out.

    \b
    Example:
      ingest-rollout freshness --output sources.json
    """
    settings = read_settings()
    moment = clock(settings, at)
    client = bigquery.bigquery_client(settings, os.environ)
    began = time.monotonic()
    surveyed = asked.survey(client, settings, asked.expected(settings))
    billed = asked.bytes_to_be_billed(client, settings, surveyed.readable)
    click.echo(f"BigQuery bills {_size(billed)} at most for {len(surveyed.readable)} tables.", err=as_json)
    if billed > max_bytes and not yes:
        raise OperationError(f"refused: {billed} bytes are over --max-bytes {max_bytes}; raise it, or use --yes")
    found = asked.read(client, settings, surveyed.readable, max_bytes=None if yes else max_bytes)
    elapsed = time.monotonic() - began
    verdicts = asked.judge(CATALOGUE, surveyed, found, moment)
    if output:
        sources.write(Path(output), sources.artifact(verdicts, settings, moment, now(), elapsed))
    if as_json:
        echo_json(_json(verdicts, settings, moment, billed))
    else:
        click.echo(freshness_text(verdicts, settings))
    return overall(verdict.status.verdict for verdict in verdicts).exit_code


def freshness_text(verdicts: Sequence[Freshness], settings: Settings) -> str:
    """A table with a row for each entity, and below it what is wrong with tables that could not be read."""
    rows = []
    for verdict in verdicts:
        newest = verdict.loaded and verdict.loaded.max_loaded_at
        rows.append(
            (
                verdict.entity.name,
                f"{newest.astimezone(time_zone(settings.time_zone)):%a %Y-%m-%d %H:%M}"
                if newest
                else "never"
                if verdict.loaded
                else "",
                age_words(verdict.age) if verdict.age is not None else "",
                f"{verdict.loaded.rows:,}" if verdict.loaded else "",
                f"warn {verdict.criteria.warn_after}, error {verdict.criteria.error_after}",
                verdict.status if verdict.status is Status.NOT_YET else styled(verdict.status.verdict, verdict.status),
            )
        )
    head = ("entity", f"max loaded at, {settings.time_zone}", "age", "rows", "criteria", "status")
    lines = [table(head, rows)]
    lines += [click.style(f"{v.entity.name}: {v.error}", fg="red") for v in verdicts if v.error]
    return "\n".join(lines)


def age_words(age: timedelta) -> str:
    """In days, hours and minutes, whole minutes rounded down: "1 d 2 h 5 min"; a moment to come is "in 5 min"."""
    minutes = int(abs(age) / timedelta(minutes=1))
    parts = ((minutes // 1440, "d"), (minutes // 60 % 24, "h"), (minutes % 60, "min"))
    words = " ".join(f"{count} {unit}" for count, unit in parts if count) or "0 min"
    return words if age >= timedelta(0) else f"in {words}"


def _json(verdicts: Sequence[Freshness], settings: Settings, at: datetime, billed: int) -> dict[str, object]:
    return {
        "night": settings.night,
        "strategy": settings.strategy,
        "at": at.isoformat(),
        "bytes_billed_at_most": billed,
        "entities": [
            {
                "entity": verdict.entity.name,
                "table": settings.table(verdict.entity),
                "max_loaded_at": verdict.loaded.max_loaded_at.isoformat()
                if verdict.loaded and verdict.loaded.max_loaded_at
                else None,
                "age_seconds": verdict.age.total_seconds() if verdict.age is not None else None,
                "rows": verdict.loaded.rows if verdict.loaded else None,
                "criteria": sources.criteria_json(verdict.criteria),
                "status": str(verdict.status),
                "error": verdict.error,
            }
            for verdict in verdicts
        ],
    }


def _size(count: int) -> str:
    """In the largest unit of 1,024 that leaves 1 or more: "170.0 MiB"."""
    size, units = float(count), ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB"]
    while size >= 1024 and len(units) > 1:
        size, units = size / 1024, units[1:]
    return f"{size:.1f} {units[0]}" if units[0] != "bytes" else f"{count} bytes"
