"""Roots of tries hashed with Keccak-256 instead of BLAKE2b; what bridges to Ethereum commit to."""

from __future__ import annotations

from collections.abc import Iterable

from integritee.crypto.hashing import keccak_256
from integritee.trie import Layout
from integritee.trie.codec import EMPTY_NODE, compact, encode
from integritee.trie.edit import Edit
from integritee.trie.nibbles import unpack
from integritee.trie.node import HASH_LENGTH, HASHED_VALUE_LENGTH, HashedValue, Node


def keccak_root(items: Iterable[tuple[bytes, bytes]], layout: Layout) -> bytes:
    """Root of the items; the last value of a key counts."""
    edit = Edit(None, {})
    for key, data in sorted(dict(items).items()):
        is_hashed = layout is Layout.V1 and len(data) >= HASHED_VALUE_LENGTH
        edit.put(unpack(key), HashedValue(keccak_256(data), data) if is_hashed else data)
    return keccak_256(EMPTY_NODE if edit.root is None else _encoded(edit.root))


def _encoded(root: Node) -> bytes:
    """The root's encoding, after its descendants have their references."""
    nodes = [root]
    for node in nodes:  # grows: parents stand before their children
        nodes += [child for child in node.children or () if isinstance(child, Node)]
    for node in reversed(nodes):
        encoded = encode(node)
        content = encoded if len(encoded) < HASH_LENGTH else keccak_256(encoded)
        node.reference = compact(len(content)) + content
    return encode(root)
