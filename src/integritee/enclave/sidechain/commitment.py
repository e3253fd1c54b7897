"""A block's changes on their way into the state, in portions: the paths to them are copied and hashed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from integritee.trie import Growing, Trie

Change: TypeAlias = tuple[bytes, bytes | None]
"""A key and its new value; None removes it."""


class Commitment:
    """`changes`, by ascending key, lead from the state `before` to `after`, once `step` has returned False.
    `growth` is by how many bytes of keys and values."""

    def __init__(self, before: Trie, changes: Mapping[bytes, bytes | None]) -> None:
        self.before = self.after = before
        self.changes: list[Change] = sorted(changes.items())
        self.growth = self._done = 0
        self._growing = Growing(before)

    def step(self, limit: int) -> bool:
        """Take up to `limit` changes in; False if there were none left."""
        portion = self.changes[self._done : self._done + limit]
        self._done += len(portion)
        if portion:
            self._growing.take(portion)
        else:
            self.after, self.growth = self._growing.after(), self._growing.growth
            self.after.root()  # hashes what is left
        return bool(portion)
