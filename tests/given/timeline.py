"""What the tests of the pictures start from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from xml.etree import ElementTree

from ingest.neighbours import Neighbour
from operations.timeline.measured import Measurement
from operations.timeline.schedule import Schedule, schedule
from tests.given.domain import SETTINGS, in_phoenix, night

SVG = "{http://www.w3.org/2000/svg}"
TUESDAY = in_phoenix("2026-10-20T01:00")


def run(entity: str, started: str, seconds: int, *, ok: bool = True) -> Measurement:
    """An attempt from `started` in Phoenix on."""
    begin = in_phoenix(started)
    return Measurement(entity, begin, begin + timedelta(seconds=seconds), ok)


MEASURED = (
    run("jobs", "2026-10-25T04:00", 75),
    run("returns", "2026-10-25T04:55", 5, ok=False),
    run("returns", "2026-10-25T04:56", 1200),
    run("campaigns", "2026-10-25T06:15", 75),
)


BESIDE = (
    Neighbour("v2-rebuild-dim-jobs-daily", "0 5 * * *", "America/Denver", "calls the ingest service at /rebuild"),
    Neighbour("v2-sync-jobs-midday", "0 8,14,20 * * *", "America/Phoenix", "calls the ingest service at /ingest/jobs"),
    Neighbour("v2-sync-old-daily", "30 4 * * *", "America/Phoenix", "is named like our jobs", paused=True),
)


def phoenix(
    number: int | None = None,
    strategy: str = "phased",
    *,
    adopt_existing: bool = True,
    measured: Iterable[Measurement] = (),
    neighbours: Iterable[Neighbour] = (),
) -> Schedule:
    """A schedule of the design's settings, for Tuesday 2026-10-20."""
    settings = night(0, strategy, adopt_existing=adopt_existing)
    return schedule(settings, TUESDAY, night=number, measured=measured, neighbours=neighbours)


def elsewhere(zone: str, at: datetime) -> Schedule:
    return schedule(replace(SETTINGS, time_zone=zone), at)


def parse(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)  # noqa: S314


def row(picture: ElementTree.Element, entity: str) -> ElementTree.Element:
    found = picture.find(f"{SVG}g[@data-entity='{entity}']")
    assert found is not None, f"{entity} has no row"
    return found


def texts(element: ElementTree.Element) -> list[str]:
    return [" ".join("".join(text.itertext()).split()) for text in element.iter(f"{SVG}text")]
