"""What a command asks BigQuery is dry-run first: what it bills, and the limit that it refuses to go beyond."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from operations.cloud.tables import MAX_BYTES
from operations.errors import OperationError


def billed_options(command: Callable[..., Any]) -> Callable[..., Any]:
    limit = click.option(
        "--max-bytes",
        type=click.IntRange(min=0),
        default=MAX_BYTES,
        show_default="10 GiB",
        metavar="BYTES",
        help="Refuse to be billed for more.",
    )
    return limit(click.option("--yes", is_flag=True, help="Ask BigQuery whatever it bills.")(command))


def accept_bill(billed: int, what: str, max_bytes: int, *, yes: bool, err: bool) -> int | None:
    """Shows what BigQuery bills at most for `what`; gives what a query may then be billed for, None for any amount.

    `err`: on stderr. Raises OperationError where it is over `max_bytes`, unless `yes`.
    """
    click.echo(f"BigQuery bills {_size(billed)} at most for {what}.", err=err)
    if billed > max_bytes and not yes:
        raise OperationError(f"refused: {billed} bytes are over --max-bytes {max_bytes}; raise it, or use --yes")
    return None if yes else max_bytes


def _size(count: int) -> str:
    """In the largest unit of 1,024 that leaves 1 or more: "170.0 MiB"."""
    size, units = float(count), ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB"]
    while size >= 1024 and len(units) > 1:
        size, units = size / 1024, units[1:]
    return f"{size:.1f} {units[0]}" if units[0] != "bytes" else f"{count} bytes"
