"""Node encoding of Substrate's trie, both directions.

Sources of the format: sp-trie (`node_header.rs`, `node_codec.rs`, `trie_stream.rs`) and chapter "State
storage" of the Polkadot protocol specification.

    node      = header ‖ partial ‖ [bitmap] ‖ [value] ‖ child references
    header    = kind in the high bits, number of partial nibbles in the low bits, overflow in further bytes
    partial   = nibbles two per byte, zero nibble in front if odd
    bitmap    = u16 LE, bit i set if slot i has a child (branches only)
    value     = compact length ‖ bytes, or 32 bytes of hash in the two hashed kinds
    reference = compact length ‖ encoding if shorter than 32 bytes, else compact(32) ‖ hash

`decode` accepts exactly what `encode` can produce: a node has one encoding, so equal hashes mean equal
nodes and every deviation is found in the bytes at hand.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import compress
from typing import Final

from integritee.crypto.hashing import blake2_256
from integritee.trie.errors import MalformedNode
from integritee.trie.nibbles import MAX_KEY_BYTES, pack, unpack
from integritee.trie.node import HASH_LENGTH, Children, HashedValue, Node, Value

EMPTY_NODE: Final = b"\0"
EMPTY_ROOT: Final = blake2_256(EMPTY_NODE)

_LEAF: Final = 0b01_000000
_BRANCH: Final = 0b10_000000
_VALUE_BRANCH: Final = 0b11_000000
_HASHED_LEAF: Final = 0b001_00000
_HASHED_BRANCH: Final = 0b0001_0000
# For each kind the low bits that count nibbles; all of them set means that the count goes on.
_COUNT_MASK: Final = {_LEAF: 63, _BRANCH: 63, _VALUE_BRANCH: 63, _HASHED_LEAF: 31, _HASHED_BRANCH: 15}

_BITS: Final = tuple(1 << slot for slot in range(16))
_FULL: Final = (1 << 16) - 1
_HASH_REFERENCE: Final = bytes([HASH_LENGTH << 2])
_REFERENCE_LENGTH: Final = 1 + HASH_LENGTH
"""Of one by hash."""
_MAX_NIBBLES: Final = 2 * MAX_KEY_BYTES
_HEADER_CACHE_SIZE: Final = 1024
_SLOTS_CACHE_SIZE: Final = 4096


def compact(number: int) -> bytes:
    """SCALE compact integer below 2^30."""
    if number < 1 << 6:
        return bytes((number << 2,))
    if number < 1 << 14:
        return (number << 2 | 1).to_bytes(2, "little")
    return (number << 2 | 2).to_bytes(4, "little")


def reference_to(encoded: bytes) -> bytes:
    """Reference that a parent holds to a node of this encoding."""
    if len(encoded) < HASH_LENGTH:
        return bytes((len(encoded) << 2,)) + encoded
    return _HASH_REFERENCE + blake2_256(encoded)


def is_hash(reference: bytes) -> bool:
    """Whether the node stands for itself in proofs and databases; inline nodes are part of their parent."""
    return len(reference) > HASH_LENGTH


def root_hash(reference: bytes) -> bytes:
    """Hash of a node from the reference to it; the root is hashed however short it is."""
    return reference[1:] if is_hash(reference) else blake2_256(reference[1:])


@lru_cache(_HEADER_CACHE_SIZE)
def _header(kind: int, nibbles: int) -> bytes:
    mask = _COUNT_MASK[kind]
    if nibbles < mask:
        return bytes((kind | nibbles,))
    full, rest = divmod(nibbles - mask, 255)
    return bytes((kind | mask,)) + b"\xff" * full + bytes((rest,))


def encode(node: Node) -> bytes:
    """Encoding of a node whose children have their references (see `seal`)."""
    partial, value, children = node.partial, node.value, node.children
    if isinstance(value, HashedValue):
        kind, behind = _HASHED_LEAF if children is None else _HASHED_BRANCH, value.hash
    elif value is not None:
        kind, behind = _LEAF if children is None else _VALUE_BRANCH, compact(len(value)) + value
    else:
        kind, behind = _BRANCH, b""
    head = _header(kind, len(partial)) + pack(partial) if partial else _header(kind, 0)
    if children is None:
        return head + behind
    references = node.references or _joined_references(children)
    return b"".join((head, _bitmap(children, references).to_bytes(2, "little"), behind, references))


def _joined_references(children: Children) -> bytes:
    return b"".join(
        [child if isinstance(child, bytes) else child.reference for child in children if child is not None]
    )


def _bitmap(children: Children, references: bytes) -> int:
    """Which slots have a child."""
    if len(references) == len(children) * _REFERENCE_LENGTH:
        return _FULL
    return sum(compress(_BITS, children))  # a node is true, and no reference is empty


def seal(root: Node) -> bytes:
    """Fill in every reference that is missing in the tree and return the root's. Costs the changed nodes."""
    if root.reference:
        return root.reference
    unsealed = [root]
    for node in unsealed:  # grows: parents stand before their children
        if node.children is not None:
            children = node.children
            if node.references:
                children = [children[slot] for slot in _slots(node.changed)]
            unsealed += [child for child in children if isinstance(child, Node) and not child.reference]
    for node in reversed(unsealed):
        if node.children is not None:
            node.references, node.changed = _references(node, node.children), 0
        node.reference = reference_to(encode(node))
    return root.reference


def _references(branch: Node, children: Children) -> bytes:
    """`Node.references` of one whose children are sealed: all anew, or what has changed."""
    if not branch.references:
        references = _joined_references(children)
        is_all_hashes = len(references) == _REFERENCE_LENGTH * _bitmap(children, references).bit_count()
        return references if is_all_hashes else b""
    bitmap, fresh = _bitmap(children, branch.references), bytearray(branch.references)
    for slot in _slots(branch.changed):
        child = children[slot]
        assert isinstance(child, Node)
        if not is_hash(child.reference):
            return b""
        start = _REFERENCE_LENGTH * (bitmap & (1 << slot) - 1).bit_count()
        fresh[start : start + _REFERENCE_LENGTH] = child.reference
    return bytes(fresh)


@lru_cache(_SLOTS_CACHE_SIZE)
def _slots(bits: int) -> tuple[int, ...]:
    """Of the bits that are set."""
    return tuple(slot for slot in range(16) if bits >> slot & 1)


def decode_child(encoded: bytes) -> Node:
    """A node that its parent names by hash. Raises MalformedNode, also if it is short enough to be inline."""
    if len(encoded) < HASH_LENGTH:
        raise MalformedNode("node short enough to be inline", len(encoded))
    return decode(encoded)


def decode(encoded: bytes) -> Node:
    """The node of an encoding, with its inline children; it counts as stored. Not for the empty node.

    Raises MalformedNode for anything `encode` would not write. Inline children are shorter than a hash and
    than their parent, which bounds the recursion.
    """
    reader = _Reader(encoded)
    kind, nibbles = reader.header()
    partial = reader.partial(nibbles)
    value: Value | None = None
    children: Children | None = None
    bitmap = 0
    if kind not in (_LEAF, _HASHED_LEAF):
        bitmap = int.from_bytes(reader.take(2), "little")
        if bitmap == 0:
            raise MalformedNode("branch without a child", reader.offset)
        if kind == _BRANCH and bitmap & (bitmap - 1) == 0:
            raise MalformedNode("branch with a single child and no value", reader.offset)
    if kind in (_HASHED_LEAF, _HASHED_BRANCH):
        value = HashedValue(reader.take(HASH_LENGTH), stored=True)
    elif kind != _BRANCH:
        value = reader.take(reader.length())
    if bitmap:
        children = [reader.child() if bitmap >> slot & 1 else None for slot in range(16)]
    reader.finish()
    node = Node(partial, value, children, stored=True)
    if len(encoded) < HASH_LENGTH:
        node.reference = reference_to(encoded)
    return node


class _Reader:
    """Bounds-checked cursor over one encoded node."""

    __slots__ = ("data", "offset")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.offset = 0

    def take(self, count: int) -> bytes:
        start, end = self.offset, self.offset + count
        if end > len(self.data):
            raise MalformedNode("node ends early", start)
        self.offset = end
        return self.data[start:end]

    def byte(self) -> int:
        return self.take(1)[0]

    def header(self) -> tuple[int, int]:
        """Kind and number of partial nibbles."""
        first = self.byte()
        for kind, mask in _COUNT_MASK.items():
            if first & ~mask & 0xFF == kind:
                break
        else:
            raise MalformedNode("unknown kind of node", 0)
        count = first & mask
        more = count == mask
        while more:
            step = self.byte()
            count += step
            more = step == 255
            if count > _MAX_NIBBLES:
                raise MalformedNode("partial key too long", self.offset)
        return kind, count

    def partial(self, nibbles: int) -> bytes:
        start = self.offset
        unpacked = unpack(self.take((nibbles + 1) // 2))
        if nibbles & 1:
            if unpacked[0]:
                raise MalformedNode("padding of the partial key is not zero", start)
            return unpacked[1:]
        return unpacked

    def length(self) -> int:
        """Compact integer in its shortest form, below 2^30."""
        start = self.offset
        first = self.byte()
        mode = first & 3
        if mode == 0:
            return first >> 2
        if mode == 3:
            raise MalformedNode("length too large", start)
        width, least = (2, 1 << 6) if mode == 1 else (4, 1 << 14)
        number = (int.from_bytes(self.take(width - 1), "little") << 8 | first) >> 2
        if number < least:
            raise MalformedNode("length not in its shortest form", start)
        return number

    def child(self) -> Node | bytes:
        """Reference to a child by hash, or the child itself if it is inline."""
        start = self.offset
        if self.data[start : start + 1] == _HASH_REFERENCE:
            return self.take(1 + HASH_LENGTH)
        length = self.length()
        if length > HASH_LENGTH:
            raise MalformedNode("inline child too long", start)
        return decode(self.take(length))

    def finish(self) -> None:
        if self.offset != len(self.data):
            raise MalformedNode("bytes after the node", self.offset)
