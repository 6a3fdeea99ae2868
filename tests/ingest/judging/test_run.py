"""What a row of the run log says of its call."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ingest.judging.run import LogRow
from tests.given.domain import in_phoenix

START = in_phoenix("2026-10-21T04:45")


def row(status: str, minutes: int, error: str = "") -> LogRow:
    return LogRow("returns", "run-1", START, START + timedelta(minutes=minutes), status, 5, 5, error)


@pytest.mark.parametrize(
    ("one", "fault"),
    [
        (row("failed", 1, "Request failed\nwith status code 404"), "Request failed with status code 404"),
        (row("failed", 1), "failed"),
        (row("success", 33), "its answer took 33 min"),
        (row("failed", 1, "x" * 130), "x" * 120 + " ..."),
    ],
)
def test_what_went_wrong_is_one_line(one: LogRow, fault: str) -> None:
    assert one.fault == fault


def test_a_success_counts_only_if_cloud_scheduler_was_still_waiting() -> None:
    deadline = timedelta(minutes=30)

    assert row("success", 30).answered(deadline)
    assert not row("success", 31).answered(deadline)
    assert not row("failed", 1).answered(deadline)
