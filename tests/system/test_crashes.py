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

import pytest

from .crash_books import check_books
from .crash_users import getting_on, live, network_of, some_users
from .processes import Node, Service, Worker, eventually, is_alive

SEEDS: Final = [int(seed) for seed in os.environ.get("INTEGRITEE_CRASH_SEED", "1 2").split()]
DEATHS: Final = ("node", "worker", "enclave", "all", "all")
"""Twice as often all at once: then whatever only one of them remembered is gone."""

ROUNDS: Final = 6
LONGEST_LIFE: Final = 1.5
"""Seconds that pass at most between a recovery and the next death."""

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
    users = some_users()
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        for user in users:
            tasks.create_task(live(user, users, network, stop, random.Random(dice.random())))
        victims = Victims(node, worker)
        for count, name in enumerate(dice.choices(DEATHS, k=ROUNDS)):
            await getting_on(users, count)
            await asyncio.sleep(dice.uniform(0, LONGEST_LIFE))
            await asyncio.to_thread(victims.strike, name)
        await getting_on(users, ROUNDS)
        stop.set()
    await check_books(users, network)
