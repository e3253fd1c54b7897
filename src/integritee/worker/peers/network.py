"""All peers of the shard: kept as the parentchain lists them, told what the enclave has to say."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from integritee.boundary.messages import GossipBlocks, GossipOperations
from integritee.client.errors import ClientError
from integritee.primitives.sidechain import SignedBlock
from integritee.scale import codec

from .peer import Dial, Peer, dial
from .registry import Validateer

REFRESH_PAUSE: Final = 2.0
"""Seconds between two looks at the registry. A validateer hears of blocks only once others know of it."""

MAX_BLOCKS_PER_MESSAGE: Final = 64
"""Blocks that one call of `sidechain_importBlock` carries, as the trusted RPC limits it."""

MAX_PARAMETER: Final = 8_000_000
"""Characters of a parameter that is sent: the trusted RPC takes messages of 8 MiB. Larger blocks are fetched."""

IMPORT_BLOCK: Final = "sidechain_importBlock"
IMPORT_OPERATIONS: Final = "sidechain_importOperations"
BLOCKS: Final = codec(list[SignedBlock])
log = logging.getLogger(__name__)

Lookup = Callable[[], Awaitable[list[Validateer] | None]]
"""Who serves the shard; None if the parentchain cannot be asked at present."""


class Network:
    """Peers by account. `own` is the account of this enclave, which is no peer. `run` looks after them."""

    def __init__(self, own: bytes, look_up: Lookup, dial: Dial = dial) -> None:
        self._own, self._look_up, self._dial = own, look_up, dial
        self._peers: dict[bytes, Peer] = {}
        self._telling: dict[bytes, asyncio.Task[None]] = {}
        self._looked = asyncio.Event()
        self.validateers: list[Validateer] = []
        """As last read, this one included."""

    # -- who they are --------------------------------------------------------------------------------

    @property
    def peers(self) -> list[Peer]:
        return list(self._peers.values())

    def peer(self, account: bytes) -> Peer | None:
        return self._peers.get(account)

    def ranked(self) -> list[Peer]:
        """The one to ask first at the front."""
        now = asyncio.get_running_loop().time()
        return sorted(self._peers.values(), key=lambda peer: peer.standing.rank(now))

    @property
    def is_known(self) -> bool:
        """Whether the registry was read."""
        return self._looked.is_set()

    def rested(self) -> list[Peer]:
        """As `ranked`, without those that rest."""
        now = asyncio.get_running_loop().time()
        return [peer for peer in self.ranked() if not peer.standing.is_resting(now)]

    async def known(self) -> None:
        """Wait until the registry was read."""
        await self._looked.wait()

    async def run(self) -> None:
        """Until cancelled."""
        try:
            while True:
                await self.refresh()
                await asyncio.sleep(REFRESH_PAUSE if self._looked.is_set() else REFRESH_PAUSE / 4)
        finally:
            await self._drop(list(self._peers))

    async def refresh(self) -> None:
        """Look at the registry now. What was known stays if it cannot be read."""
        try:
            found = await self._look_up()
        except (ClientError, LookupError, TypeError, ValueError, AttributeError) as failed:
            log.info("the registry cannot be read: %s", failed)
            return
        if found is not None:
            await self._update(found)
            self._looked.set()

    async def _update(self, found: list[Validateer]) -> None:
        self.validateers = found
        urls = {v.account: v.url for v in found if v.account != self._own and v.url is not None}
        await self._drop([account for account, peer in self._peers.items() if urls.get(account) != peer.url])
        for account, url in urls.items():
            if account not in self._peers:
                peer = self._peers[account] = Peer(account, url, self._dial)
                self._telling[account] = asyncio.create_task(peer.run())
                log.info("peer %s at %s", peer.name, url)

    async def _drop(self, accounts: list[bytes]) -> None:
        tasks = []
        for account in accounts:
            del self._peers[account]
            tasks.append(self._telling.pop(account))
            tasks[-1].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # -- gossip --------------------------------------------------------------------------------------

    def gossip_blocks(self, request: GossipBlocks) -> None:
        """Own blocks, to everyone."""
        blocks = request.blocks
        for first in range(0, len(blocks), MAX_BLOCKS_PER_MESSAGE):
            self._tell(IMPORT_BLOCK, BLOCKS.encode(blocks[first : first + MAX_BLOCKS_PER_MESSAGE]))

    def gossip_operations(self, request: GossipOperations) -> None:
        """Sealed operations, to everyone."""
        self._tell(IMPORT_OPERATIONS, request.sealed)

    def _tell(self, method: str, payload: bytes) -> None:
        parameter = "0x" + payload.hex()
        if len(parameter) <= MAX_PARAMETER:
            for peer in self._peers.values():
                peer.tell(method, parameter)
