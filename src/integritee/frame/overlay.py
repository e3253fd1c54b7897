"""Storage of a runtime while it executes: nested transactions over a committed backend.

Counterpart of sp-state-machine's `OverlayedChanges`. Keys and values are raw bytes; a written None means "deleted".
The backend never changes; `changes()` is what a block did to it.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Final, Protocol, TypeAlias, runtime_checkable

import msgspec

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


class Appended(msgspec.Struct):
    """A SCALE Vec that grows: encoded `items` behind what was there `before` them."""

    before: bytes | None
    items: list[bytes] = []

    def encoded(self) -> bytes:
        """The whole Vec. What was there before is dropped if it is none (`append_or_new` of parity-scale-codec)."""
        count, parts = len(self.items), self.items
        if self.before:
            with suppress(DecodeError):
                length, start = decode_compact(self.before)
                count, parts = count + length, [self.before[start:], *parts]
        return encode_compact(count) + b"".join(parts)


class Shorter(msgspec.Struct):
    """What undoes an append: the Vec is cut back to the `count` items it had been given."""

    vec: Appended
    count: int

    def restored(self) -> Appended:
        del self.vec.items[self.count :]
        return self.vec


class Unwritten(enum.Enum):
    """Stands for a key that had not been written."""

    UNWRITTEN = enum.auto()


UNWRITTEN: Final = Unwritten.UNWRITTEN

Cell: TypeAlias = bytes | Appended | None
"""What was written at a key."""

Undo: TypeAlias = dict[bytes, Cell | Shorter | Unwritten]
"""How the keys that a transaction wrote were when it began."""


class Overlay:
    """Reads see what was written, else the backend. Each open transaction remembers what its writes replaced."""

    __slots__ = ("_committed", "_settled", "_undos", "_writes", "backend")

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self._writes: dict[bytes, Cell] = {}
        self._undos: list[Undo] = []
        """Of the open transactions, the innermost last."""
        self._committed: dict[bytes, bytes | None] = {}
        self._settled: RootedBackend | None = None

    # -- reading -------------------------------------------------------------------------------------

    def get(self, key: bytes) -> bytes | None:
        if key in self._writes:
            cell = self._writes[key]
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
        return {k for k in self._writes if k.startswith(prefix)}

    def next_key(self, key: bytes) -> bytes | None:
        """Smallest key greater than `key`."""
        return next((k for k, _ in self.items(start=key + b"\0")), None)

    # -- writing -------------------------------------------------------------------------------------

    def put(self, key: bytes, value: bytes) -> None:
        self._write(key, value)

    def remove(self, key: bytes) -> None:
        self._write(key, None)

    def _write(self, key: bytes, cell: Cell) -> None:
        self._settled = None
        if self._undos:
            self._undos[-1].setdefault(key, self._writes.get(key, UNWRITTEN))
        self._writes[key] = cell

    def clear_prefix(self, prefix: bytes, limit: int | None = None) -> int:
        """Delete entries with `prefix`, at most `limit`; how many were deleted."""
        doomed = [key for key, _ in self.items(prefix)][:limit]
        for key in doomed:
            self.remove(key)
        return len(doomed)

    def append(self, key: bytes, items: Iterable[bytes]) -> None:
        """Put encoded items behind the SCALE Vec at `key`; the cost is that of the items alone."""
        vec = self._writes.get(key)
        if not isinstance(vec, Appended):
            vec = Appended(self.get(key))
            self._write(key, vec)
        elif self._undos and key not in self._undos[-1]:
            self._undos[-1][key] = Shorter(vec, len(vec.items))
        self._settled = None
        vec.items.extend(items)

    # -- transactions --------------------------------------------------------------------------------

    def begin(self) -> None:
        """Open a nested transaction. Raises RecursionError beyond MAX_TRANSACTIONS."""
        if len(self._undos) >= MAX_TRANSACTIONS:
            raise RecursionError(f"more than {MAX_TRANSACTIONS} nested storage transactions")
        self._undos.append({})

    def commit(self) -> None:
        """Close the innermost transaction, keeping its writes."""
        undo = self._undos.pop()
        if self._undos:
            enclosing = self._undos[-1]
            for key, before in undo.items():
                enclosing.setdefault(key, before)

    def rollback(self) -> None:
        """Close the innermost transaction, dropping its writes."""
        self._settled = None
        for key, before in self._undos.pop().items():
            if before is UNWRITTEN:
                del self._writes[key]
            else:
                self._writes[key] = before.restored() if isinstance(before, Shorter) else before

    @property
    def depth(self) -> int:
        """Open transactions."""
        return len(self._undos)

    def rebase(self, backend: Backend) -> None:
        """Stand on another handle of the same committed state."""
        self._settled = None
        self.backend = backend

    # -- outcome -------------------------------------------------------------------------------------

    def changes(self) -> dict[bytes, bytes | None]:
        """All writes, open transactions included; None means deleted."""
        return {k: cell.encoded() if isinstance(cell, Appended) else cell for k, cell in self._writes.items()}

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
