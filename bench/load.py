"""A client process that sends shielded direct transfers as fast as they are taken: ``python -m bench.load``.

Reads one JSON object from stdin (`Orders`), prints one to stdout (`Report`). Everything a client does is done
here, per call and while the clock runs: compose, sign, shield, send, and follow the call into its block. Each
account keeps `depth` calls under way with nonces that it counts itself.
"""

from __future__ import annotations

import asyncio
import itertools
import sys
import time

import msgspec
import uvloop

from integritee.client.worker import WorkerClient
from integritee.crypto import Sr25519Pair
from integritee.primitives.rpc import InSidechainBlock

TRANSFERRED = 1
"""Base units per call. Receivers exist, and so stay alive."""


class Orders(msgspec.Struct):
    """Accounts send to their neighbours in turn over `connections`; all stop after `seconds`."""

    url: str
    uris: list[str]
    connections: int
    depth: int
    seconds: float


class Report(msgspec.Struct):
    """`included` are times (seconds of the system's monotonic clock) at which calls were seen in a block;
    `latencies` the seconds each took from being composed."""

    included: list[float]
    latencies: list[float]


class Sender:
    """One account: `depth` tasks share its nonces, so its calls reach the enclave in order."""

    def __init__(self, client: WorkerClient, pair: Sr25519Pair, receiver: bytes, nonce: int) -> None:
        self._client, self._pair, self._receiver = client, pair, receiver
        self._nonces = itertools.count(nonce)
        self._turn = asyncio.Lock()

    async def send_until(self, deadline: float, report: Report) -> None:
        while (start := time.monotonic()) < deadline:
            await self._turn.acquire()
            try:
                signed = await self._client.sign(
                    "balance_transfer",
                    self._pair.public,
                    self._receiver,
                    TRANSFERRED,
                    signer=self._pair,
                    nonce=next(self._nonces),
                )
                context = self._client.watch(signed)
                watch = await context.__aenter__()
            finally:
                self._turn.release()
            try:
                await watch.until(InSidechainBlock)
            finally:
                await context.__aexit__(None, None, None)
            now = time.monotonic()
            report.included.append(now)
            report.latencies.append(now - start)


async def run(orders: Orders) -> Report:
    """Send until the time is over; every call is followed to its end."""
    pairs = [Sr25519Pair.from_uri(uri) for uri in orders.uris]
    clients = [await WorkerClient.connect(orders.url) for _ in range(orders.connections)]
    nonces = [(await clients[0].account_info(pair)).nonce for pair in pairs]
    report = Report([], [])
    deadline = time.monotonic() + orders.seconds
    async with asyncio.TaskGroup() as tasks:
        for number, pair in enumerate(pairs):
            receiver = pairs[(number + 1) % len(pairs)].public
            sender = Sender(clients[number % len(clients)], pair, receiver, nonces[number])
            for _ in range(orders.depth):
                tasks.create_task(sender.send_until(deadline, report))
    for client in clients:
        await client.close()
    return report


def main() -> None:
    orders = msgspec.json.decode(sys.stdin.buffer.read(), type=Orders)
    sys.stdout.buffer.write(msgspec.json.encode(uvloop.run(run(orders))))


if __name__ == "__main__":
    main()
