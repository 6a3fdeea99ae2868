"""`ingest-rollout diff`."""

from __future__ import annotations

import click

from commands.options import echo_json, json_option, night_options
from commands.render import table
from commands.site import checkout_site, terraform
from operations.deploy import plan, plan_hash
from operations.deployed_night import remarks
from operations.local.lock import lock
from operations.local.repository import read_settings
from operations.terraform.plan_check import unexpected_changes

CHANGES = 2


@click.command()
@night_options
@click.option("--full", is_flag=True, help="Print Terraform's whole plan of each stack.")
@click.option("--save", is_flag=True, help="Record the plan; the night's deploy then refuses to do anything else.")
@click.option("--no-lock", is_flag=True, help="Do not lock the state, as for an account that may only read it.")
@json_option
def diff(night: int | None, strategy: str | None, full: bool, save: bool, no_lock: bool, as_json: bool) -> int:
    """Have Terraform plan a night against the live jobs.

    Every stack that has jobs is planned, whatever the night changes.
    Exit code 0: no change, 1: error, 2: changes.

    \b
    Example:
      ingest-rollout diff --night 2 --full
    """
    settings = read_settings(night=night, strategy=strategy)
    site, engine = checkout_site(), terraform(settings, lock=not no_lock)
    with lock(site.root):
        # Without a network or credentials, Terraform would say so for each stack.
        site.live(settings)
        planned = plan(site, settings, engine)
        changes, stacks = planned.changes, planned.stacks
        plans = [(stack, engine.plan_text(stack)) for stack in stacks] if full else []
    for remark in remarks(site.ledger, settings, named=(night, strategy) != (None, None), preview=planned.preview):
        click.echo(f"NOTE: {remark}", err=True)
    unexpected = unexpected_changes(planned.preview, planned.resources, settings)
    left = [release.planned for release in planned.releases]
    actions = ["release" if change in left else change.action for change in changes]
    told = [
        {"stack": c.stack, "address": c.address, "action": action, "fields": c.fields}
        for c, action in zip(changes, actions, strict=True)
    ]
    if save:
        data = {"stacks": stacks, "changes": told, "plan_hash": plan_hash(changes)}
        site.record("preview", settings, data)
    if as_json:
        echo_json({"strategy": settings.strategy, "night": settings.night, "stacks": stacks, "changes": told})
    else:
        for stack, text in plans:
            click.echo(f"{stack}\n{text}")
        click.echo(f"Night {settings.night} ({settings.strategy}; {planned.preview.before}), planned by Terraform:")
        rows = [(c.stack, action, c.name, ", ".join(c.fields)) for c, action in zip(changes, actions, strict=True)]
        click.echo(table(("stack", "action", "job", "fields"), rows) if rows else "no changes")
        for text in [*(release.warning.text for release in planned.releases), *unexpected]:
            click.secho(f"WARNING: {text}", fg="yellow")
        if save:
            click.echo(f"Saved in the ledger: the deploy of night {settings.night} does this or nothing.")
    return CHANGES if changes else 0
