"""Options and output that several commands share."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from typing import Any, ParamSpec

import click

from commands.candidates import nights, starts, strategies
from ingest.settings import Settings
from operations.errors import FailedError, OperationError

P = ParamSpec("P")

YEARS = range(1970, 2101)
"""In which a clock may be: the runs of a century are counted in no time, and no zone leads out of the calendar."""

strategy_option = click.option(
    "--strategy",
    metavar="S",
    shell_complete=strategies,
    help="phased or immediate, instead of the committed one.",
)


def night_options(command: Callable[..., Any]) -> Callable[..., Any]:
    night = click.option(
        "--night", type=int, metavar="N", shell_complete=nights, help="A night, instead of the committed one."
    )
    return night(strategy_option(command))


from_option = click.option(
    "--from",
    "from_",
    metavar="M",
    shell_complete=starts,
    help="Count from night M, or from `start`, instead of from what is deployed.",
)
at_option = click.option("--at", metavar="TIME", help="An ISO 8601 time (local where it has no offset) for the clock.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")


def judges(command: Callable[P, int]) -> Callable[P, int]:
    """For a command whose exit code is a verdict's: what keeps it from one is 2, "could not be evaluated"."""

    @wraps(command)
    def judged(*args: P.args, **kwargs: P.kwargs) -> int:
        try:
            return command(*args, **kwargs)
        except FailedError:
            raise
        except OperationError as error:
            raise OperationError(str(error), code=2) from None
        except OSError as error:
            raise of_this_machine(error, code=2) from None

    return judged


def of_this_machine(error: OSError, code: int = 1) -> OperationError:
    """What a file or folder that is not as it should be ends a command with."""
    what = f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror or error)
    return OperationError(f"{what}; free the space, or correct the file, its owner or the variable that names it", code)


def now() -> datetime:
    """The one look at the clock; what is below the commands takes the moment as an argument."""
    return datetime.now(UTC)


def clock(settings: Settings, at: str | None, option: str = "--at") -> datetime:
    """The moment that the option `--at` names (aware); now without one. Raises OperationError."""
    from ingest.schedule import time_zone

    if at is None:
        return now()
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        raise OperationError(f"{option}: {at!r} is not an ISO 8601 time such as 2026-10-20T21:00") from None
    if moment.year not in YEARS:
        raise OperationError(f"{option}: {at!r} is too far away; allowed: {YEARS[0]} to {YEARS[-1]}")
    return moment if moment.tzinfo else moment.replace(tzinfo=time_zone(settings.time_zone))


def echo_json(value: object) -> None:
    """Prints `value` as JSON."""
    import json

    click.echo(json.dumps(value, indent=2))


def progress(text: str) -> None:
    """On a terminal: what goes on, for what takes longer than a moment."""
    if sys.stderr.isatty():
        click.echo(f"{text} ...", err=True)
