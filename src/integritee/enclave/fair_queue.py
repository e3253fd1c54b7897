"""A queue whose order no key decides by asking more often than others.

Whoever was served the longest time ago goes first, where time is counted in services. So those with more to do than
they are given take turns, and whoever asks seldom comes before all of them; to ask one thing at a time gains nothing,
for the queue remembers whom it served also when nobody waits. Of keys it has never served, or not among the last
`REMEMBERED`, it takes it that they were served so long ago: newcomers go first, but nobody waits for more of them.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Hashable
from heapq import heappop, heappush
from typing import Final, Generic, TypeVar

REMEMBERED: Final = 1024
"""Services. More than there are busy clients, else these would pass for newcomers."""

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


class FairQueue(Generic[K, T]):
    """Items by key; those of one key keep their order. Operations take logarithmic time in the keys that wait."""

    def __init__(self) -> None:
        self._waiting: dict[K, deque[T]] = {}
        """The items of each key that is in the line; none of those whose last one `pop_again` has taken."""
        self._line: list[tuple[int, int, K]] = []
        """A heap: when a key was served last, the number of its place, which no two share, and the key."""
        self._served: OrderedDict[K, int] = OrderedDict()
        """When keys were served last; in that order."""
        self._services = self._places = self._size = 0

    def __len__(self) -> int:
        """Items that wait."""
        return self._size

    def push(self, key: K, item: T) -> None:
        """Have an item wait."""
        items = self._waiting.get(key)
        if items is None:
            items = self._waiting[key] = deque()
            self._line_up(key)
        items.append(item)
        self._size += 1

    def pop(self) -> T:
        """The item whose turn it is. Raises IndexError if none waits."""
        if not self._size:
            raise IndexError("nothing waits")
        while True:
            key = heappop(self._line)[-1]
            if items := self._waiting[key]:
                break
            del self._waiting[key]
        self.serve(key)
        item = self._take(items)
        if items:
            self._line_up(key)
        else:
            del self._waiting[key]
        return item

    def pop_again(self) -> T:
        """The next item of the key that was just served, if it has one and no newcomer waits; else the one whose turn
        it is.

        For work that comes in small parcels: a parcel of one key's items costs less. Raises IndexError if none waits.
        """
        last = next(reversed(self._served), None)
        items = None if last is None else self._waiting.get(last)
        if not items or self._line[0][0] <= self._services - REMEMBERED:
            return self.pop()
        return self._take(items)  # its place is still right: nobody else was served since it got that

    def is_newcomer(self, key: K) -> bool:
        """Whether a key has not been served lately, and nothing of it waits."""
        return key not in self._served and key not in self._waiting

    def serve(self, key: K) -> None:
        """Note that a key was served; also one that had no need to wait."""
        self._services += 1
        self._served[key] = self._services
        self._served.move_to_end(key)
        if next(iter(self._served.values())) <= self._services - REMEMBERED:
            self._served.popitem(last=False)

    def _line_up(self, key: K) -> None:
        self._places += 1
        heappush(self._line, (self._served.get(key, self._services - REMEMBERED), self._places, key))

    def _take(self, items: deque[T]) -> T:
        self._size -= 1
        return items.popleft()
