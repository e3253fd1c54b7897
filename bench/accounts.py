"""Whether calls take longer in a large ledger: ``python -m bench.accounts``.

Two networks, one with a thousand accounts and one with a million, all made by calls of an app (`populace_app`), are
measured in turn, so that drifts of the machine hit both alike. Each transfer goes to another inhabitant. The ratio is
that of the medians.
"""

from __future__ import annotations

import asyncio
import random
import statistics
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from integritee.apps.catalog import client_ledger
from integritee.client.worker import WorkerClient
from integritee.devnet.ledgers import Ledgers, connect
from integritee.devnet.network import Facts, Network, run_network
from integritee.load.envelope import RSA, SESSION

from .cpu import cpu_seconds
from .direct import MOST_SESSION_CALLS
from .latest import main
from .networks import config
from .populace_app.populace import account
from .saturated import ALICE, SECONDS, WARM_UP, capacity, senders, together, transfers
from .shielding import decrypts_per_second

APP = Path(__file__).parent / "populace_app"
SIZES = (1_000, 1_000_000)
ROUNDS = 3
SETTLED_BY_CALL = 2_000
UNDER_WAY = 2
RECEIVERS = 4096
QUIET = 0.1
"""What networks at rest may take of a core more than they did when they were empty; then no snapshot is written."""

PATIENCE = 300
"""Seconds to come to rest."""


class Place:
    """A network, and who lives there."""

    def __init__(self, facts: Facts, ledgers: Ledgers, size: int) -> None:
        self.facts, self.ledgers, self.size = facts, ledgers, size
        dice = random.Random(1)
        self.receivers = [account(dice.randrange(size)) for _ in range(RECEIVERS)]

    async def settle(self) -> None:
        """Bring all inhabitants to life, a few calls at a time."""
        ledger = client_ledger((str(APP),))
        room = asyncio.Semaphore(UNDER_WAY)
        async with await WorkerClient.connect(self.facts.worker_url, ledger=ledger) as client:

            async def call(first: int) -> None:
                count = min(SETTLED_BY_CALL, self.size - first)
                async with room:
                    await client.call("populace.settle", ALICE.public, first, count, signer=ALICE)

            async with asyncio.TaskGroup() as calls:
                for first in range(0, self.size, SETTLED_BY_CALL):
                    calls.create_task(call(first))

    async def calls_per_second(self, most: float, envelope: str) -> float:
        uris = await senders(self.ledgers, most * (WARM_UP + SECONDS))
        (outcome,) = await together(transfers([self.facts.worker_url], uris, most, envelope, self.receivers))
        return capacity(outcome)


async def measure() -> dict[str, Any]:
    """`flat_1e6_over_1e3` is the lower one of the ratios under RSA and under session envelopes."""
    async with AsyncExitStack() as stack:
        networks = [await stack.enter_async_context(run_network(config(apps=(str(APP),)))) for _ in SIZES]
        return await networks[0].while_alive(networks[1].while_alive(_on_networks(stack, networks)))


async def _on_networks(stack: AsyncExitStack, networks: Sequence[Network]) -> dict[str, Any]:
    places = []
    for network, size in zip(networks, SIZES, strict=True):
        facts = await network.ready()
        places.append(Place(facts, await stack.enter_async_context(connect(facts)), size))
    idle = await _busy()
    for place in places:
        await place.settle()
    for _ in range(PATIENCE):
        if await _busy() <= idle + QUIET:
            break
    bounds = {RSA: decrypts_per_second(1.0), SESSION: MOST_SESSION_CALLS}
    found: dict[str, list[list[float]]] = {envelope: [[], []] for envelope in bounds}
    for _ in range(ROUNDS):
        for envelope, most in bounds.items():
            for place, rates in zip(places, found[envelope], strict=True):
                rates.append(await place.calls_per_second(most, envelope))
    medians = {envelope: [statistics.median(rates) for rates in both] for envelope, both in found.items()}
    ratios = {envelope: large / small for envelope, (small, large) in medians.items()}
    return {
        "flat_1e6_over_1e3": round(min(ratios.values()), 3),
        "direct_calls_1e6_over_1e3": round(ratios[RSA], 3),
        "session_calls_1e6_over_1e3": round(ratios[SESSION], 3),
        "calls_per_s_by_accounts": {
            f"{envelope}, {size}": round(rate, 1)
            for envelope, rates in medians.items()
            for size, rate in zip(SIZES, rates, strict=True)
        },
    }


async def _busy() -> float:
    """What all processes take of a core, for a second."""
    before = cpu_seconds()
    await asyncio.sleep(1.0)
    after = cpu_seconds()
    return 0.0 if before is None or after is None else after - before


if __name__ == "__main__":
    main(lambda: asyncio.run(measure()))
