"""A node without sockets, threads and timers: chain, pool and block production over one database.

Everything here belongs to one thread. `clock` is the only outside thing it asks by itself.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from .authoring import NOTHING, AuthoredBlock
from .chain import MAX_BLOCK_NUMBER, Chain
from .chain_spec import ChainSpec
from .database import Database
from .engine import RuntimeEngine
from .finality import FinalityKind
from .keystore import Keystore
from .pool import TransactionPool
from .producer import Producer

log = logging.getLogger(__name__)

NO_FINALITY: Final = MAX_BLOCK_NUMBER
"""A finality lag that no chain catches up with: blocks become final on request only."""


@dataclass(frozen=True, slots=True)
class StorageChange:
    """The storage keys `written` were put or deleted on the way to the new best block `block` (hash)."""

    block: bytes
    written: frozenset[bytes]


StorageListener: TypeAlias = Callable[[StorageChange], None]


@dataclass(frozen=True, slots=True)
class NodeOptions:
    """`name` is what people call this node.

    Finality stays `finality_lag` blocks behind the best one; every `justification_period` blocks a justification
    is kept (see `Finalizer`). `finality` says how blocks become final.
    """

    name: str = "integritee-node"
    finality_lag: int = 0
    justification_period: int = 1
    finality: FinalityKind = FinalityKind.AUTO


class Node:
    """The parts of a node, open.

    `clock` returns unix milliseconds. `closing` is called when a block is begun; its result tells, asked before
    each transaction, whether to close the block.
    """

    def __init__(
        self,
        spec: ChainSpec,
        engine: RuntimeEngine,
        database: Database,
        keys: Keystore,
        clock: Callable[[], int],
        options: NodeOptions | None = None,
        closing: Callable[[], Callable[[], bool]] = lambda: lambda: False,
    ) -> None:
        """Open the chain of `spec` in `database`. Raises what `Chain` raises."""
        self.spec, self.keys = spec, keys
        self._clock, self._ahead_ms = clock, 0
        self.options = options or NodeOptions()
        self._database, self._closing = database, closing
        self.chain = Chain(database, engine, spec.genesis)
        self.pool = TransactionPool(self.chain)
        self.producer = Producer(
            self.chain,
            self.pool,
            keys,
            finality_lag=None if self.options.finality is FinalityKind.NONE else self.options.finality_lag,
            justification_period=self.options.justification_period,
            votes=self.options.finality.votes_on(self.chain),
        )
        self.starting_block: Final = self.chain.best.number
        self._storage_listeners: list[StorageListener] = []

    @property
    def is_authority(self) -> bool:
        """Whether there is a key to make blocks with."""
        return bool(self.keys.aura)

    def clock(self) -> int:
        """The time in unix ms: the clock's, or that which the node travelled to."""
        return self._clock() + self._ahead_ms

    def travel(self, to_ms: int) -> None:
        """Move the clock so that it is `to_ms` now; it goes on from there. The next block has that time."""
        self._ahead_ms = to_ms - self._clock()

    def seal(
        self,
        parent: bytes | None = None,
        *,
        with_transactions: bool = True,
        changes: Mapping[bytes, bytes | None] = NOTHING,
    ) -> AuthoredBlock:
        """Make a block now, on `parent` or on the best block. Raises what `Producer.produce` raises."""
        begun, head = self.clock(), self.chain.best_hash
        authored = self.producer.produce(
            begun, parent=parent, with_transactions=with_transactions, time_is_up=self._closing(), changes=changes
        )
        self._log(authored, self.clock() - begun)
        if authored.block.header.parent_hash == head:
            self._tell(authored.written)
        elif self.chain.best_hash != head:
            self._tell(authored.written | self._difference(head))
        return authored

    def is_interrupted(self) -> bool:
        """Asked between two blocks of one request: lets others have their turn; whether the node is about to stop."""
        return self._closing()()

    def set_head(self, hash: bytes) -> None:
        """Make a known block the best one. Raises what `Producer.set_head` raises."""
        head = self.chain.best_hash
        self.producer.set_head(hash, self.clock())
        if hash != head:
            log.info("Head set to #%d 0x%s", self.chain.best.number, hash.hex())
            self._tell(self._difference(head))

    def _difference(self, before: bytes) -> frozenset[bytes]:
        """Storage keys whose values are not the same after block `before` and after the best block."""
        states = (self.chain.state_at(before), self.chain.state_at(self.chain.best_hash))
        old, new = (set(state.items()) for state in states)
        return frozenset(key for key, _ in old ^ new)

    def _tell(self, written: frozenset[bytes]) -> None:
        change = StorageChange(self.chain.best_hash, written)
        for listener in self._storage_listeners:
            listener(change)

    def _log(self, authored: AuthoredBlock, took_ms: int) -> None:
        block = authored.block
        log.info(
            "Block #%d 0x%s: %d extrinsics in %d ms, finalized #%d",
            block.number,
            block.hash.hex(),
            len(block.extrinsics),
            took_ms,
            self.chain.finalized.number,
        )
        for refused in authored.refused:
            log.info("Extrinsic 0x%s refused: %s", refused.hash.hex(), refused.reason)

    def finalize(self, hash: bytes) -> None:
        """Make a block and its ancestors final now. Raises what `Producer.finalize` raises."""
        self.producer.finalize(hash, self.clock())

    def subscribe_storage(self, listener: StorageListener) -> None:
        """Have `listener` told what each new best block writes; after the chain's own events."""
        self._storage_listeners.append(listener)

    def close(self) -> None:
        """Close the database. Closing twice does nothing."""
        self._database.close()
