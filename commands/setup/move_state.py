"""`ingest-rollout move-state`."""

from __future__ import annotations

import sys

import click

from commands.render import table
from operations.errors import OperationError
from operations.local.lock import lock
from operations.local.repository import ROOT, read_settings
from operations.terraform.engine import OUTPUT
from operations.terraform.move import StateMove, Step, orphaned, stacks_of
from operations.terraform.synth import synthesize


@click.command()
@click.option("--to", required=True, type=click.Choice(["gcs", "local"]), help="Where the state is to be.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def move_state(to: str, yes: bool) -> None:
    """Move Terraform's state to the team's bucket, or back.

    Shows first what would be moved, and moves nothing where the target holds another state. Each state is compared
    after the move; a local file is renamed, never deleted. The bucket is the setting backend_bucket.

    \b
    Example, once the bucket is there (docs/state.md):
      ingest-rollout move-state --to gcs
    """
    settings = read_settings()
    with lock(ROOT):
        move = StateMove(ROOT, settings, to)
        synthesize(ROOT, settings)
        stacks = stacks_of(ROOT / OUTPUT)
        moves = move.planned(stacks)
        rows = [(m.stack, str(m.step), str(m.resources), m.source, m.target) for m in moves]
        click.echo(table(("stack", "step", "resources", "from", "to"), rows))
        for name in orphaned(ROOT, stacks):
            click.echo(f"NOTE: state/{name} is of no stack of these settings and stays where it is.")
        todo = [m.stack for m in moves if m.step in (Step.MOVE, Step.FINISH)]
        if todo:
            if not yes and not sys.stdin.isatty():
                raise OperationError("not a terminal; pass --yes to skip confirmation")
            if not yes:
                click.confirm(f"Move the state of {', '.join(todo)}?", abort=True)
            move.carry_out(moves, click.echo)
        else:
            click.echo("Nothing to move.")
    if settings.backend != to:
        click.echo(
            f'Now set "backend": "{to}" in the context of cdktf.json'
            + (f', with "backend_bucket": "{settings.backend_bucket}"' if to == "gcs" else "")
            + ", and commit it: until then a deploy looks in the old place."
        )
    if to == "local" and todo:
        click.echo(
            "The states in the bucket stay there and are out of date from the next deploy on: "
            "nobody else deploys with backend gcs."
        )
