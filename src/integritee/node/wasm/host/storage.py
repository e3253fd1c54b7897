"""``ext_storage``: the runtime's state (`Storage` of sp-io, `Ext` of sp-state-machine)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Protocol

from integritee.scale import encode, u32
from integritee.trie import Layout, Trie

from ...chain_spec import CHILD_STORAGE
from ..child_state import keep_reachable
from ..errors import UndecodableArgument
from ..externalities import Externalities, log
from ..interface import U32, Buffer, Flag, Interface, MaybeU32, Span

storage = Interface("storage")

STATE_VERSIONS: Final = (Layout.V0, Layout.V1)
"""Trie layouts by the number runtimes give them (sp-core `StateVersion`)."""


def optional(value: bytes | None) -> bytes:
    """SCALE Option<Vec<u8>>."""
    return encode(bytes | None, value)


def read_into(value: bytes | None, buffer: Buffer, offset: int) -> bytes:
    """Copy a value from `offset` on; SCALE Option<u32> of how much there was to copy."""
    if value is None:
        return encode(u32 | None, None)
    rest = value[offset:]
    buffer.fill(rest)
    return encode(u32 | None, len(rest))


@storage.function("get")
def get(host: Externalities, key: Span) -> Span:
    return optional(host.overlay.get(key))


@storage.function("read")
def read(host: Externalities, key: Span, value_out: Buffer, offset: U32) -> Span:
    return read_into(host.overlay.get(key), value_out, offset)


@storage.function("exists")
def exists(host: Externalities, key: Span) -> Flag:
    return host.overlay.get(key) is not None


@storage.function("set")
def set_(host: Externalities, key: Span, value: Span) -> None:
    if not _is_reserved(key):
        host.overlay.put(key, value)


@storage.function("clear")
def clear(host: Externalities, key: Span) -> None:
    if not _is_reserved(key):
        host.overlay.remove(key)


@storage.function("append")
def append(host: Externalities, key: Span, item: Span) -> None:
    host.overlay.append(key, (item,))


@storage.function("next_key")
def next_key(host: Externalities, key: Span) -> Span:
    return optional(host.overlay.next_key(key))


def _is_reserved(key: bytes) -> bool:
    """Roots of child tries are written by their own functions only."""
    if key.startswith(CHILD_STORAGE):
        log.warning("the runtime must not write 0x%s itself", key.hex())
        return True
    return False


# --- removal


class Removable(Protocol):
    """State to remove keys from: the overlay, or a child trie as the overlay sees it."""

    def touched(self, prefix: bytes) -> set[bytes]: ...
    def committed(self, prefix: bytes) -> Iterator[bytes]: ...
    def remove(self, key: bytes) -> None: ...


def remove_prefix(state: Removable, prefix: bytes, limit: int | None) -> tuple[bool, int]:
    """(whether nothing is left, how many committed keys were looked at).

    What this block wrote goes in any case; of what was there before, `limit` keys in order
    (`limit_remove_from_backend`).
    """
    for key in state.touched(prefix):
        state.remove(key)
    looked_at = 0
    for key in state.committed(prefix):
        if looked_at == limit:
            return False, looked_at
        state.remove(key)
        looked_at += 1
    return True, looked_at


def kill_result(is_done: bool, looked_at: int) -> bytes:
    """SCALE KillStorageResult: AllRemoved(u32) or SomeRemaining(u32)."""
    return bytes((not is_done,)) + encode(u32, looked_at)


class _Top:
    """The main trie below its overlay."""

    def __init__(self, host: Externalities) -> None:
        self._overlay = host.overlay

    def touched(self, prefix: bytes) -> set[bytes]:
        return self._overlay.touched(prefix)

    def committed(self, prefix: bytes) -> Iterator[bytes]:
        return (key for key, _ in self._overlay.backend.items(prefix))

    def remove(self, key: bytes) -> None:
        self._overlay.remove(key)


def _clear_prefix(host: Externalities, prefix: bytes, limit: int | None) -> tuple[bool, int]:
    if prefix.startswith(CHILD_STORAGE) or CHILD_STORAGE.startswith(prefix):
        log.warning("the runtime must not clear the prefix 0x%s", prefix.hex())
        return True, 0
    return remove_prefix(_Top(host), prefix, limit)


@storage.function("clear_prefix")
def clear_prefix(host: Externalities, prefix: Span) -> None:
    _clear_prefix(host, prefix, None)


@storage.function("clear_prefix", version=2)
def clear_prefix_up_to(host: Externalities, prefix: Span, limit: MaybeU32) -> Span:
    return kill_result(*_clear_prefix(host, prefix, limit))


# --- root


def layout_of(version: int) -> Layout:
    """Trie layout of a state version. Raises UndecodableArgument."""
    if version >= len(STATE_VERSIONS):
        raise UndecodableArgument(f"there is no state version {version}")
    return STATE_VERSIONS[version]


def _root(host: Externalities, layout: Layout) -> bytes:
    """The root of now. The node takes the same trie for the block's state, so it gets the layout, too."""
    overlay = host.overlay
    keep_reachable(overlay)
    if isinstance(overlay.backend, Trie) and overlay.backend.layout is not layout:
        overlay.rebase(overlay.backend.in_layout(layout))
    return overlay.settled().root()


@storage.function("root")
def root(host: Externalities) -> Span:
    return _root(host, Layout.V0)


@storage.function("root", version=2)
def root_in_version(host: Externalities, version: U32) -> Span:
    return _root(host, layout_of(version))


@storage.function("changes_root")
def changes_root(host: Externalities, parent_hash: Span) -> Span:
    return optional(None)


# --- transactions


@storage.function("start_transaction")
def start_transaction(host: Externalities) -> None:
    host.begin()


@storage.function("rollback_transaction")
def rollback_transaction(host: Externalities) -> None:
    host.rollback()


@storage.function("commit_transaction")
def commit_transaction(host: Externalities) -> None:
    host.commit()
