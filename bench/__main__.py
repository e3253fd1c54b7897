"""``make bench``: one run, one table, and the same figures in ``bench/latest.json``.

What is measured

- *RSA decrypts*: raw `ShieldingKey.decrypt` on all cores, before and after the load; the mean is the bound.
- *direct calls*: shielded balance transfers end to end. One client process composes, signs, shields and sends them
  over TLS WebSockets, while the clock runs and on the same cores; a call counts when its `InSidechainBlock` is seen.
- *getters*: signed `account_info` of one client, idle and while that load runs.
- *start-up*: from nothing to the first confirmed trusted transfer: processes, onboarding, shielding, transfer.
- *empty block*: build, root, encrypt, sign; by number of accounts.
- *direct calls, by validateers*: the same load on shards of several, spread over all workers (`calls`).
- *block of a peer*: importing it, beside making it, by its transfers (`peers`).
- *join*: keys and state from another enclave, sealed, started, following; by number of accounts, beside the start
  alone (`joining`).
- *simulation*: seconds of the simulated network's clock per second (`simulation`).
- *headers*, *block with 100 events*: what following a parentchain costs an enclave (`following`).
- *node*: milliseconds per block and per transfer of its Python runtime, and of a real runtime in Wasm beside
  chopsticks on the same blocks (`node`). Without npm these two are not measured, and null in the file.
- *round trips*: one question after the other at the node's JSON-RPC (`rpc`).
"""

from __future__ import annotations

import asyncio
import json
import os
import platform
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from integritee.client.worker import WorkerClient
from integritee.crypto import Sr25519Pair
from integritee.devnet.config import TEER, NetworkConfig
from integritee.devnet.ledgers import connect
from integritee.devnet.network import Facts, run_network

from .blocks import empty_block_ms
from .calls import ALICE, SETTLED_SECONDS, SHIELDED, SLOT_MS, endow, load, rate
from .following import following
from .node import node_blocks
from .rpc import round_trips_per_second
from .shielding import decrypts_per_second
from .validateers import several_validateers, validateer_rows

LATEST = Path(__file__).parent / "latest.json"
GETTER_ROUNDS = 400


async def measure() -> dict[str, Any]:
    """All figures of one run."""
    rsa = decrypts_per_second(2.0)
    started = time.monotonic()
    async with run_network(NetworkConfig(auto_ports=True, slot_ms=SLOT_MS)) as network:
        figures = await network.while_alive(_on_network(network.ready(), started))
    rsa = (rsa + decrypts_per_second(2.0)) / 2
    validateers = await several_validateers()
    blocks = empty_block_ms()
    parentchain = {**following(), **node_blocks(), **round_trips_per_second()}
    calls = figures["direct_calls_per_s"]
    return {
        "rsa_decrypts_per_s": round(rsa, 1),
        "direct_calls_per_s": round(calls, 1),
        "direct_calls_ratio": round(calls / rsa, 3),
        **{name: round(value, 3) for name, value in figures.items() if name != "direct_calls_per_s"},
        "empty_block_ms": {str(size): round(ms, 3) for size, ms in blocks.items()},
        **validateers,
        **{name: None if value is None else round(value, 3) for name, value in parentchain.items()},
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
    }


async def _on_network(ready: Any, started: float) -> dict[str, float]:
    facts: Facts = await ready
    async with connect(facts) as ledgers:
        await ledgers.shield(ALICE, SHIELDED)
        await ledgers.transfer(ALICE, Sr25519Pair.from_uri("//Bob").public, TEER)
        startup = time.monotonic() - started
        uris = await endow(ledgers)
        idle = await _getter_times(ledgers.worker, ALICE)
        loading = asyncio.create_task(load([facts.worker_url], uris))
        await asyncio.sleep(SETTLED_SECONDS + 1)
        busy = await _getter_times(ledgers.worker, ALICE)
        report = await loading
    return {
        "direct_calls_per_s": rate(report),
        "getter_p50_ms": _quantile(busy, 0.5),
        "getter_p99_ms": _quantile(busy, 0.99),
        "getter_idle_p50_ms": _quantile(idle, 0.5),
        "getter_idle_p99_ms": _quantile(idle, 0.99),
        "call_p50_ms": _quantile([1000 * t for t in report.latencies], 0.5),
        "startup_s": startup,
    }


async def _getter_times(worker: WorkerClient, pair: Sr25519Pair) -> list[float]:
    """Milliseconds of signed getters, one after the other."""
    times = []
    for _ in range(GETTER_ROUNDS):
        start = time.perf_counter()
        await worker.account_info(pair)
        times.append((time.perf_counter() - start) * 1000)
        await asyncio.sleep(0.005)
    return times


def _quantile(samples: list[float], share: float) -> float:
    return sorted(samples)[min(int(len(samples) * share), len(samples) - 1)]


def _table(figures: dict[str, Any]) -> str:
    blocks = ", ".join(f"{ms} ms at {int(size):,}" for size, ms in figures["empty_block_ms"].items())
    rows = (
        ("RSA-3072 decrypts, all cores (the bound)", f"{figures['rsa_decrypts_per_s']:,} /s"),
        ("direct transfers end to end", f"{figures['direct_calls_per_s']:,} /s"),
        ("  share of the bound", f"{figures['direct_calls_ratio']:.0%}"),
        ("  submitted to confirmed, p50", f"{figures['call_p50_ms']} ms"),
        ("getter under that load, p50 / p99", f"{figures['getter_p50_ms']} / {figures['getter_p99_ms']} ms"),
        ("getter idle, p50 / p99", f"{figures['getter_idle_p50_ms']} / {figures['getter_idle_p99_ms']} ms"),
        ("nothing to first confirmed transfer", f"{figures['startup_s']} s"),
        ("empty block, by accounts", blocks),
        *validateer_rows(figures),
        *_parentchain_rows(figures),
        ("machine", figures["machine"]),
    )
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:<{width}}  {value}" for name, value in rows)


def _parentchain_rows(figures: dict[str, Any]) -> Iterator[tuple[str, str]]:
    def figure(key: str, digits: int = 1) -> str:
        return f"{figures[key]:,.{digits}f}"

    def beside_chopsticks(what: str, key: str) -> str:
        if figures[key] is None:
            return "not measured"
        return f"{figure(key)} ms; {figure(f'chopsticks_{what}_ms')} ms, {figure(f'chopsticks_{what}_ratio')} times"

    for voters, key in ((4, "headers_per_s"), (100, "headers_100_voters_per_s")):
        yield f"headers verified, {voters} voters", f"{figure(key, 0)} /s, {figures[f'{key}_ratio']:.0%} of the bound"
    yield "  votes verified (the bound)", f"{figure('ed25519_verifies_per_s', 0)} /s"
    imported = f"{figure('import_block_100_events_ms', 2)} ms, {figure('import_block_100_events_per_s', 0)} /s"
    yield "block with 100 events imported", f"{imported}; {figures['import_block_to_making']:.0%} of making it"
    yield "node, Python: empty block", f"{figure('node_python_block_ms', 2)} ms"
    yield "node, Python: transfer", f"{figure('node_python_transfer_ms', 2)} ms"
    yield "node, Wasm: empty block; chopsticks", beside_chopsticks("block", "node_wasm_block_ms")
    yield "node, Wasm: transfer; chopsticks", beside_chopsticks("transfer", "node_transfer_ms")
    bare = f"{figures['rpc_ratio']:.0%} of a bare WebSocket server's"
    yield "node, JSON-RPC round trips", f"{figure('rpc_round_trips_per_s', 0)} /s, {bare}"


def main() -> None:
    figures = asyncio.run(measure())
    LATEST.write_text(json.dumps(figures, indent=2) + "\n")
    print(_table(figures))


if __name__ == "__main__":
    main()
