"""The command `adopt`."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from typing import Any

import click

from commands.options import echo_json, json_option, judges, now
from commands.render import table
from ingest.baseline import FILE, Baseline, load_baseline
from ingest.settings import Settings
from ingest.text.shapes import ShapeError
from ingest.text.shown import printable
from operations.adopt import (
    BLOCKING,
    TO_RECORD,
    Adoption,
    Verdict,
    compare,
    live_jobs,
    record_adoption,
    recordable,
    write,
)
from operations.adopt import as_json as adoptions_json
from operations.cloud.credentials import scheduler_client
from operations.cloud.scheduler import parent
from operations.errors import OperationError
from operations.ledger.ledger import FILE as LEDGER
from operations.ledger.ledger import Ledger
from operations.local.lock import lock
from operations.local.repository import ROOT, read_first_night
from operations.terraform.deployed import held_jobs

OVER = (
    "Adoption is over: Terraform has the jobs that were live. `ingest-rollout status` compares them with what a night "
    "declares."
)

_COLOURS = {
    **dict.fromkeys((Verdict.EXPECTED, Verdict.MANAGED), "green"),
    **dict.fromkeys((*TO_RECORD, Verdict.UNMANAGED), "yellow"),
}


@click.command()
@click.option("--record", is_flag=True, help=f"Write the jobs as they are to {FILE}, to be committed.")
@click.option(
    "--not-secret",
    multiple=True,
    metavar="ENTITY:HEADER",
    help="Record a header (or ENTITY:body) although it looks like a secret.",
)
@json_option
@judges
def adopt(record: bool, not_secret: tuple[str, ...], as_json: bool) -> int:
    """Compare the live jobs with what night 0 expects; record them.

    Each recorded job is imported on night 0, whichever night creates it otherwise, and stays exactly as it is until its
    night: adopting changes nothing, and going back restores the whole job. Exit code 0: all as expected, or recorded,
    1: something has to be recorded or fixed first, 2: could not be evaluated.

    \b
    Example, before night 0:
      ingest-rollout adopt --record
    """
    settings = read_first_night(found=_recorded_before(tolerant=record))
    live = live_jobs(lambda: scheduler_client(os.environ), settings)
    held = held_jobs(ROOT, settings)
    adoptions = compare(settings, live, held, not_secret=not_secret)
    # What Terraform has is for `status`; before, every job is shown.
    left = [a for a in adoptions if a.entity and a.entity not in held] if held and not record else adoptions
    if not as_json:
        click.echo(_text(left, settings) if left or not held else OVER)
    try:
        changed = None
        if record:
            baseline = recordable(adoptions)
            with lock(ROOT):
                changed = write(ROOT, baseline)
                if changed:
                    record_adoption(Ledger(ROOT / LEDGER), settings, baseline, now())
    finally:
        if as_json:
            echo_json(adoptions_json(adoptions, recorded=changed is not None))
    if changed is not None:
        if not as_json:
            click.echo(_recorded(changed, len(baseline)))
        return 0
    return 1 if any(adoption.verdict in (*BLOCKING, *TO_RECORD) for adoption in left) else 0


def _recorded_before(*, tolerant: bool) -> Baseline:
    """The committed baseline; a bad one counts as none where it is going to be replaced."""
    try:
        return load_baseline(ROOT)
    except ShapeError as error:
        if tolerant:
            return {}
        raise OperationError(str(error)) from None


def _recorded(changed: bool, count: int) -> str:
    if changed:
        return f"{count} jobs are recorded in {FILE}; review it and commit it."
    return f"{count} jobs are in {FILE} just as they are live; nothing to record."


def _text(adoptions: Sequence[Adoption], settings: Settings) -> str:
    rows = []
    for adoption in adoptions:
        verdict = click.style(adoption.verdict, fg=_COLOURS.get(adoption.verdict, "red"))
        first, *rest = [(d.field, _cell(d.expected), _cell(d.live)) for d in adoption.differences] or [("", "", "")]
        rows += [(adoption.job, verdict, *first), *(("", "", *more) for more in rest)]
    lines = [f"The live {settings.job_prefix}* jobs of {parent(settings)} against night 0:"]
    lines.append(table(("job", "verdict", "field", "night 0 declares", "live"), rows) if rows else "no jobs")
    todo = [f"  {adoption.job}: {_laid_out(printable(text, None))}" for adoption in adoptions for text in adoption.todo]
    return "\n".join([*lines, *(["", "What to do:", *todo] if todo else [])])


def _laid_out(text: str) -> str:
    """With the command, if it ends with one, on lines of its own."""
    before, has_one, command = text.partition(": gcloud ")
    return before + (":\n    gcloud " + command.replace(" --", " \\\n      --") if has_one else "")


def _cell(value: Any) -> str:
    if value is None:
        return "none"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
