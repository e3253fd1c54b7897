"""Processes die at random moments while money moves; nothing acknowledged is lost and nothing happens twice.

A seed decides who dies when and what the users do. ``INTEGRITEE_CRASH_SEED=7`` replays, or tries, another one.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Final

import base58
import pytest

from integritee.client.parentchain import ParentchainClient
from integritee.client.worker import WorkerClient
from integritee.crypto import Sr25519Pair, ss58_decode
from integritee.stf.development import ENDOWED
from integritee.stf.runtime import ENCLAVE_ENDOWMENT

from .balance_audit import audit, free_balance
from .crash_users import Network, User
from .processes import Node, Service, Worker, eventually, is_alive, soon

SEEDS: Final = [int(seed) for seed in os.environ.get("INTEGRITEE_CRASH_SEED", "1 2").split()]
DEATHS: Final = ("node", "worker", "enclave", "all", "all")
"""Twice as often all at once: then whatever only one of them remembered is gone."""

ROUNDS: Final = 6
LONGEST_LIFE: Final = 1.5
"""Seconds that pass at most between a recovery and the next death."""

SETTLING_SECONDS: Final = 25.0
ENCLAVE_DEATH_SECONDS: Final = 3.0


class Victims:
    """Node, worker and enclave, and how each one dies and comes back."""

    def __init__(self, node: Node, worker: Worker) -> None:
        self.node, self.worker = node, worker

    def strike(self, name: str) -> None:
        """``kill -9`` one of them, or all at once; return when all are there again."""
        match name:
            case "node":
                self.node.kill()
                self.node.start()
            case "worker":
                self._kill_worker()
                self.worker.start()
            case "enclave":
                os.kill(self.worker.enclave_pid, signal.SIGKILL)
                assert self.worker.exit_code() == 101
                self.worker.start()
            case "all":
                self.node.kill()
                self._kill_worker()
                self.node.start()
                self.worker.start()

    def _kill_worker(self) -> None:
        """Its enclave ends by itself."""
        enclave = self.worker.enclave_pid
        self.worker.kill()
        eventually(lambda: not is_alive(enclave), "the enclave's end", ENCLAVE_DEATH_SECONDS)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.timeout(90)
async def test_nothing_acknowledged_is_lost_or_doubled(
    seed: int, own: Callable[[Service], Service], directory: Path
) -> None:
    print(f"replay with INTEGRITEE_CRASH_SEED={seed}")
    dice = random.Random(seed)
    node, worker = Node(directory), None
    own(node)
    node.start()
    worker = Worker(directory, node.port)
    own(worker)
    worker.start()
    network = await network_of(node, worker)
    users = [
        User(Sr25519Pair.from_uri("//Bob"), has_deposits=True),
        User(Sr25519Pair.from_uri("//Charlie"), has_deposits=True),
        *(User(Sr25519Pair.from_uri(f"//Incognito//{n}"), has_deposits=False) for n in range(3)),
    ]
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        for user in users:
            tasks.create_task(live(user, users, network, stop, random.Random(dice.random())))
        victims = Victims(node, worker)
        for name in dice.choices(DEATHS, k=ROUNDS):
            await asyncio.sleep(dice.uniform(0, LONGEST_LIFE))
            await asyncio.to_thread(victims.strike, name)
        stop.set()
    await check_books(users, network)
    assert sum(user.promises for user in users) >= ROUNDS, "too little happened for this to mean anything"


async def live(user: User, users: list[User], network: Network, stop: asyncio.Event, dice: random.Random) -> None:
    while not stop.is_set():
        await user.act(network, users, dice)


async def network_of(node: Node, worker: Worker) -> Network:
    async with await WorkerClient.connect(worker.url) as client:
        mrenclave, shard = await client.mrenclave(), await client.shard()
    assert base58.b58encode(shard).decode() == worker.shard
    vault = ss58_decode(worker.vault)[0]
    return Network(lambda: node.url, lambda: worker.url, vault, mrenclave, shard)


async def check_books(users: list[User], network: Network) -> None:
    """Both ledgers hold what the users remember, and keep holding it."""
    paid_out = {account: amount for user in users for account, amount in user.paid_out.items()}
    deposited = sum(sum(user.deposited) for user in users)
    async with network.parentchain() as chain, network.worker() as worker:
        await all_paid(chain, paid_out)
        await blocks_pass(chain, 10)  # time for anything that would happen twice
        books = await audit(chain)
        found = {account: await free_balance(chain, account, books.at) for account in paid_out}
        assert found == paid_out
        for account, amount in paid_out.items():
            assert books.paid(network.vault, account) == [amount]
        for user in users:
            info = await worker.account_info(user.pair)
            assert (info.nonce, info.data.free) == (user.nonce, user.balance)
            assert books.paid(user.pair.public, network.vault) == user.deposited
        assert await worker.total_issuance() == ENDOWED + ENCLAVE_ENDOWMENT + deposited - sum(paid_out.values())


async def all_paid(chain: ParentchainClient, expected: dict[bytes, int]) -> None:
    async def is_paid() -> bool:
        return all([await chain.free_balance(account) > 0 for account in expected])

    await soon(is_paid, "the last payment", SETTLING_SECONDS)


async def blocks_pass(chain: ParentchainClient, count: int) -> None:
    async with chain.finalized_heads() as heads:
        async for _ in heads:
            count -= 1
            if count <= 0:
                return
