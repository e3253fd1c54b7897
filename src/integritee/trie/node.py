"""Nodes of the trie in memory.

A node is immutable in meaning. Three of its slots are caches that change at most once, from "not known yet"
to the only possible answer, so nodes can be shared freely between tries and read from several threads:

- a child that is still in the node source stands as its reference (`bytes`) until it is loaded,
- `reference` is empty until somebody needs the node's hash,
- `stored` becomes true when the node is known to be in the node database. A stored node has only stored
  descendants, because descendants are older than the nodes above them.

Only references are cached, not whole encodings: re-encoding a node costs about as much as hashing it, and
the encodings of all leaves would nearly double the memory of a state.

No node is in a reference cycle, so the cyclic garbage collector does not know them (`gc=False`): to look through a
million would stop everything for seconds.
"""

from __future__ import annotations

from enum import Enum
from typing import Final, TypeAlias

import msgspec

from integritee.crypto.hashing import blake2_256
from integritee.trie.errors import ValueTooLong

HASH_LENGTH: Final = 32
# Values of this many bytes and more are kept out of the node in layout V1 (sp-core,
# `storage::TRIE_VALUE_NODE_THRESHOLD`).
HASHED_VALUE_LENGTH: Final = 33
# The largest length that the four-byte form of a compact integer holds.
MAX_VALUE_BYTES: Final = 2**30 - 1


class Layout(Enum):
    """Where values go: V0 always inside the node, V1 from 33 bytes on by hash (sp-trie, `LayoutV0/V1`)."""

    V0 = 0
    V1 = 1


class HashedValue(msgspec.Struct, gc=False, eq=False):
    """A value that its node refers to by hash; `data` is None until it is read from the node source."""

    hash: bytes
    data: bytes | None = None
    stored: bool = False

    __repr__ = object.__repr__


class Node(msgspec.Struct, gc=False, eq=False):
    """A leaf (`children` is None, has a value) or a branch (16 slots, at least one of them filled).

    partial: nibbles between the parent's slot and this node.
    reference: how the parent's encoding names this node: 0x80 and its hash, or the length byte and the whole
        encoding if that is shorter than a hash. Empty until computed.
    references: those of a branch's children, one after the other, as they were when it, or the branch that it is a
        copy of, was sealed; only if all are hashes, and the same slots are filled. Else empty.
    changed: bits of the slots whose children are others than in `references`.
    """

    partial: bytes
    value: Value | None
    children: Children | None = None
    stored: bool = False
    reference: bytes = b""
    references: bytes = b""
    changed: int = 0

    __repr__ = object.__repr__  # state has no place in logs


Value: TypeAlias = bytes | HashedValue
Child: TypeAlias = Node | bytes | None
Children: TypeAlias = list[Child]


def value_in(layout: Layout, data: bytes) -> Value:
    """The form a value takes in a node. Raises ValueTooLong."""
    if len(data) > MAX_VALUE_BYTES:
        raise ValueTooLong(len(data), MAX_VALUE_BYTES)
    if layout is Layout.V1 and len(data) >= HASHED_VALUE_LENGTH:
        return HashedValue(blake2_256(data), data)
    return data


def same_value(left: Value | None, right: Value | None) -> bool:
    """Equal in content and in form; the same bytes inside and outside of a node make different tries."""
    if isinstance(left, HashedValue):
        return isinstance(right, HashedValue) and left.hash == right.hash
    return left == right
