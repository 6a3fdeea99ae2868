"""Whether a night may be deployed: the night before has passed its gate, or what blocks it is overridden."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ingest.gate import Check, blocking, current_name
from ingest.settings import Settings
from operations.errors import OperationError
from operations.ledger.ledger import Ledger

NO_GATE = "gate"
"""The name under which a gate that was never asked is overridden."""


def gated_night(ledger: Ledger, settings: Settings) -> int | None:
    """The night whose gate a deploy of the settings' night has to wait for.

    None for the first night, for a repeated deploy and for the way back. Raises OperationError as the ledger does.
    """
    earlier = [number for number in settings.rollout.numbers if number < settings.night]
    deploys = [r for r in ledger.records() if r.kind == "deploy" and r.strategy == settings.strategy]
    if not earlier or (deploys and settings.night <= deploys[-1].night):
        return None
    return max(earlier)


def blocking_checks(ledger: Ledger, strategy: str, night: int) -> list[str]:
    """The names of the checks that hold the rollout at `night` and are not overridden; empty: the gate is open."""
    if ledger.passed_gate(strategy, night):
        return []
    gate = ledger.last("gate", strategy, night)
    deploy = ledger.last("deploy", strategy, night)
    if gate is None or deploy is None or gate.seq < deploy.seq:
        names = [NO_GATE]
    else:
        names = blocking(map(Check.read, gate.data["checks"]))
    overridden = {current_name(record.data["check"]) for record in ledger.overrides(strategy, night)}
    return [name for name in names if name not in overridden]


@dataclass(frozen=True)
class Override:
    """A check that blocks the gate of `night`, and that somebody overrides for a reason."""

    night: int
    check: str
    reason: str


def check_approval(ledger: Ledger, settings: Settings, overrides: Sequence[str], reason: str | None) -> list[Override]:
    """The overrides with which a deploy of the settings' night may go on; they are not recorded yet.

    An override names a check that blocks; it expires with that night. Raises OperationError otherwise.
    """
    if problems := ledger.verify():
        raise OperationError(
            f"refused: the ledger cannot be trusted: {problems[0]}; see `ingest-rollout history --verify`"
        )
    night = gated_night(ledger, settings)
    names = blocking_checks(ledger, settings.strategy, night) if night is not None else []
    if unknown := [name for name in overrides if name not in names]:
        allowed = ", ".join(names) or "none, nothing blocks this deploy"
        raise OperationError(f"--override: {unknown[0]!r} does not block this deploy; what does: {allowed}")
    if overrides and not (reason or "").strip():
        raise OperationError("--override needs --reason TEXT: why it may go on; it is recorded in the ledger")
    if left := [name for name in names if name not in overrides]:
        if left == [NO_GATE]:
            what = f"night {night} has not been gated since it was deployed; run `ingest-rollout gate --night {night}`"
        else:
            what = (
                f"the gate of night {night} does not open, it is blocked by: {', '.join(left)}; fix that and run "
                f"`ingest-rollout gate --night {night}` again"
            )
        options = " ".join(f"--override {name}" for name in left)
        raise OperationError(f"refused: {what}. To go on anyway: {options} --reason TEXT")
    return [Override(night or 0, name, str(reason)) for name in overrides]


def record_override(ledger: Ledger, strategy: str, override: Override, at: datetime, who: str | None = None) -> None:
    """Records an override that a deploy goes ahead with. Raises OperationError as the ledger does."""
    data = {"check": override.check, "reason": override.reason}
    ledger.append("override", strategy=strategy, night=override.night, data=data, at=at, who=who)
