"""A chain, nodes that serve it more or less well, and an enclave that looks at what it is shown.

Headers are real ones. A block's justification is `b"J"` and its hash; the enclave knows no other way to be convinced.
Blocks grow in the loop's time, so that tests in virtual time see hours of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from typing import Any, Final

from integritee.boundary.endpoint import RemoteFailure
from integritee.boundary.interface import Ecalls
from integritee.boundary.messages import Failure, ImportBlocks, Nothing, ParentchainParams, RuntimeUpdate, SyncState
from integritee.client.errors import ConnectionFailed, MalformedAnswer, RequestTimeout, RpcError
from integritee.client.jsonrpc import Subscription
from integritee.client.parentchain import Block, Runtime
from integritee.crypto import blake2_256
from integritee.primitives.header import Digest, Header
from integritee.worker.funding import Funding
from integritee.worker.leaps import SET_ID_KEY
from integritee.worker.sync import REQUEST_LIMIT

BLOCK_TIME: Final = 6.0
"""Seconds."""


@cache
def chain_of(name: str, length: int, fork_at: int | None = None) -> tuple[list[Header], dict[bytes, int]]:
    """Headers 0 to `length`, and their numbers by hash; from `fork_at` on they are others than without."""
    headers: list[Header] = []
    parent = bytes(32)
    for number in range(length + 1):
        is_other = fork_at is not None and number >= fork_at
        state = blake2_256(f"{name} {number} {is_other}".encode())
        headers.append(Header(parent, number, state, bytes(32), Digest([])))
        parent = headers[-1].hash()
    return headers, {header.hash(): header.number for header in headers}


class Blockchain:
    """A chain of which more and more is final. `upgrades`: spec versions by the number of the first block they run."""

    def __init__(
        self,
        name: str = "main",
        length: int = 3000,
        finalized: int = 10,
        upgrades: dict[int, int] | None = None,
        fork_at: int | None = None,
    ) -> None:
        self.headers, self.numbers = chain_of(name, length, fork_at)
        self.finalized = finalized
        self.upgrades = {0: 1} | (upgrades or {})
        self.stopped = False

    async def grow(self) -> None:
        while True:
            await asyncio.sleep(BLOCK_TIME)
            if not self.stopped:
                self.finalized += 1

    def version(self, number: int) -> int:
        """Of the runtime that runs a block."""
        return max(version for first, version in self.upgrades.items() if first <= number)


class Node:
    """One node. What is set on it is how it behaves from then on."""

    def __init__(self, chain: Blockchain) -> None:
        self.chain = chain
        self.is_up = True
        self.delay = 0.0
        """Seconds it takes to answer."""
        self.lag = 0
        """Blocks it is behind."""
        self.is_mute = False
        """Subscriptions say nothing any more."""
        self.forges = False
        """Justifications are not genuine."""
        self.hides_blocks = False
        """It never answers when it is asked for a block."""
        self.set_changes = 0
        """Changes of authorities in its last block, as it says."""
        self.pruned_below = 0
        """It has no state and no justifications of blocks before this one."""
        self.connections: list[Connection] = []
        self.submitted: list[bytes] = []
        self.served_blocks = 0
        self.storage_requests = 0

    @property
    def head(self) -> int:
        return max(self.chain.finalized - self.lag, 0)

    def go_down(self) -> None:
        self.is_up = False
        for connection in self.connections:
            connection.lose()
        self.connections.clear()

    def come_up(self) -> None:
        self.is_up = True

    async def tell_heads(self) -> None:
        """Notify subscribers, at every block."""
        known = self.head
        while True:
            await asyncio.sleep(BLOCK_TIME / 6)
            if self.head == known or self.is_mute:
                continue
            known = self.head
            for connection in self.connections:
                connection.tell(known)


class Connection:
    """Stands for a `ParentchainClient`."""

    def __init__(self, url: str, node: Node) -> None:
        self.url, self.node = url, node
        self.genesis_hash = node.chain.headers[0].hash()
        self.heads, self.versions = Subscription(url), Subscription(url)
        self.is_lost = False
        self.runtime = self._runtime(node.head + 1)
        self._told_version = self.runtime.spec_version

    def _runtime(self, number: int) -> Runtime:
        version = self.node.chain.version(number)
        return Runtime(None, b"metadata %d" % version, version, 1)  # type: ignore[arg-type]

    async def __aenter__(self) -> Connection:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.is_lost = True
        if self in self.node.connections:
            self.node.connections.remove(self)

    def lose(self) -> None:
        self.is_lost = True
        for subscription in (self.heads, self.versions):
            subscription.push(ConnectionFailed(self.url, "lost"))

    def tell(self, head: int) -> None:
        self.heads.push({"result": {"number": hex(head)}})
        version = self.node.chain.version(head + 1)
        if version != self._told_version:
            self._told_version = version
            self.versions.push({"result": {"specVersion": version}})

    async def _answer(self) -> None:
        if self.node.delay > REQUEST_LIMIT:
            await asyncio.sleep(REQUEST_LIMIT)
            raise RequestTimeout("chain_getBlock", REQUEST_LIMIT)
        await asyncio.sleep(self.node.delay)
        if self.is_lost or not self.node.is_up:
            raise ConnectionFailed(self.url, "lost")

    def _number(self, block_hash: bytes) -> int:
        return self.node.chain.numbers[block_hash]

    async def header(self, block_hash: bytes | None = None) -> Header:
        await self._answer()
        return self.node.chain.headers[self.node.head if block_hash is None else self._number(block_hash)]

    async def finalized_head(self) -> bytes:
        await self._answer()
        return self.node.chain.headers[self.node.head].hash()

    async def block_hash(self, number: int) -> bytes | None:
        await self._answer()
        return self.node.chain.headers[number].hash() if number <= self.node.head else None

    async def block(self, block_hash: bytes) -> Block:
        await self._answer()
        number = self._number(block_hash)
        if self.node.hides_blocks:
            await asyncio.Event().wait()
        if number < self.node.pruned_below:
            raise MalformedAnswer("chain_getBlock", "null")
        self.node.served_blocks += 1
        header = self.node.chain.headers[number]
        return Block(header, [], b"J" + (b"forged" if self.node.forges else header.hash()))

    async def read_proof(self, keys: list[bytes], at: bytes) -> list[bytes]:
        await self._answer()
        if at == self.genesis_hash and self.node.pruned_below:
            raise RpcError("state_getReadProof", 4003, "State already discarded")
        return [at]

    async def storage(self, pallet: str, item: str, *keys: Any) -> Any:
        assert (pallet, item) == ("ParachainInfo", "ParachainId")
        await self._answer()
        return 2039

    async def raw_storage(self, key: bytes, at: bytes | None = None) -> bytes | None:
        await self._answer()
        self.node.storage_requests += 1
        is_last = at is not None and self._number(at) >= self.node.head
        return self.node.set_changes.to_bytes(8, "little") if key == SET_ID_KEY and is_last else None

    async def spec_version_at(self, block_hash: bytes) -> int:
        await self._answer()
        return self.node.chain.version(self._number(block_hash) + 1)

    async def runtime_at(self, block_hash: bytes) -> Runtime:
        await self._answer()
        return self._runtime(self._number(block_hash) + 1)

    async def refresh_runtime(self) -> Runtime:
        await self._answer()
        self.runtime = self._runtime(self.node.head + 1)
        return self.runtime

    async def submit(self, extrinsic: bytes) -> bytes:
        await self._answer()
        self.node.submitted.append(extrinsic)
        return bytes(32)

    @asynccontextmanager
    async def finalized_heads(self) -> AsyncIterator[Subscription]:
        await self._answer()
        yield self.heads

    @asynccontextmanager
    async def runtime_versions(self) -> AsyncIterator[Subscription]:
        await self._answer()
        yield self.versions


class Enclave:
    """Knows one chain, up to `number`. `trust` is the level it has got."""

    def __init__(self, chain: Blockchain, trust: str = "grandpa", number: int = 0) -> None:
        self.trust, self.number = trust, number
        self.hash = chain.headers[number].hash()
        self._chain = chain
        self.known = {chain.version(number)}
        self.introductions: list[ParentchainParams] = []
        self.refusals: list[str] = []
        self.inbox_full = False
        self.relay_number = 0

    async def call(self, method: Any, request: Any) -> Any:
        await asyncio.sleep(0)
        if method is Ecalls.init_parentchain:
            return self._introduce(request)
        if method is Ecalls.set_runtime:
            return self._learn(request)
        assert method is Ecalls.import_blocks
        return self._import(request)

    def _state(self) -> SyncState:
        return SyncState(self.number, self.hash, [b"key"], self.trust, self.relay_number)

    def _introduce(self, params: ParentchainParams) -> SyncState:
        self.introductions.append(params)
        if params.genesis.hash() != self._chain.headers[0].hash():
            self._refuse("enclave.foreign_genesis")
        if params.leaps:
            self._refuse("parentchain.bad_vote_signature")
        if self.number == 0 and not params.authorities_proof:
            self._refuse("parentchain.authorities_not_proven")
        self.known.add(params.runtime.spec_version)
        return self._state()

    def _learn(self, update: RuntimeUpdate) -> Nothing:
        self.known.add(update.runtime.spec_version)
        return Nothing()

    def _import(self, request: ImportBlocks) -> SyncState:
        if self.inbox_full:
            self._refuse("enclave.inbox_full")
        parent = self.hash
        for expected, block in enumerate(request.blocks, self.number + 1):
            assert block.header.number == expected, "the host has to feed one block after the other"
            if block.header.parent_hash != parent:
                self._refuse("parentchain.parent_mismatch")
            parent = block.header.hash()
            version = self._chain.version(expected)
            if version not in self.known:
                self._refuse("enclave.spec_version_unproven", f'{{"expected": {version}}}')
        if self.trust == "relay":
            assert request.relay is not None and request.relay.header.number >= self.relay_number
            if request.relay.justification != b"J" + parent:
                self._refuse("parentchain.relay_chain_refused")
            self.relay_number = request.relay.header.number
        if self.trust == "grandpa" and request.blocks[-1].justification != b"J" + parent:
            self._refuse("parentchain.bad_vote_signature")
        self.number, self.hash = request.blocks[-1].header.number, parent
        return self._state()

    def _refuse(self, code: str, facts: str = "{}") -> None:
        self.refusals.append(code)
        raise RemoteFailure(Failure(code, code, facts))


class World:
    """Nodes by URL and the enclave that follows them."""

    def __init__(self, chain: Blockchain, *urls: str) -> None:
        self.chain = chain
        self.nodes = {url: Node(chain) for url in urls}
        self.attempts: list[tuple[float, str]] = []
        self.said: list[str] = []

    async def connect(self, url: str) -> Any:
        self.attempts.append((asyncio.get_running_loop().time(), url))
        node = self.nodes[url]
        if not node.is_up:
            raise ConnectionFailed(url, "refused")
        connection = Connection(url, node)
        node.connections.append(connection)
        return connection

    async def funding(self, chain: Any) -> Funding:
        return Funding(0, 0)

    async def turn(self) -> None:
        """Let the chains grow and the nodes speak until cancelled."""
        chains = {id(node.chain): node.chain for node in self.nodes.values()}.values()
        await asyncio.gather(*(c.grow() for c in chains), *(node.tell_heads() for node in self.nodes.values()))
