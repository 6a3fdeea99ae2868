"""The ledger's records for the terminal."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import click

from commands.render import VERDICT_COLOURS, table
from operations.ledger.record import Record
from operations.ledger.standing import STARTED, deploys
from operations.ledger.words import what

_DEPLOYS = {"done": "green", "failed": "red", "interrupted": "yellow", "started": "yellow"}
_OUTCOMES: dict[str, str] = {**_DEPLOYS, **VERDICT_COLOURS}


def records_table(records: list[Record], zone: ZoneInfo) -> str:
    """The records as a table, times in `zone`."""
    going = [record.seq for record in deploys(records) if record.data["outcome"] == STARTED]
    rows = [
        (
            f"{record.at.astimezone(zone):%a %Y-%m-%d %H:%M}",
            record.who,
            record.kind,
            f"{record.night} ({record.strategy})",
            _what(record) + (", no end on record" if record.seq in going else ""),
        )
        for record in records
    ]
    return table((f"when, {zone.key}", "who", "kind", "night", "what"), rows, spare=("who",))


def _what(record: Record) -> str:
    outcome, rest = what(record)
    return click.style(outcome, fg=_OUTCOMES.get(outcome)) + rest
