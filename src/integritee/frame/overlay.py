"""Storage of a runtime while it executes: nested transactions over a committed backend.

Counterpart of sp-state-machine's `OverlayedChanges`. Keys and values are raw bytes; None in a layer means
"deleted". The backend never changes; `changes()` is what a block did to it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, Protocol

MAX_TRANSACTIONS: Final = 255
"""Deepest nesting of storage transactions (frame-support `TRANSACTIONAL_LIMIT`)."""


class Backend(Protocol):
    """Committed state: what `integritee.trie.Trie` offers."""

    def get(self, key: bytes) -> bytes | None: ...

    def items(self, prefix: bytes = b"", start: bytes | None = None) -> Iterator[tuple[bytes, bytes]]:
        """Entries with `prefix` in key order, from `start` on if given."""
        ...


class EmptyBackend:
    """The state before genesis."""

    def get(self, key: bytes) -> bytes | None:
        return None

    def items(self, prefix: bytes = b"", start: bytes | None = None) -> Iterator[tuple[bytes, bytes]]:
        return iter(())


class Overlay:
    """Reads fall through the open transactions to the backend; writes go to the innermost one."""

    __slots__ = ("_layers", "backend")

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self._layers: list[dict[bytes, bytes | None]] = [{}]

    def get(self, key: bytes) -> bytes | None:
        for layer in reversed(self._layers):
            if key in layer:
                return layer[key]
        return self.backend.get(key)

    def put(self, key: bytes, value: bytes) -> None:
        self._layers[-1][key] = value

    def remove(self, key: bytes) -> None:
        self._layers[-1][key] = None

    def clear_prefix(self, prefix: bytes, limit: int | None = None) -> int:
        """Delete entries with `prefix`, at most `limit`; how many were deleted."""
        doomed = [key for key, _ in self.items(prefix)][:limit]
        for key in doomed:
            self.remove(key)
        return len(doomed)

    def items(self, prefix: bytes = b"", start: bytes | None = None) -> Iterator[tuple[bytes, bytes]]:
        """Entries with `prefix` in key order as seen now, keys strictly greater than `start` if given."""
        merged = self.changes()
        fresh = sorted((k, v) for k, v in merged.items() if k.startswith(prefix) and (start is None or k > start))
        position = 0
        for key, value in self.backend.items(prefix, start):
            while position < len(fresh) and fresh[position][0] < key:
                changed = fresh[position]
                position += 1
                if changed[1] is not None:
                    yield changed[0], changed[1]
            if key not in merged and key != start:
                yield key, value
        for key, changed_value in fresh[position:]:
            if changed_value is not None:
                yield key, changed_value

    def next_key(self, key: bytes) -> bytes | None:
        """Smallest key greater than `key`."""
        return next((k for k, _ in self.items(b"", key)), None)

    def begin(self) -> None:
        """Open a nested transaction. Raises RecursionError beyond MAX_TRANSACTIONS."""
        if len(self._layers) > MAX_TRANSACTIONS:
            raise RecursionError(f"more than {MAX_TRANSACTIONS} nested storage transactions")
        self._layers.append({})

    def commit(self) -> None:
        """Close the innermost transaction, keeping its writes."""
        top = self._layers.pop()
        self._layers[-1].update(top)

    def rollback(self) -> None:
        """Close the innermost transaction, dropping its writes."""
        self._layers.pop()

    @property
    def depth(self) -> int:
        """Open transactions."""
        return len(self._layers) - 1

    def changes(self) -> dict[bytes, bytes | None]:
        """All writes, open transactions included; None means deleted."""
        if len(self._layers) == 1:
            return self._layers[0]
        merged: dict[bytes, bytes | None] = {}
        for layer in self._layers:
            merged.update(layer)
        return merged


def apply_changes(state: dict[bytes, bytes], changes: Mapping[bytes, bytes | None]) -> None:
    """Apply a block's changes to a plain dict state."""
    for key, value in changes.items():
        if value is None:
            state.pop(key, None)
        else:
            state[key] = value
