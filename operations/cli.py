"""The ingest-rollout command. Imports stay inside the commands that need them: `plan` starts fast."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import Any

import click

from ingest.settings import Settings, read_context
from operations import deployed
from operations.errors import OperationError
from operations.options import (
    at_option,
    clock,
    echo_json,
    from_option,
    json_option,
    night_options,
    strategy_option,
)
from operations.repository import ROOT, read_settings

FURTHER: dict[str, str] = {}
"""Commands in modules of their own: the name of the command, and of its function, to that of its module."""

CHANGES = 2
"""Exit code for "there are changes", as Terraform's -detailed-exitcode."""


def main() -> None:
    """Runs the command line: exit code 0 for done or no change, 1 for an error, 2 for changes."""
    try:
        code = cli(standalone_mode=False)
    except click.Abort:
        click.echo("stopped, nothing was deployed", err=True)
        code = 1
    except click.ClickException as error:
        # click's own exit code for a wrong option is 2, which here means changes.
        error.show()
        code = 1
    except OperationError as error:
        click.echo(str(error), err=True)
        code = error.code
    except KeyboardInterrupt:
        click.echo("interrupted", err=True)
        code = 1
    sys.exit(code)


class LazyGroup(click.Group):
    """A group whose further commands are imported when they are used or listed, so that `plan` starts fast."""

    def list_commands(self, context: click.Context) -> list[str]:
        return sorted({*super().list_commands(context), *FURTHER})

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in FURTHER:
            return super().get_command(context, name)
        from importlib import import_module

        command: click.Command = getattr(import_module(FURTHER[name]), name)
        return command


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.pass_context
def cli(context: click.Context) -> None:
    """Roll the ServiceTitan ingest schedules out, night by night.

    \b
    Example, an evening of night 1:
      ingest-rollout plan --night 1
      ingest-rollout diff --night 1
      ingest-rollout deploy --night 1
    """
    import os

    if os.environ.get("NO_COLOR"):
        context.color = False


@cli.command()
@night_options
@from_option
@at_option
@json_option
def plan(night: int | None, strategy: str | None, from_: str | None, at: str | None, as_json: bool) -> int:
    """Show what a night changes, job by job. Needs no cloud and no Node.

    Counts from the night before, unless --from says otherwise. Exit code 0: no change, 1: error, 2: changes.

    \b
    Example, what going back from night 3 to night 1 would do at 3 in the morning:
      ingest-rollout plan --night 1 --from 3 --at 2026-10-20T03:00
    """
    from ingest.preview import preview

    settings = read_settings(night=night, strategy=strategy)
    before = deployed.night_or_start(settings, from_) if from_ else deployed.assumed(settings)
    found = preview(settings, before.world, before.label, clock(settings, at))
    _show(found, as_json)
    return CHANGES if found.has_changes else 0


@cli.command()
@strategy_option
@at_option
@json_option
def nights(strategy: str | None, at: str | None, as_json: bool) -> None:
    """Show the whole rollout: what each night changes.

    \b
    Example:
      ingest-rollout nights --strategy immediate
    """
    from ingest.preview import preview
    from operations.render import preview_text

    found = []
    for number in read_settings(night=0, strategy=strategy).rollout.numbers:
        settings = read_settings(night=number, strategy=strategy)
        before = deployed.assumed(settings)
        found.append(preview(settings, before.world, before.label, clock(settings, at)))
    if as_json:
        echo_json([one.as_json() for one in found])
    else:
        click.echo("\n\n".join(preview_text(one, unchanged=False) for one in found))


@cli.command()
@night_options
def synth(night: int | None, strategy: str | None) -> None:
    """Write a night's Terraform to cdktf.out/.

    \b
    Example:
      ingest-rollout synth --night 2
    """
    from operations.cdktf import synthesize
    from operations.turn import turn

    settings = read_settings(night=night, strategy=strategy)
    with turn(ROOT):
        synthesize(ROOT, settings)
    click.echo(f"The Terraform of night {settings.night} ({settings.strategy}):")
    for file in sorted((ROOT / "cdktf.out" / "stacks").glob("*/cdk.tf.json")):
        click.echo(f"  {file.relative_to(ROOT)}")


@cli.command()
@night_options
@from_option
@click.option("--full", is_flag=True, help="Print Terraform's whole plan of each stack.")
@json_option
def diff(night: int | None, strategy: str | None, from_: str | None, full: bool, as_json: bool) -> int:
    """Ask Terraform what a night changes in the live jobs: a plan of each of its stacks.

    Exit code 0: no change, 1: error, 2: changes.

    \b
    Example:
      ingest-rollout diff --night 2 --full
    """
    from operations.cdktf import Cdktf, synthesize
    from operations.render import table
    from operations.turn import turn

    settings = read_settings(night=night, strategy=strategy)
    stacks = _stacks(_deploy_preview(settings, from_), settings)
    cdktf = Cdktf(ROOT, settings)
    if sys.stderr.isatty():
        click.echo(f"planning {', '.join(stacks)} ...", err=True)
    with turn(ROOT):
        synthesize(ROOT, settings)
        changes = cdktf.diff(stacks)
        plans = [(stack, cdktf.plan_text(stack)) for stack in stacks] if full else []
    if as_json:
        echo_json(
            {
                "strategy": settings.strategy,
                "night": settings.night,
                "stacks": stacks,
                "changes": [
                    {"stack": c.stack, "address": c.address, "action": c.action, "fields": c.fields} for c in changes
                ],
            }
        )
    else:
        for stack, text in plans:
            click.echo(f"{stack}\n{text}")
        click.echo(f"Night {settings.night} ({settings.strategy}), planned by Terraform: {', '.join(stacks)}")
        rows = [(c.stack, c.action, c.address.rpartition(".")[2], ", ".join(c.fields)) for c in changes]
        click.echo(table(("stack", "action", "job", "fields"), rows) if rows else "no changes")
    return CHANGES if changes else 0


@cli.command()
@night_options
@from_option
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--force", is_flag=True, help="Deploy although runs are lost.")
def deploy(night: int | None, strategy: str | None, from_: str | None, yes: bool, force: bool) -> None:
    """Deploy a night: preview, confirmation, then cdktf for exactly its stacks.

    Going back is the same with a smaller night. Refuses while the clock is in a window in which a job would lose
    its run, unless --force.

    \b
    Example, back to night 1:
      ingest-rollout deploy --night 1
    """
    from operations.cdktf import Cdktf, synthesize
    from operations.render import moment, table
    from operations.turn import turn

    settings = read_settings(night=night, strategy=strategy)
    found = _deploy_preview(settings, from_)
    stacks = _stacks(found, settings)
    _show(found, as_json=False)
    committed = read_context(ROOT)
    if (committed["strategy"], committed["night"]) != (settings.strategy, settings.night):
        click.echo(
            f"NOTE: cdktf.json says night {committed['night']} ({committed['strategy']}); "
            f"commit night {settings.night} ({settings.strategy}) there, or the next plain deploy undoes this one."
        )
    if not found.has_changes:
        click.echo(f"Nothing to change by the record; deploying {', '.join(stacks)} again repairs what drifted.")
    cdktf = Cdktf(ROOT, settings)
    _refuse_lost_runs(found.loses_runs, force)
    if not yes:
        _require_terminal()
        click.confirm(f"Deploy {', '.join(stacks)}?", abort=True)
        # The question may have stood for an hour.
        _refuse_lost_runs(_deploy_preview(settings, from_).loses_runs, force)
    with turn(ROOT):
        synthesize(ROOT, settings)
        cdktf.deploy(stacks)
    click.echo(f"Night {settings.night} is deployed: {', '.join(stacks)}. Next runs:")
    now = datetime.now(UTC)
    rows = [
        (change.entity.name, *moment(change.after, now, settings.time_zone)) for change in found.changes if change.after
    ]
    click.echo(table(("entity", f"next run, {settings.time_zone}", "UTC"), rows))


@cli.command()
@at_option
@json_option
def catalogue(at: str | None, as_json: bool) -> None:
    """List the 16 entities with their next runs.

    \b
    Example:
      ingest-rollout catalogue --json
    """
    from operations.render import catalogue_rows, catalogue_text

    settings = read_settings()
    now = clock(settings, at)
    if as_json:
        echo_json(catalogue_rows(settings, now))
    else:
        click.echo(catalogue_text(settings, now))


@cli.command()
@strategy_option
def timeline(strategy: str | None) -> None:
    """Print the rollout as an SVG picture: when each job runs after each night.

    \b
    Example:
      ingest-rollout timeline > docs/timeline.svg
    """
    from operations.timeline import timeline_svg

    # The picture shows all nights; the committed one may be none of another strategy.
    click.echo(timeline_svg(read_settings(night=0, strategy=strategy)), nl=False)


def _deploy_preview(settings: Settings, from_: str | None) -> Any:
    from ingest.preview import preview

    before = deployed.night_or_start(settings, from_) if from_ else deployed.from_state(ROOT, settings)
    return preview(settings, before.world, before.label, datetime.now(UTC))


def _stacks(found: Any, settings: Settings) -> list[str]:
    """The stacks that differ; where none does, the night's own, so that a deploy can be repeated."""
    from ingest.preview import preview

    before = deployed.assumed(settings)
    stacks: list[str] = found.stacks or preview(settings, before.world, before.label, found.at).stacks
    return stacks


def _refuse_lost_runs(lost: bool, force: bool) -> None:
    if lost and not force:
        raise OperationError("refused: a deploy now loses the runs named above; wait as they say, or use --force")


def _require_terminal() -> None:
    if not sys.stdin.isatty():
        raise OperationError("there is no terminal to ask on; use --yes to deploy without a question")


def _show(found: Any, as_json: bool) -> None:
    from operations.render import preview_text

    if as_json:
        echo_json(found.as_json())
    else:
        click.echo(preview_text(found))
