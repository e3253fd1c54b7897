"""The order of a client's submissions: they take effect as they were sent, whatever each has to wait for before.

Who has something to do ahead of its turn, such as deciphering, may begin when few are before it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final


class Turn:
    """Of one submission: who calls it waits until all that was sent before has taken effect, or surely will."""

    __slots__ = ("_taken", "_wait")

    def __init__(self, wait: Callable[[], Awaitable[None]], taken: Callable[[], None]) -> None:
        self._wait, self._taken = wait, taken

    async def __call__(self) -> None:
        await self._wait()

    def taken(self) -> None:
        """Nothing that is begun from here on takes effect before this, so the next one may have its turn."""
        self._taken()


async def no_wait() -> None:
    """There is nothing to wait for."""


def nobody() -> None:
    """There is nobody whose turn is next."""


at_once: Final = Turn(no_wait, nobody)
"""The turn of who waits for nobody."""


class Order:
    """A line of places."""

    __slots__ = ("_first", "_gone", "_next", "_waiting")

    def __init__(self) -> None:
        self._first = self._next = 0
        """Numbers of the place whose turn it is, and of the one that is given next."""
        self._gone: set[int] | None = None  # seldom needed, and an empty one is not small
        self._waiting: dict[int, list[asyncio.Future[None]]] = {}
        """Who waits until the turn comes to a number."""

    def enter(self) -> Place:
        """A place behind all others. Who has one is to leave it."""
        place = Place(self, self._next)
        self._next += 1
        return place

    async def _reach(self, number: int) -> None:
        """Return when the turn has come to a number."""
        if number > self._first:
            reached: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.setdefault(number, []).append(reached)
            await reached

    def _leave(self, number: int) -> None:
        if number != self._first:
            self._gone = self._gone or set()
            self._gone.add(number)
            return
        self._advance()
        while self._gone and self._first in self._gone:
            self._gone.remove(self._first)
            self._advance()

    def _advance(self) -> None:
        self._first += 1
        for reached in self._waiting.pop(self._first, ()):
            if not reached.done():
                reached.set_result(None)


class Place:
    """One in the line."""

    __slots__ = ("_has_left", "_number", "_order")

    def __init__(self, order: Order, number: int) -> None:
        self._order, self._number, self._has_left = order, number, False

    async def near(self, ahead: int) -> None:
        """Return when at most so many are before this one."""
        await self._order._reach(self._number - ahead)

    async def turn(self) -> None:
        """Return when all before this one have left."""
        await self._order._reach(self._number)

    def leave(self) -> None:
        """Let the next one have its turn. Idempotent."""
        if not self._has_left:
            self._has_left = True
            self._order._leave(self._number)
