"""Time that only passes when everything due has been done."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from itertools import count
from typing import TypeAlias

Action: TypeAlias = Callable[[], None]


class Clock:
    """Unix ms, and what is to be done when; actions of one instant in the order in which they were planned."""

    def __init__(self, now: int) -> None:
        self.now = now
        self._planned: list[tuple[int, int, Action]] = []
        self._order = count()

    def read(self) -> int:
        """`now`, for those who want a function."""
        return self.now

    def after(self, delay: int, action: Action) -> None:
        """Do something once, `delay` ms from now."""
        heapq.heappush(self._planned, (self.now + delay, next(self._order), action))

    def every(self, period: int, action: Action) -> None:
        """Do something for ever, first after one period (ms)."""

        def again() -> None:
            self.after(period, again)
            action()

        self.after(period, again)

    def run(self, duration: int) -> None:
        """Let `duration` ms pass."""
        end = self.now + duration
        while self._planned and self._planned[0][0] <= end:
            self.now, _, action = heapq.heappop(self._planned)
            action()
        self.now = end
