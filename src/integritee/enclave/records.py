"""What the enclave writes to its sealed journal, and the state it rebuilds from it.

One record per sidechain block holds everything the block changed: ledger state, how far each parentchain was
processed, and the outboxes. Parentchain progress and its effects are therefore durable together or not at all.
"""

from __future__ import annotations

import enum
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from integritee.errors import IntegriteeError
from integritee.primitives.ids import H256, ParentchainId, ShardIdentifier
from integritee.primitives.sidechain import SidechainHeader, SignedBlock
from integritee.scale import Struct, codec, u64
from integritee.trie import Trie

from .parentchain.outbox import Outbox, OutboxChange, Payment
from .sidechain.chain import Adopted, Chain, Held
from .sidechain.payload import Planned
from .sidechain.verification import Tip


class RecordKind(enum.IntEnum):
    ANCHOR = 1
    """Light-client progress before the shard runs."""
    GENESIS = 2
    """First state of the shard."""
    BLOCK = 3
    """A sidechain block, own or a peer's."""
    REVERT = 4
    """Blocks were given up."""
    ADOPTION = 5
    """State of another enclave takes the place of all there was; a snapshot follows that holds it."""


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
    """`planned` is what the block holds back until it is final; `taken` are keys of what its author does then,
    `released` of what is under way already. `refunds` were given back by this enclave in it. Blocks up
    to `final` are final."""

    signed: SignedBlock
    changes: list[tuple[bytes, bytes | None]]
    chains: list[ChainRecord]
    planned: list[Planned]
    taken: list[H256]
    released: list[H256]
    refunds: list[Payment]
    final: u64


class TipRecord(Struct, frozen=True):
    """A block of the chain: its header and its timestamp in ms."""

    header: SidechainHeader
    timestamp: u64

    @classmethod
    def of(cls, tip: Tip | None) -> TipRecord | None:
        return None if tip is None else cls(tip.header, tip.timestamp)


class RevertRecord(Struct, frozen=True):
    """The chain ends at `tip` again; `changes` make its state out of the present one, and `held` is what waits for
    blocks to be final. Outboxes stay: what they hold may be on its way."""

    tip: TipRecord | None
    changes: list[tuple[bytes, bytes | None]]
    held: list[Held]
    chains: list[ChainRecord]


class AdoptionRecord(Struct, frozen=True):
    """Nothing: what was adopted is in the snapshot behind this record. Without one the adoption was cut short."""


class UndoRecord(Struct, frozen=True):
    """A block that can be given up: `changes` make the state before it out of the one behind it, `held` is what
    waited for blocks to be final before it; the rest as in BlockRecord."""

    signed: SignedBlock
    changes: list[tuple[bytes, bytes | None]]
    held: list[Held]
    refunds: list[Payment]
    released: list[H256]

    @classmethod
    def of(cls, block: Adopted) -> UndoRecord:
        changes = [(key, block.before.get(key)) for key in block.changed]
        return cls(block.signed, changes, list(block.held_before), list(block.refunds), list(block.released))


class SnapshotMeta(Struct, frozen=True):
    """What a snapshot holds beside the state entries: `base` is the last block before `tail`. `joined` says that the
    state was another enclave's once."""

    shard: ShardIdentifier
    base: TipRecord | None
    tail: list[UndoRecord]
    state_root: H256
    chains: list[ChainRecord]
    held: list[Held]
    final: u64
    joined: bool


ANCHOR: Final = codec(AnchorRecord)
GENESIS: Final = codec(GenesisRecord)
BLOCK: Final = codec(BlockRecord)
REVERT: Final = codec(RevertRecord)
ADOPTION: Final = codec(AdoptionRecord)
UNDO: Final = codec(UndoRecord)
META: Final = codec(SnapshotMeta)

MAX_TAIL_BYTES: Final = 8 << 20
"""Of a tail in a snapshot. Of a larger one the older blocks can not be given up any more after a start from it."""


class RecoveryError(IntegriteeError):
    """The sealed records are authentic but contradict each other."""

    code = "recovery.inconsistent"

    def __init__(self, what: str) -> None:
        self.what = what
        super().__init__(f"sealed state is inconsistent: {what}")


@dataclass
class Recovered:
    """The enclave's state after replaying its records, onto the `outboxes` of all parentchains.

    `shard` is None before genesis; `light_clients` has those of the parentchains that were met. `joined` says that
    the state was another enclave's once.
    """

    chain: Chain
    outboxes: dict[ParentchainId, Outbox]
    shard: bytes | None = None
    light_clients: dict[ParentchainId, bytes] = field(default_factory=dict)
    joined: bool = False
    last: SignedBlock | None = None
    """The latest block, as far as the journal has it behind the snapshot."""

    def apply(self, kind: int, payload: bytes) -> None:
        """Replay one record. Raises RecoveryError, DecodeError."""
        match kind:
            case RecordKind.ANCHOR:
                anchor: AnchorRecord = ANCHOR.decode(payload)
                self.light_clients[anchor.id] = anchor.light_client
            case RecordKind.GENESIS:
                genesis: GenesisRecord = GENESIS.decode(payload)
                self.shard = genesis.shard
                self._set_state(genesis.changes)
                self.adopt(genesis.chains)
            case RecordKind.BLOCK:
                self._follow(BLOCK.decode(payload))
            case RecordKind.REVERT:
                self._revert(REVERT.decode(payload))
            case RecordKind.ADOPTION:
                self.chain, self.shard = Chain(Trie.empty(), self.chain.own), None
            case _:
                raise RecoveryError(f"record kind {kind}")

    def adopt(self, chains: list[ChainRecord]) -> None:
        """Take over what is recorded of parentchains."""
        for chain in chains:
            if chain.light_client:
                self.light_clients[chain.id] = chain.light_client
            self.outboxes[chain.id].apply(chain.outbox)

    def _follow(self, record: BlockRecord) -> None:
        header, chain = record.signed.block.header, self.chain
        expected, parent = (chain.number + 1, chain.head.hash()) if chain.head else (1, bytes(32))
        if header.block_number != expected or header.parent_hash != parent:
            raise RecoveryError(f"block {header.block_number} where a child of block {expected - 1} was expected")
        keys = tuple(key for key, _ in record.changes)
        block = Adopted(
            record.signed,
            keys,
            chain.state,
            chain.state_bytes,
            chain.held,
            refunds=tuple(record.refunds),
            released=tuple(record.released),
        )
        after, growth = chain.state.grow(dict(record.changes))
        chain.adopt(block, after, chain.state_bytes + growth, record.planned, record.taken)
        chain.finalize(record.final)
        self.last = record.signed
        self.adopt(record.chains)

    def _revert(self, record: RevertRecord) -> None:
        chain = self.chain
        tip = Tip(record.tip.header, record.tip.timestamp) if record.tip else None
        number = tip.header.block_number if tip else 0
        if number >= chain.base_number:
            chain.revert(number)
        else:  # a snapshot was made since
            self._set_state(record.changes)
            chain.rebase(tip)
        chain.held, self.last = tuple(record.held), None
        if chain.head != (tip.header if tip else None):
            raise RecoveryError(f"no block {number} to go back to")
        self.adopt(record.chains)

    def _set_state(self, changes: list[tuple[bytes, bytes | None]]) -> None:
        self.chain.state, growth = self.chain.state.grow(dict(changes))
        self.chain.state_bytes += growth


def from_snapshot(
    entries: Iterable[tuple[bytes, bytes]], meta: bytes, outboxes: dict[ParentchainId, Outbox], own: bytes
) -> Recovered:
    """State of a snapshot, for enclave `own`. Raises RecoveryError if its entries do not have the recorded root."""
    recorded: SnapshotMeta = META.decode(meta)
    items = dict(entries)
    state = Trie.from_items(items)
    if state.root() != recorded.state_root:
        raise RecoveryError("the snapshot's entries do not have its state root")
    size = sum(len(k) + len(v) for k, v in items.items())
    base = Tip(recorded.base.header, recorded.base.timestamp) if recorded.base else None
    chain = Chain(state, own, size, held=tuple(recorded.held), base=base, final=recorded.final)
    chain.restore(_undone(recorded.tail, state, size))
    recovered = Recovered(chain, outboxes, recorded.shard, joined=recorded.joined)
    recovered.adopt(recorded.chains)
    return recovered


def tail_of(chain: Chain) -> tuple[TipRecord | None, list[UndoRecord]]:
    """The tail for a snapshot, as far as it has room, and the block before it."""
    kept, room = deque[UndoRecord](), MAX_TAIL_BYTES
    for block in reversed(chain.tail):
        record = UndoRecord.of(block)
        room -= len(UNDO.encode(record))
        if room < 0:
            return TipRecord.of(Tip.of(block.signed.block)), list(kept)
        kept.appendleft(record)
    return TipRecord.of(chain.base), list(kept)


def _undone(tail: list[UndoRecord], state: Trie, size: int) -> list[Adopted]:
    """The blocks of a tail that ends in a state of `size` bytes, oldest first."""
    blocks = []
    for record in reversed(tail):
        state, growth = state.grow(dict(record.changes))
        size += growth
        keys = tuple(key for key, _ in record.changes)
        held, refunds, released = tuple(record.held), tuple(record.refunds), tuple(record.released)
        blocks.append(Adopted(record.signed, keys, state, size, held, refunds=refunds, released=released))
    return blocks[::-1]
