"""By the ledger: which night is deployed, and whether its gate is due."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ingest.gate import gate_time
from ingest.settings import Settings
from operations.ledger.ledger import Ledger


@dataclass(frozen=True)
class DeployedNight:
    """The night of the newest deploy that came to its end, or that was gone back to."""

    strategy: str
    night: int
    since: datetime


def deployed_night(ledger: Ledger) -> DeployedNight | None:
    """None: nothing was deployed yet. Raises OperationError as the ledger does."""
    done = [r for r in ledger.records() if r.kind == "deploy" and r.data["outcome"] == "done"]
    if not done:
        return None
    last = done[-1]
    return DeployedNight(
        last.strategy, last.night, datetime.fromisoformat(last.data["ended_at"] or last.at.isoformat())
    )


def why_not_due(ledger: Ledger, settings: Settings, since: datetime, now: datetime) -> str | None:
    """Why the gate of the settings' night, deployed at `since`, is not to be asked now; None: ask it.

    Before its last job has had its run it could only say "not due yet". Raises OperationError as the ledger does.
    """
    if ledger.passed_gate(settings.strategy, settings.night):
        return "its gate has passed"
    begins = gate_time(settings.world(), settings, since)
    return f"its gate can be asked from {begins:%a %Y-%m-%d %H:%M %Z} on" if now < begins else None
