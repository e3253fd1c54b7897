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
from collections.abc import Iterator

import msgspec
import uvloop

from integritee.client.worker import WorkerClient
from integritee.crypto import Sr25519Pair

TRANSFERRED = 1
"""Base units per call. Receivers exist, and so stay alive."""


class Orders(msgspec.Struct):
    """Accounts send to their neighbours in turn over `connections`, which the workers behind `urls` share evenly; all
    stop after `seconds`."""

    urls: list[str]
    uris: list[str]
    connections: int
    depth: int
    seconds: float


class Report(msgspec.Struct):
    """`included` are times (seconds of the system's monotonic clock) at which calls were seen in a block;
    `latencies` the seconds each took from being composed."""

    included: list[float]
    latencies: list[float]


async def run(orders: Orders) -> Report:
    """Send until the time is over; every call is followed to its end."""
    pairs = [Sr25519Pair.from_uri(uri) for uri in orders.uris]
    urls = itertools.cycle(orders.urls)
    clients = [await WorkerClient.connect(next(urls)) for _ in range(orders.connections)]
    report = Report([], [])
    deadline = time.monotonic() + orders.seconds
    async with asyncio.TaskGroup() as tasks:
        for number, pair in enumerate(pairs):
            client, receiver = clients[number % len(clients)], pairs[number - 1].public
            nonces = itertools.count(await client.next_nonce(pair.public, pair))
            for _ in range(orders.depth):
                tasks.create_task(send(client, pair, receiver, nonces, deadline, report))
    for client in clients:
        await client.close()
    return report


async def send(
    client: WorkerClient, pair: Sr25519Pair, receiver: bytes, nonces: Iterator[int], deadline: float, report: Report
) -> None:
    """One call after the other until the deadline, with the nonces of an account that others share."""
    while (start := time.monotonic()) < deadline:
        await client.call("balance_transfer", pair.public, receiver, TRANSFERRED, signer=pair, nonce=next(nonces))
        now = time.monotonic()
        report.included.append(now)
        report.latencies.append(now - start)


def main() -> None:
    orders = msgspec.json.decode(sys.stdin.buffer.read(), type=Orders)
    sys.stdout.buffer.write(msgspec.json.encode(uvloop.run(run(orders))))


if __name__ == "__main__":
    main()
