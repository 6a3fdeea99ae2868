"""The command `timeline`."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import click

from commands.options import clock, now, strategy_option
from ingest.settings import Settings
from operations.errors import OperationError
from operations.local.files import write_atomic
from operations.local.repository import read_first_night, read_settings
from operations.timeline.measured import SHAPE, Measurement, last_midnight, of_log, read
from operations.timeline.overview import timeline_svg
from operations.timeline.schedule import Schedule, schedule

RUN_LOG = "run-log"
LOGGED = timedelta(days=8)
"""A weekly job's last run is in there."""

SUFFIXES = (".svg", ".html", ".png")


@click.command(
    help=f"""Draw the rollout: when each job runs after each night.

    Without --output, and as .svg: the nights. As .html and .png: the schedule too, in local time and UTC, with what
    was measured. The page is one file for a browser, a phone and a printer.

    \b
    Measured runs are what `rehearse --json` or `gate --json` prints, the ledger, rows of
    the service's run log as BigQuery exports them, or a list of your own:
      {SHAPE}

    \b
    Examples:
      ingest-rollout timeline > docs/timeline.svg
      ingest-rollout timeline --output timeline.html
      ingest-rollout timeline --night 2 --measured run-log --output night-2.png
      ingest-rollout timeline --measured history/ledger.jsonl --output timeline.html
      ingest-rollout timeline --night 2 --evidence evidence.json --output night-2.html
    """
)
@strategy_option
@click.option("--night", type=int, metavar="N", help="The schedule after night N, instead of after the last one.")
@click.option("--measured", metavar="FILE", help="Draw the runs that FILE holds, or `run-log` of the last week.")
@click.option("--evidence", metavar="FILE", help="Draw what `ingest-rollout evidence --json` printed into the page.")
@click.option("--output", metavar="FILE", help="Write FILE, whose name ends with .svg, .html or .png.")
@click.option(
    "--at", metavar="TIME", help="Count UTC for the first runs after this ISO 8601 time, instead of after now."
)
@click.option("--neighbours", is_flag=True, help="Show the neighbours that Cloud Scheduler has.")
def timeline(
    strategy: str | None,
    night: int | None,
    measured: str | None,
    evidence: str | None,
    output: str | None,
    at: str | None,
    neighbours: bool,
) -> None:
    path = Path(output) if output else None
    suffix = path.suffix.lower() if path else ".svg"
    if suffix not in SUFFIXES:
        raise OperationError(f"--output: {output} has to end with one of {', '.join(SUFFIXES)}")
    # The pictures show all nights; the committed one may be none of another strategy.
    settings = read_first_night(strategy) if night is None else read_settings(night=night, strategy=strategy)
    if suffix == ".svg":
        given = {
            "--night": night,
            "--measured": measured,
            "--evidence": evidence,
            "--at": at,
            "--neighbours": neighbours or None,
        }
        if used := [option for option, value in given.items() if value is not None]:
            raise OperationError(
                f"{', '.join(used)}: an SVG shows the nights without a schedule; "
                "write the schedule with --output FILE.html or FILE.png"
            )
        content = timeline_svg(settings).encode()
    else:
        content = _with_schedule(suffix, _schedule(settings, night, measured, at, neighbours), evidence)
    if path:
        write_atomic(path, content)
        click.echo(f"The timeline: {path}")
    else:
        click.echo(content, nl=False)


def _schedule(
    settings: Settings, night: int | None, measured: str | None, at: str | None, neighbours: bool
) -> Schedule:
    runs = []
    if measured == RUN_LOG:
        runs = _logged(settings)
    elif measured:
        runs = read(Path(measured))
    moment = last_midnight(runs, settings.time_zone) if runs and not at else clock(settings, at)
    beside = []
    if neighbours:
        from operations.neighbours import live_neighbours

        beside = live_neighbours(settings, os.environ)
    return schedule(settings, moment, night=night, measured=runs, neighbours=beside)


def _logged(settings: Settings) -> list[Measurement]:
    from operations.cloud import run_log
    from operations.cloud.bigquery import bigquery_client

    if not settings.run_log:
        raise OperationError("--measured run-log: the setting run_log is empty; name the log, or give a file")
    return of_log(run_log.rows(bigquery_client(settings, os.environ), settings, now() - LOGGED))


def _with_schedule(suffix: str, drawn: Schedule, evidence: str | None) -> bytes:
    if suffix == ".png":
        if evidence:
            raise OperationError("--evidence: a PNG is the schedule alone; write a page with --output FILE.html")
        from operations.timeline.png import timeline_png

        return timeline_png(drawn)
    from operations.timeline.evidence import read as read_evidence
    from operations.timeline.page import timeline_page

    outlook = read_evidence(Path(evidence)) if evidence else None
    here = (drawn.night.number, drawn.settings.strategy)
    if outlook and (outlook["night"], outlook["strategy"]) != here:
        raise OperationError(
            f"--evidence: it is about night {outlook['night']} ({outlook['strategy']}), and the page shows night "
            f"{here[0]} ({here[1]}); choose the same with --night and --strategy"
        )
    return timeline_page(drawn, outlook).encode()
