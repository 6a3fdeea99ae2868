"""The ledger's records as a table."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import click

from commands.records import records_table
from operations.ledger.ledger import Ledger
from tests.given.domain import PHOENIX
from tests.given.ledger import DEPLOY, STARTED, add


def shown(ledger: Ledger) -> str:
    """Without its colours."""
    return click.unstyle(records_table(ledger.records(), ZoneInfo(PHOENIX)))


def test_a_deploy_whose_end_nobody_saw_is_told(ledger: Ledger) -> None:
    add(ledger, "deploy", {**STARTED, "started_at": "2026-10-20T04:00:00+00:00"})
    add(ledger, "deploy", STARTED)
    add(ledger, "deploy", {**DEPLOY, "outcome": "failed", "error": "phase-core: 403"})

    lines = [line for line in shown(ledger).splitlines() if "phase-core" in line]
    assert ["no end on record" in line for line in lines] == [True, False, False]
    assert lines[2].endswith("failed: phase-core (plan aaaaaaaaaaaa): phase-core: 403")


def test_a_record_is_one_line_that_cannot_steer_the_terminal(ledger: Ledger) -> None:
    ledger.append(
        "override", strategy="p\x1b[2J", night=0, data={"check": "a\nb", "reason": "\x1b[31m\u202e"}, who="\x07\r"
    )

    printed = shown(ledger)
    assert len(printed.splitlines()) == 3
    assert printed.replace("\n", "").isprintable()
    assert r"\x1b[31m\u202e" in printed
