"""The commands of the command line, those of groups included."""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy

import click

from commands.cli import cli

PROGRAM = "ingest-rollout"
WIDTH = 100


def commands() -> dict[str, click.Command]:
    """Each command by the words that call it, such as "ci ready"; groups before their commands."""
    return dict(_commands(cli, ""))


def _commands(group: click.Group, prefix: str) -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command, name
        yield f"{prefix}{name}", command
        if isinstance(command, click.Group):
            yield from _commands(command, f"{prefix}{name} ")


def help_text(name: str, command: click.Command) -> str:
    """As `--help` prints it on a terminal of 100 columns, whatever the machine's."""
    # click remembers a command's help option from its first use, which may have been with other names.
    command = copy(command)
    command._help_option = None
    context = click.Context(
        command,
        info_name=f"{PROGRAM} {name}",
        terminal_width=WIDTH,
        max_content_width=WIDTH,
        help_option_names=["-h", "--help"],
        color=False,
    )
    return click.unstyle(command.get_help(context))
