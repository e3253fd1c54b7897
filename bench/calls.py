"""Shielded direct calls on shards of several validateers: their rate, and what one costs all processes together."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass, replace

from integritee.crypto import Sr25519Pair
from integritee.devnet.config import TEER
from integritee.devnet.ledgers import Ledgers, connect
from integritee.devnet.network import Facts, run_network
from integritee.devnet.ports import STANDARD_PORTS, STANDARD_WORKER_PORTS

from .cpu import cpu_seconds
from .networks import config
from .saturated import ACCOUNTS, ALICE, SECONDS, WARM_UP, capacity, senders, together, transfers
from .shielding import decrypts_per_second

SHIELDED = 500 * TEER
ENDOWMENT = 5 * TEER
NETWORKS = (1, 2, 3)
"""Validateers."""

START_TIMEOUT = 120.0


@dataclass(frozen=True)
class Throughput:
    """Calls per second; and what one takes of all cores together, in ms: sending, hosts, enclaves, chain."""

    calls_per_s: float
    cpu_ms: float | None


async def throughput_by_validateers() -> dict[int, Throughput]:
    """The same load on shards of several validateers, spread over all of them; a call counts once, where its client
    sees it in a block."""
    return {validateers: await _throughput(validateers) for validateers in NETWORKS}


async def _throughput(validateers: int) -> Throughput:
    workers = tuple(STANDARD_WORKER_PORTS.of(number) for number in range(1, validateers + 1))
    async with run_network(config(ports=replace(STANDARD_PORTS, workers=workers))) as network:
        return await network.while_alive(_loaded(network.ready(START_TIMEOUT)))


async def _loaded(ready: Awaitable[Facts]) -> Throughput:
    facts = await ready
    most = decrypts_per_second(1.0)
    before: list[float | None] = []

    async def note() -> None:
        before.append(cpu_seconds())

    async with connect(facts) as ledgers:
        uris = await senders(ledgers, most * (WARM_UP + SECONDS))
        urls = [worker.worker_url for worker in facts.workers]
        (outcome,) = await together(transfers(urls, uris, most), at_start=note)
    after, done = cpu_seconds(), sum(outcome.calls.ended.values())
    spent = None if before[0] is None or after is None else 1000 * (after - before[0]) / done
    return Throughput(capacity(outcome), spent)


async def endow(ledgers: Ledgers) -> list[str]:
    """Accounts with funds for many transfers; Alice has shielded what they get."""
    uris = [f"//Bench//{number}" for number in range(ACCOUNTS)]
    await asyncio.gather(*(ledgers.transfer(ALICE, Sr25519Pair.from_uri(uri).public, ENDOWMENT) for uri in uris))
    return uris
