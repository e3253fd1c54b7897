"""The chain: blocks, states and heads over a database and a runtime.

Fork choice is the longest chain (the first seen of equals) above the last finalized block, until somebody chooses
otherwise (`Chain.set_head`). No I/O besides the database; whoever wants to follow the chain subscribes to its events.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from integritee.frame.overlay import EmptyBackend, Overlay
from integritee.frame.validity import TransactionSource, TransactionValidityError, ValidTransaction
from integritee.primitives.header import Digest, Header
from integritee.trie import Layout, Trie, ordered_root

from . import runtime_api
from .block import Block
from .database import Batch, Database, Finalization
from .engine import RuntimeEngine
from .errors import (
    AlreadyKnown,
    BlockMismatch,
    ConflictsWithFinalized,
    CorruptDatabase,
    GenesisMismatch,
    NotCanonical,
    UnknownBlock,
)
from .runtime_api import RuntimeVersion

MAX_STATES: Final = 32
"""Recently used states kept as handles; they share what they have in common."""

MAX_BLOCK_NUMBER: Final = (1 << 32) - 1


@dataclass(frozen=True, slots=True)
class Imported:
    """A block was imported, in the best chain or not (`chain_subscribeAllHeads`)."""

    hash: bytes
    header: Header


@dataclass(frozen=True, slots=True)
class NewBest:
    """The best block changed (`chain_subscribeNewHeads`).

    `enacted` are the hashes that entered the best chain, oldest first, the new head last, none if the chain was
    only cut back; `retracted` those that left it, newest first, empty if the chain only grew.
    """

    hash: bytes
    header: Header
    enacted: tuple[bytes, ...]
    retracted: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Finalized:
    """A block became final (`chain_subscribeFinalizedHeads`); one event per block, in order.

    `justification` is its SCALE GrandpaJustification if it has one.
    """

    hash: bytes
    header: Header
    justification: bytes | None


ChainEvent: TypeAlias = Imported | NewBest | Finalized

Listener: TypeAlias = Callable[[ChainEvent], None]
"""Called after the change is in the database, in order of subscription. Must neither raise nor import blocks."""


def state_layout(version: RuntimeVersion) -> Layout:
    """Trie layout of a runtime's state: V0 before system version 1."""
    return Layout.V1 if version.system_version >= 1 else Layout.V0


def extrinsics_layout(version: RuntimeVersion) -> Layout:
    """Trie layout of a block's extrinsics root: V0 before system version 2."""
    return Layout.V1 if version.system_version >= 2 else Layout.V0


def genesis_overlay(genesis: Mapping[bytes, bytes]) -> Overlay:
    """The raw storage `genesis` as a runtime sees it before there is a chain."""
    overlay = Overlay(EmptyBackend())
    for key, value in genesis.items():
        overlay.put(key, value)
    return overlay


def genesis_state(engine: RuntimeEngine, genesis: Mapping[bytes, bytes]) -> Trie:
    """State of block 0, in the layout its own runtime asks for."""
    return Trie.from_items(genesis, state_layout(runtime_api.core_version(engine, genesis_overlay(genesis))))


def genesis_block(state: Trie) -> Block:
    """Block 0: no parent, no extrinsics, no digest."""
    header = Header(
        parent_hash=bytes(32),
        number=0,
        state_root=state.root(),
        extrinsics_root=ordered_root([]),
        digest=Digest([]),
    )
    return Block(header, ())


class Chain:
    """A chain in a database.

    `genesis_hash`, `best_hash`, `best`, `finalized_hash` and `finalized` are always there; methods that look up
    a block return None where it is unknown, except those that need its state, which raise UnknownBlock.
    """

    def __init__(self, database: Database, engine: RuntimeEngine, genesis: Mapping[bytes, bytes]) -> None:
        """Open the chain in `database`, beginning with the raw storage `genesis` if it is empty.

        Raises GenesisMismatch if the database holds another chain, CorruptDatabase, RuntimeFailure.
        """
        self.engine = engine
        self._database = database
        self._states: OrderedDict[bytes, Trie] = OrderedDict()
        self._listeners: list[Listener] = []
        state = genesis_state(engine, genesis)
        block = genesis_block(state)
        self._layout = state.layout
        self.genesis_hash: Final = block.hash
        found = database.genesis()
        if found is None:
            _write_genesis(database, block, state)
        elif found != block.hash:
            raise GenesisMismatch(block.hash, found)
        self.best_hash, self.best = self._head(database.best())
        self.finalized_hash, self.finalized = self._head(database.finalized())

    # --- blocks

    def header(self, hash: bytes) -> Header | None:
        return self._database.header(hash)

    def block(self, hash: bytes) -> Block | None:
        return self._database.block(hash)

    def justification(self, hash: bytes) -> bytes | None:
        """SCALE GrandpaJustification of the block, if it has one."""
        return self._database.justification(hash)

    def hash_at(self, number: int) -> bytes | None:
        """Hash of block `number` of the best chain."""
        if not 0 <= number <= self.best.number:
            return None
        return self._database.hash_at(number)

    def is_canonical(self, hash: bytes) -> bool:
        """Whether the block is in the best chain."""
        header = self.header(hash)
        return header is not None and self.hash_at(header.number) == hash

    # --- state

    def state_at(self, hash: bytes) -> Trie:
        """State after the block: values, keys, read proofs. Raises UnknownBlock."""
        header = self.best if hash == self.best_hash else self.header(hash)
        if header is None:
            raise UnknownBlock(hash)
        state = self._states.get(header.state_root)
        if state is None:
            state = Trie.at(header.state_root, self._database.nodes, self._layout)
        self._keep(state)
        return state

    def overlay_at(self, hash: bytes) -> Overlay:
        """A fresh overlay over the state after the block. Raises UnknownBlock."""
        return Overlay(self.state_at(hash))

    # --- runtime

    def runtime_call(self, name: str, args: bytes = b"", at: bytes | None = None) -> bytes:
        """Result of a runtime API function on the state after block `at` (default: the best block).

        What the function writes is dropped. Raises UnknownBlock, RuntimeApiMissing, RuntimePanic.
        """
        return self.engine.call(name, self.overlay_at(at or self.best_hash), args)

    def runtime_version(self, at: bytes | None = None) -> RuntimeVersion:
        """Version of the runtime after block `at`. Raises as `runtime_call`."""
        return runtime_api.core_version(self.engine, self.overlay_at(at or self.best_hash))

    def account_nonce(self, account: bytes, at: bytes | None = None) -> int:
        """Nonce of the account's next extrinsic on chain. Raises as `runtime_call`."""
        return runtime_api.account_nonce(self.engine, self.overlay_at(at or self.best_hash), account)

    def validate_transaction(
        self, source: TransactionSource, extrinsic: bytes
    ) -> ValidTransaction | TransactionValidityError:
        """Whether the extrinsic could be in the block after the best one. Raises RuntimePanic, DecodeError."""
        overlay = self.overlay_at(self.best_hash)
        return runtime_api.validate_transaction(self.engine, overlay, source, extrinsic, self.best_hash)

    # --- change

    def import_block(
        self, block: Block, state: Trie, finalizations: Sequence[Finalization] = ()
    ) -> tuple[ChainEvent, ...]:
        """Add a block of the local author with the state after it, and make blocks final, all at once.

        Raises AlreadyKnown, UnknownBlock (its parent), BlockMismatch, ConflictsWithFinalized, NotCanonical, and
        what writing raises; the chain is then as before.
        """
        self._check_import(block, state)
        best = self._route_to(block)
        canonical = {} if best is None else self._canonical(best)
        finals: list[ChainEvent] = [self._final(f, block, canonical) for f in finalizations]
        self._database.write(
            Batch(
                blocks=(block,),
                nodes=state.new_nodes(),
                canonical=canonical,
                best=block.hash if best else None,
                finalized=finalizations,
            )
        )
        state.mark_persisted()
        self._keep(state)
        events: list[ChainEvent] = [Imported(block.hash, block.header)]
        if best is not None:
            self.best_hash, self.best = block.hash, block.header
            events.append(best)
        return self._publish(events + finals)

    def set_head(self, hash: bytes) -> tuple[ChainEvent, ...]:
        """Make a known block the best one, lower or on a fork though it may be; blocks that leave stay readable.

        Raises UnknownBlock, ConflictsWithFinalized. Nothing happens if it is the best one.
        """
        header = self._known(hash)
        if hash == self.best_hash:
            return ()
        branch, junction = self._branch(hash, hash, header)
        best = NewBest(hash, header, tuple(reversed(branch)), self._above(junction))
        self._database.write(Batch(canonical=self._canonical(best), best=hash))
        self.best_hash, self.best = hash, header
        return self._publish([best])

    def finalize(self, finalizations: Sequence[Finalization]) -> tuple[ChainEvent, ...]:
        """Make blocks of the best chain final, in order. Raises UnknownBlock, NotCanonical."""
        finals = [self._final(f, None, {}) for f in finalizations]
        self._database.write(Batch(finalized=finalizations))
        return self._publish(finals)

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Have `listener` called with every event from now on; the result ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener) if listener in self._listeners else None

    def _publish(self, events: Sequence[ChainEvent]) -> tuple[ChainEvent, ...]:
        for event in events:
            if isinstance(event, Finalized):
                self.finalized_hash, self.finalized = event.hash, event.header
        for event in events:
            for listener in tuple(self._listeners):
                listener(event)
        return tuple(events)

    # --- rules

    def _check_import(self, block: Block, state: Trie) -> None:
        header = block.header
        if self.header(block.hash) is not None:
            raise AlreadyKnown(block.hash)
        parent = self.header(header.parent_hash)
        if parent is None:
            raise UnknownBlock(header.parent_hash)
        if header.number != parent.number + 1:
            raise BlockMismatch("number", str(parent.number + 1), str(header.number))
        if state.root() != header.state_root:
            raise BlockMismatch("state root", state.root().hex(), header.state_root.hex())

    def _route_to(self, block: Block) -> NewBest | None:
        """The change of the best chain that the block brings, None if it brings none."""
        parent = block.header.parent_hash
        branch, junction = self._branch(block.hash, parent, self._known(parent))
        if block.number <= self.best.number:
            return None
        return NewBest(block.hash, block.header, (*reversed(branch), block.hash), self._above(junction))

    def _branch(self, block: bytes, hash: bytes, header: Header) -> tuple[list[bytes], int]:
        """The way from a known block down to the best chain: what is beside it, newest first, and where it ends.

        Raises ConflictsWithFinalized for `block` if it ends below what is final, or beside it.
        """
        beside = []
        while header.number > self.finalized.number and self.hash_at(header.number) != hash:
            beside.append(hash)
            hash = header.parent_hash
            header = self._known(hash)
        if self.hash_at(header.number) != hash or header.number < self.finalized.number:
            raise ConflictsWithFinalized(block, self.finalized_hash)
        return beside, header.number

    def _above(self, number: int) -> tuple[bytes, ...]:
        """Hashes of the best chain above a block number, newest first."""
        return tuple(self._canonical_hash(n) for n in range(self.best.number, number, -1))

    @staticmethod
    def _canonical(best: NewBest) -> dict[int, bytes]:
        first = best.header.number - len(best.enacted) + 1
        return dict(enumerate(best.enacted, first))

    def _final(self, final: Finalization, block: Block | None, canonical: Mapping[int, bytes]) -> Finalized:
        """The event of a finalization, once it is known to be on the best chain of after the import."""
        header = block.header if block and final.hash == block.hash else self._known(final.hash)
        if header.number <= self.finalized.number:
            raise ConflictsWithFinalized(final.hash, self.finalized_hash)
        if (canonical.get(header.number) or self.hash_at(header.number)) != final.hash:
            raise NotCanonical(final.hash)
        return Finalized(final.hash, header, final.justification)

    # --- look-ups that cannot fail in a sound database

    def _head(self, hash: bytes) -> tuple[bytes, Header]:
        header = self.header(hash)
        if header is None:
            raise CorruptDatabase(f"the header of block 0x{hash.hex()}")
        return hash, header

    def _known(self, hash: bytes) -> Header:
        header = self.header(hash)
        if header is None:
            raise UnknownBlock(hash)
        return header

    def _canonical_hash(self, number: int) -> bytes:
        hash = self.hash_at(number)
        if hash is None:
            raise CorruptDatabase(f"block {number} of the best chain")
        return hash

    def _keep(self, state: Trie) -> None:
        root = state.root()
        self._states[root] = state
        self._states.move_to_end(root)
        while len(self._states) > MAX_STATES:
            self._states.popitem(last=False)


def _write_genesis(database: Database, block: Block, state: Trie) -> None:
    database.write(
        Batch(
            blocks=(block,),
            nodes=state.new_nodes(),
            canonical={0: block.hash},
            best=block.hash,
            finalized=(Finalization(block.hash, 0),),
            genesis=block.hash,
        )
    )
