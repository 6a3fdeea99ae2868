"""The shells' scripts for completion, and the commands' summaries without importing what they do."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from click.shell_completion import BashComplete, CompletionItem, add_completion_class, get_completion_class

PROGRAM = "ingest-rollout"
VARIABLE = "_INGEST_ROLLOUT_COMPLETE"
"""The variable by which the scripts tell the command what they want."""

SHELLS = ("bash", "zsh", "fish")


def script(shell: str, root: click.Command) -> str:
    """What the shell has to source. Raises KeyError for a shell that is not in SHELLS."""
    found = get_completion_class(shell)
    if found is None or shell not in SHELLS:
        raise KeyError(shell)
    return found(root, {}, PROGRAM, VARIABLE).source()


def summary(module: str, command: str) -> str:
    """The first sentence of a command's help, read from its module's source: an import may take a second.

    "" where it cannot be found.
    """
    file = Path(__file__).resolve().parents[1].joinpath(*module.split(".")).with_suffix(".py")
    try:
        tree = ast.parse(file.read_bytes())
    except (OSError, SyntaxError):
        return ""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == command:
            text = next(_help_arguments(node), None) or ast.get_docstring(node) or ""
            return click.Command(command, help=text).get_short_help_str(limit=200)
    return ""


def _help_arguments(function: ast.FunctionDef) -> Iterator[str]:
    """The literal beginnings of the help texts that the function's decorators are given."""
    for decorator in function.decorator_list:
        for keyword in decorator.keywords if isinstance(decorator, ast.Call) else ():
            if keyword.arg == "help" and isinstance(decorator, ast.Call) and _makes_a_command(decorator):
                value = keyword.value
                first = value.values[0] if isinstance(value, ast.JoinedStr) and value.values else value
                if isinstance(first, ast.Constant):
                    yield str(first.value)


def _makes_a_command(decorator: ast.Call) -> bool:
    return isinstance(decorator.func, ast.Attribute) and decorator.func.attr in ("command", "group")


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
