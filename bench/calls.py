"""Shielded direct calls end to end: accounts with funds, the load of one client process on all workers, its rate."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable
from dataclasses import replace
from pathlib import Path

import msgspec

from integritee.crypto import Sr25519Pair
from integritee.devnet.config import TEER, NetworkConfig
from integritee.devnet.ledgers import Ledgers, connect
from integritee.devnet.network import Facts, run_network
from integritee.devnet.ports import STANDARD_PORTS, STANDARD_WORKER_PORTS

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


async def calls_per_s_by_validateers() -> dict[int, float]:
    """The same load on shards of several validateers, spread over all of them; a call counts once, where its client
    sees it in a block."""
    return {validateers: await _calls_per_s(validateers) for validateers in NETWORKS}


async def _calls_per_s(validateers: int) -> float:
    workers = tuple(STANDARD_WORKER_PORTS.of(number) for number in range(1, validateers + 1))
    config = NetworkConfig(ports=replace(STANDARD_PORTS, workers=workers), auto_ports=True, slot_ms=SLOT_MS)
    async with run_network(config) as network:
        return await network.while_alive(_loaded(network.ready(START_TIMEOUT)))


async def _loaded(ready: Awaitable[Facts]) -> float:
    facts = await ready
    async with connect(facts) as ledgers:
        await ledgers.shield(ALICE, SHIELDED)
        uris = await endow(ledgers)
        return rate(await load([worker.worker_url for worker in facts.workers], uris))


async def endow(ledgers: Ledgers) -> list[str]:
    """Accounts with funds for many transfers; Alice has shielded what they get."""
    uris = [f"//Bench//{number}" for number in range(ACCOUNTS)]
    await asyncio.gather(*(ledgers.transfer(ALICE, Sr25519Pair.from_uri(uri).public, ENDOWMENT) for uri in uris))
    return uris


async def load(urls: list[str], uris: list[str]) -> Report:
    """Have a process of its own send transfers of these accounts to workers."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bench.load",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parent.parent,
    )
    output, _ = await process.communicate(msgspec.json.encode(Orders(urls, uris, CONNECTIONS, DEPTH, LOAD_SECONDS)))
    if process.returncode != 0:
        raise SystemExit("the load generator failed: see its error above")
    return msgspec.json.decode(output, type=Report)


def rate(report: Report) -> float:
    """Calls per second between the end of the settling time and the end of sending."""
    included = sorted(report.included)
    begin, end = included[0] + SETTLED_SECONDS, included[0] + LOAD_SECONDS - 1
    return sum(begin <= at < end for at in included) / (end - begin)
