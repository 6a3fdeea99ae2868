"""Options and output that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from typing import Any, ParamSpec

import click

from commands.candidates import nights, starts, strategies
from ingest.settings import Settings
from operations.errors import FailedError, OperationError

P = ParamSpec("P")

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


def bill_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """What BigQuery may bill: --max-bytes and --yes, for `check_bill`."""
    limit = click.option(
        "--max-bytes",
        type=click.IntRange(min=0),
        default=10 * 2**30,
        show_default="10 GiB",
        metavar="BYTES",
        help="Refuse to be billed for more.",
    )
    return limit(click.option("--yes", is_flag=True, help="Ask BigQuery whatever it bills.")(command))


def check_bill(billed: int, what: str, max_bytes: int, yes: bool, *, err: bool) -> int | None:
    """Says what BigQuery bills at most for `what`; the limit to send along, None: there is none.

    `err` prints it to stderr. Raises OperationError where that is over `max_bytes`, unless `yes`.
    """
    click.echo(f"BigQuery bills {size(billed)} at most for {what}.", err=err)
    if billed > max_bytes and not yes:
        raise OperationError(f"refused: {billed} bytes are over --max-bytes {max_bytes}; raise it, or use --yes")
    return None if yes else max_bytes


def size(count: int) -> str:
    """In the largest unit of 1,024 that leaves 1 or more: "170.0 MiB"."""
    number, units = float(count), ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB"]
    while number >= 1024 and len(units) > 1:
        number, units = number / 1024, units[1:]
    return f"{number:.1f} {units[0]}" if units[0] != "bytes" else f"{count} bytes"


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


def clock(settings: Settings, at: str | None) -> datetime:
    """The moment that `--at` names (aware); now without one. Raises OperationError."""
    from ingest.schedule import time_zone

    if at is None:
        return now()
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        raise OperationError(f"--at: {at!r} is not an ISO 8601 time such as 2026-10-20T21:00") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=time_zone(settings.time_zone))


def echo_json(value: object) -> None:
    """Prints `value` as JSON."""
    import json

    click.echo(json.dumps(value, indent=2))
