"""The twin's clock: time moves only when it is told to."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from datetime import datetime
from itertools import count


class Clock:
    """A moment (aware), and what is to happen at later ones."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self._events: list[tuple[datetime, int, Callable[[], None]]] = []
        self._order = count()

    def at(self, moment: datetime, action: Callable[[], None]) -> None:
        """Lets `action` happen at `moment`; what is due at the same moment happens in the order of these calls."""
        heapq.heappush(self._events, (moment, next(self._order), action))

    def advance(self, moment: datetime) -> None:
        """Moves to `moment`, through everything that is due until then, what that adds included.

        Raises ValueError for a moment that has passed.
        """
        if moment < self.now:
            raise ValueError(f"{moment} lies before {self.now}; this clock does not go back")
        while self._events and self._events[0][0] <= moment:
            due, _, action = heapq.heappop(self._events)
            self.now = max(self.now, due)
            action()
        self.now = moment
