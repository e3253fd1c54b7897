"""Moving a trie to somebody who knows only its root.

The encoded nodes travel in the order in which a walk from the root meets them, children by ascending slot:

    chunk = node*            a node whose value is kept outside of it is followed by the value

A node is named by its hash in its parent, which came before, so the receiver knows the one hash that the next
blob must have. It refuses the first blob that is altered, added, left out, out of order or of another trie,
before it looks at what follows, and everything it keeps is genuine. The trie is complete when nobody awaits a
node any more, so nothing can be left out either. Keys are the paths: they come in ascending order and are not
sent. That costs one hash per node and no proofs around the chunks; proofs of the boundaries of sets of entries
would have both sides build tries twice.

Where the transfer stands is the path of the next node. The sender keeps nothing between two chunks, and a
receiver resumes with any sender that has a trie of this root.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, TypeAlias

from integritee.crypto.hashing import blake2_256
from integritee.trie.codec import EMPTY_ROOT, decode, decode_child, encode, is_hash
from integritee.trie.errors import (
    ChunkSurplus,
    ChunkTooLarge,
    ChunkTruncated,
    CorruptNode,
    MalformedNode,
    TransferIncomplete,
    TransferPathUnknown,
)
from integritee.trie.nibbles import MAX_KEY_BYTES
from integritee.trie.node import HASHED_VALUE_LENGTH, Children, HashedValue, Layout, Node
from integritee.trie.source import child_at, read
from integritee.trie.trie import Trie

MAX_CHUNK_BYTES: Final = 256 * 1024
"""A chunk ends before the node that would exceed this, unless it would be empty."""
MAX_CHUNK_NODES: Final = 512
"""Nodes of one chunk, with values outside of them; to encode so many takes about 2 ms."""
MAX_NODE_BYTES: Final = 16 * 1024 * 1024
"""Longest node with its value: a chunk of its own."""
MAX_PATH: Final = 2 * MAX_KEY_BYTES
"""Nibbles of a path."""

_ONE_NIBBLE: Final = [bytes((nibble,)) for nibble in range(16)]
_Waiting: TypeAlias = list[tuple[Children, int, bytes]]  # slots, the slot, its path; the next node last


def cut(trie: Trie, path: bytes = b"") -> tuple[list[bytes], bytes | None]:
    """The chunk that begins with the node at a path, and the path of the node behind it, None at the end.

    A path has one nibble per byte: that of the parent and the slot in it; the root's is empty. The trie may be
    read elsewhere at the same time. Raises TransferPathUnknown, ChunkTooLarge, and what reading a trie raises.
    """
    waiting, source = _seek(trie, path), trie._source
    blobs: list[bytes] = []
    size = 0
    while waiting:
        children, slot, path = waiting[-1]
        node = child_at(source, children, slot)
        assert node is not None
        fresh = [encode(node)]
        if isinstance(node.value, HashedValue):
            fresh.append(read(source, node.value))
        weight = sum(map(len, fresh))
        if weight > MAX_NODE_BYTES:
            raise ChunkTooLarge("bytes", weight, MAX_NODE_BYTES)
        if blobs and (size + weight > MAX_CHUNK_BYTES or len(blobs) + len(fresh) > MAX_CHUNK_NODES):
            return blobs, path
        waiting.pop()
        blobs += fresh
        size += weight
        _push_children(waiting, node, path)
    return blobs, None


class Assembly:
    """A trie on its way in, verified node by node."""

    def __init__(self, root: bytes, layout: Layout = Layout.V0) -> None:
        """`root` is what the sender is trusted for; `layout` that of later changes."""
        self.root = root
        self._layout = layout
        self._top: Children = [None if root == EMPTY_ROOT else b"\x80" + root]
        self._waiting: _Waiting = [] if root == EMPTY_ROOT else [(self._top, 0, b"")]
        self.nodes = 0
        """Nodes taken so far."""
        self.entries = 0
        """Keys taken so far."""
        self.size = 0
        """Bytes taken so far."""

    @property
    def path(self) -> bytes | None:
        """Where the next chunk has to begin; None if nothing is missing."""
        return self._waiting[-1][2] if self._waiting else None

    def add(self, blobs: list[bytes]) -> None:
        """Take a chunk that begins at `path`.

        Nodes before a wrong one are kept, so that the next attempt goes on from there. Raises ChunkTooLarge,
        ChunkTruncated, ChunkSurplus, CorruptNode or MalformedNode.
        """
        if len(blobs) > MAX_CHUNK_NODES:
            raise ChunkTooLarge("nodes", len(blobs), MAX_CHUNK_NODES)
        if (size := sum(map(len, blobs))) > MAX_NODE_BYTES:
            raise ChunkTooLarge("bytes", size, MAX_NODE_BYTES)
        if not blobs:
            raise ChunkTruncated
        following = iter(blobs)
        for blob in following:
            if not self._waiting:
                raise ChunkSurplus
            self._take(blob, following)

    def trie(self) -> Trie:
        """The whole trie, in memory. Raises TransferIncomplete."""
        if self.path is not None:
            raise TransferIncomplete(self.path)
        top = self._top[0]
        assert not isinstance(top, bytes)
        return Trie(top, self.root, {}, self._layout)

    def _take(self, blob: bytes, following: Iterator[bytes]) -> None:
        children, slot, path = self._waiting[-1]
        reference = children[slot]
        assert isinstance(reference, bytes)
        _expect(reference[1:], blob)
        node = decode_child(blob) if path else decode(blob)
        entries = _keys_in(node, len(path))
        node.reference = node.reference or reference
        self.size += len(blob) + _take_value(node, following)
        self.nodes += 1
        self.entries += entries
        children[slot] = node
        self._waiting.pop()
        _push_children(self._waiting, node, path)


def _expect(hash: bytes, blob: bytes) -> None:
    found = blake2_256(blob)
    if found != hash:
        raise CorruptNode(hash, found)


def _keys_in(top: Node, depth: int) -> int:
    """How many keys end in a node that came in at a depth in nibbles, or in its inline children. None is stored."""
    keys = 0
    found = [(top, depth)]
    for node, above in found:
        node.stored = False
        depth = above + len(node.partial)
        if node.value is not None:
            if depth & 1 or depth > MAX_PATH:
                raise MalformedNode("value at the end of no key")
            keys += 1
        if node.children is not None:
            found += [(child, depth + 1) for child in node.children if isinstance(child, Node)]
    return keys


def _take_value(node: Node, following: Iterator[bytes]) -> int:
    """Bytes of the value that follows its node, if one does."""
    value = node.value
    if not isinstance(value, HashedValue):
        return 0
    data = next(following, None)
    if data is None:
        raise ChunkTruncated
    _expect(value.hash, data)
    if len(data) < HASHED_VALUE_LENGTH:
        raise MalformedNode("short value kept outside of its node")
    value.data, value.stored = data, False
    return len(data)


def _seek(trie: Trie, path: bytes) -> _Waiting:
    """The nodes from the one at a path on: it and, of each node above it, the children in later slots."""
    trie.root()  # names every node
    top = trie._top()
    waiting: _Waiting = [([top], 0, b"")] if top is not None else []
    while waiting and (at := waiting[-1][2]) != path:
        children, slot, _ = waiting.pop()
        if path.startswith(at):
            node = child_at(trie._source, children, slot)
            assert node is not None
            _push_children(waiting, node, at)
    if not waiting and path:
        raise TransferPathUnknown(path)
    return waiting


def _push_children(waiting: _Waiting, node: Node, path: bytes) -> None:
    """Await the children that are named by hash; inline ones come with their parent."""
    children = node.children
    if children is None:
        return
    path += node.partial
    for slot in range(15, -1, -1):
        child = children[slot]
        if child is not None and (isinstance(child, bytes) or is_hash(child.reference)):
            waiting.append((children, slot, path + _ONE_NIBBLE[slot]))
