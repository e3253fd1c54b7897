"""What the trusted RPC needs from the enclave behind it."""

from __future__ import annotations

from typing import Protocol

from integritee.primitives.enclave_bridge import Request
from integritee.primitives.ids import AccountId, ParentchainId, ShardIdentifier
from integritee.primitives.sidechain import SidechainHeader, SignedBlock

from .order import Turn, at_once
from .watch import Watcher


class Backend(Protocol):
    """What is known answers at once; what the ledger is asked for, or may take time, is asynchronous.

    Every method may raise an IntegriteeError; its code and facts reach the caller.
    """

    def shielding_key_json(self) -> str:
        """Public shielding key as compact JSON."""
        ...

    def shard(self) -> ShardIdentifier:
        """The shard this enclave serves; zeros while there is none."""
        ...

    async def shard_vault(self) -> tuple[AccountId, ParentchainId] | None:
        """Vault account and the parentchain it lives on; None until it is known."""
        ...

    def fingerprint(self) -> bytes:
        """MRENCLAVE, 32 bytes."""
        ...

    def mu_ra_url(self) -> str:
        """Where peers are provisioned, as advertised."""
        ...

    def untrusted_url(self) -> str:
        """Where peers fetch blocks, as advertised."""
        ...

    async def latest_header(self) -> SidechainHeader:
        """Header of the latest sidechain block; all zero before the first one."""
        ...

    def stf_metadata(self) -> bytes:
        """Metadata of the ledger's runtime, with its prefix "meta"."""
        ...

    def version(self) -> str:
        """Version of the enclave, such as ``0.1.0``."""
        ...

    async def execute_getter(self, request: Request) -> bytes | None:
        """Run the getter whose plain SCALE form is `request.cyphertext`. Raises MissingPrivileges among others."""
        ...

    async def submit(self, request: Request, watcher: Watcher | None, turn: Turn = at_once) -> bytes:
        """Decipher a trusted operation, and admit it when it is its turn, which is `taken` then; its hash (32 bytes).

        Calls `watcher.bind(hash)` once it is admitted and before any status can be reported.
        """
        ...

    async def submit_plain(self, plain: bytes, watcher: Watcher | None, turn: Turn = at_once) -> bytes:
        """As `submit`, of an operation for this shard as it comes out of its shielding, whose turn it is."""
        ...

    async def decipher(self, cyphertext: bytes) -> bytes:
        """What was sealed for the shielding key. Raises Undecipherable."""
        ...

    def account(self) -> AccountId:
        """The enclave's account on the parentchain: the Ed25519 key (32 bytes) that its evidence names."""
        ...

    def sign(self, message: bytes) -> bytes:
        """The account's signature, 64 bytes. The message begins with a label that no other use of the key has."""
        ...

    async def pending(self, shards: list[ShardIdentifier]) -> list[list[bytes]]:
        """Hashes of the operations ready in the pool of each shard; none for a shard not served."""
        ...

    async def next_nonce(self, account: AccountId) -> int:
        """Nonce of the account's next call, counting those pending in the pool."""
        ...

    async def read_content(self, cid: str) -> bytes:
        """Content from IPFS by its identifier, which it has indeed. Raises IpfsError."""
        ...

    async def import_blocks(self, blocks: list[SignedBlock]) -> None:
        """Queue sidechain blocks of a peer; they are judged later."""
        ...

    async def import_operations(self, sealed: bytes) -> None:
        """Take trusted operations from another enclave of the shard, sealed (`pool.gossip`); each is judged later."""
        ...
