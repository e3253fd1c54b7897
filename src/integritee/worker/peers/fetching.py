"""Bringing the enclave the blocks it misses, from whoever has them.

One fetch at a time; of requests that come meanwhile the latest one waits. All peers are asked, the best one first, so
that at the end it can be said that nobody who could be asked has more. A peer may keep the enclave waiting only so
long, and one that sends nonsense is left at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import Any, Final

from integritee.boundary.endpoint import RemoteFailure
from integritee.boundary.messages import MAX_SIDECHAIN_BLOCKS, FetchBlocks, SidechainBlocks, SidechainState
from integritee.client.errors import ClientError, MalformedAnswer, RequestTimeout, RpcError
from integritee.client.jsonrpc import result_of
from integritee.primitives.sidechain import SignedBlock
from integritee.worker.errors import EnclaveSilent

from .block_json import block_from_json, hash_to_json
from .errors import EndlessAnswer, PeerError
from .network import Network
from .peer import BLOCKED_PAUSE, Connection, Peer, is_too_often
from .search import Search
from .untrusted_rpc import FETCH_BLOCKS

PATIENCE: Final = 20.0
"""Seconds a peer may make wait in one fetch, all its answers together."""

PATIENCE_PER_BLOCK: Final = 0.05
"""Seconds that each block it brings adds to that."""

HandOver = Callable[[SidechainBlocks], Awaitable[SidechainState]]
"""The ecall `import_sidechain_blocks`. Raises RemoteFailure, EnclaveDied, EnclaveSilent."""


class Fetching:
    """Serves requests of the enclave. `run` works until cancelled; raises EnclaveDied."""

    def __init__(self, network: Network, shard: bytes, hand_over: HandOver) -> None:
        self._network, self._shard, self._hand_over = network, shard, hand_over
        self._waiting: FetchBlocks | None = None
        self._asked = asyncio.Event()
        self._head = bytes(32)
        self._is_idle = True
        self.fetched_blocks = 0

    def request(self, request: FetchBlocks) -> None:
        """Serve this next."""
        self._waiting = request
        self._asked.set()

    def pull(self, head: bytes) -> None:
        """Look for blocks behind the enclave's latest one of its own accord, unless it waits for some anyway. Peers
        that rest are left alone."""
        if self._is_idle and self._waiting is None:
            self._head = head
            self._asked.set()

    async def run(self) -> None:
        while True:
            self._is_idle = True
            await self._asked.wait()
            self._asked.clear()
            self._is_idle = False
            request, self._waiting = self._waiting, None
            await self._network.known()
            with suppress(RemoteFailure, EnclaveSilent):
                if request is not None:
                    answers = await self._fetch(request, self._network.ranked())
                    await self._hand_over(SidechainBlocks([], is_complete=True, nobody_answered=not answers))
                else:
                    await self._fetch(FetchBlocks([self._head]), self._network.rested())

    async def _fetch(self, request: FetchBlocks, peers: list[Peer]) -> int:
        """How many peers answered."""
        errand = Errand(self._shard, request, self._hand_over)
        connecting = {peer: asyncio.create_task(peer.fetch_connection()) for peer in peers}
        try:
            for peer, connection in connecting.items():
                with suppress(ClientError, PeerError):  # the peer's standing has it
                    await errand.run_to(peer, await connection)
        finally:
            self.fetched_blocks += errand.fetched
            await _close_all(connecting.values())
        return errand.answers


class Errand:
    """One request of the enclave, taken to one peer after the other. `fetched` counts the blocks it got, `answers`
    the peers that said what they have, or that they have nothing."""

    def __init__(self, shard: bytes, request: FetchBlocks, hand_over: HandOver) -> None:
        self._shard, self._until, self._hand_over = shard, request.until, hand_over
        self._locator = self._trail = list(request.locator)
        self._latest, self._were_waiting = (request.locator[0] if request.locator else None), 0
        self._known = set(request.locator)
        self.fetched = self.answers = 0

    async def run_to(self, peer: Peer, connection: Connection) -> None:
        """Hand over all that one peer has. Raises what `hand_over` raises, but for refusals: those speak against the
        peer."""
        search = Search(self._shard, self._trail, self._until, self._known)
        questions = Questions(peer, connection, self._shard)
        try:
            while (behind := search.question) is not None:
                blocks = search.answer(await questions.blocks_behind(behind, self._until))
                if blocks:
                    is_progress = await self._deliver(blocks)
                    search.judged(is_progress)
            self.answers += 1
        except (ClientError, PeerError, RemoteFailure) as failed:
            peer.lapsed(failed)

    async def _deliver(self, blocks: list[SignedBlock]) -> bool:
        """Whether the enclave got on."""
        self._known.update(block.hash() for block in blocks)
        self.fetched += len(blocks)
        last = blocks[-1]
        self._trail = [last.hash(), last.block.header.parent_hash, *self._locator]  # where the next peer may go on
        state = await self._hand_over(SidechainBlocks(blocks))
        is_progress = (state.hash, state.waiting) != (self._latest, self._were_waiting)
        self._latest, self._were_waiting = state.hash, state.waiting
        return is_progress


class Questions:
    """Asks one peer, with limited patience."""

    def __init__(self, peer: Peer, connection: Connection, shard: bytes) -> None:
        self._peer, self._connection, self._shard = peer, connection, hash_to_json(shard)
        self._patience = PATIENCE

    async def blocks_behind(self, behind: bytes, until: bytes | None) -> list[SignedBlock]:
        """One answer. Raises ClientError, MalformedBlock."""
        params: list[Any] = [[hash_to_json(behind), None if until is None else hash_to_json(until), self._shard]]
        while True:
            try:
                return self._read(await self._ask(params))
            except RpcError as refused:
                if not is_too_often(refused):
                    raise
                await self._pause()

    async def _ask(self, params: list[Any]) -> object:
        began = _now()
        try:
            answer = await self._connection.exchange(FETCH_BLOCKS, params, max(self._patience, 0.0))
        finally:
            self._patience -= _now() - began
        self._peer.standing.served(_now() - began)
        return result_of(FETCH_BLOCKS, answer)

    async def _pause(self) -> None:
        """Wait as one that asks too often. Raises RequestTimeout when patience ends."""
        if self._patience < BLOCKED_PAUSE:
            raise RequestTimeout(FETCH_BLOCKS, PATIENCE)
        self._patience -= BLOCKED_PAUSE
        await asyncio.sleep(BLOCKED_PAUSE)

    def _read(self, found: object) -> list[SignedBlock]:
        if not isinstance(found, list):
            raise MalformedAnswer(FETCH_BLOCKS, "no array of blocks")
        if len(found) > MAX_SIDECHAIN_BLOCKS:
            raise EndlessAnswer(MAX_SIDECHAIN_BLOCKS)
        self._patience += PATIENCE_PER_BLOCK * len(found)
        return [block_from_json(block) for block in found]


async def _close_all(connecting: Iterable[asyncio.Task[Connection]]) -> None:
    """Also of those that are still being made."""
    tasks = list(connecting)
    for task in tasks:
        task.cancel()
    made = await asyncio.gather(*tasks, return_exceptions=True)
    closing = (connection.close() for connection in made if not isinstance(connection, BaseException))
    await asyncio.gather(*closing, return_exceptions=True)


def _now() -> float:
    return asyncio.get_running_loop().time()
