"""As many transfers as a worker takes: requests are composed before the clock starts, and always wait to be sent.

The generator (`integritee.load`) has `IN_FLIGHT` requests under way and sends the next one as soon as one ends, up to
a rate that no worker reaches. A call counts when its `InSidechainBlock` is seen, in the measured time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from integritee.crypto import Sr25519Pair
from integritee.devnet.config import TEER
from integritee.devnet.ledgers import Ledgers
from integritee.load.fleet import Fleet, Load, Outcome
from integritee.load.funding import endow, endowment, price
from integritee.load.mix import Mix

from .priority import come_first

ACCOUNTS = 64
CONNECTIONS = 16
IN_FLIGHT = 2048
SECONDS = 10.0
WARM_UP = 3.0

TRANSFERS = Mix({"transfer": 1})
GETTERS = Mix({"getter": 1})

ALICE = Sr25519Pair.from_uri("//Alice")


async def senders(ledgers: Ledgers, calls: float) -> Sequence[str]:
    """New accounts that can pay for so many transfers together; Alice pays, who is rich in development ledgers."""
    each = endowment(TRANSFERS, calls, ACCOUNTS, TEER)
    missing = price(ACCOUNTS, each, TEER) - await ledgers.private_balance(ALICE)
    if missing > 0:
        await ledgers.shield(ALICE, int(1.01 * missing))
    return await endow(ledgers.worker, ALICE, ACCOUNTS, each, TEER)


def transfers(
    urls: Sequence[str], accounts: Sequence[str], most: float, envelope: str = "rsa", receivers: Sequence[bytes] = ()
) -> Load:
    """As many as are taken, up to `most` per second."""
    return Load(
        urls,
        accounts,
        TRANSFERS,
        most,
        SECONDS,
        warm_up=WARM_UP,
        schedule="constant",
        connections=CONNECTIONS,
        in_flight=IN_FLIGHT,
        envelope=envelope,
        receivers=receivers,
    )


def getters(urls: Sequence[str], accounts: Sequence[str], rate: float, envelope: str = "rsa") -> Load:
    """Signed ones at an even rate, for as long as `transfers` take."""
    return Load(
        urls,
        accounts,
        GETTERS,
        rate,
        SECONDS,
        warm_up=WARM_UP,
        schedule="constant",
        connections=4,
        envelope=envelope,
    )


async def together(*loads: Load, at_start: Callable[[], Awaitable[None]] | None = None) -> list[Outcome]:
    """All at the same time, each in processes of its own; `at_start` is awaited before the clock starts."""
    fleets = [Fleet(load) for load in loads]
    try:
        for fleet in fleets:
            await fleet.prepare()
        for load, fleet in zip(loads, fleets, strict=True):
            if load.mix is GETTERS:  # whose latency is measured
                for process in fleet.pids:
                    come_first(process)
        if at_start is not None:
            await at_start()
        return list(await asyncio.gather(*(fleet.run() for fleet in fleets)))
    finally:
        for fleet in fleets:
            await fleet.stop()


def capacity(outcome: Outcome) -> float:
    """Calls per second that were done. Ends the bench if that says nothing about the worker."""
    calls = outcome.calls
    if calls.refused or outcome.lost_connections:
        raise SystemExit(f"calls were refused: {calls.refused}; connections lost: {outcome.lost_connections}")
    return outcome.rate(calls)
