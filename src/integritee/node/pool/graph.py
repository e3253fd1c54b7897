"""Transactions of the pool and what they wait for. Pure data, no validation, no clock.

A transaction requires tags and provides tags. It is ready when every tag it requires is provided by another
ready one (or was provided by the chain), else it is a future one. At most one ready transaction provides a tag;
a competitor must have a higher priority than all it displaces together.

Source: sc-transaction-pool, `graph/{base_pool,ready,future}.rs`.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count

from integritee.frame.validity import TransactionSource

from .errors import TooLowPriority


@dataclass(frozen=True, slots=True)
class Transaction:
    """A validated transaction. `valid_till` is the number of the last block it is known to be valid in."""

    hash: bytes
    extrinsic: bytes
    priority: int
    requires: tuple[bytes, ...]
    provides: tuple[bytes, ...]
    valid_till: int
    propagate: bool = True
    source: TransactionSource = TransactionSource.External


@dataclass(frozen=True, slots=True)
class Change:
    """What an insertion or a pruning did beyond its object.

    `promoted` (hashes) became ready, in order; `displaced` lost against the transaction `by` (hash) and left.
    """

    promoted: tuple[bytes, ...] = ()
    displaced: tuple[tuple[Transaction, bytes], ...] = ()


class Graph:
    """Ready and future transactions."""

    def __init__(self) -> None:
        self._order = count()
        self._ready: dict[bytes, tuple[int, Transaction]] = {}  # by hash; the number orders by age
        self._providers: dict[bytes, bytes] = {}  # tag -> hash of the ready transaction
        self._dependents: dict[bytes, set[bytes]] = {}  # tag -> hashes of ready transactions requiring it
        self._future: dict[bytes, tuple[int, Transaction]] = {}
        self._missing: dict[bytes, set[bytes]] = {}  # hash of a future transaction -> tags it misses
        self._waiting: dict[bytes, set[bytes]] = {}  # tag -> hashes of future transactions missing it
        self.ready_bytes = 0
        self.future_bytes = 0

    # --- reading

    @property
    def ready_count(self) -> int:
        return len(self._ready)

    @property
    def future_count(self) -> int:
        return len(self._future)

    def __contains__(self, hash: bytes) -> bool:
        return hash in self._ready or hash in self._future

    def is_ready(self, hash: bytes) -> bool:
        return hash in self._ready

    def get(self, hash: bytes) -> Transaction | None:
        found = self._ready.get(hash) or self._future.get(hash)
        return found[1] if found else None

    def provides(self, tag: bytes) -> bool:
        """Whether a ready transaction provides the tag."""
        return tag in self._providers

    def transactions(self) -> Iterator[Transaction]:
        """All, ready ones by age before future ones by age."""
        for _, transaction in self._ready.values():
            yield transaction
        yield from self.future()

    def future(self) -> Iterator[Transaction]:
        for _, transaction in self._future.values():
            yield transaction

    def ready(self) -> Iterator[Transaction]:
        """In the order for a block: by priority, then age, but never before what a transaction depends on."""
        blocked: dict[bytes, int] = {}
        heap: list[tuple[int, int, bytes]] = []
        for hash, (age, transaction) in self._ready.items():
            blocked[hash] = sum(tag in self._providers for tag in set(transaction.requires))
            if not blocked[hash]:
                heap.append((-transaction.priority, age, hash))
        heapq.heapify(heap)
        while heap:
            transaction = self._ready[heapq.heappop(heap)[2]][1]
            yield transaction
            for tag in transaction.provides:
                for hash in self._dependents.get(tag, ()):
                    blocked[hash] -= 1
                    if not blocked[hash]:
                        age, dependent = self._ready[hash]
                        heapq.heappush(heap, (-dependent.priority, age, hash))

    def worst_ready(self) -> Transaction:
        """The ready transaction of least priority, the youngest of equals. At least one must be there."""
        return min(self._ready.values(), key=lambda entry: (entry[1].priority, -entry[0]))[1]

    def worst_future(self) -> Transaction:
        """The youngest future transaction. At least one must be there."""
        return next(reversed(self._future.values()))[1]

    # --- writing

    def missing(self, transaction: Transaction) -> set[bytes]:
        """Tags the transaction requires and nobody here provides: it is ready if there are none."""
        return {tag for tag in transaction.requires if tag not in self._providers}

    def insert(self, transaction: Transaction) -> Change:
        """Add a transaction that is not here, as ready or future. Raises TooLowPriority with nothing changed.

        Afterwards it is not here if what it made ready displaced it: they depend on each other, would never get
        into a block, and all leave.
        """
        missing = self.missing(transaction)
        if missing:
            self._add_future(transaction, missing)
            return Change()
        change = self._add_ready_and_promote([transaction])
        if any(loser.hash == transaction.hash for loser, _ in change.displaced):
            cycle = self.remove(change.promoted)
            return Change((), change.displaced + tuple((member, transaction.hash) for member in cycle))
        return change

    def renew(self, transaction: Transaction) -> None:
        """Put a newer verdict in the place of an older one that differs in nothing but `valid_till`."""
        queue = self._ready if transaction.hash in self._ready else self._future
        age, _ = queue[transaction.hash]
        queue[transaction.hash] = (age, transaction)

    def remove(self, hashes: Sequence[bytes]) -> list[Transaction]:
        """Remove transactions and all ready ones that depend on them; those removed."""
        return self._remove_ready(hashes, frozenset()) + [
            transaction for hash in hashes if (transaction := self._pop_future(hash))
        ]

    def prune(self, tags: Iterable[bytes]) -> tuple[list[Transaction], Change]:
        """The chain now provides the tags: (ready transactions that did so until now, what this changed).

        What depends on the former stays; futures that waited become ready.
        """
        tags = tuple(tags)
        providers = dict.fromkeys(self._providers[tag] for tag in tags if tag in self._providers)
        pruned = [self._pop_ready(hash) for hash in providers]
        return pruned, self._add_ready_and_promote(self._satisfied(tags), first_may_fail=True)

    def _add_ready_and_promote(self, queue: list[Transaction], first_may_fail: bool = False) -> Change:
        promoted: dict[bytes, None] = {}
        displaced: list[tuple[Transaction, bytes]] = []
        submitted = None if first_may_fail else queue[0].hash
        while queue:
            transaction = queue.pop(0)
            try:
                losers = self._add_ready(transaction)
            except TooLowPriority:
                if transaction.hash == submitted:
                    raise
                rival = next(self._providers[tag] for tag in transaction.provides if tag in self._providers)
                displaced.append((transaction, rival))
                continue
            queue += self._satisfied(transaction.provides)
            if transaction.hash != submitted:
                promoted[transaction.hash] = None
            for loser in losers:
                promoted.pop(loser.hash, None)
                displaced.append((loser, transaction.hash))
        return Change(tuple(promoted), tuple(displaced))

    def _add_ready(self, transaction: Transaction) -> list[Transaction]:
        """Insert among the ready ones; those it displaced. Raises TooLowPriority with nothing changed."""
        rivals = {self._providers[tag] for tag in transaction.provides if tag in self._providers}
        old = sum(self._ready[hash][1].priority for hash in rivals)
        if rivals and transaction.priority <= old:
            raise TooLowPriority(old, transaction.priority)
        losers = self._remove_ready(rivals, frozenset(transaction.provides))
        self._ready[transaction.hash] = (next(self._order), transaction)
        self.ready_bytes += len(transaction.extrinsic)
        for tag in transaction.provides:
            self._providers[tag] = transaction.hash
        for tag in transaction.requires:
            self._dependents.setdefault(tag, set()).add(transaction.hash)
        return losers

    def _add_future(self, transaction: Transaction, missing: set[bytes]) -> None:
        self._future[transaction.hash] = (next(self._order), transaction)
        self._missing[transaction.hash] = missing
        self.future_bytes += len(transaction.extrinsic)
        for tag in missing:
            self._waiting.setdefault(tag, set()).add(transaction.hash)

    def _satisfied(self, tags: Iterable[bytes]) -> list[Transaction]:
        """Take the future transactions that miss nothing any more once the tags are provided, oldest first."""
        complete: list[bytes] = []
        for tag in tags:
            for hash in self._waiting.pop(tag, ()):
                self._missing[hash].discard(tag)
                if not self._missing[hash]:
                    complete.append(hash)
        complete.sort(key=lambda hash: self._future[hash][0])
        return [transaction for hash in complete if (transaction := self._pop_future(hash))]

    def _remove_ready(self, hashes: Iterable[bytes], kept_tags: frozenset[bytes]) -> list[Transaction]:
        """Remove ready transactions and their dependents, except through tags that stay provided."""
        removed: list[Transaction] = []
        doomed = [hash for hash in hashes if hash in self._ready]
        while doomed:
            hash = doomed.pop()
            if hash not in self._ready:
                continue
            transaction = self._pop_ready(hash)
            removed.append(transaction)
            for tag in transaction.provides:
                if tag not in kept_tags:
                    doomed += self._dependents.get(tag, ())
        return removed

    def _pop_ready(self, hash: bytes) -> Transaction:
        _, transaction = self._ready.pop(hash)
        self.ready_bytes -= len(transaction.extrinsic)
        for tag in transaction.provides:
            if self._providers.get(tag) == hash:
                del self._providers[tag]
        _forget(self._dependents, transaction.requires, hash)
        return transaction

    def _pop_future(self, hash: bytes) -> Transaction | None:
        entry = self._future.pop(hash, None)
        if entry is None:
            return None
        transaction = entry[1]
        self.future_bytes -= len(transaction.extrinsic)
        _forget(self._waiting, self._missing.pop(hash), hash)
        return transaction


def _forget(index: dict[bytes, set[bytes]], tags: Iterable[bytes], hash: bytes) -> None:
    for tag in tags:
        members = index.get(tag)
        if members is not None:
            members.discard(hash)
            if not members:
                del index[tag]
