"""The values that a shell offers for options after TAB."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

Items = list["CompletionItem[str]"]


def strategies(context: click.Context, parameter: click.Parameter, incomplete: str) -> Items:
    """The strategies, for --strategy."""
    from ingest.rollout import STRATEGIES

    described = {name: f"{len(strategy.nights)} nights" for name, strategy in STRATEGIES.items()}
    return starting(described, incomplete)


def nights(context: click.Context, parameter: click.Parameter, incomplete: str) -> Items:
    """The nights of the strategy that is named before or committed, for --night and --to."""
    return starting(_nights(context.params.get("strategy")), incomplete)


def starts(context: click.Context, parameter: click.Parameter, incomplete: str) -> Items:
    """The nights, and the time before the first, for --from."""
    return starting({**_nights(context.params.get("strategy")), "start": "before the rollout"}, incomplete)


def checks(context: click.Context, parameter: click.Parameter, incomplete: str) -> Items:
    """What can hold a deploy, for --override."""
    from ingest.judging.gate import NAMES
    from operations.ledger.approval import LEDGER, NO_GATE

    more = {
        NO_GATE: "the gate was never asked, or is too old",
        LEDGER: "git cannot vouch for the ledger",
        "plan": "Terraform's plan is not what the preview shows",
    }
    return starting({**dict.fromkeys(NAMES, "a check of the gate"), **more}, incomplete)


def _nights(strategy: str | None) -> dict[str, str]:
    """Each night's number and title; never an error, which would end up on the command line."""
    from ingest.rollout import STRATEGIES
    from operations.errors import OperationError
    from operations.local.repository import read_first_night

    try:
        rollout = read_first_night(strategy).rollout
    except OperationError:
        rollout = STRATEGIES.get(strategy or "phased", STRATEGIES["phased"])
    return {str(night.number): night.title for night in rollout.nights}


def starting(described: Mapping[str, str], incomplete: str) -> Items:
    """Those of the values (with what they mean) that begin with what was typed."""
    from click.shell_completion import CompletionItem

    return [CompletionItem(value, help=text) for value, text in described.items() if value.startswith(incomplete)]
