"""Shielded direct calls end to end: accounts with funds, the load of one client process on all workers, its rate."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Awaitable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import msgspec

from integritee.crypto import Sr25519Pair
from integritee.devnet.config import TEER, NetworkConfig
from integritee.devnet.ledgers import Ledgers, connect
from integritee.devnet.network import Facts, run_network
from integritee.devnet.ports import STANDARD_PORTS, STANDARD_WORKER_PORTS

from .cpu import cpu_seconds
from .load import Orders, Report

ACCOUNTS = 64
CONNECTIONS = 16
DEPTH = 24
"""Calls under way per account."""

LOAD_SECONDS = 12.0
SETTLED_SECONDS = 2.0
"""Start of the load that does not count."""

SLOT_MS = 250
SHIELDED = 500 * TEER
ENDOWMENT = 5 * TEER
NETWORKS = (1, 2, 3)
"""Validateers."""

ALICE = Sr25519Pair.from_uri("//Alice")
START_TIMEOUT = 120.0


@dataclass(frozen=True)
class Throughput:
    """Calls per second; and what one takes of all cores together, in milliseconds: client, hosts, enclaves, chain."""

    calls_per_s: float
    cpu_ms: float | None


async def throughput_by_validateers() -> dict[int, Throughput]:
    """The same load on shards of several validateers, spread over all of them; a call counts once, where its client
    sees it in a block."""
    return {validateers: await _throughput(validateers) for validateers in NETWORKS}


async def _throughput(validateers: int) -> Throughput:
    workers = tuple(STANDARD_WORKER_PORTS.of(number) for number in range(1, validateers + 1))
    config = NetworkConfig(ports=replace(STANDARD_PORTS, workers=workers), auto_ports=True, slot_ms=SLOT_MS)
    async with run_network(config) as network:
        return await network.while_alive(_loaded(network.ready(START_TIMEOUT)))


async def _loaded(ready: Awaitable[Facts]) -> Throughput:
    facts = await ready
    async with connect(facts) as ledgers:
        await ledgers.shield(ALICE, SHIELDED)
        uris = await endow(ledgers)
        before = cpu_seconds()
        report = await load([worker.worker_url for worker in facts.workers], uris)
        after = cpu_seconds()
    spent = None if before is None or after is None else 1000 * (after - before) / len(report.included)
    return Throughput(rate(report), spent)


async def endow(ledgers: Ledgers) -> list[str]:
    """Accounts with funds for many transfers; Alice has shielded what they get."""
    uris = [f"//Bench//{number}" for number in range(ACCOUNTS)]
    await asyncio.gather(*(ledgers.transfer(ALICE, Sr25519Pair.from_uri(uri).public, ENDOWMENT) for uri in uris))
    return uris


async def load(urls: list[str], uris: list[str]) -> Report:
    """Have a process of its own send transfers of these accounts to workers."""
    orders = msgspec.json.encode(Orders(urls, uris, CONNECTIONS, DEPTH, LOAD_SECONDS))
    command = [sys.executable, "-m", "bench.load"]
    run = partial(subprocess.run, command, input=orders, stdout=subprocess.PIPE, cwd=Path(__file__).parent.parent)
    finished = await asyncio.to_thread(run)
    if finished.returncode != 0:
        raise SystemExit("the load generator failed: see its error above")
    return msgspec.json.decode(finished.stdout, type=Report)


def rate(report: Report) -> float:
    """Calls per second between the end of the settling time and the end of sending."""
    included = sorted(report.included)
    begin, end = included[0] + SETTLED_SECONDS, included[0] + LOAD_SECONDS - 1
    return sum(begin <= at < end for at in included) / (end - begin)
