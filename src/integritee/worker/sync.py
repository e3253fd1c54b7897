"""Feeding finalized parentchain blocks to the enclave.

The host fetches blocks, justifications and proofs and passes them on; the enclave judges them. Connection
loss, node restarts and refused batches are normal: wait, look again, go on from where the enclave is.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Final

from integritee.boundary.interface import Ecalls
from integritee.boundary.messages import (
    ImportBlocks,
    Leap,
    ParentchainBlock,
    ParentchainParams,
    RuntimeFacts,
    RuntimeUpdate,
    SyncState,
)
from integritee.client.errors import ClientError, ConnectionFailed, RpcError
from integritee.client.parentchain import Block, ParentchainClient, Runtime
from integritee.errors import IntegriteeError
from integritee.primitives.ids import ParentchainId
from integritee.primitives.storage import storage_prefix

from .enclave_process import EnclaveProcess
from .errors import EnclaveDied, NoJustification
from .funding import Funding
from .leaps import find_leaps

BATCH: Final = 64
"""Blocks per ecall while catching up."""

SEARCH_LIMIT: Final = 1000
"""How far to look for the next justified block."""

RETRY_PAUSE: Final = 0.5
MAX_PAUSE: Final = 10.0

AUTHORITY_KEYS: Final = (
    storage_prefix("Grandpa", "Authorities"),
    storage_prefix("Grandpa", "CurrentSetId"),
    b":grandpa_authorities",
)
log = logging.getLogger(__name__)


class ParentchainSync:
    """Keeps the enclave at the finalized head of one chain."""

    def __init__(
        self, url: str, enclave: EnclaveProcess, connected: Callable[[ParentchainClient], Awaitable[Funding]]
    ) -> None:
        """`connected` is told of every connection and says how much money to aim for."""
        self._url, self._enclave, self._connected = url, enclave, connected
        self._met = False
        self.chain: ParentchainClient | None = None
        self.state: SyncState | None = None
        self.progress = asyncio.Event()

    async def run(self) -> None:
        """Follow the chain until cancelled. Raises EnclaveDied."""
        pause = RETRY_PAUSE
        while True:
            self.progress.clear()
            try:
                await self._session()
            except ConnectionFailed as lost:
                log.warning("parentchain connection lost: %s", lost)
            except EnclaveDied:
                raise
            except IntegriteeError as refused:
                log.error("parentchain sync: %s (%s)", refused, refused.code)
            pause = RETRY_PAUSE if self.progress.is_set() else min(pause * 2, MAX_PAUSE)
            await asyncio.sleep(pause)

    async def _session(self) -> None:
        async with await ParentchainClient.connect(self._url) as chain:
            self.chain = chain
            try:
                funding = await self._connected(chain)
                self.state = await self._introduce(chain, funding)
                await _until_one_ends(self._watch_runtime(chain), self._follow(chain))
            finally:
                self.chain = None

    async def _introduce(self, chain: ParentchainClient, funding: Funding) -> SyncState:
        genesis = await chain.header(chain.genesis_hash)
        proof = await chain.read_proof(list(AUTHORITY_KEYS), chain.genesis_hash)
        leaps = await self._find_leaps(chain)
        params = ParentchainParams(
            ParentchainId.Integritee, genesis, proof, facts_of(chain.runtime), funding.required, funding.vault, leaps
        )
        return await self._enclave.call(Ecalls.init_parentchain, params)

    async def _find_leaps(self, chain: ParentchainClient) -> list[Leap]:
        """For the first contact only: later the enclave knows where it is, or did not like the leaps."""
        if self._met:
            return []
        self._met = True
        try:
            return await find_leaps(chain, (await chain.header(await chain.finalized_head())).number)
        except RpcError as unknown:
            log.info("no leaps over changes of authorities: %s", unknown)
            return []

    async def _follow(self, chain: ParentchainClient) -> None:
        async with chain.finalized_heads() as heads:
            await self._catch_up(chain)
            async for _ in heads:
                await self._catch_up(chain)

    async def _catch_up(self, chain: ParentchainClient) -> None:
        assert self.state is not None
        target = (await chain.header(await chain.finalized_head())).number
        while self.state.number < target:
            blocks = await self._justified_batch(chain, self.state.number + 1, target)
            self.state = await self._import(chain, blocks)
            self.progress.set()

    async def _justified_batch(self, chain: ParentchainClient, first: int, target: int) -> list[Block]:
        """Blocks from `first` on, ending with a justified one."""
        blocks: list[Block] = []
        while len(blocks) < SEARCH_LIMIT:
            start = first + len(blocks)
            wanted = range(start, min(start + BATCH, target + 1))
            if not wanted:
                break
            blocks += await asyncio.gather(*(_block_at(chain, n) for n in wanted))
            for end in range(len(blocks), 0, -1):
                if blocks[end - 1].justification is not None:
                    return blocks[:end]
        raise NoJustification(first, first + len(blocks) - 1)

    async def _import(self, chain: ParentchainClient, blocks: list[Block]) -> SyncState:
        assert self.state is not None
        keys = self.state.watched_keys
        proofs = await asyncio.gather(*(chain.read_proof(keys, b.header.hash()) for b in blocks))
        batch = [
            ParentchainBlock(b.header, b.extrinsics, b.justification, proof)
            for b, proof in zip(blocks, proofs, strict=True)
        ]
        return await self._enclave.call(Ecalls.import_blocks, ImportBlocks(ParentchainId.Integritee, batch))

    async def _watch_runtime(self, chain: ParentchainClient) -> None:
        """Give the enclave new metadata when the chain's runtime is upgraded."""
        async with chain.rpc.subscribe(
            "state_subscribeRuntimeVersion", [], "state_unsubscribeRuntimeVersion"
        ) as versions:
            async for version in versions:
                if version["result"]["specVersion"] != chain.runtime.spec_version:
                    runtime = await chain.refresh_runtime()
                    update = RuntimeUpdate(ParentchainId.Integritee, facts_of(runtime))
                    await self._enclave.call(Ecalls.set_runtime, update)

    async def submit(self, extrinsics: list[bytes]) -> None:
        """Hand extrinsics to the node. Refusals are no concern: the enclave repeats what is still missing."""
        chain = self.chain
        if chain is None:
            return
        for extrinsic in extrinsics:
            try:
                await chain.submit(extrinsic)
            except ClientError as refused:
                log.debug("node refused extrinsic: %s", refused)


async def _until_one_ends(*works: Coroutine[None, None, None]) -> None:
    """Do all at once; when one ends or fails, so do the others, and this.

    A task group would forget that it is cancelled itself if one of its tasks fails at that very moment.
    """
    tasks = [asyncio.create_task(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _block_at(chain: ParentchainClient, number: int) -> Block:
    block_hash = await chain.block_hash(number)
    if block_hash is None:
        raise ConnectionFailed(chain.rpc.url, f"the node does not know block {number}")
    return await chain.block(block_hash)


def facts_of(runtime: Runtime) -> RuntimeFacts:
    return RuntimeFacts(runtime.raw_metadata, runtime.spec_version, runtime.transaction_version)
