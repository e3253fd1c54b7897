"""How many clients one worker serves at a time, and what memory each takes: ``python -m bench.clients``.

10,000 clients in processes of their own connect over TLS and stay. Within a minute each asks a signed getter and
submits a transfer whose statuses it watches until the call is in a block. Memory is the growth of the enclave
processes' resident sets from before the first client to the end of that minute, state and pool included. One more
client than is configured is refused with HTTP 503.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

from integritee.devnet.ledgers import connect
from integritee.devnet.network import Facts, run_network
from integritee.load.errors import HandshakeRefused
from integritee.load.websocket import WebSocketClient

from .calls import ALICE, SHIELDED, START_TIMEOUT, endow
from .cpu import family
from .crowd import CrowdProcess, Orders, Window
from .latest import main
from .networks import config

CLIENTS = 10_000
PROCESSES = 4
SECONDS = 60.0
ATTEMPTS = 50
"""Places come back a moment after those that had them have left: here the client that prepares the bench."""


async def measure() -> dict[str, Any]:
    """`clients_held` that got a reply to the getter and their call into a block; `kib_per_client`; and beside them
    seconds that connecting took, what the client beyond the limit was told, and what went wrong."""
    async with run_network(config()) as network:
        return await network.while_alive(_on_network(network.ready(START_TIMEOUT)))


async def _on_network(ready: Any) -> dict[str, Any]:
    facts: Facts = await ready
    async with connect(facts) as ledgers:
        await ledgers.shield(ALICE, SHIELDED)
        uris = await endow(ledgers)
    enclave = enclave_of(facts)
    await _warm_up(facts, uris)
    before = resident_kib(enclave)
    share = len(uris) // PROCESSES
    started = time.monotonic()
    crowds = [
        await CrowdProcess.start(
            Orders(facts.worker_url, CLIENTS // PROCESSES, uris[number * share : (number + 1) * share], number)
        )
        for number in range(PROCESSES)
    ]
    await asyncio.gather(*(crowd.ready() for crowd in crowds))
    connecting = time.monotonic() - started
    refusal = await _one_more(facts.worker_url)
    idle = resident_kib(enclave)
    reports = await asyncio.gather(*(crowd.run(Window(SECONDS, 1, 1)) for crowd in crowds))
    after = resident_kib(enclave)
    await asyncio.gather(*(crowd.end() for crowd in crowds))
    served = (sum(len(report.getters) for report in reports), sum(report.confirmed for report in reports))
    failures: dict[str, int] = {}
    for report in reports:
        for code, count in report.failures.items():
            failures[code] = failures.get(code, 0) + count
    return {
        "clients_held": min(*served, sum(report.open for report in reports)),
        "kib_per_client": round((after - before) / CLIENTS, 1),
        "kib_per_idle_client": round((idle - before) / CLIENTS, 1),
        "clients_connected_s": round(connecting, 1),
        "client_beyond_the_limit": refusal,
        "clients_failures": failures,
    }


async def _warm_up(facts: Facts, uris: list[str]) -> None:
    """What the enclave allocates once is not the clients'."""
    crowd = await CrowdProcess.start(Orders(facts.worker_url, 32, uris, 0))
    await crowd.ready()
    await crowd.run(Window(2.0, 2, 1))
    await crowd.end()


async def _one_more(url: str) -> str:
    for _ in range(ATTEMPTS):
        try:
            client = await WebSocketClient.open(url, lambda text: None, lambda: None)
        except HandshakeRefused as refused:
            return str(refused)
        client.close()
        await asyncio.sleep(0.1)
    return "served"


def enclave_of(facts: Facts) -> list[int]:
    """Process ids of the first worker's enclave, its descendants that run the enclave's main module: the one that has
    the state; its front end, which has the clients; and those that decipher."""
    found = [process for process in family(facts.pids[facts.workers[0].name]) if _is_enclave(process)]
    if not found:
        raise SystemExit("no enclave was found")
    return found


def _is_enclave(process: int) -> bool:
    try:
        return b"integritee.enclave.main" in Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError):
        return False


def resident_kib(processes: list[int]) -> int:
    """Resident sets together; what they share counts for each."""
    return sum(map(_resident_kib, processes))


def _resident_kib(process: int) -> int:
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))


if __name__ == "__main__":
    main(lambda: asyncio.run(measure()))
