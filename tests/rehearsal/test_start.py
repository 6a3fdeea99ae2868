"""When a rehearsal begins."""

from __future__ import annotations

from datetime import datetime

import pytest

from rehearsal.start import next_monday
from tests.given.domain import SETTINGS, in_phoenix


@pytest.mark.parametrize(
    "now",
    [
        in_phoenix("2026-10-19T00:00"),
        in_phoenix("2026-10-25T23:59"),
        datetime.fromisoformat("2026-10-26T06:59:00+00:00"),
    ],
)
def test_it_is_the_monday_after_now_by_the_local_date(now: datetime) -> None:
    assert next_monday(SETTINGS, now) == in_phoenix("2026-10-26T21:00")
