"""Errors of the trie.

TrieError                     trie
├── KeyTooLong                trie.key_too_long
├── ValueTooLong              trie.value_too_long
├── MissingNode               trie.missing_node
├── CorruptNode               trie.corrupt_node
├── MalformedNode             trie.malformed_node
├── ProofError                trie.proof
│   ├── ProofTooLarge         trie.proof_too_large
│   ├── ProofDuplicateNode    trie.proof_duplicate_node
│   ├── ProofUnusedNode       trie.proof_unused_node
│   ├── ProofRootMissing      trie.proof_root_missing
│   └── ProofIncomplete       trie.proof_incomplete
└── TransferError             trie.transfer
    ├── ChunkTooLarge         trie.chunk_too_large
    ├── ChunkTruncated        trie.chunk_truncated
    ├── ChunkSurplus          trie.chunk_surplus
    ├── TransferPathUnknown   trie.transfer_path
    └── TransferIncomplete    trie.transfer_incomplete
"""

from __future__ import annotations

from integritee.errors import IntegriteeError


class TrieError(IntegriteeError):
    """Base of everything the trie raises on purpose."""

    code = "trie"


class KeyTooLong(TrieError):
    """A key has more bytes than a node header can count."""

    code = "trie.key_too_long"

    def __init__(self, found: int, limit: int) -> None:
        super().__init__(f"key of {found} bytes, at most {limit} are allowed")
        self.found = found
        self.limit = limit


class ValueTooLong(TrieError):
    """A value has more bytes than its length prefix can count."""

    code = "trie.value_too_long"

    def __init__(self, found: int, limit: int) -> None:
        super().__init__(f"value of {found} bytes, at most {limit} are allowed")
        self.found = found
        self.limit = limit


class MissingNode(TrieError):
    """The node source does not have a node or value that the trie refers to."""

    code = "trie.missing_node"

    def __init__(self, hash: bytes) -> None:
        super().__init__(f"node 0x{hash.hex()} is not in the source")
        self.hash = hash


class CorruptNode(TrieError):
    """The node source answered with bytes of another hash."""

    code = "trie.corrupt_node"

    def __init__(self, expected: bytes, found: bytes) -> None:
        super().__init__(f"source gave bytes of hash 0x{found.hex()} for 0x{expected.hex()}")
        self.expected = expected
        self.found = found


class MalformedNode(TrieError):
    """The bytes are not the canonical encoding of a node. `offset` counts bytes from the node's start."""

    code = "trie.malformed_node"

    def __init__(self, reason: str, offset: int = 0) -> None:
        super().__init__(f"{reason} at byte {offset}")
        self.reason = reason
        self.offset = offset


class ProofError(TrieError):
    """Base of the ways a proof can fail as a whole."""

    code = "trie.proof"


class ProofTooLarge(ProofError):
    """More nodes or bytes than a proof may have; `unit` is "nodes" or "bytes"."""

    code = "trie.proof_too_large"

    def __init__(self, unit: str, found: int, limit: int) -> None:
        super().__init__(f"proof has {found} {unit}, at most {limit} are allowed")
        self.unit = unit
        self.found = found
        self.limit = limit


class ProofDuplicateNode(ProofError):
    """The same node occurs twice in a proof."""

    code = "trie.proof_duplicate_node"

    def __init__(self, hash: bytes) -> None:
        super().__init__(f"node 0x{hash.hex()} occurs twice")
        self.hash = hash


class ProofUnusedNode(ProofError):
    """A node of the proof lies on the path of none of the keys."""

    code = "trie.proof_unused_node"

    def __init__(self, hash: bytes) -> None:
        super().__init__(f"node 0x{hash.hex()} proves nothing that was asked for")
        self.hash = hash


class ProofRootMissing(ProofError):
    """No node of the proof has the root hash: the proof belongs to another state."""

    code = "trie.proof_root_missing"

    def __init__(self, root: bytes) -> None:
        super().__init__(f"no node of the proof hashes to the root 0x{root.hex()}")
        self.root = root


class ProofIncomplete(ProofError):
    """The path of `key` leaves the proof at the node or value `hash`."""

    code = "trie.proof_incomplete"

    def __init__(self, key: bytes, hash: bytes) -> None:
        super().__init__(f"the path of key 0x{key.hex()} needs the missing node 0x{hash.hex()}")
        self.key = key
        self.hash = hash


class TransferError(TrieError):
    """Base of the ways in which moving a trie can fail, beside its nodes."""

    code = "trie.transfer"


class ChunkTooLarge(TransferError):
    """More nodes or bytes than a chunk may have; `unit` is "nodes" or "bytes"."""

    code = "trie.chunk_too_large"

    def __init__(self, unit: str, found: int, limit: int) -> None:
        super().__init__(f"chunk has {found} {unit}, at most {limit} are allowed")
        self.unit = unit
        self.found = found
        self.limit = limit


class ChunkTruncated(TransferError):
    """A chunk has no node, or ends between a node and its value."""

    code = "trie.chunk_truncated"

    def __init__(self) -> None:
        super().__init__("chunk ends early")


class ChunkSurplus(TransferError):
    """A chunk goes on although the trie is complete."""

    code = "trie.chunk_surplus"

    def __init__(self) -> None:
        super().__init__("chunk goes on behind the last node")


class TransferPathUnknown(TransferError):
    """The trie has no node at the path (one nibble per byte) where a chunk should begin."""

    code = "trie.transfer_path"

    def __init__(self, path: bytes) -> None:
        super().__init__(f"no node at the path 0x{path.hex()}")
        self.path = path


class TransferIncomplete(TransferError):
    """The trie is asked for while nodes from `path` on are missing."""

    code = "trie.transfer_incomplete"

    def __init__(self, path: bytes) -> None:
        super().__init__(f"nodes from the path 0x{path.hex()} on are missing")
        self.path = path
