"""The relay chain of a parachain, over several endpoints: it is asked why blocks of the parachain are final.

Its endpoints fail over among themselves. None of their faults is the parachain's node's, so its connection stays;
there are just no proven blocks meanwhile.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from random import SystemRandom
from typing import Final, TypeVar

from integritee.boundary.messages import MAX_BLOCKS_PER_IMPORT, RelayParams, SyncState
from integritee.client.errors import ConnectionFailed
from integritee.client.parentchain import ParentchainClient
from integritee.errors import IntegriteeError

from .chain_config import RelayConfig
from .contact import authorities_proof
from .endpoints import MAX_BEHIND, RELAY_FAULTS, Endpoints, Fault, shown
from .errors import NodeBehind
from .faults import fault_behind
from .relay import ProvenHead, next_proven_head

RANDOM: Final = SystemRandom()
T = TypeVar("T")
log = logging.getLogger(__name__)


class RelayFeed:
    """The relay chain of the parachain `name`."""

    def __init__(
        self,
        name: str,
        config: RelayConfig,
        connect: Callable[[str], Awaitable[ParentchainClient]],
        roll: Callable[[], float] = RANDOM.random,
    ) -> None:
        self._name, self._config, self._connect, self._roll = name, config, connect, roll
        self._para_id = config.para_id
        self._stack = AsyncExitStack()
        self._client: ParentchainClient | None = None
        self.endpoints = Endpoints(config.urls)

    @property
    def endpoint(self) -> str | None:
        """The one in use or about to be, as it may be shown."""
        return self.endpoints.shown

    async def params(self, parachain: ParentchainClient) -> RelayParams:
        """For first contact; asks the parachain for its id if nobody said it. Raises ClientError of the parachain's
        node, MetadataError if it is no parachain."""
        if self._para_id is None:
            self._para_id = int(await parachain.storage("ParachainInfo", "ParachainId"))
        para_id = self._para_id

        async def ask(relay: ParentchainClient) -> RelayParams:
            genesis = await relay.header(relay.genesis_hash)
            proof, _ = await authorities_proof(relay)
            return RelayParams(genesis, proof, para_id, [], self._config.checkpoint)

        return await self._patiently(ask)

    async def next_head(self, state: SyncState, target: int) -> ProvenHead | None:
        """The parachain's header up to which the enclave can go on; None if there is none beyond, or none that the
        parachain's node has as well: `target` is its finalized head.
        """
        assert self._para_id is not None
        para_id, relay_number = self._para_id, state.relay_number or 0

        async def ask(relay: ParentchainClient) -> ProvenHead | None:
            known = relay_number, state.number
            found = await next_proven_head(relay, para_id, *known, target, MAX_BLOCKS_PER_IMPORT)
            if found is None and target > state.number + MAX_BEHIND:
                raise NodeBehind(state.number)
            return found

        return await self._patiently(ask)

    async def refused(self, code: str) -> None:
        """The enclave did not accept what the endpoint in use has shown."""
        if code in RELAY_FAULTS and self.endpoints.current is not None:
            self._failed(self.endpoints.current, RELAY_FAULTS[code], code)
            await self.close()

    async def close(self) -> None:
        """End the connection; the next question makes another one."""
        self._client = None
        await self._stack.aclose()

    async def _patiently(self, ask: Callable[[ParentchainClient], Awaitable[T]]) -> T:
        """Ask one endpoint after the other until one answers."""
        while True:
            try:
                answer = await ask(await self._connected())
            except IntegriteeError as failed:
                reason = failed.reason if isinstance(failed, ConnectionFailed) else str(failed)
                self._failed(self.endpoints.current or "", fault_behind(failed), f"{reason} ({failed.code})")
                await self.close()
            else:
                self.endpoints.served(self.endpoints.current or "")
                return answer

    async def _connected(self) -> ParentchainClient:
        if self._client is None:
            url, wait = self.endpoints.choose(asyncio.get_running_loop().time())
            await asyncio.sleep(wait)
            self._client = await self._stack.enter_async_context(await self._connect(url))
        return self._client

    def _failed(self, url: str, fault: Fault, reason: str) -> None:
        is_news = self.endpoints.latest_fault(url) is not fault
        self.endpoints.failed(url, fault, asyncio.get_running_loop().time(), self._roll())
        level = logging.WARNING if is_news else logging.INFO
        log.log(level, "[%s] relay chain, %s: %s: %s", self._name, shown(url), fault.value, reason)
