"""``ext_trie``: roots of lists and maps (`Trie` of sp-io).

`verify_proof` is not offered: its proofs are trie-db's compact ones, which no runtime is known to check.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from integritee.scale import DecodeError, decode, encode_compact
from integritee.trie import Layout, Trie, ordered_root

from ..errors import UndecodableArgument
from ..externalities import Externalities
from ..interface import U32, Fixed32, Interface, Span
from .keccak_trie import keccak_root
from .storage import layout_of

trie = Interface("trie")

T = TypeVar("T")


def _decoded(shape: type[T], data: bytes) -> T:
    """Raises UndecodableArgument."""
    try:
        found: T = decode(shape, data)
    except DecodeError as error:
        raise UndecodableArgument(str(error)) from None
    return found


def _map_root(data: bytes, layout: Layout) -> bytes:
    return Trie.from_items(_decoded(list[tuple[bytes, bytes]], data), layout).root()


def _list_root(data: bytes, layout: Layout) -> bytes:
    return ordered_root(_decoded(list[bytes], data), layout)


def _enumerated(values: Iterable[bytes]) -> list[tuple[bytes, bytes]]:
    return [(encode_compact(index), value) for index, value in enumerate(values)]


@trie.function("blake2_256_root")
def blake2_256_root(host: Externalities, items: Span) -> Fixed32:
    return _map_root(items, Layout.V0)


@trie.function("blake2_256_root", version=2)
def blake2_256_root_in_version(host: Externalities, items: Span, version: U32) -> Fixed32:
    return _map_root(items, layout_of(version))


@trie.function("blake2_256_ordered_root")
def blake2_256_ordered_root(host: Externalities, values: Span) -> Fixed32:
    return _list_root(values, Layout.V0)


@trie.function("blake2_256_ordered_root", version=2)
def blake2_256_ordered_root_in_version(host: Externalities, values: Span, version: U32) -> Fixed32:
    return _list_root(values, layout_of(version))


@trie.function("keccak_256_root")
def keccak_256_root(host: Externalities, items: Span) -> Fixed32:
    return keccak_root(_decoded(list[tuple[bytes, bytes]], items), Layout.V0)


@trie.function("keccak_256_root", version=2)
def keccak_256_root_in_version(host: Externalities, items: Span, version: U32) -> Fixed32:
    return keccak_root(_decoded(list[tuple[bytes, bytes]], items), layout_of(version))


@trie.function("keccak_256_ordered_root")
def keccak_256_ordered_root(host: Externalities, values: Span) -> Fixed32:
    return keccak_root(_enumerated(_decoded(list[bytes], values)), Layout.V0)


@trie.function("keccak_256_ordered_root", version=2)
def keccak_256_ordered_root_in_version(host: Externalities, values: Span, version: U32) -> Fixed32:
    return keccak_root(_enumerated(_decoded(list[bytes], values)), layout_of(version))
