"""The parentchains of a worker: a feed for each, the enclave's money there, and what there is to tell about them."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from integritee.boundary.endpoint import RemoteFailure
from integritee.boundary.interface import Ecalls
from integritee.boundary.messages import ChainStatus, EnclaveIdentity, EnclaveStatus, Nothing, SubmitExtrinsics
from integritee.client.parentchain import DECIMALS, ParentchainClient
from integritee.errors import IntegriteeError
from integritee.primitives.ids import ParentchainId

from .chain_config import ChainConfig
from .chain_metrics import ChainMetrics
from .config import Config
from .console import Console
from .contact import Enclave
from .errors import EnclaveSilent
from .funding import Funding, Purse, estimate
from .progress import Display
from .readiness import Feed
from .sync import ParentchainSync
from .tasks import until_one_ends

LOOK_PAUSE: Final = 5.0
"""Seconds between two looks at what the enclave says of its chains."""


@dataclass
class Chain:
    """One parentchain. `seen` is what the enclave said of it when it was last looked at."""

    sync: ParentchainSync
    purse: Purse
    decimals: int = DECIMALS
    seen: ChainStatus | None = field(default=None)

    @property
    def feed(self) -> Feed:
        sync = self.sync
        finalized = None if sync.chain is None else sync.finalized
        return Feed(sync.config.name, sync.endpoint, finalized, None if sync.relay is None else sync.relay.endpoint)


class Parentchains:
    """All of them. `run` follows them until cancelled."""

    def __init__(self, config: Config, enclave: Enclave, identity: EnclaveIdentity, console: Console) -> None:
        self._config, self._enclave, self._identity, self._console = config, enclave, identity, console
        self._chains = {chain.id: self._chain(chain) for chain in config.chains}

    def _chain(self, chain: ChainConfig) -> Chain:
        async def funding(client: ParentchainClient) -> Funding:
            return await self._funding(chain.id, client)

        say, display = self._console.say, Display(chain.name, self._console)
        sync = ParentchainSync(chain, self._enclave, funding, say, display)
        return Chain(sync, Purse(chain.name, self._identity.account, self._config.dev, say))

    async def run(self) -> None:
        """Raises EnclaveDied."""
        await until_one_ends(self._watch(), *(chain.sync.run() for chain in self._chains.values()))

    async def _funding(self, id: ParentchainId, client: ParentchainClient) -> Funding:
        self._chains[id].decimals = await client.token_decimals()
        return await estimate(client, holds_vault=id is self._identity.shielding_target)

    def client(self, id: ParentchainId) -> ParentchainClient | None:
        """The connection in use to a chain, if there is one."""
        chain = self._chains.get(id)
        return None if chain is None else chain.sync.chain

    async def submit(self, request: SubmitExtrinsics) -> None:
        """Hand extrinsics to a node of their chain."""
        if request.id in self._chains:
            await self._chains[request.id].sync.submit(request.extrinsics)

    async def fund(self, id: ParentchainId, amount: int) -> None:
        """Have the enclave account get base units on a chain, by whoever can."""
        chain = self._chains.get(id)
        if chain is not None and chain.sync.chain is not None:
            await chain.purse.fill(chain.sync.chain, amount)

    # -- looking after them --------------------------------------------------------------------------

    async def _watch(self) -> None:
        while True:
            with suppress(RemoteFailure, EnclaveSilent):
                await self._look(await self._enclave.call(Ecalls.status, Nothing()))
            await asyncio.sleep(LOOK_PAUSE)

    async def _look(self, status: EnclaveStatus) -> None:
        """Tell what has changed, and fill purses."""
        for now in status.chains:
            chain = self._chains.get(now.id)
            if chain is None:
                continue
            for text in changes(chain.seen, now):
                self._console.say(f"[{now.id.name}] {text}")
            chain.seen = now
        await asyncio.gather(*(self.fund(id, amount) for id, amount in status.needed_funds.items()))

    # -- for status and metrics ----------------------------------------------------------------------

    @property
    def feeds(self) -> list[Feed]:
        return [chain.feed for chain in self._chains.values()]

    async def measure(self, metrics: ChainMetrics, status: EnclaveStatus) -> None:
        """Bring the metrics up to date; balances only of chains whose nodes know them."""
        for id, chain in self._chains.items():
            metrics.on_feed(chain.feed, chain.sync.endpoints.switches)
            known = status.chain(id)
            if known is not None:
                metrics.on_status(known, chain.decimals)
            if chain.sync.chain is not None:
                with suppress(IntegriteeError):
                    enclave = await chain.sync.chain.free_balance(self._identity.account)
                    vault = await chain.sync.chain.free_balance(self._identity.vault)
                    metrics.on_balances(id.name, enclave, vault, chain.decimals)


def changes(before: ChainStatus | None, now: ChainStatus) -> list[str]:
    """What an operator should know that was not so before."""
    texts = []
    was_stale, refused = (before.is_stale, before.refused) if before else (False, 0)
    if now.is_stale and not was_stale:
        texts.append(f"[!] the latest proven block, {now.number}, is too old: block production pauses")
    if was_stale and not now.is_stale:
        texts.append(f"block {now.number} is proven: block production goes on")
    if now.refused > refused:
        texts.append(f"[!] {now.refused - refused} extrinsics of the enclave failed on the chain")
    return texts
