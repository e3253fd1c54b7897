"""Substrate's state trie: persistent maps with a Merkle root, read proofs and their verification.

state = Trie.from_items(genesis)
after = state.commit({key: value, gone: None})      # `state` is still there
verify_proof(after.root(), after.prove([key]), [key]) == {key: value}
"""

from integritee.trie.codec import EMPTY_ROOT
from integritee.trie.errors import (
    CorruptNode,
    KeyTooLong,
    MalformedNode,
    MissingNode,
    ProofDuplicateNode,
    ProofError,
    ProofIncomplete,
    ProofRootMissing,
    ProofTooLarge,
    ProofUnusedNode,
    TrieError,
    ValueTooLong,
)
from integritee.trie.nibbles import MAX_KEY_BYTES
from integritee.trie.node import MAX_VALUE_BYTES, Layout
from integritee.trie.proof import MAX_PROOF_BYTES, MAX_PROOF_NODES, verify_proof
from integritee.trie.source import NodeSource
from integritee.trie.trie import Growing, Trie, ordered_root

__all__ = [
    "EMPTY_ROOT",
    "MAX_KEY_BYTES",
    "MAX_PROOF_BYTES",
    "MAX_PROOF_NODES",
    "MAX_VALUE_BYTES",
    "CorruptNode",
    "Growing",
    "KeyTooLong",
    "Layout",
    "MalformedNode",
    "MissingNode",
    "NodeSource",
    "ProofDuplicateNode",
    "ProofError",
    "ProofIncomplete",
    "ProofRootMissing",
    "ProofTooLarge",
    "ProofUnusedNode",
    "Trie",
    "TrieError",
    "ValueTooLong",
    "ordered_root",
    "verify_proof",
]
