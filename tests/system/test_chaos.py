"""The chaos campaign's one run with real processes: the chain forks, its node dies, the worker loses its way to it.

All of that while users move money, and without the worker ever being started again; then an exact audit. A seed decides
when what happens. ``INTEGRITEE_CHAOS_SEED=7`` replays, or tries, another one.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from integritee.client.parentchain import ParentchainClient

from .balance_audit import audit, free_balance
from .crash_books import check_books
from .crash_users import Network, getting_on, live, network_of, some_users
from .door import Door
from .processes import Node, Service, Worker

SEED: Final = int(os.environ.get("INTEGRITEE_CHAOS_SEED", "1"))
FINALITY_LAG: Final = 4
REORGS: Final = 4
LONGEST_PEACE: Final = 1.2
"""Seconds that pass at most between two troubles."""


class Troubles:
    """What goes wrong, and what it took along."""

    def __init__(self, node: Node, door: Door, dice: random.Random) -> None:
        self._node, self._door, self._dice = node, door, dice
        self.retracted = 0
        """Signed extrinsics in blocks that were left."""

    async def reorg(self) -> None:
        async with await ParentchainClient.connect(self._node.url) as chain:
            done = await chain.rpc.request("dev_reorg", [self._dice.randint(1, FINALITY_LAG - 1)])
            for hash in done["retracted"]:
                block = await chain.block(bytes.fromhex(hash[2:]))
                self.retracted += len(block.extrinsics) - 1

    async def node_dies(self) -> None:
        await asyncio.to_thread(self._node.kill)
        await asyncio.to_thread(self._node.start)

    async def door_shuts(self) -> None:
        await self._door.shut()

    async def door_opens(self) -> None:
        await self._door.open()


@pytest.mark.timeout(90)
async def test_no_unit_is_lost_or_paid_twice(own: Callable[[Service], Service], directory: Path) -> None:
    print(f"replay with INTEGRITEE_CHAOS_SEED={SEED}")
    dice = random.Random(SEED)
    node = Node(directory, options=("--finality-lag", str(FINALITY_LAG)))
    own(node)
    node.start()
    async with Door(node.port) as door:
        worker = Worker(directory, node.port, options=("-u", f"{door.url},{node.url}"))
        own(worker)
        await asyncio.to_thread(worker.start)
        process = worker.pid
        network, users, stop = await network_of(node, worker), some_users(), asyncio.Event()
        troubles = Troubles(node, door, dice)
        plan = [*[troubles.reorg] * REORGS, troubles.node_dies, troubles.node_dies]
        dice.shuffle(plan)
        plan[2:2], plan[-1:-1] = [troubles.door_shuts], [troubles.door_opens]
        async with asyncio.TaskGroup() as tasks:
            for user in users:
                tasks.create_task(live(user, users, network, stop, random.Random(dice.random())))
            for count, trouble in enumerate(plan):
                await getting_on(users, count)
                await asyncio.sleep(dice.uniform(0.2, LONGEST_PEACE))
                await trouble()
            await getting_on(users, len(plan) + 1)
            stop.set()
        await check_books(users, network)
        await check_vault(network)
    assert worker.is_running and worker.pid == process
    assert troubles.retracted, "no extrinsic was retracted"
    assert door.passed, "the worker did not use its first endpoint"


async def check_vault(network: Network) -> None:
    """The vault holds what the blocks say it must."""
    async with network.parentchain() as chain:
        books = await audit(chain)
        assert await free_balance(chain, network.vault, books.at) == books.balance(network.vault)
