"""The command `timeline`."""

from __future__ import annotations

import os
from pathlib import Path

import click

from commands.options import clock, strategy_option
from ingest.neighbours import Neighbour
from ingest.settings import Settings
from operations.errors import OperationError
from operations.files import write_atomic
from operations.repository import read_first_night, read_settings
from operations.timeline.measured import SHAPE, last_midnight, read
from operations.timeline.overview import timeline_svg
from operations.timeline.schedule import Schedule, schedule

SUFFIXES = (".svg", ".html", ".png")


@click.command(
    help=f"""Draw the rollout: when each job runs after each night, and the schedule before and after.

    Without --output, and as .svg: the nights. As .html and .png: the schedule too, in local time and UTC, with what
    was measured. The page is one file for a browser, a phone and a printer.

    \b
    A file of measurements is what `ingest-rollout rehearse --json` prints, or a list of your own:
      {SHAPE}

    \b
    Examples:
      ingest-rollout timeline > docs/timeline.svg
      ingest-rollout timeline --output timeline.html
      ingest-rollout timeline --night 2 --measured runs.json --output night-2.png
    """
)
@strategy_option
@click.option("--night", type=int, metavar="N", help="The schedule after night N, instead of after the last one.")
@click.option("--measured", metavar="FILE", help="Draw the runs that a JSON file holds into the schedule.")
@click.option("--output", metavar="FILE", help="Write FILE, whose name ends with .svg, .html or .png.")
@click.option(
    "--at", metavar="TIME", help="Count UTC for the first runs after this ISO 8601 time, instead of after now."
)
@click.option("--neighbours", is_flag=True, help="Show the neighbours that Cloud Scheduler has.")
def timeline(
    strategy: str | None, night: int | None, measured: str | None, output: str | None, at: str | None, neighbours: bool
) -> None:
    path = Path(output) if output else None
    suffix = path.suffix.lower() if path else ".svg"
    if suffix not in SUFFIXES:
        raise OperationError(f"--output: {output} has to end with one of {', '.join(SUFFIXES)}")
    # The pictures show all nights; the committed one may be none of another strategy.
    settings = read_first_night(strategy) if night is None else read_settings(night=night, strategy=strategy)
    if suffix == ".svg":
        given = {"--night": night, "--measured": measured, "--at": at, "--neighbours": neighbours or None}
        if used := [option for option, value in given.items() if value is not None]:
            raise OperationError(
                f"{', '.join(used)}: an SVG shows the nights without a schedule; "
                "write the schedule with --output FILE.html or FILE.png"
            )
        content = timeline_svg(settings).encode()
    else:
        content = _with_schedule(suffix, _schedule(settings, night, measured, at, neighbours))
    if path:
        write_atomic(path, content)
        click.echo(f"The timeline: {path}")
    else:
        click.echo(content, nl=False)


def _schedule(
    settings: Settings, night: int | None, measured: str | None, at: str | None, neighbours: bool
) -> Schedule:
    runs = read(Path(measured)) if measured else []
    moment = last_midnight(runs, settings.time_zone) if runs and not at else clock(settings, at)
    beside = _neighbours(settings) if neighbours else []
    return schedule(settings, moment, night=night, measured=runs, neighbours=beside)


def _neighbours(settings: Settings) -> list[Neighbour]:
    from operations.neighbours import live_neighbours

    return live_neighbours(settings, os.environ)


def _with_schedule(suffix: str, drawn: Schedule) -> bytes:
    if suffix == ".png":
        from operations.timeline.png import timeline_png

        return timeline_png(drawn)
    from operations.timeline.page import timeline_page

    return timeline_page(drawn).encode()
