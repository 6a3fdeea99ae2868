"""Time moves only when it is told to, and in order."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from tests.given.twin import START
from twin.clock import Clock

MINUTE = timedelta(minutes=1)


def test_what_is_due_at_one_moment_happens_in_the_order_in_which_it_was_asked_for() -> None:
    clock = Clock(START)
    seen: list[tuple[str, datetime]] = []
    clock.at(START + 2 * MINUTE, lambda: seen.append(("later", clock.now)))
    for name in ("first", "second", "third"):
        clock.at(START + MINUTE, lambda name=name: seen.append((name, clock.now)))  # type: ignore[misc]
    clock.at(START + MINUTE, lambda: clock.at(clock.now, lambda: seen.append(("added meanwhile", clock.now))))
    clock.advance(START + MINUTE)
    assert seen == [(name, START + MINUTE) for name in ("first", "second", "third", "added meanwhile")]

    clock.advance(START + 5 * MINUTE)
    assert seen[-1] == ("later", START + 2 * MINUTE)
    assert clock.now == START + 5 * MINUTE


def test_time_does_not_go_back() -> None:
    clock = Clock(START)
    clock.advance(START + MINUTE)

    with pytest.raises(ValueError, match="this clock does not go back"):
        clock.advance(START)
    assert clock.now == START + MINUTE
