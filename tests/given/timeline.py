"""What the tests of the pictures start from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from xml.etree import ElementTree

from ingest.neighbours import Neighbour
from operations.timeline.evidence import Evidence
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


EVIDENCE: Evidence = {
    "night": 2,
    "strategy": "phased",
    "at": "2026-10-27T21:00:00-07:00",
    "time_zone": "America/Phoenix",
    "bytes_billed_at_most": 10485760,
    "worth": [
        {
            "entity": "invoices",
            "before": "15 2 * * *",
            "before_time_zone": "America/Phoenix",
            "after": "30 4 * * *",
            "moved_by_this_night": True,
            "records": 5,
            "amount": "1851.75",
            "nights": [
                {"night": "2026-10-24", "records": 0, "amount": "0.00"},
                {"night": "2026-10-25", "records": 3, "amount": "1234.50"},
                {"night": "2026-10-26", "records": 2, "amount": "617.25"},
            ],
        },
        {
            "entity": "jobs",
            "before": "0 2 * * *",
            "before_time_zone": "America/Phoenix",
            "after": "0 4 * * *",
            "moved_by_this_night": True,
            "records": 2,
            "amount": None,
            "nights": [
                {"night": "2026-10-24", "records": 1, "amount": None},
                {"night": "2026-10-25", "records": 0, "amount": None},
                {"night": "2026-10-26", "records": 1, "amount": None},
            ],
        },
    ],
    "uncounted": {"returns": "its table does not exist yet"},
    "cannot_see": ["A row has its last change only.", "It is worth a day."],
    "replay": {
        "verdict": "fail",
        "order": {"held": 2, "nights": 3},
        "gaps": {"held": 3, "nights": 3},
        "nights": [
            {"night": f"2026-10-{day}", "verdict": "pass", "failed": [], "without_a_run_on_record": []}
            for day in (24, 25, 26)
        ],
        "without_any_run_on_record": ["locations"],
        "first_run_on_record": {},
        "left_out": [],
        "percentiles": "nearest rank",
        "headroom": [
            {
                "entity": "jobs",
                "time": "04:00",
                "runs": 3,
                "p50_seconds": 120.0,
                "p95_seconds": 270.0,
                "longest_seconds": 270.0,
                "gap_seconds": 300.0,
                "until": "appointments",
                "overran": 0,
                "suggestion": "jobs: give it 6 min: appointments at 04:06 or later",
            },
            {
                "entity": "payroll_adjustments",
                "time": "05:05",
                "runs": 3,
                "p50_seconds": 60.0,
                "p95_seconds": 61.0,
                "longest_seconds": 61.0,
                "gap_seconds": None,
                "until": None,
                "overran": 0,
                "suggestion": None,
            },
            {
                "entity": "locations",
                "time": "04:15",
                "runs": 0,
                "p50_seconds": None,
                "p95_seconds": None,
                "longest_seconds": None,
                "gap_seconds": 900.0,
                "until": "invoices",
                "overran": 0,
                "suggestion": None,
            },
        ],
    },
    "silent": [],
}
"""What `ingest-rollout evidence --night 2 --json` could print."""


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
