"""`ingest-rollout completion`: the shells' scripts."""

from __future__ import annotations

from typing import Any

import click
from click.shell_completion import BashComplete, CompletionItem, add_completion_class, get_completion_class

PROGRAM = "ingest-rollout"
VARIABLE = "_INGEST_ROLLOUT_COMPLETE"
"""The variable by which the scripts tell the command what they want."""

SHELLS = ("bash", "zsh", "fish")


def script(shell: str, root: click.Command) -> str:
    """What the shell has to source. Raises KeyError for a shell that is not in SHELLS."""
    completer = get_completion_class(shell)
    if completer is None or shell not in SHELLS:
        raise KeyError(shell)
    return completer(root, {}, PROGRAM, VARIABLE).source()


class Bash(BashComplete):
    """click's completion for bash, for values with colons, which bash takes for the end of a word."""

    def get_completion_args(self) -> tuple[list[str], str]:
        before, incomplete = super().get_completion_args()
        words: list[str] = []
        for word in [*before, incomplete]:
            if words and (word.startswith(":") or words[-1].endswith(":")):
                words[-1] += word
            else:
                words.append(word)
        self._typed = words[-1].rpartition(":")[0]
        return words[:-1], words[-1]

    def format_completion(self, item: CompletionItem[Any]) -> str:
        value = str(item.value)
        if self._typed:
            value = value.removeprefix(f"{self._typed}:")
        return f"{item.type},{value}"


add_completion_class(Bash)


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the script that completes commands after TAB.

    It completes their options and the values of these as well.

    \b
    Examples, for ~/.bashrc, for ~/.zshrc after compinit, and once for fish:
      source <(ingest-rollout completion bash)
      source <(ingest-rollout completion zsh)
      ingest-rollout completion fish > ~/.config/fish/completions/ingest-rollout.fish
    """
    click.echo(script(shell, context.find_root().command), nl=False)
