"""Who may occupy the event loop next.

A message or a piece of a stream is worked on in a *turn*. Of these the loop takes a few at a time, in fair order,
before it looks after its sockets and other duties again: so a client waits for few turns of others, however many
messages those send.

A loop with more to do all the time would keep a core. So after some full rounds, if more waits, there may be a
*rest*: nobody but newcomers has a turn for a while, though all else goes on, and other processes have the core, or
threads the interpreter lock, meanwhile. Or the process takes a *breath*: it sleeps for a moment, lest the kernel
leaves the core to it until the next tick. It does not yield, for whoever else has something to do, however
unimportant, would have the core until that tick.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Hashable
from typing import Final, Generic, TypeAlias, TypeVar

from ..fair_queue import FairQueue

ROUND_SECONDS: Final = 0.0005
"""Turns between two looks at the sockets take about so long, or one turn does."""

REST_SECONDS: Final = 0.001

TASK_SECONDS: Final = 0.00025
"""What a task costs that a turn starts: about as much as a getter."""

Start: TypeAlias = Callable[[], None]
"""Does a turn's work, or starts a task that does."""

K = TypeVar("K", bound=Hashable)


class Turns(Generic[K]):
    """Gives turns on the running event loop to callers of any names. `clock` in seconds. After a full round that is
    not the last, `rounds_per_rest` says after how many of these there is to be a rest, 0 for none; unless it is due,
    `breathe` is called."""

    def __init__(
        self,
        round_seconds: float = ROUND_SECONDS,
        clock: Callable[[], float] = time.perf_counter,
        rounds_per_rest: Callable[[], int] = lambda: 0,
        breathe: Callable[[], None] = lambda: None,
    ) -> None:
        self._round_seconds = self._left = round_seconds
        self._clock, self._rounds_per_rest, self._breathe = clock, rounds_per_rest, breathe
        self._queue: FairQueue[K, tuple[float, Start]] = FairQueue()
        self._round_is_due = False
        self._full_rounds = 0
        """Since the latest rest."""

    def __len__(self) -> int:
        """Turns that are waited for."""
        return len(self._queue)

    def take(self, caller: K, start: Start, seconds: float = 0.0) -> None:
        """Call `start` when it is the caller's turn: at once if nobody waits. Newcomers may overdraw: they have turns
        at once until these would have filled another round. It entails work for so many seconds."""
        self._schedule()
        is_at_once = self._left > 0 and not self._queue
        if is_at_once or (self._left > -self._round_seconds and self._queue.is_newcomer(caller)):
            self._queue.serve(caller)
            self._spend(seconds, start)
        else:
            self._queue.push(caller, (seconds, start))

    async def wait(self, caller: K, seconds: float = TASK_SECONDS) -> None:
        """Return when it is the caller's turn; it lasts until the caller awaits something."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.push(caller, (seconds, lambda: None if turn.done() else turn.set_result(None)))
        self._schedule()
        await turn

    def _spend(self, seconds: float, start: Start) -> None:
        begun = self._clock()
        start()
        self._left -= seconds + self._clock() - begun

    def _schedule(self) -> None:
        if not self._round_is_due:
            self._round_is_due = True
            asyncio.get_running_loop().call_soon(self._round_after)

    def _round_after(self) -> None:
        """The one after another."""
        if self._left <= 0 and self._queue:
            self._full_rounds += 1
            if 0 < self._rounds_per_rest() <= self._full_rounds:
                self._full_rounds = 0
                asyncio.get_running_loop().call_later(REST_SECONDS, self._round)
                return
            self._breathe()
        self._round()

    def _round(self) -> None:
        self._round_is_due, self._left = False, self._round_seconds
        if self._queue:
            self._schedule()
        while self._left > 0 and self._queue:
            self._spend(*self._queue.pop())
