"""Nodes that are not in memory: where they come from and how they are checked on the way in."""

from __future__ import annotations

from typing import Protocol

from integritee.crypto.hashing import blake2_256
from integritee.trie.codec import decode, decode_child
from integritee.trie.errors import CorruptNode, MalformedNode, MissingNode
from integritee.trie.node import HASHED_VALUE_LENGTH, Children, HashedValue, Node, Value


class NodeSource(Protocol):
    """Encoded nodes and hashed values by their hash; a dict will do. It need not be trusted."""

    def get(self, hash: bytes, /) -> bytes | None: ...


def load_root(source: NodeSource, hash: bytes) -> Node:
    """The root node of a trie that is not empty. Raises MissingNode, CorruptNode or MalformedNode."""
    return decode(_fetch(source, hash))


def child_at(source: NodeSource, children: Children, slot: int) -> Node | None:
    """The child in a slot, loaded and remembered there if it is still a reference. Raises like `load_root`."""
    child = children[slot]
    if isinstance(child, bytes):
        reference = child
        child = decode_child(_fetch(source, reference[1:]))
        child.reference = reference
        children[slot] = child
    return child


def read(source: NodeSource, value: Value) -> bytes:
    """Bytes of a value, loaded and remembered if they are kept outside of the node."""
    if not isinstance(value, HashedValue):
        return value
    if value.data is None:
        data = _fetch(source, value.hash)
        if len(data) < HASHED_VALUE_LENGTH:
            raise MalformedNode("short value kept outside of its node")
        value.data = data
    return value.data


def _fetch(source: NodeSource, hash: bytes) -> bytes:
    data = source.get(hash)
    if data is None:
        raise MissingNode(hash)
    found = blake2_256(data)
    if found != hash:
        raise CorruptNode(hash, found)
    return data
