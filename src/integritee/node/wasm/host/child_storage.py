"""``ext_default_child_storage``: state in tries of their own (`DefaultChildStorage` of sp-io)."""

from __future__ import annotations

from ..child_state import ChildState
from ..externalities import Externalities
from ..interface import U32, Buffer, Flag, Interface, MaybeU32, Span
from .storage import kill_result, layout_of, optional, read_into, remove_prefix

child_storage = Interface("default_child_storage")


def _child(host: Externalities, name: bytes) -> ChildState:
    return ChildState(host.overlay, name)


@child_storage.function("get")
def get(host: Externalities, name: Span, key: Span) -> Span:
    return optional(_child(host, name).get(key))


@child_storage.function("read")
def read(host: Externalities, name: Span, key: Span, value_out: Buffer, offset: U32) -> Span:
    return read_into(_child(host, name).get(key), value_out, offset)


@child_storage.function("exists")
def exists(host: Externalities, name: Span, key: Span) -> Flag:
    return _child(host, name).get(key) is not None


@child_storage.function("set")
def set_(host: Externalities, name: Span, key: Span, value: Span) -> None:
    _child(host, name).put(key, value)


@child_storage.function("clear")
def clear(host: Externalities, name: Span, key: Span) -> None:
    _child(host, name).remove(key)


@child_storage.function("next_key")
def next_key(host: Externalities, name: Span, key: Span) -> Span:
    return optional(_child(host, name).trie.next_key(key))


@child_storage.function("clear_prefix")
def clear_prefix(host: Externalities, name: Span, prefix: Span) -> None:
    remove_prefix(_child(host, name), prefix, None)


@child_storage.function("clear_prefix", version=2)
def clear_prefix_up_to(host: Externalities, name: Span, prefix: Span, limit: MaybeU32) -> Span:
    return kill_result(*remove_prefix(_child(host, name), prefix, limit))


@child_storage.function("storage_kill")
def storage_kill(host: Externalities, name: Span) -> None:
    remove_prefix(_child(host, name), b"", None)


@child_storage.function("storage_kill", version=2)
def storage_kill_up_to(host: Externalities, name: Span, limit: MaybeU32) -> Flag:
    is_done, _ = remove_prefix(_child(host, name), b"", limit)
    return is_done


@child_storage.function("storage_kill", version=3)
def storage_kill_counted(host: Externalities, name: Span, limit: MaybeU32) -> Span:
    return kill_result(*remove_prefix(_child(host, name), b"", limit))


@child_storage.function("root")
def root(host: Externalities, name: Span) -> Span:
    return _child(host, name).trie.root()


@child_storage.function("root", version=2)
def root_in_version(host: Externalities, name: Span, version: U32) -> Span:
    layout_of(version)
    return _child(host, name).trie.root()
