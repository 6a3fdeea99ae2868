"""What a record of the ledger says, in one line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from ingest.judging.gate import Check
from ingest.judging.verdict import Verdict
from ingest.text.shown import printable
from operations.ledger.record import Record


def what(record: Record) -> tuple[str, str]:
    """What happened: the outcome ("" for a kind without one), and the rest of the line."""
    outcome, rest = _WHAT[record.kind](record.data)
    return outcome, printable(rest, longest=None)


def _preview(data: Mapping[str, Any]) -> tuple[str, str]:
    counts = Counter(_action(change) for change in data["changes"])
    counts.pop("unchanged", None)
    changes = ", ".join(f"{count} {action}" for action, count in counts.items()) or "no change"
    return "", f"{changes}: {_stacks(data)}{_plan(data)}"


def _deploy(data: Mapping[str, Any]) -> tuple[str, str]:
    unchanged = ", nothing to change" if data["changes"] == 0 else ""
    error = f": {data['error']}" if data["error"] else ""
    return data["outcome"], f": {_stacks(data)}{_plan(data)}{unchanged}{error}"


def _gate(data: Mapping[str, Any]) -> tuple[str, str]:
    checks = [Check.read(check) for check in data["checks"]]
    told = f", {len(checks)} checks"
    worst = ""
    for verdict in (Verdict.WARN, Verdict.INCONCLUSIVE, Verdict.FAIL):
        if alike := [check for check in checks if check.verdict is verdict]:
            told += f", {len(alike)} {verdict}"
            worst = f"; {alike[0]}"
    return data["verdict"], told + worst


def _override(data: Mapping[str, Any]) -> tuple[str, str]:
    entity = f":{data['entity']}" if data["entity"] else ""
    return "", f"{data['check']}{entity}: {data['reason']}"


def _rollback(data: Mapping[str, Any]) -> tuple[str, str]:
    return "", f"to night {data['to']}"


def _adopt(data: Mapping[str, Any]) -> tuple[str, str]:
    return "", f"baseline {data['baseline_hash'][:12]}"


_WHAT: dict[str, Callable[[Mapping[str, Any]], tuple[str, str]]] = {
    "preview": _preview,
    "deploy": _deploy,
    "gate": _gate,
    "override": _override,
    "rollback": _rollback,
    "adopt": _adopt,
}


def _stacks(data: Mapping[str, Any]) -> str:
    return ", ".join(data["stacks"]) or "no stack"


def _plan(data: Mapping[str, Any]) -> str:
    return f" (plan {data['plan_hash'][:12]})" if data["plan_hash"] else ""


def _action(change: Mapping[str, Any]) -> str:
    """What a preview calls actions and Terraform's plan action."""
    actions = change.get("actions") or [change.get("action", "change")]
    return " and ".join(map(str, actions)) if isinstance(actions, list) else str(actions)
