"""A fake enclave behind the RPC, scripted per test."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from integritee.crypto import Ed25519Pair
from integritee.enclave.rpc.jsonrpc import Connection, Dispatcher
from integritee.enclave.rpc.methods import trusted_methods
from integritee.enclave.rpc.order import Turn, at_once
from integritee.enclave.rpc.watch import Watcher, WatchRegistry
from integritee.errors import IntegriteeError
from integritee.primitives.enclave_bridge import Request
from integritee.primitives.ids import ParentchainId
from integritee.primitives.sidechain import SidechainHeader, SignedBlock

TOP_HASH = bytes(range(32))
FINGERPRINT = b"\x0f" * 32
SHARD = b"\x05" * 32
VAULT = b"\x0a" * 32
SIGNING = Ed25519Pair.from_seed(b"\x51" * 32)


@dataclass
class FakeBackend:
    """`failure` is raised by everything that can fail; `gate` holds submissions back."""

    failure: Exception | None = None
    getter_value: bytes | None = b"\x2a"
    vault: tuple[bytes, ParentchainId] | None = (VAULT, ParentchainId.TargetA)
    gate: asyncio.Event | None = None
    hashes: list[bytes] = field(default_factory=lambda: [TOP_HASH])
    submitted: list[Request] = field(default_factory=list)
    watchers: list[Watcher] = field(default_factory=list)
    imported: list[SignedBlock] = field(default_factory=list)
    operations: list[bytes] = field(default_factory=list)
    asked: list[bytes] = field(default_factory=list)

    def _fail(self) -> None:
        if self.failure is not None:
            raise self.failure

    def shielding_key_json(self) -> str:
        return '{"n":[1],"e":[1,0,1,0]}'

    def shard(self) -> bytes:
        return SHARD

    async def shard_vault(self) -> tuple[bytes, ParentchainId] | None:
        return self.vault

    def fingerprint(self) -> bytes:
        return FINGERPRINT

    def mu_ra_url(self) -> str:
        return "localhost:3443"

    def untrusted_url(self) -> str:
        return "ws://localhost:2001"

    async def latest_header(self) -> SidechainHeader:
        return SidechainHeader(b"\x01" * 32, 7, SHARD, b"\x02" * 32, 51)

    def stf_metadata(self) -> bytes:
        self._fail()
        return b"meta\x0e"

    def version(self) -> str:
        return "0.1.0"

    async def execute_getter(self, request: Request) -> bytes | None:
        self.submitted.append(request)
        self._fail()
        return self.getter_value

    async def submit(self, request: Request, watcher: Watcher | None, turn: Turn = at_once) -> bytes:
        if self.gate is not None:
            await self.gate.wait()
        await turn()
        return self._admit(request, watcher, turn)

    async def submit_plain(self, plain: bytes, watcher: Watcher | None, turn: Turn = at_once) -> bytes:
        return self._admit(Request(SHARD, plain), watcher, turn)

    def _admit(self, request: Request, watcher: Watcher | None, turn: Turn) -> bytes:
        self.submitted.append(request)
        self._fail()
        turn.taken()
        top_hash = self.hashes[(len(self.submitted) - 1) % len(self.hashes)]
        if watcher is not None:
            watcher.bind(top_hash)
            self.watchers.append(watcher)
        return top_hash

    async def decipher(self, cyphertext: bytes) -> bytes:
        self._fail()
        return cyphertext

    def account(self) -> bytes:
        return SIGNING.public

    def sign(self, message: bytes) -> bytes:
        return SIGNING.sign(message)

    async def pending(self, shards: list[bytes]) -> list[list[bytes]]:
        self.asked += shards
        return [[TOP_HASH] if shard == SHARD else [] for shard in shards]

    async def next_nonce(self, account: bytes) -> int:
        self.asked.append(account)
        self._fail()
        return 7

    async def import_blocks(self, blocks: list[SignedBlock]) -> None:
        self._fail()
        self.imported += blocks

    async def import_operations(self, sealed: bytes) -> None:
        self._fail()
        self.operations.append(sealed)


def refusal(code: str, text: str = "no", **facts: object) -> IntegriteeError:
    """An error with this code, text and facts."""
    error: IntegriteeError = type("Refusal", (IntegriteeError,), {"code": code})(text)
    vars(error).update(facts)
    return error


@pytest.fixture
def backend() -> FakeBackend:
    return FakeBackend()


@pytest.fixture
def watches() -> WatchRegistry:
    registry = WatchRegistry()
    registry.connect(1)
    return registry


@pytest.fixture
def connection() -> Connection:
    return Connection(1)


@pytest.fixture
def dispatcher(backend: FakeBackend, watches: WatchRegistry) -> Dispatcher:
    return Dispatcher(trusted_methods(backend, watches))
