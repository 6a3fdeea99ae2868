"""`ingest-rollout rehearse`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from commands.candidates import Items, starting
from commands.options import clock, echo_json, now, strategy_option
from commands.records import records_table
from commands.render import table
from ingest.schedule import time_zone
from operations.errors import OperationError
from operations.local.repository import read_first_night
from operations.terraform.process import InterruptedOperationError

if TYPE_CHECKING:
    from rehearsal.rehearse import Rehearsal, Step

ENGINES = ("auto", "terraform", "built-in")


def _faults(context: click.Context, parameter: click.Parameter, incomplete: str) -> Items:
    """The kinds of faults; once one is typed, with the entities that it can strike."""
    from ingest.catalogue import CATALOGUE
    from ingest.rollout import STRATEGIES
    from rehearsal.faults import KINDS, WHOLE_NIGHT, parse

    strategy = STRATEGIES.get(context.params.get("strategy") or "phased", STRATEGIES["phased"])
    kind = incomplete.partition(":")[0]
    if kind not in KINDS or kind in WHOLE_NIGHT:
        return starting(KINDS, incomplete)
    faults = {}
    for entity in CATALOGUE:
        try:
            faults[str(parse(f"{kind}:{entity.name}", strategy))] = ""
        except OperationError:
            continue
    return starting(faults, incomplete)


@click.command()
@strategy_option
@click.option("--engine", type=click.Choice(ENGINES), default="auto", show_default=True, help="What deploys.")
@click.option(
    "--fault",
    "faults",
    multiple=True,
    metavar="F",
    shell_complete=_faults,
    help="Inject a fault: KIND[:ENTITY][@NIGHT]; see --faults.",
)
@click.option("--faults", "list_faults", is_flag=True, help="List the kinds of faults and stop.")
@click.option("--history", "with_history", is_flag=True, help="Print the rehearsal's ledger as well.")
@click.option("--report", type=click.Path(dir_okay=False), metavar="FILE", help="Write a page for a browser as well.")
@click.option("--at", metavar="TIME", help="When it begins by the twin's clock; else next Monday at 21:00.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def rehearse(
    strategy: str | None,
    engine: str,
    faults: tuple[str, ...],
    list_faults: bool,
    with_history: bool,
    report: str | None,
    at: str | None,
    as_json: bool,
) -> int:
    """Play the whole rollout on an embedded twin, without a cloud.

    Night by night: preview, deploy of the bytes that production would get, a night that passes, a gate. Then a second
    deploy, which must change nothing, and the way back. Everything happens in a temporary folder and on 127.0.0.1.

    Exit code 0: it came to its end with nothing lost, 1: it did not, or an error.

    \b
    Example, what happens when an ingest takes 20 minutes and the deploy is killed on the way:
      ingest-rollout rehearse --fault slow:payroll --fault killed --report rehearsal.html
    """
    if list_faults:
        from rehearsal.faults import KINDS

        width = max(map(len, KINDS))
        click.echo("\n".join(f"{kind:{width}}  {meaning}" for kind, meaning in KINDS.items()))
        return 0
    from rehearsal.start import next_monday, synthesized

    settings = read_first_night(strategy)
    injected = []
    if faults:
        # Not before: it loads DuckDB, which else is loaded while main.py runs.
        from rehearsal.faults import parse

        injected = [parse(text, settings.rollout) for text in faults]
    begin = clock(settings, at) if at else next_monday(settings, now())
    page = Path(report) if report else None
    if page and not page.parent.is_dir():
        raise OperationError(f"--report: the folder {page.parent} does not exist; make it first")
    show = _progress if sys.stderr.isatty() else _silent
    try:
        show("synthesizing every night")
        with synthesized(settings) as workspace:
            from rehearsal.session import play

            rehearsal, name = play(settings, workspace, engine, injected, begin, show)
    except (KeyboardInterrupt, InterruptedOperationError):
        raise OperationError(
            "interrupted; the twin is stopped and its temporary folder removed, nothing else was touched"
        ) from None
    finally:
        show("")
    from rehearsal import report as reports

    if page:
        reports.write_page(page, reports.page(rehearsal, name))
    if as_json:
        echo_json(reports.as_json(rehearsal, name))
        return 0 if rehearsal.passed else 1
    click.echo(_text(rehearsal, name))
    if with_history:
        click.echo(f"\n{records_table(rehearsal.records, time_zone(settings.time_zone))}")
    if page:
        click.echo(f"The report: {page.resolve().as_uri()}")
    return 0 if rehearsal.passed else 1


def _text(rehearsal: Rehearsal, engine: str) -> str:
    from rehearsal.report import HEAD, outcome, row

    def coloured(step: Step) -> tuple[str, ...]:
        cells = row(step)
        return (cells[0], click.style(cells[1], fg="red" if step.blocked else "green"), *cells[2:])

    lines = [f"Strategy {rehearsal.settings.strategy}, deployed by {engine}"]
    lines.append(table(HEAD, map(coloured, rehearsal.steps), spare=("seconds", "runs", "failed")))
    lines += [f"BLOCKED at {step.title}: {problem}" for step in rehearsal.steps for problem in step.problems]
    lines += [f"Fault {fault}" for fault in rehearsal.faults]
    return "\n".join([*lines, outcome(rehearsal)])


def _progress(text: str) -> None:
    click.echo(f"\r\x1b[K{text}", nl=False, err=True)


def _silent(text: str) -> None:
    pass
