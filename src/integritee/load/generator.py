"""One process of the load generator: ``python -m integritee.load.generator``.

A line of JSON each: `Orders` in; `Prepared` out, when all requests are made and all connections open; `Start` in;
`Report` out. The clock is the system's monotonic one, which all processes of a machine share.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import sys
import time
from collections.abc import Callable
from typing import Final

import msgspec
import uvloop

from integritee.client.worker import WorkerClient
from integritee.crypto import Sr25519Pair
from integritee.errors import IntegriteeError

from .compose import Composer
from .envelope import SESSION, Envelope, RsaEnvelope, SessionEnvelope
from .histogram import Histogram
from .mix import CALLS
from .tally import Counts, Tally
from .websocket import WebSocketClient

NAP: Final = 0.005
"""Seconds between looks at whether requests have ended, where that is waited for."""

SOON: Final = 0.0005
"""What is due within so many seconds leaves now, for timers of the event loop are no finer; its latency counts from
now then."""

BURST: Final = 64
"""Requests sent before answers are heard, if many are due; those of one connection leave in one piece."""

CPU_BOUND: Final = 0.8
"""Share of a core from which a generator is taken to be what limits."""

LAG_BOUND: Final = 0.01
"""Seconds within which 99 of 100 requests have to leave from when they were meant to; if not, the generator may be
what limits."""

LAG_SHARE: Final = 0.1
"""Or this share of the time within which 99 of 100 were done, if that is more: what is small beside it changes
nothing."""


class Orders(msgspec.Struct):
    """`due` are seconds from the start, ascending; `kinds` as many kinds of requests.

    Accounts (secret URIs) send in turn over `connections`, which the workers behind `urls` share; at most `in_flight`
    requests are under way, 0: any number. `envelope` is one of `envelope.ENVELOPES`. Measured is `window`; when all
    have left, answers are waited for, `drain` seconds at most.
    """

    urls: list[str]
    accounts: list[str]
    receivers: list[bytes]
    due: list[float]
    kinds: list[str]
    connections: int
    in_flight: int
    envelope: str
    window: tuple[float, float]
    drain: float


class Prepared(msgspec.Struct):
    """How many requests were composed, and how many seconds of a core that took."""

    requests: int
    seconds: float


class Start(msgspec.Struct):
    """When, on the system's monotonic clock."""

    at: float


class Report(msgspec.Struct):
    """`counts` by kind; `lag` of each request that left late without need; `held` are those that had to wait for
    others to end, `unsent` those whose time was over then. `cpu` is the share of a core that this process took while
    it sent; `lost_connections` ended early."""

    counts: dict[str, Counts]
    lag: Histogram
    held: int
    unsent: int
    cpu: float
    lost_connections: int

    @property
    def bottleneck(self) -> str | None:
        """Why the figures may be the generator's rather than the worker's; None if they are the worker's."""
        if self.cpu > CPU_BOUND:
            return f"a process of the generator took {self.cpu:.0%} of a core"
        late = self.lag.quantile(0.99)
        done = [seconds for each in self.counts.values() if (seconds := each.latency.quantile(0.99)) is not None]
        if late is not None and late > max(LAG_BOUND, LAG_SHARE * min(done, default=0.0)):
            return f"one request of 100 left {late * 1000:.1f} ms late or more"
        return None


class Generator:
    """Sends what was composed, and listens. Make it with `prepare`."""

    def __init__(self, orders: Orders, clock: Callable[[], float] = time.monotonic) -> None:
        self._orders, self._clock = orders, clock
        self._tally = Tally(orders.due, orders.kinds, orders.window)
        self._sockets: list[WebSocketClient] = []
        self._outgoing: list[tuple[WebSocketClient, bytes]] = []
        self._leaving: dict[WebSocketClient, list[bytes]] = {}
        self._start = 0.0
        self._lost = self._held = self._unsent = 0
        self._lag = Histogram()
        self._is_over = False

    async def prepare(self) -> Prepared:
        """Connect and compose. Raises ClientError, HandshakeRefused, OSError."""
        orders, began = self._orders, time.process_time()
        urls = itertools.cycle(orders.urls)
        for _ in range(orders.connections):
            self._sockets.append(await WebSocketClient.open(next(urls), self._heard, self._lose))
        pairs = [Sr25519Pair.from_uri(uri) for uri in orders.accounts]
        async with await WorkerClient.connect(orders.urls[0]) as client:
            composer = await Composer.ask(client, pairs, orders.receivers)
            envelopes = [await self._envelope(client, socket) for socket in self._sockets]
        turns = {is_call: itertools.cycle(range(len(pairs))) for is_call in (True, False)}
        for number, kind in enumerate(orders.kinds):
            turn = next(turns[kind in CALLS])  # calls of an account have to stay on one connection
            line = turn % len(self._sockets)
            frame = composer.frame(kind, number, pairs[turn], envelopes[line])
            self._outgoing.append((self._sockets[line], frame))
        return Prepared(len(self._outgoing), time.process_time() - began)

    async def _envelope(self, client: WorkerClient, socket: WebSocketClient) -> Envelope:
        key, shard = await client.shielding_key(), await client.shard()
        if self._orders.envelope == SESSION:
            return await SessionEnvelope.open(socket, key, await client.mrenclave(), shard)
        return RsaEnvelope(key, shard)

    async def run(self, start: float) -> Report:
        """Send everything in time from `start` on, and wait for what comes of it."""
        self._start = start
        gc.collect()
        gc.freeze()
        await asyncio.sleep(max(0.0, start - self._clock()))
        cpu, began = time.process_time(), self._clock()
        await self._send_all()
        cpu, seconds = time.process_time() - cpu, self._clock() - began
        await self._drain()
        self._is_over = True
        for socket in self._sockets:
            socket.close()
        share = cpu / seconds if seconds > 0 else 0.0
        return Report(self._tally.result(), self._lag, self._held, self._unsent, share, self._lost)

    async def _send_all(self) -> None:
        orders, tally = self._orders, self._tally
        limit, end, freed = orders.in_flight, orders.window[1], 0.0
        for number, (socket, frame) in enumerate(self._outgoing):
            due = orders.due[number]
            if number % BURST == 0:
                await self._sleep(0)
            while (wait := due - self._since_start()) > SOON:  # timers may come early
                await self._sleep(wait)
            if 0 < limit <= tally.under_way:
                freed = await self._room(limit, end)
                self._held += 1
            now = self._since_start()
            if limit and now >= end:
                self._unsent = len(self._outgoing) - number
                break
            self._lag.add(now - max(due, freed))
            tally.sent(number, now)
            self._leaving.setdefault(socket, []).append(frame)
        self._leave()

    async def _room(self, limit: int, end: float) -> float:
        """Wait until fewer than `limit` requests are under way, or the time is over; when that was."""
        while self._tally.under_way >= limit and self._since_start() < end:  # an event for each answer costs more
            await self._sleep(NAP)
        return self._since_start()

    async def _sleep(self, seconds: float) -> None:
        self._leave()
        await asyncio.sleep(seconds)

    def _leave(self) -> None:
        for socket, frames in self._leaving.items():
            socket.send(b"".join(frames))
        self._leaving.clear()

    async def _drain(self) -> None:
        deadline = self._clock() + self._orders.drain
        while self._tally.under_way and self._clock() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(NAP)

    def _since_start(self) -> float:
        return self._clock() - self._start

    def _heard(self, text: bytes) -> None:
        self._tally.heard(text, self._since_start())

    def _lose(self) -> None:
        self._lost += not self._is_over


async def serve() -> None:
    """One `Orders` from standard input to its `Report` on standard output."""
    generator = Generator(msgspec.json.decode(await _line(), type=Orders))
    _say(await generator.prepare())
    _say(await generator.run(msgspec.json.decode(await _line(), type=Start).at))


async def _line() -> bytes:
    line: bytes = await asyncio.to_thread(sys.stdin.buffer.readline)
    if not line:
        raise SystemExit("nobody is there any more")
    return line


def _say(message: msgspec.Struct) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(message) + b"\n")
    sys.stdout.buffer.flush()


def main() -> int:
    try:
        uvloop.run(serve())
    except (IntegriteeError, OSError) as failed:
        code = f"{failed.code}: " if isinstance(failed, IntegriteeError) else ""
        print(f"integritee bench: a process of the generator: {code}{failed}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
