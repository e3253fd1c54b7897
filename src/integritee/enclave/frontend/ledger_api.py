"""What front end and ledger want of each other."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeAlias

from integritee.primitives.ids import AccountId, ParentchainId, ShardIdentifier
from integritee.primitives.sidechain import SidechainHeader, SignedBlock
from integritee.scale import Struct, u32, u64

from ..pool import StatusChanged
from .begin import Begin

Bound: TypeAlias = Callable[[bytes], None]
"""Told the hash of an operation (32 bytes) before anything else is told of it."""


class Ledger(Protocol):
    """What a front end asks, answered at once. Every method may raise an IntegriteeError."""

    def admit(self, plain: bytes, bound: Bound) -> bytes:
        """Admit an operation as it comes out of its shielding; its hash. The front end has verified its signature."""
        ...

    def query(self, getter: bytes) -> bytes | None:
        """Answer a getter in its SCALE form. Raises MissingPrivileges among others."""
        ...

    def latest_header(self) -> SidechainHeader:
        """Of the latest sidechain block."""
        ...

    def shard_vault(self) -> tuple[AccountId, ParentchainId] | None:
        """The vault and where it is; None until that is known."""
        ...

    def pending(self, shards: list[ShardIdentifier]) -> list[list[bytes]]:
        """Hashes of the operations ready in the pool of each shard."""
        ...

    def next_nonce(self, account: AccountId) -> int:
        """Of the account's next call."""
        ...

    async def read_content(self, cid: str) -> bytes:
        """Content from IPFS."""
        ...

    def import_blocks(self, blocks: list[SignedBlock]) -> None:
        """Queue sidechain blocks of a peer."""
        ...

    def import_operations(self, sealed: bytes) -> None:
        """Take operations from another enclave."""
        ...


class LedgerApi(Protocol):
    """How the front end asks a `Ledger`, wherever that is. Errors are raised here or when the answer is awaited."""

    def admit(self, plain: bytes, bound: Bound) -> Awaitable[bytes]:
        """Operations are admitted in the order in which this is called; they are verified."""
        ...

    def query(self, getter: bytes) -> Awaitable[bytes | None]: ...

    async def latest_header(self) -> SidechainHeader: ...

    async def shard_vault(self) -> tuple[AccountId, ParentchainId] | None: ...

    async def pending(self, shards: list[ShardIdentifier]) -> list[list[bytes]]: ...

    async def next_nonce(self, account: AccountId) -> int: ...

    async def read_content(self, cid: str) -> bytes: ...

    async def import_blocks(self, blocks: list[SignedBlock]) -> None: ...

    async def import_operations(self, sealed: bytes) -> None: ...


class Figures(Struct, frozen=True):
    """What the front end counts: clients that are connected, requests of theirs and, among these, trusted calls."""

    connections: u32 = 0
    requests: u64 = 0
    calls: u64 = 0


class FrontEnd(Protocol):
    """What the ledger tells the front end."""

    async def begin(self, begin: Begin) -> int:
        """Have it serve; the port that it listens at. Raises ListenFailed, or an error with that code."""
        ...

    def tell(self, changes: Sequence[StatusChanged], *, lingers: bool) -> None:
        """Of a few operations, at once. With `lingers` the sidechain block that they are in can still be given up."""
        ...

    async def tell_all(self, changes: Sequence[StatusChanged], *, lingers: bool) -> None:
        """As `tell`, of all operations of a block."""
        ...

    def settle(self, top_hashes: Sequence[bytes]) -> None:
        """The sidechain blocks that these operations are in are final: nothing more will be told of them."""
        ...

    async def figures(self) -> Figures:
        """What it has counted."""
        ...

    async def stop(self) -> None:
        """Say goodbye to all clients."""
        ...
