"""Storage of a runtime while it executes: nested transactions over a committed backend.

Counterpart of sp-state-machine's `OverlayedChanges`. Keys and values are raw bytes; None in a layer means
"deleted". The backend never changes; `changes()` is what a block did to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Final, Protocol, TypeAlias, runtime_checkable

from integritee.scale import DecodeError, decode_compact, encode_compact

MAX_TRANSACTIONS: Final = 255
"""Deepest nesting of storage transactions (frame-support `TRANSACTIONAL_LIMIT`)."""

MAX_REMEMBERED: Final = 16_384
"""Committed values kept at hand after they were first read."""


class Backend(Protocol):
    """Committed state: what `integritee.trie.Trie` offers."""

    def get(self, key: bytes) -> bytes | None: ...

    def items(self, prefix: bytes = b"", start: bytes | None = None) -> Iterator[tuple[bytes, bytes]]:
        """Entries with `prefix` by ascending key, none below `start` if given."""
        ...


@runtime_checkable
class RootedBackend(Backend, Protocol):
    """Committed state with a Merkle root: a trie."""

    def commit(self, changes: Mapping[bytes, bytes | None]) -> RootedBackend:
        """The state after the changes; None deletes."""
        ...

    def root(self) -> bytes:
        """32 bytes."""
        ...


class EmptyBackend:
    """The state before genesis."""

    def get(self, key: bytes) -> bytes | None:
        return None

    def items(self, prefix: bytes = b"", start: bytes | None = None) -> Iterator[tuple[bytes, bytes]]:
        return iter(())


class Appended:
    """A SCALE Vec that grows: the encoded `items` one layer puts behind what is `before` them."""

    __slots__ = ("before", "items")

    def __init__(self, before: Cell) -> None:
        self.before = before
        self.items: list[bytes] = []

    def encoded(self) -> bytes:
        """The whole Vec. What was there before is dropped if it is none (`append_or_new` of parity-scale-codec)."""
        count, parts = 0, list[list[bytes]]()
        cell: Cell = self
        while isinstance(cell, Appended):
            count += len(cell.items)
            parts.append(cell.items)
            cell = cell.before
        if cell:
            with suppress(DecodeError):
                length, start = decode_compact(cell)
                count += length
                parts.append([cell[start:]])
        return encode_compact(count) + b"".join(item for part in reversed(parts) for item in part)


Cell: TypeAlias = bytes | Appended | None
"""What a layer holds for a key."""


class Overlay:
    """Reads fall through the open transactions to the backend; writes go to the innermost one."""

    __slots__ = ("_committed", "_layers", "_settled", "backend")

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self._layers: list[dict[bytes, Cell]] = [{}]
        self._committed: dict[bytes, bytes | None] = {}
        self._settled: RootedBackend | None = None

    # -- reading -------------------------------------------------------------------------------------

    def get(self, key: bytes) -> bytes | None:
        for layer in reversed(self._layers):
            if key in layer:
                cell = layer[key]
                return cell.encoded() if isinstance(cell, Appended) else cell
        if key in self._committed:
            return self._committed[key]
        value = self.backend.get(key)
        if len(self._committed) < MAX_REMEMBERED:
            self._committed[key] = value
        return value

    def items(self, prefix: bytes = b"", start: bytes | None = None) -> Iterator[tuple[bytes, bytes]]:
        """Entries with `prefix` by ascending key as seen now, none below `start` if given.

        Writes made while iterating do not show.
        """
        touched = self.touched(prefix)
        changed = [(k, v) for k in sorted(touched) if (v := self.get(k)) is not None]
        fresh = [(k, v) for k, v in changed if start is None or k >= start]
        return _merge(self.backend.items(prefix, start), touched, fresh)

    def touched(self, prefix: bytes = b"") -> set[bytes]:
        """Keys with `prefix` that were written or deleted."""
        return {k for layer in self._layers for k in layer if k.startswith(prefix)}

    def next_key(self, key: bytes) -> bytes | None:
        """Smallest key greater than `key`."""
        return next((k for k, _ in self.items(start=key + b"\0")), None)

    # -- writing -------------------------------------------------------------------------------------

    def put(self, key: bytes, value: bytes) -> None:
        self._settled = None
        self._layers[-1][key] = value

    def remove(self, key: bytes) -> None:
        self._settled = None
        self._layers[-1][key] = None

    def clear_prefix(self, prefix: bytes, limit: int | None = None) -> int:
        """Delete entries with `prefix`, at most `limit`; how many were deleted."""
        doomed = [key for key, _ in self.items(prefix)][:limit]
        for key in doomed:
            self.remove(key)
        return len(doomed)

    def append(self, key: bytes, items: Iterable[bytes]) -> None:
        """Put encoded items behind the SCALE Vec at `key`; the cost is that of the items alone."""
        self._settled = None
        layer = self._layers[-1]
        cell = layer.get(key)
        if not isinstance(cell, Appended):
            cell = layer[key] = Appended(self._seen(key))
        cell.items.extend(items)

    def _seen(self, key: bytes) -> Cell:
        for layer in reversed(self._layers):
            if key in layer:
                return layer[key]
        return self.backend.get(key)

    # -- transactions --------------------------------------------------------------------------------

    def begin(self) -> None:
        """Open a nested transaction. Raises RecursionError beyond MAX_TRANSACTIONS."""
        if len(self._layers) > MAX_TRANSACTIONS:
            raise RecursionError(f"more than {MAX_TRANSACTIONS} nested storage transactions")
        self._layers.append({})

    def commit(self) -> None:
        """Close the innermost transaction, keeping its writes."""
        top = self._layers.pop()
        below = self._layers[-1]
        for key, cell in top.items():
            if isinstance(cell, Appended) and isinstance(cell.before, Appended) and below.get(key) is cell.before:
                cell.before.items.extend(cell.items)
            else:
                below[key] = cell

    def rollback(self) -> None:
        """Close the innermost transaction, dropping its writes."""
        self._settled = None
        self._layers.pop()

    @property
    def depth(self) -> int:
        """Open transactions."""
        return len(self._layers) - 1

    def rebase(self, backend: Backend) -> None:
        """Stand on another handle of the same committed state."""
        self._settled = None
        self.backend = backend

    # -- outcome -------------------------------------------------------------------------------------

    def changes(self) -> dict[bytes, bytes | None]:
        """All writes, open transactions included; None means deleted."""
        merged: dict[bytes, Cell] = {}
        for layer in self._layers:
            merged.update(layer)
        return {k: cell.encoded() if isinstance(cell, Appended) else cell for k, cell in merged.items()}

    def settled(self) -> RootedBackend:
        """The backend after `changes()`; remembered until the next write, so that its root is hashed once.

        Raises TypeError if the backend has no root.
        """
        if self._settled is None:
            commit: Callable[[Mapping[bytes, bytes | None]], RootedBackend] | None
            commit = getattr(self.backend, "commit", None)  # to look for all of RootedBackend takes longer
            if commit is None:
                raise TypeError("the backend of this overlay has no root")
            self._settled = commit(self.changes())
        return self._settled


def _merge(
    committed: Iterator[tuple[bytes, bytes]], touched: set[bytes], fresh: list[tuple[bytes, bytes]]
) -> Iterator[tuple[bytes, bytes]]:
    """Committed entries that are not `touched` and the `fresh` ones, by ascending key."""
    position = 0
    for key, value in committed:
        while position < len(fresh) and fresh[position][0] < key:
            yield fresh[position]
            position += 1
        if key not in touched:
            yield key, value
    yield from fresh[position:]


def apply_changes(state: dict[bytes, bytes], changes: Mapping[bytes, bytes | None]) -> None:
    """Apply a block's changes to a plain dict state."""
    for key, value in changes.items():
        if value is None:
            state.pop(key, None)
        else:
            state[key] = value
