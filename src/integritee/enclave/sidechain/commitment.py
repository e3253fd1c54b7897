"""A block's changes on their way into the state, in portions: the paths to them are copied and hashed.

In the order of the keys a portion shares but one path with the one before, so that hardly a node is hashed twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from integritee.trie import Trie

Change: TypeAlias = tuple[bytes, bytes | None]
"""A key and its new value; None removes it."""


class Commitment:
    """`changes`, by ascending key, lead from the state `before` to `after`, once `step` has returned False.
    `growth` is by how many bytes of keys and values."""

    def __init__(self, before: Trie, changes: Mapping[bytes, bytes | None]) -> None:
        self.before = self.after = before
        self.changes: list[Change] = sorted(changes.items())
        self.growth = self._done = 0

    def step(self, limit: int) -> bool:
        """Take up to `limit` changes in; False if there were none left."""
        portion = self.changes[self._done : self._done + limit]
        self._done += len(portion)
        if portion:
            self.after, growth = self.after.grow(dict(portion))
            self.growth += growth
            self.after.root()  # hashes what is new
        return bool(portion)
