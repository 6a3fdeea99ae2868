"""`ingest-rollout history`: tells and verifies the ledger."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

from operations.completion import nights
from operations.errors import OperationError
from operations.options import echo_json, json_option

if TYPE_CHECKING:
    from operations.history import Ledger, Record

_COLOURS = {
    "done": "green",
    "pass": "green",
    "failed": "red",
    "fail": "red",
    "interrupted": "yellow",
    "inconclusive": "yellow",
}
_EXIT_CODES = {"pass": 0, "fail": 1, "inconclusive": 2}


@click.command()
@click.option("--verify", is_flag=True, help="Check that no line was changed, moved or removed.")
@click.option("--night", type=int, metavar="N", shell_complete=nights, help="Only what was recorded for this night.")
@json_option
def history(verify: bool, night: int | None, as_json: bool) -> int:
    """List what was done, newest last: previews, deploys, gates, overrides, rollbacks, adoptions.

    With --verify, exit code 0: the ledger is intact, 1: it is not, 2: that could not be evaluated.

    \b
    Example:
      ingest-rollout history --night 1
      ingest-rollout history --verify
    """
    from operations.history import FILE, Ledger
    from operations.repository import ROOT, read_settings

    if verify and night is not None:
        raise OperationError("--verify looks at the whole ledger; leave --night out")
    zone = ZoneInfo(read_settings().time_zone)
    ledger = Ledger(ROOT / FILE)
    if verify:
        return _verify(ledger, as_json)
    records, problems = ledger.readable()
    shown = [record for record in records if night is None or record.night == night]
    if as_json:
        echo_json([record.as_json() for record in shown])
    elif shown:
        click.echo(records_table(shown, zone))
    else:
        click.echo("nothing is recorded" + ("" if night is None else f" for night {night}"))
    if problems:
        click.echo(f"{FILE} is damaged, see `ingest-rollout history --verify`: {problems[0]}", err=True)
    return 1 if problems else 0


def _verify(ledger: Ledger, as_json: bool) -> int:
    from operations.history import FILE

    found = ledger.check()
    verdict = "fail" if found.problems else "inconclusive" if found.inconclusive else "pass"
    remark = found.inconclusive or found.note
    if as_json:
        echo_json({"verdict": verdict, "records": found.records, "problems": found.problems, "note": remark})
        return _EXIT_CODES[verdict]
    for problem in found.problems:
        click.echo(click.style(f"{FILE}: {problem}", fg="red"))
    if not found.problems:
        click.echo(f"{FILE}: the chain of {found.records} records is intact")
    if remark:
        click.echo(click.style(f"{FILE}: {remark}", fg="yellow"))
    return _EXIT_CODES[verdict]


def records_table(records: list[Record], zone: ZoneInfo) -> str:
    """The records as a table, times in `zone`."""
    from operations.render import table

    rows = [
        (
            f"{record.at.astimezone(zone):%a %Y-%m-%d %H:%M}",
            _one_line(record.who),
            record.kind,
            f"{record.night} ({_one_line(record.strategy)})",
            what(record),
        )
        for record in records
    ]
    return table((f"when, {zone.key}", "who", "kind", "night", "what"), rows)


def what(record: Record) -> str:
    """What happened, in one line."""
    first, rest = _WHAT[record.kind](record.data)
    return click.style(first, fg=_COLOURS.get(first)) + _one_line(rest)


def _preview(data: Mapping[str, Any]) -> tuple[str, str]:
    counts = Counter(_action(change) for change in data["changes"])
    counts.pop("unchanged", None)
    changes = ", ".join(f"{count} {action}" for action, count in counts.items()) or "no change"
    return "", f"{changes}: {_stacks(data)}{_plan(data)}"


def _deploy(data: Mapping[str, Any]) -> tuple[str, str]:
    return data["outcome"], f": {_stacks(data)}{_plan(data)}"


def _gate(data: Mapping[str, Any]) -> tuple[str, str]:
    told = f", {len(data['checks'])} checks"
    worst = ""
    for verdict in ("warn", "inconclusive", "fail"):
        if texts := [check["text"] for check in data["checks"] if check["verdict"] == verdict]:
            told += f", {len(texts)} {verdict}"
            worst = f"; {texts[0]}"
    return data["verdict"], told + worst


def _override(data: Mapping[str, Any]) -> tuple[str, str]:
    return "", f"{data['check']}: {data['reason']}"


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


def _one_line(text: str) -> str:
    """Without line ends and what a terminal would obey."""
    return "".join(char if char.isprintable() else " " for char in text)
