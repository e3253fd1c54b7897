"""What the enclave writes to its sealed journal, and the state it rebuilds from it.

One record per sidechain block holds everything the block changed: ledger state, how far each parentchain was
processed, and the outboxes. Parentchain progress and its effects are therefore durable together or not at all.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from integritee.errors import IntegriteeError
from integritee.primitives.ids import H256, ParentchainId, ShardIdentifier
from integritee.primitives.sidechain import SidechainHeader, SignedBlock
from integritee.scale import Struct, codec
from integritee.trie import Trie

from .parentchain.outbox import Outbox, OutboxChange


class RecordKind(enum.IntEnum):
    ANCHOR = 1
    """Light-client progress before the shard runs."""
    GENESIS = 2
    """First state of the shard."""
    BLOCK = 3
    """A sidechain block of our own."""


class AnchorRecord(Struct, frozen=True):
    """Where the light client of a parentchain would resume."""

    id: ParentchainId
    light_client: bytes


class ChainRecord(Struct, frozen=True):
    """What a record changes of one parentchain: where its light client would resume (empty: unchanged), and the
    outbox there."""

    id: ParentchainId
    light_client: bytes
    outbox: OutboxChange


class GenesisRecord(Struct, frozen=True):
    shard: ShardIdentifier
    changes: list[tuple[bytes, bytes | None]]
    chains: list[ChainRecord]


class BlockRecord(Struct, frozen=True):
    signed: SignedBlock
    changes: list[tuple[bytes, bytes | None]]
    chains: list[ChainRecord]


class SnapshotMeta(Struct, frozen=True):
    """What a snapshot holds beside the state entries."""

    shard: ShardIdentifier
    header: SidechainHeader | None
    state_root: H256
    chains: list[ChainRecord]


ANCHOR: Final = codec(AnchorRecord)
GENESIS: Final = codec(GenesisRecord)
BLOCK: Final = codec(BlockRecord)
META: Final = codec(SnapshotMeta)


class RecoveryError(IntegriteeError):
    """The sealed records are authentic but contradict each other."""

    code = "recovery.inconsistent"

    def __init__(self, what: str) -> None:
        self.what = what
        super().__init__(f"sealed state is inconsistent: {what}")


@dataclass
class Recovered:
    """The enclave's state after replaying its records, onto the `outboxes` of all parentchains.

    `shard` is None before genesis; `light_clients` has those of the parentchains that were met.
    """

    state: Trie
    outboxes: dict[ParentchainId, Outbox]
    shard: bytes | None = None
    head: SidechainHeader | None = None
    light_clients: dict[ParentchainId, bytes] = field(default_factory=dict)
    state_bytes: int = 0

    def apply(self, kind: int, payload: bytes) -> None:
        """Replay one record. Raises RecoveryError, DecodeError."""
        match kind:
            case RecordKind.ANCHOR:
                anchor: AnchorRecord = ANCHOR.decode(payload)
                self.light_clients[anchor.id] = anchor.light_client
            case RecordKind.GENESIS:
                genesis: GenesisRecord = GENESIS.decode(payload)
                self.shard = genesis.shard
                self._commit(genesis.changes)
                self.adopt(genesis.chains)
            case RecordKind.BLOCK:
                record: BlockRecord = BLOCK.decode(payload)
                self._follow(record.signed.block.header)
                self._commit(record.changes)
                self.adopt(record.chains)
            case _:
                raise RecoveryError(f"record kind {kind}")

    def adopt(self, chains: list[ChainRecord]) -> None:
        """Take over what is recorded of parentchains."""
        for chain in chains:
            if chain.light_client:
                self.light_clients[chain.id] = chain.light_client
            self.outboxes[chain.id].apply(chain.outbox)

    def _follow(self, header: SidechainHeader) -> None:
        expected, parent = (self.head.block_number + 1, self.head.hash()) if self.head else (1, bytes(32))
        if header.block_number != expected or header.parent_hash != parent:
            raise RecoveryError(f"block {header.block_number} where a child of block {expected - 1} was expected")
        self.head = header

    def _commit(self, changes: list[tuple[bytes, bytes | None]]) -> None:
        self.state_bytes += size_of(self.state, changes)
        self.state = self.state.commit(dict(changes))


def from_snapshot(
    entries: Iterable[tuple[bytes, bytes]], meta: bytes, outboxes: dict[ParentchainId, Outbox]
) -> Recovered:
    """State of a snapshot. Raises RecoveryError if its entries do not have the recorded root."""
    recorded: SnapshotMeta = META.decode(meta)
    items = dict(entries)
    state = Trie.from_items(items)
    if state.root() != recorded.state_root:
        raise RecoveryError("the snapshot's entries do not have its state root")
    size = sum(len(k) + len(v) for k, v in items.items())
    recovered = Recovered(state, outboxes, recorded.shard, recorded.header, state_bytes=size)
    recovered.adopt(recorded.chains)
    return recovered


def size_of(state: Trie, changes: Iterable[tuple[bytes, bytes | None]]) -> int:
    """By how many bytes of keys and values `changes` grow the state."""
    growth = 0
    for key, value in changes:
        old = state.get(key)
        growth += (len(key) + len(value) if value is not None else 0) - (
            len(key) + len(old) if old is not None else 0
        )
    return growth
