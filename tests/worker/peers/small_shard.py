"""A shard of a few validateers in virtual time: peers that serve more or less well, and the enclave that asks them.

Stands for WebSockets: `Shard.dial` is what a `Peer` connects with.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from integritee.boundary.endpoint import RemoteFailure
from integritee.boundary.messages import Failure, SidechainBlocks, SidechainState
from integritee.client.errors import ConnectionFailed, RequestTimeout
from integritee.primitives.rpc import RpcReturnValue, StatusOk
from integritee.primitives.sidechain import SignedBlock
from integritee.scale import encode
from integritee.worker.peers.block_json import block_to_json, hash_from_json
from integritee.worker.peers.network import Network
from integritee.worker.peers.peer import CONNECT_LIMIT
from integritee.worker.peers.registry import Validateer
from integritee.worker.peers.standing import Standing

from .chains import Store

OWN: Final = b"\x00" * 32
PAGE: Final = 4


@dataclass
class Node:
    """A peer's worker. What is set on it is how it behaves from then on."""

    store: Store = field(default_factory=lambda: Store([]))
    is_up: bool = True
    delay: float = 0.01
    """Seconds it takes to answer."""
    refuses: bool = False
    lies: Any = None
    """What it answers when it is asked for blocks, if not the truth."""
    busy: int = 0
    """How often it says that it is asked too often."""
    mu_ra_url: str = "provider:3443"
    last_activity: int = 0
    heard: list[tuple[float, str, str]] = field(default_factory=list)
    """When, method and parameter of what it was told."""
    asked: int = 0
    connections: int = 0


class Connection:
    def __init__(self, name: str, node: Node, is_trusted: bool) -> None:
        self._name, self._node, self._is_trusted = name, node, is_trusted
        self.is_closed = False
        self._requests = 0

    async def exchange(self, method: str, params: list[Any], timeout: float | None = None) -> dict[str, Any]:
        assert timeout is not None and not self.is_closed
        if not self._node.is_up:
            raise ConnectionFailed(self._name, "lost")
        if self._node.delay > timeout:
            await asyncio.sleep(timeout)
            raise RequestTimeout(method, timeout)
        self._requests += 1
        await asyncio.sleep(self._node.delay + 1e-6 * self._requests)  # in order: timers of one instant have none
        if not self._node.is_up:
            raise ConnectionFailed(self._name, "lost")
        if self._node.refuses:
            return {"error": {"code": -32601, "message": "Method not found"}}
        return self._told(method, params) if self._is_trusted else self._blocks(method, params)

    def _told(self, method: str, params: list[Any]) -> dict[str, Any]:
        facts = {"author_getUntrustedUrl": f"ws://{self._name}", "author_getMuRaUrl": self._node.mu_ra_url}
        if method in facts:
            value = RpcReturnValue(encode(str, facts[method]), False, StatusOk())
            return {"result": "0x" + encode(RpcReturnValue, value).hex()}
        if self._node.busy > 0:
            return self._busy()
        self._node.heard.append((asyncio.get_running_loop().time(), method, params[0]))
        return {"result": "ok"}

    def _blocks(self, method: str, params: list[Any]) -> dict[str, Any]:
        assert method == "sidechain_fetchBlocksFromPeer"
        self._node.asked += 1
        if self._node.busy > 0:
            return self._busy()
        ((after, until, _),) = params
        if self._node.lies is not None:
            lie = self._node.lies
            return {"result": lie(hash_from_json(after)) if callable(lie) else lie}
        end = None if until is None else hash_from_json(until)
        found = self._node.store.blocks_after(hash_from_json(after), end, PAGE, 10**6)
        return {"result": [block_to_json(block) for block in found]}

    def _busy(self) -> dict[str, Any]:
        self._node.busy -= 1
        return {"error": {"code": -32005, "message": "Limit exceeded", "data": {"retry_after_ms": 50}}}

    async def close(self) -> None:
        if not self.is_closed:
            self.is_closed = True
            self._node.connections -= 1


class Shard:
    """Peers by name, which is the host of their URL too; accounts are numbered from 1."""

    def __init__(self, **nodes: Node) -> None:
        self.nodes = nodes
        self.listed = list(nodes)
        self.is_registry_known = True
        self.standing_at_end: dict[str, Standing] = {}
        self.network = Network(OWN, self.look_up, self.dial)

    def account(self, name: str) -> bytes:
        return bytes([list(self.nodes).index(name) + 1]) * 32

    async def look_up(self) -> list[Validateer] | None:
        if not self.is_registry_known:
            return None
        others = [Validateer(self.account(n), f"wss://{n}", self.nodes[n].last_activity) for n in self.listed]
        return [Validateer(OWN, "wss://own", 99), *others]

    async def dial(self, url: str, max_answer: int) -> Connection:
        scheme, _, name = url.partition("://")
        node = self.nodes[name]
        if not node.is_up:
            await asyncio.sleep(CONNECT_LIMIT)
            raise ConnectionFailed(url, "no route")
        node.connections += 1
        return Connection(name, node, scheme == "wss")

    def standing(self, name: str) -> Standing:
        peer = self.network.peer(self.account(name))
        assert peer is not None
        return peer.standing


class Enclave:
    """Adopts blocks that follow on its head, if it believes them."""

    def __init__(self, *blocks: SignedBlock) -> None:
        self.chain = list(blocks)
        self.batches: list[SidechainBlocks] = []
        self.completed = asyncio.Event()
        self.refused: bytes | None = None
        """Hash of a block it refuses."""
        self.believes: Callable[[SignedBlock], bool] = lambda block: True

    @property
    def head(self) -> bytes:
        return self.chain[-1].hash() if self.chain else bytes(32)

    @property
    def locator(self) -> list[bytes]:
        return [*(block.hash() for block in reversed(self.chain)), bytes(32)]

    async def take(self, batch: SidechainBlocks) -> SidechainState:
        await asyncio.sleep(0.001)
        assert not self.completed.is_set(), "nothing comes after the end"
        self.batches.append(batch)
        if batch.is_complete:
            self.completed.set()
        for block in batch.blocks:
            if block.hash() == self.refused:
                raise RemoteFailure(Failure("enclave.bad_block", "no", "{}"))
            if block.block.header.parent_hash == self.head and self.believes(block):
                self.chain.append(block)
        return SidechainState(len(self.chain), self.head, 0)
