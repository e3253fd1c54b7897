"""`integritee devnet`: a set-up to work with, until Ctrl-C."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import Final

from .config import NetworkConfig, Shielding
from .errors import ProcessEnded, ProcessSilent
from .network import Facts, Network, run_network
from .watch import Watch, measured_places

SHOWN: Final = ("//Alice", "//Bob", "//Charlie")
"""Development accounts on the screen, beside those that shield."""


async def run_devnet(config: NetworkConfig, shieldings: Sequence[Shielding], as_json: bool) -> None:
    """Run until cancelled. Raises DevnetError, ClientError, OSError."""
    started = time.monotonic()
    watch = Watch(measured_places(config.folders))  # what changes from now on may not be in the first code
    async with run_network(config) as network:
        facts = await network.while_alive(_open(network, config, shieldings, as_json, started))
        if config.reload:
            await _reload(network, config, watch, facts, as_json)
        await network.while_alive(asyncio.Event().wait())


async def _open(
    network: Network, config: NetworkConfig, shieldings: Sequence[Shielding], as_json: bool, started: float
) -> Facts:
    # The SDK takes a while to load. Now the processes have loaded, and for a second they mostly wait for blocks.
    await network.listening()
    from integritee.crypto import Sr25519Pair, ss58_encode
    from integritee.stf.development import ENDOWMENTS

    from .ledgers import connect
    from .screen import ready_screen

    facts = await network.ready()
    if config.reload:
        from .reload import entitle

        await entitle(facts.node_url, facts.shard, facts.mrenclave)  # a kept ledger, code changed since
    pairs = {name: Sr25519Pair.from_uri(name) for name in dict.fromkeys((*SHOWN, *(s.uri for s in shieldings)))}
    shielded: dict[str, int] = {}
    async with connect(facts) as ledgers:
        for wish in shieldings:
            pair = pairs[wish.uri]
            if await ledgers.private_balance(pair) == ENDOWMENTS.get(pair.public, 0):  # else kept data has it already
                await ledgers.shield(pairs[wish.uri], wish.amount)
                shielded[wish.uri] = wish.amount
        holdings = {name: await ledgers.holdings(pair) for name, pair in pairs.items()}
    if as_json:
        accounts = {
            name: {"address": ss58_encode(pairs[name].public), **asdict(held)} for name, held in holdings.items()
        }
        print(json.dumps({**_plain(facts), "accounts": accounts}), flush=True)
    else:
        print(ready_screen(facts, holdings, shielded, time.monotonic() - started, config.folders), flush=True)
    return facts


def _plain(facts: Facts) -> dict[str, object]:
    """Without what there is not. What belongs to the first worker is also there as if it were the only one."""
    known = asdict(facts, dict_factory=lambda items: {name: value for name, value in items if value is not None})
    first = facts.workers[0]
    return {
        **known,
        **{name: getattr(first, name) for name in ("worker_url", "http_url", "enclave_account")},
        "ports": facts.ports.chains() | asdict(first.ports),
        "data_dir": str(facts.data_dir),
    }


# -- changed code --------------------------------------------------------------------------------------


async def _reload(network: Network, config: NetworkConfig, watch: Watch, facts: Facts, as_json: bool) -> None:
    """Let changed code take over again and again."""
    from .reload import changed_code, exchange

    running: str | None = facts.mrenclave
    while True:
        fingerprint = await network.while_alive(changed_code(watch, config.apps, running))
        noticed = time.monotonic()
        running = fingerprint
        try:
            facts = await exchange(network, facts, fingerprint)
        except (ProcessEnded, ProcessSilent) as failed:
            print(f"error: {failed.code}: {failed}\n[reload] waiting for better code", file=sys.stderr, flush=True)
            if isinstance(failed, ProcessEnded):
                await network.stop_worker()
                running = None
            continue
        if as_json:
            print(json.dumps(_plain(facts)), flush=True)
        else:
            seconds = time.monotonic() - noticed
            print(f"[reload] the new code runs after {seconds:.1f} s. MRENCLAVE {facts.mrenclave}", flush=True)
