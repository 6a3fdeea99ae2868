"""The ingest-rollout command. Imports stay inside the commands that need them: `plan` starts fast."""

from __future__ import annotations

import os
import sys
from io import TextIOWrapper
from typing import TYPE_CHECKING, Any

import click

from commands.options import (
    at_option,
    clock,
    echo_json,
    from_option,
    json_option,
    night_options,
    of_this_machine,
    strategy_option,
)
from ingest.shown import printable_lines
from operations.errors import OperationError
from operations.repository import ROOT, read_first_night, read_settings
from operations.terraform import deployed

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


SUMMARIES = {
    "adopt": "Compare the live jobs, field by field, with what night 0 expects; record them with --record.",
    "ci": "For workflows: the ledger's branch, the night that is deployed, pages of Markdown.",
    "completion": "Print the script that completes commands, options and their values after TAB.",
    "deploy": "Deploy a night: Terraform's plan, what it changes, confirmation, then exactly that plan.",
    "diff": "Ask Terraform what a night changes in the live jobs: a plan of every stack that has jobs.",
    "freshness": "Check that each job of the committed night succeeded in time.",
    "gate": "Ask whether a night worked; the next night waits for it.",
    "history": "List what was done, newest last: previews, deploys, gates, overrides, rollbacks, adoptions.",
    "move-state": "Move Terraform's state of all stacks to the team's bucket, or back to this machine.",
    "policy": "Check the Terraform of the nights against the policy: identities, roles, secrets, retries.",
    "preflight": "Check before a night that its deploy can work: API, permissions, routes, names, tables, run log.",
    "reconcile": "Compare the warehouse's revenue, materials, labor, job count and gross margin with ServiceTitan's.",
    "rehearse": "Play the whole rollout on an embedded twin, without any cloud account.",
    "rollback": "Go back to an earlier night: what it changes and cannot undo, confirmation, then a deploy.",
    "status": "Compare the live jobs with what a night declares; show last attempts, next runs and neighbours.",
    "timeline": "Draw the rollout: when each job runs after each night, and the schedule before and after.",
}
"""The first sentence of each further command's help: importing the command only to list it may take a second."""

MODULES = {"rollback": "deploy"}
"""The further commands whose module in commands/ is not named after them."""

CHANGES = 2
"""Exit code for "there are changes", as Terraform's -detailed-exitcode."""


def main() -> None:
    """Runs the command line: exit code 0 for done or no change, 1 for an error, 2 for changes."""
    # What the encoding lacks, as in PYTHONIOENCODING=ascii, is escaped.
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    if "_INGEST_ROLLOUT_COMPLETE" in os.environ:
        # Its import makes our own completion for bash known.
        cli.get_command(click.Context(cli), "completion")
    try:
        code = cli(standalone_mode=False)
    except click.Abort:
        click.echo("stopped, nothing was changed", err=True)
        code = 1
    except click.ClickException as error:
        # click's own exit code for a wrong option is 2, which here means changes.
        error.show()
        code = 1
    except OperationError as error:
        click.echo(printable_lines(str(error)), err=True)
        code = error.code
    except OSError as error:
        click.echo(str(of_this_machine(error)), err=True)
        code = 1
        # What could not be printed is tried again at the end, and would make the exit code 120.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    except KeyboardInterrupt:
        click.echo("interrupted", err=True)
        code = 1
    sys.exit(code)


class LazyGroup(click.Group):
    """A group whose further commands are imported when they are used, so that `plan` and a list start fast."""

    def list_commands(self, context: click.Context) -> list[str]:
        return sorted({*super().list_commands(context), *SUMMARIES})

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in SUMMARIES:
            return super().get_command(context, name)
        from importlib import import_module

        function = name.replace("-", "_")
        command: click.Command = getattr(import_module(f"commands.{MODULES.get(name, function)}"), function)
        return command

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        self._listed(context).format_commands(context, formatter)

    def shell_complete(self, context: click.Context, incomplete: str) -> list[CompletionItem[str]]:
        from click.shell_completion import CompletionItem

        listed = self._listed(context).commands.items()
        found = [CompletionItem(n, help=c.get_short_help_str()) for n, c in listed if n.startswith(incomplete)]
        return [*found, *click.Command.shell_complete(self, context, incomplete)]

    def _listed(self, context: click.Context) -> click.Group:
        """The commands by name and first sentence, without importing the further ones."""
        listed = {**self.commands, **{name: click.Command(name, help=text) for name, text in SUMMARIES.items()}}
        return click.Group(commands={name: listed[name] for name in self.list_commands(context)})


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
    from commands.render import preview_text
    from ingest.preview import preview

    found = []
    for settings in read_first_night(strategy).nights():
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
    from operations.lock import lock
    from operations.terraform.synth import synthesize

    settings = read_settings(night=night, strategy=strategy)
    with lock(ROOT):
        synthesize(ROOT, settings, ROOT / "cdktf.out")
    click.echo(f"The Terraform of night {settings.night} ({settings.strategy}):")
    for file in sorted((ROOT / "cdktf.out" / "stacks").glob("*/cdk.tf.json")):
        click.echo(f"  {file.relative_to(ROOT)}")


@cli.command()
@at_option
@json_option
def catalogue(at: str | None, as_json: bool) -> None:
    """List the 16 entities with their next runs.

    \b
    Example:
      ingest-rollout catalogue --json
    """
    from commands.render import catalogue_rows, catalogue_text

    settings = read_settings()
    now = clock(settings, at)
    if as_json:
        echo_json(catalogue_rows(settings, now))
    else:
        click.echo(catalogue_text(settings, now))


def _show(found: Any, as_json: bool) -> None:
    from commands.render import preview_text

    if as_json:
        echo_json(found.as_json())
    else:
        click.echo(preview_text(found))
