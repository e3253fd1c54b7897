"""Who holds how much of a bounded resource, and who holds the most."""

from __future__ import annotations

import heapq


class Shares:
    """Slots per sender. Changes cost O(log n), `heaviest` is amortised O(log n).

    The heap holds a figure at or above the true one for every holder: growing pushes the new figure, shrinking
    leaves the old one to be corrected when it surfaces.
    """

    def __init__(self) -> None:
        self._held: dict[bytes, int] = {}
        self._heap: list[tuple[int, bytes]] = []
        self.total = 0

    def of(self, sender: bytes) -> int:
        return self._held.get(sender, 0)

    def add(self, sender: bytes, slots: int) -> None:
        held = self._held[sender] = self.of(sender) + slots
        self.total += slots
        heapq.heappush(self._heap, (-held, sender))
        if len(self._heap) > 2 * len(self._held) + 64:
            self._heap = [(-held, sender) for sender, held in self._held.items()]
            heapq.heapify(self._heap)

    def remove(self, sender: bytes, slots: int) -> None:
        held = self._held.pop(sender) - slots
        if held:
            self._held[sender] = held
        self.total -= slots

    def heaviest(self) -> bytes | None:
        """The sender with the most slots, the lowest of several; None if nothing is held."""
        while self._heap:
            figure, sender = self._heap[0]
            held = self.of(sender)
            if held == -figure:
                return sender
            if held:
                heapq.heapreplace(self._heap, (-held, sender))
            else:
                heapq.heappop(self._heap)
        return None
