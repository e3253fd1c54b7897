"""One step of the chain: author, finalize, import, and let the pool follow.

When to take a step (every slot, at intervals, for every transaction, on request) is the caller's business.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from .authoring import NOTHING, AuthoredBlock, author_block
from .chain import Chain, ChainEvent
from .finality import Finalizer
from .keystore import Keystore
from .pool import TransactionPool


class Producer:
    """Makes the chain grow with the local keys. For lag, period and `votes` see `Finalizer`.

    `min_advance_ms` is how far a block's timestamp is at least past its parent's, None for what the runtime wants:
    1 if it takes several blocks per slot, a whole slot duration otherwise. Its time then runs ahead of the clock
    when blocks are made faster.
    """

    def __init__(
        self,
        chain: Chain,
        pool: TransactionPool,
        keys: Keystore,
        *,
        finality_lag: int | None = 0,
        justification_period: int = 1,
        votes: bool = True,
        min_advance_ms: int | None = None,
    ) -> None:
        self._chain, self._pool, self._keys = chain, pool, keys
        self._min_advance_ms = min_advance_ms
        self.finalizer = Finalizer(chain, keys.grandpa, lag=finality_lag, period=justification_period, votes=votes)

    def produce(
        self,
        now_ms: int,
        *,
        parent: bytes | None = None,
        with_transactions: bool = True,
        time_is_up: Callable[[], bool] = lambda: False,
        changes: Mapping[bytes, bytes | None] = NOTHING,
    ) -> AuthoredBlock:
        """Make a block on `parent` (default: the best block) and import it with what it finalizes.

        A parent below the best block begins a fork. For `changes` see `author_block`. Raises AuthoringError,
        ChainError, MissingVotes, RuntimeFailure; chain and pool are then as before.
        """
        pool, chain = self._pool, self._chain
        ready = (transaction.extrinsic for transaction in pool.ready()) if with_transactions else ()
        authored = author_block(
            chain,
            ready,
            now_ms,
            self._keys.aura,
            parent=parent,
            min_advance_ms=self._min_advance_ms,
            time_is_up=time_is_up,
            changes=changes,
        )
        finalizations = self.finalizer.upon(authored.block, authored.state)
        events = chain.import_block(authored.block, authored.state, finalizations)
        if parent is None:  # on a fork, being refused says nothing about the best chain
            pool.remove_invalid([refused.hash for refused in authored.refused], now_ms)
        self._follow(events, now_ms)
        return authored

    def set_head(self, hash: bytes, now_ms: int) -> None:
        """Make a known block the best one; the pool gets back what leaves the chain. Raises as `Chain.set_head`."""
        self._follow(self._chain.set_head(hash), now_ms)

    def finalize(self, hash: bytes, now_ms: int) -> None:
        """Make a block of the best chain and its ancestors final now.

        Raises UnknownBlock, NotCanonical, MissingVotes.
        """
        self._follow(self._chain.finalize(self.finalizer.up_to(hash)), now_ms)

    def _follow(self, events: tuple[ChainEvent, ...], now_ms: int) -> None:
        for event in events:
            self._pool.handle(event, now_ms)
