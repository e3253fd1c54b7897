"""Time of the self-test's own, which goes on only while the machine lets the event loop have its turns.

Slots and limits that went by the machine's clock would tell of its load: a slot would be over before its block is
begun, a limit before the work it is for has had the processor. Here a turn counts as `LONGEST` if it takes longer,
whether the machine is slow or was asleep. While nothing holds the loop up, this time is that of the clock.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

TURN: Final = 0.01
"""Seconds from one look at the time to the next."""

LONGEST: Final = 2 * TURN
"""Seconds that a turn counts at most. From a slot's begin to its first call are fewer turns than go into a slot."""


async def _turns() -> AsyncIterator[float]:
    """Seconds that each turn counts, as it ends."""
    loop = asyncio.get_running_loop()
    before = loop.time()
    while True:
        await asyncio.sleep(TURN)
        now = loop.time()
        yield min(now - before, LONGEST)
        before = now


class OwnClock:
    """Gives Unix ms, from `start` on. It stands until it is `run`."""

    def __init__(self, start: int) -> None:
        self._now = float(start)

    def __call__(self) -> int:
        return int(self._now)

    async def run(self) -> None:
        """Go on until cancelled."""
        async for seconds in _turns():
            self._now += 1000 * seconds


@asynccontextmanager
async def within(seconds: float | None) -> AsyncIterator[None]:
    """A limit for what is done in the body; None for none. Raises TimeoutError, as `asyncio.timeout` does."""
    async with asyncio.timeout(None) as limit:
        expiry = asyncio.create_task(_expire(limit, seconds))
        try:
            yield
        finally:
            expiry.cancel()


async def _expire(limit: asyncio.Timeout, seconds: float | None) -> None:
    left = float("inf") if seconds is None else seconds
    async for passed in _turns():
        left -= passed
        if left <= 0:
            limit.reschedule(asyncio.get_running_loop().time())
            return
