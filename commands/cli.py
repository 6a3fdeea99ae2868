"""The ingest-rollout command. Imports stay inside the commands that need them: `plan` starts fast."""

from __future__ import annotations

import os
import sys
from io import TextIOWrapper
from typing import TYPE_CHECKING

import click
from click.exceptions import NoSuchCommand

from commands.candidates import starting
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
from ingest.text.shown import printable_lines
from operations.errors import OperationError
from operations.local.repository import ROOT, read_first_night, read_settings, read_unchecked, refuse_broken_rules
from operations.terraform import deployed

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


COMMANDS = {
    "evening": {
        "preflight": "Check before a night that its deploy can work.",
        "plan": "Show what a night changes, job by job.",
        "diff": "Have Terraform plan a night against the live jobs.",
        "deploy": "Deploy a night: plan, confirmation, then exactly that plan.",
        "gate": "Ask whether a night worked; the next night waits for it.",
        "rollback": "Go back to an earlier night: confirmation, then a deploy.",
    },
    "between": {
        "status": "Compare the live jobs with what a night declares.",
        "freshness": "Check that each job of the committed night succeeded in time.",
        "duplicates": "Compare each table's rows with its distinct natural keys.",
        "evidence": "Show what a night's shift is worth, and whether it would hold.",
        "history": "List what was done, newest last.",
        "reconcile": "Compare the warehouse's figures with ServiceTitan's.",
        "timeline": "Draw the rollout: when each job runs after each night.",
    },
    "setup": {
        "rehearse": "Play the whole rollout on an embedded twin, without a cloud.",
        "nights": "Show the whole rollout: what each night changes.",
        "catalogue": "List the 16 entities with their next runs.",
        "adopt": "Compare the live jobs with what night 0 expects; record them.",
        "synth": "Write a night's Terraform to cdktf.out/.",
        "policy": "Check the Terraform of the nights against the policy.",
        "move-state": "Move Terraform's state to the team's bucket, or back.",
        "ci": "For workflows: the ledger's branch, the deployed night, pages.",
        "completion": "Print the script that completes commands after TAB.",
        "help": "Show the help of a command.",
    },
}
"""Each command by its folder, with the beginning of its help: importing it only to list it may take a second."""

TITLES = {"evening": "An evening", "between": "In between", "setup": "Set-up"}

SUMMARIES = {name: text for listed in COMMANDS.values() for name, text in listed.items()}

MODULES = {"rollback": "deploy"}
"""The further commands whose module is not named after them."""

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
        return sorted(SUMMARIES)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name in self.commands or name not in SUMMARIES:
            return self.commands.get(name)
        from importlib import import_module

        folder = next(folder for folder, listed in COMMANDS.items() if name in listed)
        function = name.replace("-", "_")
        module = import_module(f"commands.{folder}.{MODULES.get(name, function)}")
        command: click.Command = getattr(module, function)
        return command

    def resolve_command(
        self, context: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(context, args)
        except NoSuchCommand as error:
            raise NoSuchCommand(error.command_name, possibilities=SUMMARIES, ctx=context) from None

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        width = max(map(len, SUMMARIES))
        for folder, listed in COMMANDS.items():
            with formatter.section(TITLES[folder]):
                formatter.write_dl([(f"{name:{width}}", text) for name, text in listed.items()])

    def shell_complete(self, context: click.Context, incomplete: str) -> list[CompletionItem[str]]:
        options = click.Command.shell_complete(self, context, incomplete)
        return [*starting(dict(sorted(SUMMARIES.items())), incomplete), *options]


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="servicetitan-ingest-schedules")
@click.pass_context
def cli(context: click.Context) -> None:
    """Roll the ServiceTitan ingest schedules out, night by night.

    \b
    An evening of night 1:
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
    """Show what a night changes, job by job.

    Needs no cloud and no Node. Counts from the night before, unless --from says otherwise. Exit code 0: no change,
    1: error, 2: changes.

    \b
    Example, what going back from night 3 to night 1 would do at 3 in the morning:
      ingest-rollout plan --night 1 --from 3 --at 2026-10-20T03:00
    """
    from commands.render import preview_text
    from ingest.preview import preview

    settings = read_settings(night=night, strategy=strategy)
    before = deployed.night_or_start(settings, from_) if from_ else deployed.assumed(settings)
    shown = preview(settings, before.world, before.label, clock(settings, at))
    if as_json:
        echo_json(shown.as_json())
    else:
        click.echo(preview_text(shown))
        if shown.loses_runs:
            click.echo(f"{shown.when_nothing_is_lost}.")
        if not from_:
            click.echo(f"It assumes that the nights go in order: {before.label}. --from counts from another.")
    return CHANGES if shown.has_changes else 0


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

    previews = []
    for settings in read_first_night(strategy).nights():
        before = deployed.assumed(settings)
        previews.append(preview(settings, before.world, before.label, clock(settings, at)))
    if as_json:
        echo_json([shown.as_json() for shown in previews])
    else:
        click.echo("\n\n".join(preview_text(shown, unchanged=False) for shown in previews))


@cli.command()
@night_options
def synth(night: int | None, strategy: str | None) -> None:
    """Write a night's Terraform to cdktf.out/.

    \b
    Example:
      ingest-rollout synth --night 2
    """
    from operations.local.lock import lock
    from operations.terraform.synth import synthesize

    settings = read_settings(night=night, strategy=strategy)
    with lock(ROOT):
        synthesize(ROOT, settings, ROOT / "cdktf.out")
    click.echo(f"The Terraform of night {settings.night} ({settings.strategy}):")
    for file in sorted((ROOT / "cdktf.out" / "stacks").glob("*/cdk.tf.json")):
        click.echo(f"  {file.relative_to(ROOT)}")


@cli.command("help")
@click.argument("name", metavar="[COMMAND]...", nargs=-1)
@click.pass_context
def help_(context: click.Context, name: tuple[str, ...]) -> None:
    """Show the help of a command.

    \b
    Example:
      ingest-rollout help deploy
    """
    cli.main([*name, "--help"], prog_name=context.find_root().info_name, standalone_mode=False)


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

    settings = read_unchecked()
    now = clock(settings, at)
    if as_json:
        echo_json(catalogue_rows(settings, now))
    else:
        click.echo(catalogue_text(settings, now))
    refuse_broken_rules(settings)
