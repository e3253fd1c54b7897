"""Verification of read proofs against a trusted root.

A proof is the set of encoded nodes that a reader meets on its way to the keys (sp-state-machine,
`prove_read`; `state_getReadProof`). Nothing in it is trusted: a node counts only where its hash is named by
a node that counts, beginning at the root. The verifier reads both layouts, since nodes say what they are.

Work is bounded by the size of the proof and the keys: every node is hashed and decoded at most once, and a
path has at most one node per nibble of its key.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from integritee.crypto.hashing import blake2_256
from integritee.trie.codec import EMPTY_ROOT, decode, decode_child
from integritee.trie.errors import (
    MalformedNode,
    ProofDuplicateNode,
    ProofIncomplete,
    ProofRootMissing,
    ProofTooLarge,
    ProofUnusedNode,
)
from integritee.trie.nibbles import unpack
from integritee.trie.node import HASHED_VALUE_LENGTH, HashedValue, Node, Value

MAX_PROOF_NODES: Final = 16_384
MAX_PROOF_BYTES: Final = 8 * 1024 * 1024


def verify_proof(
    root: bytes, proof: Sequence[bytes], keys: Iterable[bytes], *, allow_unused: bool = False
) -> dict[bytes, bytes | None]:
    """Values of the keys under the 32-byte root, None where the proof shows that there is none.

    Raises ProofTooLarge, ProofDuplicateNode, ProofRootMissing, ProofIncomplete, MalformedNode, KeyTooLong,
    and ProofUnusedNode unless `allow_unused`, for proofs that were made for more keys than are asked for.
    """
    reader = _ProofReader(root, proof)
    values = {key: reader.value(key) for key in keys}
    if not allow_unused:
        for hash in reader.encoded:
            if hash not in reader.used:
                raise ProofUnusedNode(hash)
    return values


class _ProofReader:
    """Proof nodes by hash, decoded when a path first needs them."""

    def __init__(self, root: bytes, proof: Sequence[bytes]) -> None:
        if len(proof) > MAX_PROOF_NODES:
            raise ProofTooLarge("nodes", len(proof), MAX_PROOF_NODES)
        size = sum(map(len, proof))
        if size > MAX_PROOF_BYTES:
            raise ProofTooLarge("bytes", size, MAX_PROOF_BYTES)
        self.root = root
        self.encoded: dict[bytes, bytes] = {}
        self.used: set[bytes] = set()
        self.top: Node | None = None
        self.children: dict[bytes, Node] = {}
        for blob in proof:
            hash = blake2_256(blob)
            if hash in self.encoded:
                raise ProofDuplicateNode(hash)
            self.encoded[hash] = blob

    def value(self, key: bytes) -> bytes | None:
        found = self._find(key)
        if not isinstance(found, HashedValue):
            return found
        data = self._use(key, found.hash)
        if len(data) < HASHED_VALUE_LENGTH:
            raise MalformedNode("short value kept outside of its node")
        return data

    def _find(self, key: bytes) -> Value | None:
        nibbles = unpack(key)
        node, depth = self._top(key), 0
        while node is not None:
            if not nibbles.startswith(node.partial, depth):
                return None
            depth += len(node.partial)
            if depth == len(nibbles):
                return node.value
            if node.children is None:
                return None
            child = node.children[nibbles[depth]]
            node = self._child(key, child[1:]) if isinstance(child, bytes) else child
            depth += 1
        return None

    def _top(self, key: bytes) -> Node | None:
        if self.root == EMPTY_ROOT:  # everybody knows this node; provers may leave it out
            self.used.add(EMPTY_ROOT)
            return None
        if self.root not in self.encoded:
            raise ProofRootMissing(self.root)
        if self.top is None:
            self.top = decode(self._use(key, self.root))
        return self.top

    def _child(self, key: bytes, hash: bytes) -> Node:
        encoded = self._use(key, hash)
        if hash not in self.children:
            self.children[hash] = decode_child(encoded)
        return self.children[hash]

    def _use(self, key: bytes, hash: bytes) -> bytes:
        encoded = self.encoded.get(hash)
        if encoded is None:
            raise ProofIncomplete(key, hash)
        self.used.add(hash)
        return encoded
