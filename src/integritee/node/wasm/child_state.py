"""Child storage: tries of their own whose roots are values of the main trie (sp-core `ChildInfo`).

Every write makes a new child trie and puts its root into the overlay, so that storage transactions hold for it as for
everything else. The tries of a block travel with the trie below the overlay until they are written to the database.
A write costs a path of hashes; runtimes seldom have child tries.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from integritee.frame.overlay import Overlay
from integritee.trie import EMPTY_ROOT, Trie

from ..chain_spec import CHILD_STORAGE
from .errors import ChildStateUnavailable

CHILD_STORAGE_DEFAULT: Final = CHILD_STORAGE + b"default:"
"""Followed by the name of a child trie: where its root is."""


class ChildState:
    """The child trie `name` as the overlay has it now. Raises ChildStateUnavailable if there are no tries."""

    def __init__(self, overlay: Overlay, name: bytes) -> None:
        self._overlay, self._key = overlay, CHILD_STORAGE_DEFAULT + name

    @property
    def trie(self) -> Trie:
        """What the trie is now."""
        return self._at(self._overlay.get(self._key))

    def get(self, key: bytes) -> bytes | None:
        return self.trie.get(key)

    def put(self, key: bytes, value: bytes) -> None:
        self.commit({key: value})

    def remove(self, key: bytes) -> None:
        self.commit({key: None})

    def commit(self, changes: Mapping[bytes, bytes | None]) -> None:
        """Write to the trie; None deletes."""
        before = self.trie
        after = before.commit(changes)
        if after is before:
            return
        if after.root() == EMPTY_ROOT:
            self._overlay.remove(self._key)
            return
        below = _trie_below(self._overlay)
        self._overlay.rebase(below.carrying({**below.subtries, after.root(): after}))
        self._overlay.put(self._key, after.root())

    def touched(self, prefix: bytes) -> set[bytes]:
        """Keys whose value is not that of the committed trie. (Those written without a change are not found.)"""
        before = self._committed()
        return {key for key, value in self.trie.items(prefix) if before.get(key) != value}

    def committed(self, prefix: bytes) -> Iterator[bytes]:
        """Keys of the trie before the block."""
        return self._committed().keys(prefix)

    def _committed(self) -> Trie:
        return self._at(self._overlay.backend.get(self._key))

    def _at(self, root: bytes | None) -> Trie:
        below = _trie_below(self._overlay)
        return Trie.empty(below.layout) if root is None else below.subtrie(root)


def keep_reachable(overlay: Overlay) -> None:
    """Let go of child tries that the block has already replaced."""
    below = overlay.backend
    if isinstance(below, Trie) and below.subtries:
        roots = {overlay.get(key) for key in overlay.touched(CHILD_STORAGE_DEFAULT)}
        overlay.rebase(below.carrying({root: trie for root, trie in below.subtries.items() if root in roots}))


def _trie_below(overlay: Overlay) -> Trie:
    if not isinstance(overlay.backend, Trie):
        raise ChildStateUnavailable
    return overlay.backend
