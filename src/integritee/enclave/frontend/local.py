"""The front end in the ledger's own process: where nothing was forked, as in tests and in the self-test."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import TypeVar

from integritee.primitives.ids import AccountId, ParentchainId, ShardIdentifier
from integritee.primitives.sidechain import SidechainHeader, SignedBlock

from ..pool import StatusChanged
from .assembly import Assembled, assemble
from .begin import Begin
from .ledger_api import Bound, Figures, Ledger

T = TypeVar("T")


class LocalLedger:
    """A `LedgerApi`, asked directly."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def admit(self, plain: bytes, bound: Bound) -> Awaitable[bytes]:
        return _done(self._ledger.admit(plain, bound))

    def query(self, getter: bytes) -> Awaitable[bytes | None]:
        return _done(self._ledger.query(getter))

    async def latest_header(self) -> SidechainHeader:
        return self._ledger.latest_header()

    async def shard_vault(self) -> tuple[AccountId, ParentchainId] | None:
        return self._ledger.shard_vault()

    async def pending(self, shards: list[ShardIdentifier]) -> list[list[bytes]]:
        return self._ledger.pending(shards)

    async def next_nonce(self, account: AccountId) -> int:
        return self._ledger.next_nonce(account)

    async def read_content(self, cid: str) -> bytes:
        return await self._ledger.read_content(cid)

    async def import_blocks(self, blocks: list[SignedBlock]) -> None:
        self._ledger.import_blocks(blocks)

    async def import_operations(self, sealed: bytes) -> None:
        self._ledger.import_operations(sealed)


async def _done(value: T) -> T:
    return value


class LocalFrontEnd:
    """A `FrontEnd` in this process."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = LocalLedger(ledger)
        self._parts: Assembled

    async def begin(self, begin: Begin) -> int:
        self._parts = assemble(begin, self._ledger)
        await self._parts.server.start(begin.host, begin.port)
        return self._parts.server.port

    def tell(self, changes: Sequence[StatusChanged], *, lingers: bool) -> None:
        self._parts.server.tell(changes, lingers=lingers)

    async def tell_all(self, changes: Sequence[StatusChanged], *, lingers: bool) -> None:
        await self._parts.server.tell_all(changes, lingers=lingers)

    def settle(self, top_hashes: Sequence[bytes]) -> None:
        self._parts.server.settle(top_hashes)

    async def figures(self) -> Figures:
        return self._parts.figures()

    async def stop(self) -> None:
        await self._parts.stop()
