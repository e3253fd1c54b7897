"""An enclave in memory behind the real trusted RPC: the ledger's own executor, no pool, no parentchain.

Calls are executed as they come, or when `seal` is called if `holds` is set.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache

from integritee.apps.catalog import client_ledger
from integritee.crypto import CryptoError, Ed25519Pair, ShieldingKey, Sr25519Pair
from integritee.enclave.errors import Undecipherable, UnknownShard
from integritee.enclave.pool.errors import StaleNonce
from integritee.enclave.rpc.errors import UnsupportedOperation
from integritee.enclave.rpc.jsonrpc import Dispatcher
from integritee.enclave.rpc.methods import trusted_methods
from integritee.enclave.rpc.order import Turn, at_once
from integritee.enclave.rpc.server import TrustedRpcServer, tls_context
from integritee.enclave.rpc.watch import Watcher, WatchRegistry
from integritee.errors import IntegriteeError
from integritee.frame.overlay import EmptyBackend, Overlay
from integritee.primitives.enclave_bridge import Request
from integritee.primitives.ids import ParentchainId
from integritee.primitives.ipfs import ContentNotFound, IpfsError
from integritee.primitives.rpc import InSidechainBlock, Invalid, Ready, TrustedOperationStatus
from integritee.primitives.sidechain import SidechainHeader, SignedBlock
from integritee.stf.development import ENDOWMENTS
from integritee.stf.executor import Executor
from integritee.stf.operation import Get, Getter, TrustedCallSigned, TrustedOperation
from integritee.stf.runtime import ENCLAVE_ENDOWMENT

LEDGER = client_ledger()
"""A development ledger with all apps."""

UNIT = 10**12
MRENCLAVE = b"\x1b" * 32
SHARD = b"\xa7" * 32
VAULT = b"\x0a" * 32
BLOCK = b"\x77" * 32
NOW = 1_700_000_000_000
SIGNING = Ed25519Pair.from_seed(bytes(range(32)))
"""The enclave's account, whose key the TLS certificate has as well."""

ALICE = Sr25519Pair.from_uri("//Alice")
BOB = Sr25519Pair.from_uri("//Bob")
ISSUED = 1000 * UNIT + sum(ENDOWMENTS.values()) - ENDOWMENTS[ALICE.public] + ENCLAVE_ENDOWMENT


@cache
def shielding_key() -> ShieldingKey:
    return ShieldingKey.generate()


class LedgerEnclave:
    """//Alice owns 1000 UNIT, and it is always `NOW`. `failure` is raised by every request that can fail.
    `asked` are the methods that were called, known ones only."""

    def __init__(self, *, shard: bytes = SHARD, has_vault: bool = True) -> None:
        self._shard = shard
        runtime = LEDGER.runtime(Overlay(EmptyBackend()))
        runtime.initialize_genesis(b"\xee" * 32)
        runtime.balances.set_free(ALICE.public, 1000 * UNIT)
        runtime.begin_block(1, NOW, b"\x05" * 32)
        runtime.run_hooks(1, NOW)
        if has_vault:
            runtime.integritee.set_vault(VAULT)
        self.runtime = runtime
        self.executor = Executor(LEDGER, runtime, MRENCLAVE, shard)
        self.holds = False
        self.failure: IntegriteeError | None = None
        self.content: dict[str, bytes | IpfsError] = {}
        """What is on IPFS, unchecked, or why it is not."""
        self.asked: list[str] = []
        self.held: list[tuple[bytes, TrustedCallSigned]] = []
        self.server: TrustedRpcServer | None = None
        self._arrival = asyncio.Event()

    # -- what the RPC asks of an enclave

    def shielding_key_json(self) -> str:
        return shielding_key().public.to_json()

    def shard(self) -> bytes:
        return self._shard

    async def shard_vault(self) -> tuple[bytes, ParentchainId] | None:
        return self.runtime.vault()

    def fingerprint(self) -> bytes:
        return MRENCLAVE

    def mu_ra_url(self) -> str:
        return "localhost:3443"

    def untrusted_url(self) -> str:
        return "ws://localhost:2001"

    async def latest_header(self) -> SidechainHeader:
        return SidechainHeader(b"\x01" * 32, 7, self._shard, b"\x02" * 32, 51)

    def stf_metadata(self) -> bytes:
        return LEDGER.metadata

    def version(self) -> str:
        return "0.1.0"

    async def pending(self, shards: list[bytes]) -> list[list[bytes]]:
        return [[top_hash for top_hash, _ in self.held] for _ in shards]

    async def read_content(self, cid: str) -> bytes:
        found = self.content.get(cid, ContentNotFound("nobody has it"))
        if isinstance(found, IpfsError):
            raise found
        return found

    async def import_blocks(self, blocks: list[SignedBlock]) -> None:
        raise UnsupportedOperation("a block")

    async def next_nonce(self, account: bytes) -> int:
        waiting = sum(signed.call.sender == account for _, signed in self.held)
        return int(self.runtime.system.nonce(account)) + waiting

    async def execute_getter(self, request: Request) -> bytes | None:
        self._admit(request)
        return self.executor.query(LEDGER.codec(Getter).decode(request.cyphertext), NOW)

    async def submit(self, request: Request, watcher: Watcher | None, turn: Turn = at_once) -> bytes:
        self._admit(request)
        plain = await self.decipher(request.cyphertext)
        await turn()
        return await self.submit_plain(plain, watcher, turn)

    async def decipher(self, cyphertext: bytes) -> bytes:
        try:
            return shielding_key().decrypt(cyphertext)
        except CryptoError:
            raise Undecipherable from None

    def account(self) -> bytes:
        return SIGNING.public

    def sign(self, message: bytes) -> bytes:
        return SIGNING.sign(message)

    async def submit_plain(self, plain: bytes, watcher: Watcher | None, turn: Turn = at_once) -> bytes:
        if self.failure is not None:
            raise self.failure
        operation = LEDGER.codec(TrustedOperation).decode(plain)
        if isinstance(operation, Get):
            raise UnsupportedOperation("getter")
        signed = operation.signed
        self.executor.verify(signed)
        expected = self.runtime.system.nonce(signed.call.sender)
        if signed.nonce < expected:
            raise StaleNonce(signed.nonce, expected)
        top_hash = LEDGER.top_hash(operation)
        if watcher is not None:
            watcher.bind(top_hash)
        self.held.append((top_hash, signed))
        turn.taken()
        self._arrival.set()
        self.notify(top_hash, Ready())
        if not self.holds:
            self.seal()
        return top_hash

    def _admit(self, request: Request) -> None:
        if self.failure is not None:
            raise self.failure
        if request.shard != self._shard:
            raise UnknownShard(request.shard, self._shard)

    # -- what a test does

    def seal(self) -> None:
        """Execute what is held and tell the watchers."""
        held, self.held = self.held, []
        for top_hash, signed in held:
            outcome = self.executor.execute(signed, NOW)
            self.notify(top_hash, Invalid() if outcome.error else InSidechainBlock(BLOCK), outcome.error)

    async def holds_calls(self, count: int) -> None:
        """Wait until this many calls are held."""
        while len(self.held) < count:
            self._arrival.clear()
            await self._arrival.wait()

    def notify(self, top_hash: bytes, status: TrustedOperationStatus, reason: IntegriteeError | None = None) -> None:
        if self.server is not None:
            self.server.notify(top_hash, status, reason)

    def free(self, account: bytes) -> int:
        return int(self.runtime.balances.free(account))

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        """Serve on loopback; yields the URL."""
        watches = WatchRegistry()
        dispatcher = Dispatcher(trusted_methods(self, watches), observe=self.asked.append)
        self.server = TrustedRpcServer(dispatcher, watches, _tls())
        await self.server.start("127.0.0.1", 0)
        try:
            yield f"wss://127.0.0.1:{self.server.port}"
        finally:
            await self.server.stop()


@cache
def _tls():
    return tls_context(SIGNING.seed, NOW)
