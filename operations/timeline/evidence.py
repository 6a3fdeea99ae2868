"""What `ingest-rollout evidence --json` prints, and what the page draws of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, TypedDict

from ingest.judging.gate import WARN_SHARE
from ingest.text.shapes import ShapeError, misfits, read_json
from operations.errors import OperationError

COMMAND = "ingest-rollout evidence --json"

BAR, GAP, TALL = 5, 1, 24
"""A night's bar: its width and the space after it, and the height of the highest, in pixels."""


class WorthOfNight(TypedDict):
    """`amount` is a decimal's text."""

    night: str
    records: int
    amount: str | None


class WorthOfJob(TypedDict):
    entity: str
    before: str
    before_time_zone: str
    after: str
    moved_by_this_night: bool
    records: int
    amount: str | None
    nights: list[WorthOfNight]


class ReplayedNight(TypedDict):
    night: str
    verdict: str
    failed: list[dict[str, Any]]
    without_a_run_on_record: list[str]


class HeadroomOfJob(TypedDict):
    """Times are seconds, `time` the job's clock."""

    entity: str
    time: str
    runs: int
    p50_seconds: float | None
    p95_seconds: float | None
    longest_seconds: float | None
    gap_seconds: float | None
    until: str | None
    overran: int
    suggestion: str | None


class Held(TypedDict):
    held: int
    nights: int


class Replayed(TypedDict):
    verdict: str
    order: Held
    gaps: Held
    nights: list[ReplayedNight]
    without_any_run_on_record: list[str]
    first_run_on_record: Mapping[str, str]
    left_out: list[str]
    percentiles: str
    headroom: list[HeadroomOfJob]


class Evidence(TypedDict):
    """`replay` is None where the run log could not be asked; `silent` says why."""

    night: int
    strategy: str
    at: str
    time_zone: str
    bytes_billed_at_most: int
    worth: list[WorthOfJob]
    uncounted: dict[str, str]
    cannot_see: list[str]
    replay: Replayed | None
    silent: list[str]


@dataclass(frozen=True)
class Bar:
    """A night's bar, in pixels from the picture's top left, and what it says."""

    x: int
    y: float
    height: float
    text: str


def read(path: Path) -> Evidence:
    """Raises OperationError, which names everything that is wrong with the file."""
    try:
        content = read_json(path, f"write it with {COMMAND}")
        wrong = misfits(content, Evidence, "")
        evidence: Evidence = content
        wrong = wrong or [f"has {amount!r} for an amount" for amount in _amounts(evidence) if not _is_amount(amount)]
    except FileNotFoundError:
        raise OperationError(f"--evidence: {path} does not exist; write it with {COMMAND}") from None
    except ShapeError as error:
        raise OperationError(f"--evidence: {error}") from None
    if wrong:
        shown = "; ".join(text.replace("the line", "the file") for text in wrong[:3])
        raise OperationError(f"--evidence: {path} is not what {COMMAND} prints: it {shown}")
    return evidence


def bars(job: WorthOfJob) -> list[Bar]:
    """One for each night: as high as its amount or, for a job without amounts, its records."""
    heights = [Decimal(night["amount"]) if night["amount"] else Decimal(night["records"]) for night in job["nights"]]
    highest = max((abs(height) for height in heights), default=Decimal()) or Decimal(1)
    drawn = []
    for number, (night, height) in enumerate(zip(job["nights"], heights, strict=True)):
        tall = round(float(abs(height) / highest) * TALL, 1)
        records = f"{night['night']}: {night['records']} record{'' if night['records'] == 1 else 's'}"
        text = records + (f", {money(night['amount'])}" if night["amount"] else "")
        drawn.append(Bar(number * (BAR + GAP), round(TALL - tall, 1), tall, text))
    return drawn


def share(job: HeadroomOfJob, percentile: str) -> float | None:
    """How much of the gap "p50" or "p95" fills, in percent of it, at most 100; None where it is not known."""
    took = job["p50_seconds"] if percentile == "p50" else job["p95_seconds"]
    if took is None or job["gap_seconds"] is None:
        return None
    return round(min(100.0, 100 * took / job["gap_seconds"] if job["gap_seconds"] else 100.0), 1)


def is_tight(job: HeadroomOfJob) -> bool:
    return (
        job["p95_seconds"] is not None
        and job["gap_seconds"] is not None
        and job["p95_seconds"] > job["gap_seconds"] * WARN_SHARE
    )


def money(amount: str | None) -> str:
    return "" if amount is None else f"{Decimal(amount):,.2f}"


def minutes(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds / 60:.1f}"


def _amounts(evidence: Evidence) -> Iterator[str]:
    for job in evidence["worth"]:
        yield from (entry["amount"] for entry in (job, *job["nights"]) if entry["amount"] is not None)


def _is_amount(text: str) -> bool:
    try:
        return Decimal(text).is_finite()
    except InvalidOperation:
        return False
