"""``make bench``: one run, one table, and the same figures in ``bench/latest.json``.

Each part also runs alone and leaves the figures of the others as they are: ``python -m bench.direct``, `accounts`,
`clients`, `attacks`, `validateers`. `docs/benchmarks.md` says how to read them.

What is measured

- *direct calls*, *session calls*, *getters under load*: of one worker, each rate beside its bound (`direct`).
  Requests are composed, signed and sealed before the clock starts.
- *start-up*: from nothing to the first confirmed trusted transfer: processes, onboarding, shielding, transfer.
- *large ledgers*: the same rates with a thousand accounts and with a million (`accounts`).
- *clients*: how many one worker serves at a time, and what each takes (`clients`).
- *attacks*: what honest clients feel of them (`attacks`).
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
import os
import platform
from collections.abc import Iterator
from typing import Any

from . import accounts, attacks, clients, direct
from .blocks import empty_block_ms
from .following import following
from .latest import replace
from .node import node_blocks
from .rpc import round_trips_per_second
from .validateers import several_validateers, validateer_rows


async def measure() -> dict[str, Any]:
    """All figures of one run."""
    figures = {
        **await direct.measure(),
        **await accounts.measure(),
        **await clients.measure(),
        **await attacks.measure(),
    }
    validateers = await several_validateers()
    blocks = empty_block_ms()
    parentchain = {**following(), **node_blocks(), **round_trips_per_second()}
    return {
        **figures,
        "empty_block_ms": {str(size): round(ms, 3) for size, ms in blocks.items()},
        **validateers,
        **{name: None if value is None else round(value, 3) for name, value in parentchain.items()},
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
    }


def _table(figures: dict[str, Any]) -> str:
    blocks = ", ".join(f"{ms} ms at {int(size):,}" for size, ms in figures["empty_block_ms"].items())
    rows = (
        *_worker_rows(figures),
        ("empty block, by accounts", blocks),
        *validateer_rows(figures),
        *_parentchain_rows(figures),
        ("machine", figures["machine"]),
    )
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:<{width}}  {value}" for name, value in rows)


def _worker_rows(figures: dict[str, Any]) -> Iterator[tuple[str, str]]:
    def both(key: str) -> str:
        return f"{figures[f'{key}_p50_ms']} / {figures[f'{key}_p99_ms']} ms"

    yield "RSA-3072 decrypts, all cores (the bound)", f"{figures['rsa_decrypts_per_s']:,} /s"
    yield "direct transfers end to end", f"{figures['direct_calls_per_s']:,} /s"
    yield "  share of the bound", f"{figures['direct_calls_ratio']:.0%}"
    yield "  all processes' time for each", f"{figures['direct_call_cpu_ms']} ms"
    yield "  at half that rate, p50 / p99", both("call")
    yield "sr25519 verifies, all cores", f"{figures['sr25519_verifies_per_s']:,} /s"
    yield "transfers in sessions end to end", f"{figures['session_calls_per_s']:,} /s"
    yield "  share of the verifies", f"{figures['session_ratio']:.0%}"
    yield "  all processes' time for each", f"{figures['session_call_cpu_ms']} ms"
    yield "rates, a million accounts to a thousand", f"{figures['flat_1e6_over_1e3']:.0%}"
    yield "getter under full load, p50 / p99", both("getter_loaded")
    yield "getter idle, p50 / p99", both("getter_idle")
    yield "clients held", f"{figures['clients_held']:,}, {figures['kib_per_client']} KiB each"
    yield "honest clients' p99 under the worst attack", f"{figures['attack_p99_ratio']} times the quiet one"
    yield "nothing to first confirmed transfer", f"{figures['startup_s']} s"


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
    replace(figures)
    print(_table(figures))


if __name__ == "__main__":
    main()
