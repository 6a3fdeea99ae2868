"""Records as the commands write them."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from operations.ledger.ledger import Ledger
from operations.ledger.record import Record

MOMENT = datetime(2026, 10, 21, 4, tzinfo=UTC)

PREVIEW = {
    "stacks": ["phase-core"],
    "changes": [{"entity": "jobs", "actions": ["adopt"]}, {"entity": "returns", "actions": ["unchanged"]}],
    "plan_hash": "a" * 64,
}
DEPLOY = {
    "stacks": ["phase-core"],
    "plan_hash": "a" * 64,
    "outcome": "done",
    "started_at": "2026-10-21T04:00:00+00:00",
    "ended_at": "2026-10-21T04:01:10+00:00",
    "rows": {"jobs": 900},
    "doubled": {"jobs": 0},
    "changes": 4,
    "error": None,
}
STARTED = {**DEPLOY, "outcome": "started", "ended_at": None}
UNCHANGED = {**DEPLOY, "changes": 0}
OVERRIDE = {"check": "loaded", "reason": "“Q3” is closed,\nno new invoices: ½ day", "entity": None, "gate": None}


def gate(verdict: str = "pass") -> dict[str, Any]:
    return {
        "verdict": verdict,
        "checks": [
            {
                "check": "ran",
                "entity": "jobs",
                "verdict": verdict,
                "expected": "02:00",
                "measured": 1.5,
                "tolerance": None,
                "text": "jobs: ran is fail: expected 02:00, measured 1.5",
            }
        ],
        "window": {"since": "2026-10-21T04:01:10+00:00", "until": "2026-10-21T14:00:00+00:00"},
    }


def add(
    ledger: Ledger,
    kind: str,
    data: dict[str, Any],
    night: int = 0,
    strategy: str = "phased",
    target: dict[str, str] | None = None,
) -> Record:
    """A record one hour after the one before."""
    at = MOMENT + timedelta(hours=len(ledger.readable()[0]))
    return ledger.append(kind, strategy=strategy, night=night, data=data, target=target, at=at, who="ana@example.com")


def story(path: Path) -> Ledger:
    """A ledger with a record of every kind."""
    ledger = Ledger(path)
    add(ledger, "adopt", {"baseline_hash": "b" * 64})
    add(ledger, "preview", PREVIEW)
    add(ledger, "deploy", DEPLOY)
    add(ledger, "gate", gate("fail"))
    add(ledger, "override", OVERRIDE)
    add(ledger, "deploy", DEPLOY, night=1)
    add(ledger, "rollback", {"to": 0}, night=1)
    return ledger


class Repository:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.git("init", "--quiet")
        self.git("config", "user.email", "ben@example.com")
        self.git("config", "user.name", "Ben")

    def git(self, *arguments: str) -> None:
        subprocess.run(["git", *arguments], cwd=self.root, check=True, capture_output=True)

    def commit(self) -> None:
        self.git("add", "-f", "history/ledger.jsonl")
        self.git("commit", "--quiet", "-m", "Record")
