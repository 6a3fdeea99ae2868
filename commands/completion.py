"""`ingest-rollout completion`."""

from __future__ import annotations

import click

from commands.completion_scripts import SHELLS, script


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the script that completes commands, options and their values after TAB.

    \b
    Examples, for ~/.bashrc, for ~/.zshrc after compinit, and once for fish:
      source <(ingest-rollout completion bash)
      source <(ingest-rollout completion zsh)
      ingest-rollout completion fish > ~/.config/fish/completions/ingest-rollout.fish
    """
    click.echo(script(shell, context.find_root().command), nl=False)
