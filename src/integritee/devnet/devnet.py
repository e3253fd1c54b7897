"""`integritee devnet`: a set-up to work with, until Ctrl-C."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import Final

from .config import NetworkConfig, Shielding
from .network import Facts, Network, run_network

SHOWN: Final = ("//Alice", "//Bob", "//Charlie")
"""Development accounts on the screen, beside those that shield."""


async def run_devnet(config: NetworkConfig, shieldings: Sequence[Shielding], as_json: bool) -> None:
    """Run until cancelled. Raises DevnetError, ClientError, OSError."""
    started = time.monotonic()
    async with run_network(config) as network:
        await network.while_alive(_serve(network, shieldings, as_json, started))


async def _serve(network: Network, shieldings: Sequence[Shielding], as_json: bool, started: float) -> None:
    # The SDK takes a while to load. Now the processes have loaded, and for a second they mostly wait for blocks.
    await network.listening()
    from integritee.crypto import Sr25519Pair, ss58_encode
    from integritee.stf.development import ENDOWMENTS

    from .ledgers import connect
    from .screen import ready_screen

    facts = await network.ready()
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
        print(ready_screen(facts, holdings, shielded, time.monotonic() - started), flush=True)
    await asyncio.Event().wait()


def _plain(facts: Facts) -> dict[str, object]:
    return {**asdict(facts), "data_dir": str(facts.data_dir)}
