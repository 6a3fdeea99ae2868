"""`ingest-rollout deploy` and `rollback`."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable

import click

from commands.candidates import checks, nights
from commands.options import night_options, now, strategy_option
from commands.render import moment, preview_text, table
from commands.site import checkout_site
from ingest.entity import Entity
from ingest.judging.gate import gate_time
from ingest.preview import Preview
from ingest.rollout import Action
from ingest.settings import Settings, read_context
from operations.deploy import Plan, Request, Target
from operations.deploy import deploy as deploy_night
from operations.deployed_night import remarks
from operations.errors import OperationError
from operations.local.repository import ROOT, read_settings

_yes_option = click.option("--yes", is_flag=True, help="Do not ask.")
_force_option = click.option("--force", is_flag=True, help="Deploy although runs are lost; needs --reason.")
_reason_option = click.option("--reason", metavar="TEXT", help="Why an override or --force is right; it is recorded.")


_override_option = click.option(
    "--override",
    "overrides",
    multiple=True,
    metavar="CHECK[:ENTITY]",
    shell_complete=checks,
    help="Go on although this check blocks, for all entities that it blocks or for one.",
)


@click.command()
@night_options
@_yes_option
@_force_option
@_override_option
@_reason_option
def deploy(
    night: int | None,
    strategy: str | None,
    yes: bool,
    force: bool,
    overrides: tuple[str, ...],
    reason: str | None,
) -> None:
    """Deploy a night: plan, confirmation, then exactly that plan.

    Waits for the gate of the night before, unless each check that blocks is overridden. Refuses to undo what somebody
    did to a job by hand, unless --override plan. Refuses while the clock is in a window in which a job would lose its
    run, unless --force. What is done is recorded in history/ledger.jsonl.

    \b
    Example, night 2 although the returns of night 1 came late:
      ingest-rollout deploy --night 2 --override loaded --reason "returns are loaded by hand, checked with finance"
    """
    settings = read_settings(night=night, strategy=strategy)

    def present(preview: Preview) -> None:
        if undone := takes_back(preview, settings):
            raise OperationError(
                f"refused: a later night than {settings.night} is deployed, and this would take back "
                f"{', '.join(undone)}; to go back, run `ingest-rollout rollback --to {settings.night}`"
            )
        _show(preview, settings)

    _carry_out(Request(settings, force, overrides, reason), present, yes=yes)


@click.command()
@click.option(
    "--to", "to", type=int, required=True, metavar="N", shell_complete=nights, help="The night to go back to."
)
@strategy_option
@_yes_option
@_force_option
@_override_option
@_reason_option
def rollback(
    to: int, strategy: str | None, yes: bool, force: bool, overrides: tuple[str, ...], reason: str | None
) -> None:
    """Go back to an earlier night: confirmation, then a deploy.

    Shows before what that changes and what it cannot undo.

    \b
    Example:
      ingest-rollout rollback --to 1
    """
    settings = read_settings(night=to, strategy=strategy)

    def present(preview: Preview) -> None:
        forward = [c.entity.name for c in preview.changes if {Action.CREATE, Action.ADOPT} & set(c.actions)]
        if forward:
            raise OperationError(
                f"--to: night {to} is no way back from what is deployed, it would add {', '.join(forward)}; "
                f"use `ingest-rollout deploy --night {to}`"
            )
        _show(preview, settings)
        for line in cannot_undo(preview):
            click.echo(f"CANNOT UNDO: {line}")

    _carry_out(Request(settings, force, overrides, reason, way_back=True), present, yes=yes)
    checkout_site().record("rollback", settings, {"to": to})


def takes_back(preview: Preview, settings: Settings) -> list[str]:
    """The entities that a later night of the settings' rollout has, or authenticates, and that the preview undoes.

    Each night but the first adds a job or the token. A time alone may have been changed by hand.
    """
    later = [settings.world(number) for number in settings.rollout.numbers if number > settings.night]
    return [
        name
        for change in preview.changes
        for name in [change.entity.name]
        if (Action.REMOVE in change.actions and any(name in world for world in later))
        or (Action.DROP_OIDC in change.actions and any(name in world and world[name].authenticated for world in later))
    ]


def cannot_undo(preview: Preview) -> list[str]:
    """What going back leaves behind."""
    removed: list[Entity] = [c.entity for c in preview.changes if Action.REMOVE in c.actions]
    moved = [c.entity.name for c in preview.changes if {Action.SHIFT_EARLIER, Action.SHIFT_LATER} & set(c.actions)]
    lines = []
    if removed:
        tables = ", ".join(entity.table_name for entity in removed)
        lines.append(f"rows that the removed jobs loaded stay in {tables}, and nothing loads more")
    if any(Action.DROP_OIDC in c.actions for c in preview.changes):
        lines.append(
            "the invoker and its grant stay; a service that was closed to requests without a token refuses the jobs "
            "from then on: open it first (docs/identity.md)"
        )
    if moved:
        lines.append(f"what {', '.join(moved)} loaded at the other times stays loaded")
    return lines


def _carry_out(request: Request, present: Callable[[Preview], None], *, yes: bool) -> None:
    _note_committed(request.settings)
    if not yes and not sys.stdin.isatty():
        raise OperationError("not a terminal; pass --yes to skip confirmation")

    def confirm(target: Target) -> None:
        if not yes:
            click.confirm(f"{request.settings.project}: {counts(target.plan)}. Deploy?", abort=True)

    done = deploy_night(checkout_site(), request, confirm, present)
    _show_next_runs(request.settings, done)


def counts(plan: Plan) -> str:
    """How many jobs Terraform changes how, such as "import 7 jobs, update 1"."""
    counted = Counter(resource.action for resource in plan.changes if resource.is_job)
    counted["delete"] -= len(plan.releases)
    counted["release"] += len(plan.releases)
    texts = [f"{action} {count}" for action, count in counted.items() if count]
    if not texts:
        return "no job changes"
    return ", ".join([f"{texts[0]} job{'' if texts[0].endswith(' 1') else 's'}", *texts[1:]])


def _show(preview: Preview, settings: Settings) -> None:
    for remark in remarks(checkout_site().ledger, settings, preview=preview):
        click.echo(f"NOTE: {remark}")
    click.echo(preview_text(preview))


def _note_committed(settings: Settings) -> None:
    committed = read_context(ROOT)
    if (committed["strategy"], committed["night"]) != (settings.strategy, settings.night):
        click.echo(
            f"NOTE: cdktf.json says night {committed['night']} ({committed['strategy']}); "
            f"commit night {settings.night} ({settings.strategy}) there, or the next plain deploy undoes this one."
        )


def _show_next_runs(settings: Settings, done: Target) -> None:
    what = ", ".join(done.plan.stacks) or "nothing was to be changed"
    click.echo(f"Night {settings.night} is deployed: {what}. Next runs:")
    rows = [(c.entity.name, *moment(c.after, now(), settings.time_zone)) for c in done.plan.preview.changes if c.after]
    click.echo(table(("entity", f"next run, {settings.time_zone}", "UTC"), rows))
    begins = gate_time(settings.world(), settings, now())
    click.echo(f"From {begins:%a %Y-%m-%d %H:%M} on: ingest-rollout gate --night {settings.night}")
