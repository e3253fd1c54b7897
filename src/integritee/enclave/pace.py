"""How often something leaves: at once if nothing has left just before, else together with what comes meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeAlias

Later: TypeAlias = Callable[[float, Callable[[], None]], asyncio.TimerHandle]
"""Calls a function after so many seconds."""

Leave: TypeAlias = Callable[[], bool]
"""Sends what waits; whether anything did."""


class Pace:
    """Pauses of so many seconds between what leaves, on the running event loop unless `later` is given."""

    __slots__ = ("_later", "_seconds", "_timer")

    def __init__(self, seconds: float, later: Later | None = None) -> None:
        self._seconds, self._later = seconds, later
        self._timer: asyncio.TimerHandle | None = None

    def allows(self, leave: Leave) -> bool:
        """Whether to call `leave` now. If not, it is called when the pause is over."""
        if self._timer is not None:
            return False
        self._begin_pause(leave)
        return True

    def stop(self) -> None:
        """Nothing leaves any more."""
        if self._timer is not None:
            self._timer.cancel()

    def _begin_pause(self, leave: Leave) -> None:
        later = self._later or asyncio.get_running_loop().call_later
        self._timer = later(self._seconds, lambda: self._end_pause(leave))

    def _end_pause(self, leave: Leave) -> None:
        self._timer = None
        if leave():
            self._begin_pause(leave)
