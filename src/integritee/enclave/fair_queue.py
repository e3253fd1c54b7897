"""A queue whose order no key decides by asking more often than others.

Whoever asks seldom goes first; those with more to do than they are given share what is left in turn (the two lists
of FQ-CoDel, RFC 8290 section 4, with a quantum of one item). A key that has just been served comes behind all that
wait before it counts as a seldom one again, so asking one thing at a time gains nothing either.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


class FairQueue(Generic[K, T]):
    """Items by key; those of one key keep their order. Every operation takes constant time in the long run."""

    def __init__(self) -> None:
        self._waiting: dict[K, deque[T]] = {}
        """The items of each key that is in one of the two lists; none for a key just served."""
        self._seldom: deque[K] = deque()
        self._in_turn: deque[K] = deque()
        self._size = 0

    def __len__(self) -> int:
        """Items that wait."""
        return self._size

    def push(self, key: K, item: T) -> None:
        """Have an item wait."""
        items = self._waiting.get(key)
        if items is None:
            items = self._waiting[key] = deque()
            self._seldom.append(key)
        items.append(item)
        self._size += 1

    def pop(self) -> T:
        """The item whose turn it is. Raises IndexError if none waits."""
        if not self._size:
            raise IndexError("nothing waits")
        while True:
            key = (self._seldom or self._in_turn).popleft()
            if items := self._waiting[key]:
                break
            del self._waiting[key]
        self._in_turn.append(key)
        return self._take(items)

    def pop_again(self) -> T:
        """The next item of the key that was just served, if it has one and nobody asks who seldom does; else the one
        whose turn it is.

        For work that comes in small parcels: a parcel of one key's items costs less. Raises IndexError if none waits.
        """
        if not self._seldom and self._in_turn and (items := self._waiting[self._in_turn[-1]]):
            return self._take(items)
        return self.pop()

    def _take(self, items: deque[T]) -> T:
        item = items.popleft()
        self._size -= 1
        if not self._size:  # nobody waits, so nobody was overtaken
            self._waiting.clear()
            self._in_turn.clear()
            self._seldom.clear()
        return item
