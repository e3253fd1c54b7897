"""The transaction pool: what waits for a block, in which order, and what its submitters hear of it.

Sans-IO: time is an argument, the chain is asked for validity and block bodies, watchers are called directly.
Counterpart of sc-transaction-pool's single-state pool; on purpose different: what is dropped because the pool
is full is the youngest of the cheapest, and it is not banned.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from integritee.frame.validity import TransactionSource, TransactionValidityError, ValidTransaction
from integritee.primitives.header import Header
from integritee.scale.errors import ScaleError

from ..block import Block, checked_extrinsic, extrinsic_hash
from ..chain import ChainEvent, Finalized, NewBest
from ..errors import BadRuntimeInput, RuntimePanic
from . import status
from .errors import (
    AlreadyImported,
    BadFormat,
    CycleDetected,
    FutureRejected,
    ImmediatelyDropped,
    InvalidTransaction,
    NoTagsProvided,
    PoolError,
    TemporarilyBanned,
    VerificationFailed,
    refusal,
)
from .graph import Change, Graph, Transaction
from .status import TransactionStatus, Watcher

BAN_MS: Final = 30 * 60 * 1000
"""How long an extrinsic that was included or found invalid is refused."""

MAX_BANNED: Final = 16_384
"""Remembered bans; the oldest give way."""

MAX_UNFINALIZED_BLOCKS: Final = 512
"""Blocks with watched transactions that wait for finality; the oldest time out."""

REVALIDATED_PER_BLOCK: Final = 32
"""Transactions validated again after each block, those first whose verdict is oldest."""

MAX_LONGEVITY: Final = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class PoolLimits:
    """Transactions and bytes in each queue. A `future_count` of 0 refuses future transactions."""

    ready_count: int = 8192
    ready_bytes: int = 20 * 1024 * 1024
    future_count: int = 819
    future_bytes: int = 2 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class PoolUsage:
    """Transactions and bytes in each queue."""

    ready: int
    ready_bytes: int
    future: int
    future_bytes: int


class PoolChain(Protocol):
    """What the pool asks of the chain; `integritee.node.chain.Chain` answers."""

    @property
    def best(self) -> Header: ...

    def block(self, hash: bytes) -> Block | None: ...

    def account_nonce(self, account: bytes) -> int: ...

    def validate_transaction(
        self, source: TransactionSource, extrinsic: bytes
    ) -> ValidTransaction | TransactionValidityError: ...


class TransactionPool:
    """Transactions that are ready for the next block or wait for others to come first."""

    def __init__(self, chain: PoolChain, limits: PoolLimits | None = None) -> None:
        self._chain = chain
        self._limits = limits or PoolLimits()
        self._graph = Graph()
        self._banned: OrderedDict[bytes, int] = OrderedDict()  # hash -> unix ms of its end
        self._watchers: dict[bytes, Watcher] = {}
        self._included: OrderedDict[bytes, dict[bytes, int]] = OrderedDict()  # block -> watched hash -> position
        self._verdicts: OrderedDict[bytes, None] = OrderedDict()  # hashes, oldest verdict first
        self._ready_listeners: list[Callable[[bytes], None]] = []

    # --- reading

    def __contains__(self, hash: bytes) -> bool:
        return hash in self._graph

    def ready(self) -> Iterator[Transaction]:
        """Ready transactions in the order for a block. The pool must not change meanwhile."""
        return self._graph.ready()

    def pending(self) -> list[bytes]:
        """Ready extrinsics in the order for a block (`author_pendingExtrinsics`)."""
        return [transaction.extrinsic for transaction in self._graph.ready()]

    def future(self) -> list[bytes]:
        """Extrinsics that wait for others, oldest first."""
        return [transaction.extrinsic for transaction in self._graph.future()]

    def usage(self) -> PoolUsage:
        graph = self._graph
        return PoolUsage(graph.ready_count, graph.ready_bytes, graph.future_count, graph.future_bytes)

    def next_index(self, account: bytes) -> int:
        """The account's next nonce, ready transactions counted (`system_accountNextIndex`).

        FRAME's tag of a nonce is SCALE (account, u32). Raises as `Chain.account_nonce`.
        """
        nonce = self._chain.account_nonce(account)
        while self._graph.provides(account + nonce.to_bytes(4, "little")):
            nonce += 1
        return nonce

    # --- submission

    def submit(
        self,
        extrinsic: bytes,
        now_ms: int,
        *,
        source: TransactionSource = TransactionSource.External,
        watcher: Watcher | None = None,
    ) -> bytes:
        """Validate an extrinsic (length prefix included) and queue it; its hash.

        A watcher hears everything from `Ready` or `Future` on, the first before this returns. Raises a PoolError.
        """
        try:
            hash = extrinsic_hash(checked_extrinsic(extrinsic))
        except ScaleError as error:
            raise BadFormat(str(error)) from None
        if self._is_banned(hash, now_ms):
            raise TemporarilyBanned
        if hash in self._graph:
            raise AlreadyImported(hash)
        transaction = self._validated(hash, extrinsic, source, now_ms)
        if watcher is not None:
            self._watchers[hash] = watcher
        try:
            self._insert(transaction)
            self._enforce_limits(hash)
        except PoolError:
            self._watchers.pop(hash, None)
            raise
        return hash

    def unwatch(self, hash: bytes) -> None:
        """Stop telling the watcher of a transaction."""
        self._watchers.pop(hash, None)

    def subscribe_ready(self, listener: Callable[[bytes], None]) -> Callable[[], None]:
        """Have `listener` called with the hash of each transaction that becomes ready; the result ends that.

        It is called while the pool changes: it may take note of the hash, nothing more.
        """
        self._ready_listeners.append(listener)
        return lambda: self._ready_listeners.remove(listener) if listener in self._ready_listeners else None

    def remove_invalid(self, hashes: Sequence[bytes], now_ms: int) -> list[bytes]:
        """Remove and ban transactions found invalid; hashes of all that left.

        What depends on them leaves with them, but may come back: it was not itself invalid.
        """
        removed = [transaction.hash for transaction in self._graph.remove(hashes)]
        for hash in hashes:
            self._ban(hash, now_ms)
        for hash in removed:
            self._leave(hash, status.Invalid())
        return removed

    # --- following the chain

    def handle(self, event: ChainEvent, now_ms: int) -> None:
        """Follow the chain; events in the order in which it publishes them."""
        match event:
            case NewBest():
                self._on_new_best(event, now_ms)
            case Finalized(hash=block):
                for hash, position in self._included.pop(block, {}).items():
                    self._tell(hash, status.Finalized(block, position))

    def _on_new_best(self, event: NewBest, now_ms: int) -> None:
        back = [extrinsic for block in reversed(event.retracted) for extrinsic in self._retract(block)]
        included = {hash for block in event.enacted for hash in self._include(block, now_ms)}
        for extrinsic in back:
            if extrinsic_hash(extrinsic) not in included:
                self._resubmit(extrinsic, now_ms)
        number = event.header.number
        expired = [t.hash for t in self._graph.transactions() if t.valid_till <= number]
        oldest = tuple(self._verdicts)[: None if event.retracted else REVALIDATED_PER_BLOCK]
        for hash in dict.fromkeys((*expired, *oldest)):
            self._revalidate(hash, now_ms)
        while len(self._included) > MAX_UNFINALIZED_BLOCKS:
            block, watched = self._included.popitem(last=False)
            for hash in watched:
                self._tell(hash, status.FinalityTimeout(block))

    def _retract(self, block: bytes) -> tuple[bytes, ...]:
        """Extrinsics of a block that left the best chain."""
        for hash in self._included.pop(block, {}):
            self._tell(hash, status.Retracted(block))
        found = self._chain.block(block)
        return found.extrinsics if found else ()

    def _include(self, block: bytes, now_ms: int) -> set[bytes]:
        """Take the transactions of a new block out of the pool; their hashes."""
        found = self._chain.block(block)
        hashes = [extrinsic_hash(extrinsic) for extrinsic in found.extrinsics] if found else []
        included = set(hashes)
        tags = [tag for hash in hashes if (known := self._graph.get(hash)) for tag in known.provides]
        for hash in hashes:
            self._ban(hash, now_ms)
            self._verdicts.pop(hash, None)
        watched = {hash: position for position, hash in enumerate(hashes) if hash in self._watchers}
        if watched:
            self._included[block] = watched
        for hash, position in watched.items():
            self._tell(hash, status.InBlock(block, position))
        pruned, change = self._graph.prune(tags)
        self._graph.remove(hashes)
        self._settle(change)
        for rival in pruned:
            if rival.hash not in included:
                self._verdicts.pop(rival.hash, None)
                self._resubmit(rival.extrinsic, now_ms)
        return included

    def _resubmit(self, extrinsic: bytes, now_ms: int) -> None:
        """Put back what was in a retracted block or lost its place; a ban does not count.

        What is refused (an inherent, say) is gone, as its watcher hears.
        """
        hash = extrinsic_hash(extrinsic)
        if hash in self._graph:
            return
        try:
            self._insert(self._validated(hash, extrinsic, TransactionSource.External, now_ms))
        except PoolError:
            self._leave(hash, status.Invalid())
        else:
            self._banned.pop(hash, None)

    def _revalidate(self, hash: bytes, now_ms: int) -> None:
        """Ask the runtime again and move the transaction to where it belongs now."""
        old = self._graph.get(hash)
        if old is None:  # it left since the list of what to ask for was made
            self._verdicts.pop(hash, None)
            return
        try:
            new = self._validated(hash, old.extrinsic, old.source, now_ms)
        except PoolError:
            self.remove_invalid([hash], now_ms)
            return
        self._verdicts.move_to_end(hash)
        if (new.requires, new.provides, new.priority) == (old.requires, old.provides, old.priority):
            self._graph.renew(new)
            return
        was_ready = self._graph.is_ready(hash)
        dependents = [t for t in self._graph.remove([hash]) if t.hash != hash]
        for transaction in (new, *dependents):
            try:
                self._insert(transaction, quiet=was_ready)
            except PoolError:
                self._leave(transaction.hash, status.Invalid())

    # --- parts of a submission

    def _validated(self, hash: bytes, extrinsic: bytes, source: TransactionSource, now_ms: int) -> Transaction:
        """The transaction as the runtime sees it now. Raises a PoolError, after banning what is invalid."""
        try:
            verdict = self._chain.validate_transaction(source, extrinsic)
        except BadRuntimeInput as error:
            raise BadFormat(error.reason) from None
        except ScaleError as error:  # the runtime's answer, not the extrinsic
            raise VerificationFailed(str(error)) from None
        except RuntimePanic as error:
            raise VerificationFailed(str(error)) from None
        if isinstance(verdict, TransactionValidityError):
            refused = refusal(verdict)
            if isinstance(refused, InvalidTransaction):
                self._ban(hash, now_ms)
            raise refused
        if not verdict.provides:
            raise NoTagsProvided
        return Transaction(
            hash,
            extrinsic,
            verdict.priority,
            tuple(verdict.requires),
            tuple(verdict.provides),
            min(self._chain.best.number + verdict.longevity, MAX_LONGEVITY),
            verdict.propagate,
            source,
        )

    def _insert(self, transaction: Transaction, quiet: bool = False) -> None:
        """Queue the transaction and tell everybody concerned; `quiet` leaves its own `Ready` out."""
        if not self._limits.future_count and self._graph.missing(transaction):
            raise FutureRejected
        change = self._graph.insert(transaction)
        if transaction.hash not in self._graph:
            self._settle(change)
            raise CycleDetected
        self._verdicts[transaction.hash] = None
        if not self._graph.is_ready(transaction.hash):
            self._tell(transaction.hash, status.Future())
        elif not quiet:
            self._became_ready(transaction.hash)
        self._settle(change)

    def _settle(self, change: Change) -> None:
        """Tell what happened to others."""
        for loser, winner in change.displaced:
            self._leave(loser.hash, status.Usurped(winner))
        for hash in change.promoted:
            self._became_ready(hash)

    def _enforce_limits(self, submitted: bytes) -> None:
        """Drop the worst while there is too much. Raises ImmediatelyDropped if that is what was submitted."""
        graph, limits = self._graph, self._limits
        dropped: list[Transaction] = []
        while graph.ready_count > limits.ready_count or graph.ready_bytes > limits.ready_bytes:
            dropped += graph.remove([graph.worst_ready().hash])
        while graph.future_count > limits.future_count or graph.future_bytes > limits.future_bytes:
            dropped += graph.remove([graph.worst_future().hash])
        for transaction in dropped:
            self._leave(transaction.hash, status.Dropped())
        if submitted not in graph:
            raise ImmediatelyDropped

    def _became_ready(self, hash: bytes) -> None:
        self._tell(hash, status.Ready())
        for listener in tuple(self._ready_listeners):
            listener(hash)

    def _leave(self, hash: bytes, last: TransactionStatus) -> None:
        self._verdicts.pop(hash, None)
        self._tell(hash, last)

    def _tell(self, hash: bytes, news: TransactionStatus) -> None:
        watcher = self._watchers.pop(hash, None) if news.is_final else self._watchers.get(hash)
        if watcher is not None:
            watcher(news)

    # --- bans

    def _ban(self, hash: bytes, now_ms: int) -> None:
        self._banned[hash] = now_ms + BAN_MS
        self._banned.move_to_end(hash)
        while len(self._banned) > MAX_BANNED:
            self._banned.popitem(last=False)

    def _is_banned(self, hash: bytes, now_ms: int) -> bool:
        until = self._banned.get(hash)
        if until is not None and until <= now_ms:
            del self._banned[hash]
            return False
        return until is not None
