"""Hashes that are refused for a while: bounded in number, the oldest ban is forgotten first."""

from __future__ import annotations

from collections import OrderedDict


class Bans:
    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._until: OrderedDict[bytes, int] = OrderedDict()

    def __len__(self) -> int:
        return len(self._until)

    def add(self, hash: bytes, until: int) -> None:
        self._until[hash] = until
        self._until.move_to_end(hash)
        if len(self._until) > self._limit:
            self._until.popitem(last=False)

    def until(self, hash: bytes, now: int) -> int | None:
        """End of a ban that is in force, in ms."""
        until = self._until.get(hash)
        if until is not None and until <= now:
            del self._until[hash]
            return None
        return until
