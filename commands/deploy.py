"""`ingest-rollout deploy` and `rollback`."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import click

from commands.candidates import checks, nights
from commands.options import from_option, night_options, strategy_option
from commands.render import moment, preview_text, table
from ingest.preview import Preview
from ingest.rollout import Action
from ingest.settings import Settings, read_context
from operations.deploy import ledger, live_preview, plan_hash, stacks_to_deploy
from operations.errors import OperationError
from operations.ledger.approval import require
from operations.lock import turn
from operations.repository import ROOT, read_settings
from operations.terraform.engine import Planned
from operations.terraform.plan_check import differences
from operations.terraform.synth import Cdktf, DeployInterrupted, synthesize

PLAN = "plan"
"""The name under which a plan that is not what the preview shows is overridden."""


_yes_option = click.option("--yes", is_flag=True, help="Do not ask.")
_force_option = click.option("--force", is_flag=True, help="Deploy although runs are lost.")


@click.command()
@night_options
@from_option
@_yes_option
@_force_option
@click.option(
    "--override",
    "overrides",
    multiple=True,
    metavar="CHECK",
    shell_complete=checks,
    help="Go on although this check holds.",
)
@click.option("--reason", metavar="TEXT", help="Why an override is right; it is recorded.")
def deploy(
    night: int | None,
    strategy: str | None,
    from_: str | None,
    yes: bool,
    force: bool,
    overrides: tuple[str, ...],
    reason: str | None,
) -> None:
    """Deploy a night: preview, confirmation, then cdktf for exactly its stacks.

    Waits for the gate of the night before, unless each check that holds is overridden. Refuses while the clock is in a
    window in which a job would lose its run, unless --force. What is done is recorded in history/ledger.jsonl.

    \b
    Example, night 2 although the returns of night 1 came late:
      ingest-rollout deploy --night 2 --override loaded --reason "returns are loaded by hand, checked with finance"
    """
    settings = read_settings(night=night, strategy=strategy)
    found = live_preview(settings, from_)
    click.echo(preview_text(found))
    _note_committed(settings)
    _carry_out(settings, found, lambda: live_preview(settings, from_), yes, force, overrides, reason)


@click.command()
@click.option(
    "--to", "to", type=int, required=True, metavar="N", shell_complete=nights, help="The night to go back to."
)
@strategy_option
@_yes_option
@_force_option
def rollback(to: int, strategy: str | None, yes: bool, force: bool) -> None:
    """Go back to an earlier night: what it changes and cannot undo, confirmation, then a deploy.

    \b
    Example:
      ingest-rollout rollback --to 1
    """
    settings = read_settings(night=to, strategy=strategy)
    found = live_preview(settings, None)
    forward = [c.entity.name for c in found.changes if {Action.CREATE, Action.ADOPT} & set(c.actions)]
    if forward:
        raise OperationError(
            f"--to: night {to} is no way back from what is deployed, it would add {', '.join(forward)}; "
            f"use `ingest-rollout deploy --night {to}`"
        )
    click.echo(preview_text(found))
    for line in cannot_undo(found):
        click.echo(f"CANNOT UNDO: {line}")
    _note_committed(settings)
    _carry_out(settings, found, lambda: live_preview(settings, None), yes, force, (), None, back=True)
    ledger().append("rollback", strategy=settings.strategy, night=to, data={"to": to})


def cannot_undo(found: Preview) -> list[str]:
    """What going back leaves behind."""
    removed = [c.entity for c in found.changes if Action.REMOVE in c.actions]
    moved = [c.entity.name for c in found.changes if {Action.SHIFT_EARLIER, Action.SHIFT_LATER} & set(c.actions)]
    lines = []
    if removed:
        tables = ", ".join(entity.table_name for entity in removed)
        lines.append(f"rows that the removed jobs loaded stay in {tables}, and nothing loads more")
    if any(Action.DROP_OIDC in c.actions for c in found.changes):
        lines.append(
            "the invoker and its grant stay; a service that was closed to requests without a token refuses the jobs "
            "from then on: open it first (docs/identity.md)"
        )
    if moved:
        lines.append(f"what {', '.join(moved)} loaded at the other times stays loaded")
    return lines


def _note_committed(settings: Settings) -> None:
    committed = read_context(ROOT)
    if (committed["strategy"], committed["night"]) != (settings.strategy, settings.night):
        click.echo(
            f"NOTE: cdktf.json says night {committed['night']} ({committed['strategy']}); "
            f"commit night {settings.night} ({settings.strategy}) there, or the next plain deploy undoes this one."
        )


def _carry_out(
    settings: Settings,
    found: Preview,
    look_again: Callable[[], Preview],
    yes: bool,
    force: bool,
    overrides: Sequence[str],
    reason: str | None,
    *,
    back: bool = False,
) -> None:
    """`back`: what somebody changed by hand must not stop the way back."""
    stacks = stacks_to_deploy(found, settings)
    if not found.has_changes:
        click.echo(f"Nothing to change by the record; deploying {', '.join(stacks)} again repairs what drifted.")
    cdktf = Cdktf(ROOT, settings)
    _refuse_lost_runs(found, force)
    if not yes and not sys.stdin.isatty():
        raise OperationError("there is no terminal to ask on; use --yes to deploy without a question")
    require(ledger(), settings, [name for name in overrides if name != PLAN], reason)
    if not yes:
        click.confirm(f"Deploy {', '.join(stacks)}?", abort=True)
        # The question may have stood for an hour.
        _refuse_lost_runs(look_again(), force)
    with turn(ROOT):
        synthesize(ROOT, settings)
        planned = cdktf.diff(stacks)
        _refuse_another_plan(settings, stacks, planned)
        if not back:
            _refuse_surprises(settings, found, planned, overrides, reason)
        _deploy(cdktf, settings, stacks, plan_hash(planned))
    _tell(settings, found, stacks)


def _approved_plan(settings: Settings) -> dict[str, Any] | None:
    """The data of the plan that `diff --save` saved of this night since it was deployed last."""
    book = ledger()
    saved = book.last("preview", settings.strategy, settings.night)
    done = book.last("deploy", settings.strategy, settings.night)
    return saved.data if saved and (done is None or done.seq < saved.seq) and saved.data["plan_hash"] else None


def _refuse_another_plan(settings: Settings, stacks: Sequence[str], planned: Sequence[Planned]) -> None:
    approved = _approved_plan(settings)
    if approved and (plan_hash(planned) != approved["plan_hash"] or set(stacks) != set(approved["stacks"])):
        raise OperationError(
            "refused: Terraform's plan is not the one that was saved and approved, something changed since; "
            "run `ingest-rollout diff --save` again and have it approved"
        )


def _refuse_surprises(
    settings: Settings, found: Preview, planned: Sequence[Planned], overrides: Sequence[str], reason: str | None
) -> None:
    """Deploying again is there to repair what drifted; else the plan has to be what the preview shows."""
    surprises = differences(found, planned) if found.has_changes else []
    if not surprises:
        return
    if PLAN not in overrides or not (reason or "").strip():
        raise OperationError(
            "\n".join([*surprises, f"refused. To go on all the same: --override {PLAN} --reason TEXT"])
        )
    data = {"check": PLAN, "reason": str(reason)}
    ledger().append("override", strategy=settings.strategy, night=settings.night, data=data)


def _deploy(cdktf: Cdktf, settings: Settings, stacks: list[str], hash_of_plan: str) -> None:
    started = datetime.now(UTC)
    rows = _row_counts(settings)
    outcome = "failed"
    try:
        cdktf.deploy(stacks)
        outcome = "done"
    except DeployInterrupted:
        outcome = "interrupted"
        raise
    finally:
        data = {
            "stacks": stacks,
            "plan_hash": hash_of_plan,
            "outcome": outcome,
            "started_at": started.isoformat(),
            "ended_at": datetime.now(UTC).isoformat(),
            "rows": rows,
        }
        ledger().append("deploy", strategy=settings.strategy, night=settings.night, data=data)


def _row_counts(settings: Settings) -> dict[str, int] | None:
    """Each table's rows before the deploy, for the gate; None where BigQuery cannot be asked."""
    from operations.cloud.bigquery import bigquery_client
    from operations.evidence import table_states

    try:
        found = table_states(bigquery_client(settings, os.environ), settings)
        return {entity: table.rows for entity, table in found.items()}
    except OperationError as error:
        click.echo(f"NOTE: no row counts ({error}); the gate cannot tell whether a table shrinks.", err=True)
        return None


def _refuse_lost_runs(found: Preview, force: bool) -> None:
    if found.loses_runs and not force:
        raise OperationError("refused: a deploy now loses the runs named above; wait as they say, or use --force")


def _tell(settings: Settings, found: Preview, stacks: Sequence[str]) -> None:
    click.echo(f"Night {settings.night} is deployed: {', '.join(stacks)}. Next runs:")
    now = datetime.now(UTC)
    rows = [(c.entity.name, *moment(c.after, now, settings.time_zone)) for c in found.changes if c.after]
    click.echo(table(("entity", f"next run, {settings.time_zone}", "UTC"), rows))
