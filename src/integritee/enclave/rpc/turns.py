"""Who may occupy the event loop next.

A message or a piece of one is worked on in a *turn*. Of these the loop takes a few at a time, in fair order, before
it looks after its sockets and other duties again: so a client waits for few turns of others, however many messages
those send.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, TypeAlias

from ..fair_queue import FairQueue

TURNS_PER_ROUND: Final = 4
"""Turns between two looks at the sockets: about 1 ms of getters."""

Start: TypeAlias = Callable[[], None]
"""Does a turn's work, or starts a task that does."""


class Turns:
    """Gives turns on the running event loop. Callers are plain numbers."""

    def __init__(self, per_round: int = TURNS_PER_ROUND) -> None:
        self._per_round = self._left = per_round
        self._queue: FairQueue[int, Start] = FairQueue()
        self._round_is_due = False

    def __len__(self) -> int:
        """Turns that are waited for."""
        return len(self._queue)

    def take(self, caller: int, start: Start) -> None:
        """Call `start` when it is the caller's turn: at once if nobody waits."""
        if self._left and not self._queue:
            self._left -= 1
            self._schedule()
            start()
        else:
            self._queue.push(caller, start)
            self._schedule()

    async def wait(self, caller: int) -> None:
        """Return when it is the caller's turn; it lasts until the caller awaits something."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.push(caller, lambda: None if turn.done() else turn.set_result(None))
        self._schedule()
        await turn

    def _schedule(self) -> None:
        if not self._round_is_due:
            self._round_is_due = True
            asyncio.get_running_loop().call_soon(self._round)

    def _round(self) -> None:
        self._round_is_due, self._left = False, self._per_round
        while self._left and self._queue:
            self._left -= 1
            self._schedule()
            self._queue.pop()()
