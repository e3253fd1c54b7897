"""How long an enclave takes to join a shard, by its accounts: ``python -m bench.joining ACCOUNTS`` is one run.

Two processes, so that neither waits for the other's interpreter lock: an enclave that serves the shard, makes its
blocks and provides; and a fork of its process in which another enclave asks for keys and state over loopback TLS,
with evidence on both sides, seals them on disk, starts again on what it sealed, and adopts the blocks made since.
Beside it is that start, which is what an enclave of the shard takes to come back. The interpreter's own start is in
none of the figures.
"""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

import msgspec
import uvloop
from tests.enclave.core.harness import SLOT_MS, TEE, World
from tests.enclave.core.parentchain import ALICE
from tests.enclave.core.validateers import BLOCK_SLOTS, Network

from integritee.boundary.messages import Provisioning, ProvisioningProgress, SidechainBlocks
from integritee.crypto import blake2_256
from integritee.enclave.collector import collector_paused
from integritee.enclave.peering import Peering
from integritee.enclave.replica import Effects
from integritee.enclave.store import DiskDirectory
from integritee.frame.overlay import Overlay
from integritee.node.runtime.runtime import TEER
from integritee.scale import decode, encode

SIZES = (100_000, 1_000_000)
HOST = "127.0.0.1"
PULSE = 0.001
"""Seconds between two turns of a task that tells when the provider's event loop has kept all tasks waiting."""


class Join(msgspec.Struct):
    """Seconds. `fetch`, `seal`, `start` and `follow` are the parts of `join`; `cpu` is what they took of a core;
    `pause` is the longest time in which the provider's event loop had no turn for others meanwhile. `size` is bytes
    that were sent."""

    join: float
    fetch: float
    seal: float
    start: float
    follow: float
    cpu: float
    size: int
    pause: float = 0.0


def joins() -> dict[int, Join]:
    """By number of accounts; each run has an interpreter of its own, and leaves no memory behind."""
    return {accounts: _run(accounts) for accounts in SIZES}


def _run(accounts: int) -> Join:
    command = [sys.executable, "-m", "bench.joining", str(accounts)]
    output = subprocess.run(command, stdout=subprocess.PIPE, check=True, cwd=Path(__file__).parent.parent).stdout
    return msgspec.json.decode(output, type=Join)


# --- the two enclaves


def measure(accounts: int) -> Join:
    """One run. Ends with a newcomer whose head is the provider's."""
    with tempfile.TemporaryDirectory() as scratch:
        first = World()
        first.run()
        newcomer = _newcomer(first, Path(scratch))
        _add_accounts(first, accounts)
        processes = get_context("fork")
        here, there = processes.Pipe()
        process = processes.Process(target=_join, args=(newcomer, there))
        process.start()
        there.close()
        newcomer.store.close()  # here; its lock is the fork's alone from now on
        try:
            return uvloop.run(_provide(first, here))
        finally:
            process.join()
            first.close()


def _newcomer(first: World, directory: Path) -> World:
    """A worker on its own disk that waits for state, with an account that has money."""
    newcomer = World(first.chain, DiskDirectory(directory), first.now, os.urandom, shard=first.shard)
    newcomer.connect()
    first.chain.transfer(ALICE, newcomer.account, 100 * TEER, first.now)
    network = Network(first)
    network.workers.append(newcomer)
    network.until(lambda: newcomer.core.shown_phase == "awaiting_state", 40 * BLOCK_SLOTS)
    return newcomer


def _add_accounts(world: World, count: int) -> None:
    """Have accounts with money in the ledger, and a block over them."""
    world.core.config = replace(world.core.config, check_invariants=False)  # which reads all of the ledger
    chain, runtime = world.core.replica.chain, world.ledger.runtime(Overlay(world.core.state))
    account = runtime.system.account
    runtime.balances.mint(bytes(32), TEER)
    record = runtime.state.changes()[account.key_of(bytes(32))]
    assert record is not None
    runtime.balances.total_issuance.mutate(lambda total: total + count * TEER)
    with collector_paused():
        entries = {account.key_of(blake2_256(number.to_bytes(8, "little"))): record for number in range(count)}
        chain.state = chain.state.commit({**runtime.state.changes(), **entries})
        chain.state_bytes += sum(len(key) + len(record) for key in entries)
        chain.state.root()
        gc.freeze()  # as an enclave does when it has started
    world.core.replica.show_state()
    world.slot()


def _peering(world: World, progress: Callable[[ProvisioningProgress], None]) -> Peering:
    async def publish(effects: Effects) -> None:
        world.durable(effects)

    return Peering(
        world.core,
        TEE,
        False,
        publish,
        tell=lambda statuses: None,
        clock=lambda: world.now,
        send=lambda sealed: None,
        progress=progress,
    )


# --- the provider


async def _provide(world: World, newcomer: Connection) -> Join:
    """Serve until the newcomer has all, and slots all the while."""
    peering, begun = _peering(world, lambda progress: None), len(world.blocks)
    newcomer.send(await peering.listen(HOST, 0))
    pauses: list[float] = []
    tasks = [asyncio.create_task(_serve_slots(world)), asyncio.create_task(_measure_pauses(pauses))]
    await _heard(newcomer)
    for task in tasks:
        task.cancel()
    await peering.close()
    newcomer.recv()
    world.slot()
    newcomer.send((world.now, encode(SidechainBlocks, SidechainBlocks(world.blocks[begun:], True))))
    await _heard(newcomer)
    join: Join = newcomer.recv()
    join.pause = max(pauses)
    return join


async def _serve_slots(world: World) -> None:
    while True:
        await asyncio.sleep(SLOT_MS / 1000)
        world.slot()


async def _measure_pauses(found: list[float]) -> None:
    while True:
        start = time.perf_counter()
        await asyncio.sleep(PULSE)
        found.append(time.perf_counter() - start - PULSE)


async def _heard(connection: Connection) -> None:
    """Wait until there is something to receive."""
    loop, heard = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(connection.fileno(), heard.set)
    await heard.wait()
    loop.remove_reader(connection.fileno())


# --- the newcomer


def _join(world: World, provider: Connection) -> None:
    """What the fork does."""
    world.chain = world.chain.fork()  # a database is not shared with the process that opened it
    port: int = provider.recv()
    clock = time.perf_counter
    begun, computed = clock(), time.process_time()
    fetched, size = uvloop.run(_fetch(world, port))
    sealed = clock()
    world.store.close()
    with collector_paused():
        world.boot()
        gc.freeze()
    started = clock()
    world.connect()
    world.sync()
    synced = clock()
    provider.send("started")
    now, message = provider.recv()
    asked = clock()
    blocks = decode(SidechainBlocks, message).blocks
    effects = world.durable(world.core.receive_blocks(blocks, now, is_complete=True))
    ended = clock()
    assert world.core.latest_header.hash() == blocks[-1].hash(), effects.refused
    follow = synced - started + ended - asked
    parts = (fetched - begun, sealed - fetched, started - sealed, follow)
    provider.send(Join(sum(parts), *parts, time.process_time() - computed, size))
    world.close()


async def _fetch(world: World, port: int) -> tuple[float, int]:
    """Get and seal all; when all had come, and how many bytes it was."""
    times = [0.0]
    peering = _peering(world, lambda progress: times.append(time.perf_counter()))
    provisioned = await peering.provision(Provisioning(HOST, port, succeed=False))
    return times[-1], provisioned.state_bytes


if __name__ == "__main__":
    sys.stdout.buffer.write(msgspec.json.encode(measure(int(sys.argv[1]))))
