"""The command `duplicates`: rows against distinct natural keys."""

from __future__ import annotations

import os
from collections.abc import Mapping
from operator import attrgetter

import click

from commands.billing import accept_bill, billed_options
from commands.options import echo_json, json_option, judges, progress
from commands.render import styled, table
from ingest.catalogue import CATALOGUE
from ingest.entity import Entity
from ingest.judging.duplicates import Keys, doubled_verdict, keys_select
from ingest.judging.verdict import Verdict, overall
from ingest.settings import Settings
from operations.cloud import bigquery, tables
from operations.local.repository import read_settings


@click.command()
@json_option
@billed_options
@judges
def duplicates(as_json: bool, max_bytes: int, yes: bool) -> int:
    """Compare each table's rows with its distinct natural keys.

    A record that is loaded twice is counted twice in job costing. Of a table that does not exist yet there is nothing
    to count. Payroll items have no id of their own, so equal rows are a warning. Exit code 0: all pass or warn, 1: a
    table has doubled rows, 2: it could not be found out.

    \b
    Example:
      ingest-rollout duplicates
    """
    settings = read_settings()
    client = bigquery.bigquery_client(settings, os.environ)
    progress("asking BigQuery what a query bills")
    keyed = [entity for entity in CATALOGUE if entity.key]
    surveyed = tables.survey(client, settings, CATALOGUE)
    countable, _ = tables.having(settings, keyed, surveyed, attrgetter("key"))
    billed = tables.bytes_to_be_billed(client, settings, countable, select=keys_select)
    limit = accept_bill(billed, f"{len(countable)} tables", max_bytes, yes=yes, err=as_json)
    counted, uncounted = tables.count_keys(client, settings, keyed, surveyed, max_bytes=limit)
    verdicts = {entity: _verdict(entity, counted.get(entity.name)) for entity in keyed}
    if as_json:
        echo_json(_json(settings, verdicts, counted, uncounted, billed))
    else:
        click.echo(_text(settings, verdicts, counted, uncounted))
    return overall(verdicts.values()).exit_code


def _verdict(entity: Entity, keys: Keys | None) -> Verdict:
    if keys is None:
        return Verdict.INCONCLUSIVE
    if not keys.doubled:
        return Verdict.PASS
    return doubled_verdict(entity)


def _text(
    settings: Settings,
    verdicts: Mapping[Entity, Verdict],
    counted: Mapping[str, Keys],
    uncounted: Mapping[str, str],
) -> str:
    rows = []
    for entity, verdict in verdicts.items():
        keys = counted.get(entity.name)
        counts = [f"{n:,}" for n in (keys.rows, keys.keys, keys.doubled)] if keys else ["", "", ""]
        key = entity.key[0] + (f" and {len(entity.key) - 1} more" if len(entity.key) > 1 else "")
        rows.append((entity.name, settings.table(entity), key, *counts, styled(verdict)))
    lines = [table(("entity", "table", "natural key", "rows", "keys", "doubled", "verdict"), rows, spare=("table",))]
    lines += [click.style(f"{name}: {why}", fg="red") for name, why in uncounted.items()]
    return "\n".join(lines)


def _json(
    settings: Settings,
    verdicts: Mapping[Entity, Verdict],
    counted: Mapping[str, Keys],
    uncounted: Mapping[str, str],
    billed: int,
) -> dict[str, object]:
    return {
        "bytes_billed_at_most": billed,
        "entities": [
            {
                "entity": entity.name,
                "table": settings.table(entity),
                "key": list(entity.key),
                "rows": keys.rows if keys else None,
                "keys": keys.keys if keys else None,
                "doubled": keys.doubled if keys else None,
                "verdict": str(verdict),
                "error": uncounted.get(entity.name),
            }
            for entity, verdict in verdicts.items()
            for keys in [counted.get(entity.name)]
        ],
    }
