"""The entries of one sender, by nonce."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator
from typing import Generic

from .entry import P, PoolEntry


class SenderQueue(Generic[P]):
    """Nonces of one sender: ``base`` is the account's, ``next`` the first that is not ready.

    Every nonce in [base, next) has an entry. The entries at ``future`` (ascending) wait for ``next``; those that are
    also ``held`` wait for something else. Entries elsewhere are out for execution and settle when they come back.
    """

    __slots__ = ("base", "entries", "future", "held", "next")

    def __init__(self, base: int) -> None:
        self.base = base
        self.next = base
        self.entries: dict[int, PoolEntry[P]] = {}
        self.future: list[int] = []
        self.held: set[int] = set()

    def first_free(self, start: int) -> int:
        """The first nonce from `start` on without an entry."""
        nonce = self.next if self.base <= start <= self.next else start
        while nonce in self.entries:
            nonce += 1
        return nonce

    def wait(self, nonce: int) -> None:
        insort(self.future, nonce)

    def promotable(self) -> Iterator[PoolEntry[P]]:
        """Advance over the future entries that ``next`` reaches, yielding them."""
        while self.future and self.future[0] == self.next and self.next not in self.held:
            self.next += 1
            yield self.entries[self.future.pop(0)]

    def remove(self, nonce: int) -> None:
        """Forget the entry at `nonce`; the positions of the others are the caller's concern."""
        del self.entries[nonce]
        self.held.discard(nonce)
        at = bisect_left(self.future, nonce)
        if at < len(self.future) and self.future[at] == nonce:
            del self.future[at]
