"""The workers that agents talk to: each agent to one of them, and to another one when that has gone.

A worker that breaks a connection gets one chance to take it up again; else it counts as gone for good.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Final, TypeVar

from integritee.client.errors import ConnectionFailed
from integritee.client.worker import WorkerClient
from integritee.stf.ledger import Ledger

from .errors import NotSettled, NoWorkerLeft

CONNECT_TIMEOUT: Final = 5.0
"""Seconds for a worker to accept a connection."""

AT_ONCE: Final = 128
"""Agents that one worker is busy with at the same time; the others wait for their turn."""

SETTLE_TIMEOUT: Final = 60.0
"""Seconds for what is under way to be known to a worker; some blocks of either chain are enough."""

POLL_PAUSE: Final = 0.02
"""Seconds between two looks at what a worker knows."""

T = TypeVar("T")


class Gone(Exception):
    """The worker that was asked has gone, and so may have what it was told."""


class Seat:
    """A worker, and how many are at it."""

    def __init__(self, client: WorkerClient) -> None:
        self.client, self.turns = client, asyncio.Semaphore(AT_ONCE)
        self.repair = asyncio.Lock()

    @property
    def url(self) -> str:
        return self.client.rpc.url


class Workers:
    """All of one shard. Make it with `connect`."""

    def __init__(self, seats: Sequence[Seat], ledger: Ledger, shard: bytes) -> None:
        self._seats, self._ledger, self.shard = list(seats), ledger, shard
        self._failure = ""
        self.losses = 0
        """How many have gone so far."""

    @property
    def urls(self) -> list[str]:
        """Of those that are left."""
        return [seat.url for seat in self._seats]

    async def ask(self, agent: int, question: Callable[[WorkerClient], Awaitable[T]]) -> T:
        """The answer of an agent's worker, or of another one if that has gone. Raises NoWorkerLeft, and as asked."""
        while True:
            with suppress(Gone):
                return await self.once(agent, question)

    async def once(self, agent: int, act: Callable[[WorkerClient], Awaitable[T]]) -> T:
        """As `ask` for what must not be repeated blindly. Raises Gone if the worker went in the middle of it."""
        seat = self._seat(agent)
        async with seat.turns:
            return await self._at(seat, act)

    async def settled(self, what: str, holds: Callable[[WorkerClient], Awaitable[bool]]) -> bool:
        """Wait until something holds at all workers. False if one has gone meanwhile: what it was told may be lost.

        Raises NotSettled, NoWorkerLeft, and as asked.
        """
        if not self._seats:
            raise NoWorkerLeft(self._failure)
        before = self.losses
        waits = [asyncio.ensure_future(self._settled_at(seat, holds, before)) for seat in self._seats]
        try:
            async with asyncio.timeout(SETTLE_TIMEOUT):
                await asyncio.gather(*waits)
        except TimeoutError:
            raise NotSettled(what, SETTLE_TIMEOUT) from None
        finally:
            for wait in waits:
                wait.cancel()
        return self.losses == before

    async def _settled_at(self, seat: Seat, holds: Callable[[WorkerClient], Awaitable[bool]], before: int) -> None:
        while self.losses == before:
            with suppress(Gone):
                if await self._at(seat, holds):
                    return
            await asyncio.sleep(POLL_PAUSE)

    async def close(self) -> None:
        await asyncio.gather(*(seat.client.close() for seat in self._seats))

    # -- those that go -------------------------------------------------------------------------------

    def _seat(self, agent: int) -> Seat:
        if not self._seats:
            raise NoWorkerLeft(self._failure)
        return self._seats[agent % len(self._seats)]

    async def _at(self, seat: Seat, act: Callable[[WorkerClient], Awaitable[T]]) -> T:
        client = seat.client
        try:
            return await act(client)
        except ConnectionFailed as failed:
            self._failure = failed.reason
            await self._repair(seat, client)
            raise Gone from None

    async def _repair(self, seat: Seat, broken: WorkerClient) -> None:
        """Connect anew, or do without this worker."""
        async with seat.repair:
            if seat.client is not broken or seat not in self._seats:
                return  # another agent was here before
            await broken.close()
            try:
                seat.client = await _connect(seat.url, self._ledger, self.shard)
            except ConnectionFailed:
                self._seats.remove(seat)
                self.losses += 1


async def _connect(url: str, ledger: Ledger, shard: bytes | None) -> WorkerClient:
    return await WorkerClient.connect(url, ledger=ledger, shard=shard, timeout=CONNECT_TIMEOUT)


@asynccontextmanager
async def connect(urls: Sequence[str], ledger: Ledger, shard: bytes | None = None) -> AsyncIterator[Workers]:
    """Workers for the length of a block, all of which are there at its beginning; the shard is by default that of the
    first. Raises ConnectionFailed, and as asking for the shard."""
    clients: list[WorkerClient] = []
    try:
        for url in urls:
            clients.append(await _connect(url, ledger, shard))
            shard = await clients[-1].shard()
        assert shard is not None
        workers = Workers([Seat(client) for client in clients], ledger, shard)
    except BaseException:
        await asyncio.gather(*(client.close() for client in clients))
        raise
    try:
        yield workers
    finally:
        await workers.close()
