"""Errors about peers.

PeerError
├── PeerUnusable       what the registry or the peer says of it cannot be used
├── PeersFailed        no peer that was asked served
├── PeerLied           what a peer sent cannot be true
│   ├── MalformedBlock     no sidechain block
│   ├── UnlinkedBlock      a block that does not follow on the one before
│   ├── ForeignBlock       a block of another shard
│   └── EndlessAnswer      more blocks than anybody can have missed
"""

from __future__ import annotations

from integritee.worker.errors import WorkerError


class PeerError(WorkerError):
    """Another validateer does not do."""

    code = "worker.peer"


class PeerUnusable(PeerError):
    """What the registry or the peer says of it cannot be used; `what` is the fact in question."""

    code = "worker.peer_unusable"

    def __init__(self, what: str, found: str, expected: str) -> None:
        self.what, self.found, self.expected = what, found, expected
        super().__init__(f"{what}: expected {expected}, found {found!r}")


class PeersFailed(PeerError):
    """No peer that was asked served; `peers` is how many."""

    code = "worker.peers_failed"

    def __init__(self, what: str, peers: int, reason: str) -> None:
        self.what, self.peers, self.reason = what, peers, reason
        super().__init__(f"{what}: none of {peers} peers served: {reason}")


class PeerLied(PeerError):
    """What a validateer sent cannot be true."""

    code = "worker.peer_lied"


class MalformedBlock(PeerLied):
    """An answer that should hold sidechain blocks holds something else."""

    code = "worker.malformed_block"

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"no sidechain block: {reason}")


class UnlinkedBlock(PeerLied):
    """A block that does not follow on the one before; the facts are that one's hash and what the block says it is."""

    code = "worker.unlinked_block"

    def __init__(self, number: int, expected: bytes, found: bytes) -> None:
        self.number, self.expected, self.found = number, expected, found
        super().__init__(f"block {number} follows on 0x{found.hex()}, not on 0x{expected.hex()}")


class ForeignBlock(PeerLied):
    """A block of another shard than the one that was asked for."""

    code = "worker.foreign_block"

    def __init__(self, expected: bytes, found: bytes) -> None:
        self.expected, self.found = expected, found
        super().__init__(f"a block of shard 0x{found.hex()}, not of 0x{expected.hex()}")


class EndlessAnswer(PeerLied):
    """More blocks than one answer may have, or than anybody can have missed."""

    code = "worker.endless_answer"

    def __init__(self, limit: int) -> None:
        self.limit = limit
        super().__init__(f"more than {limit} blocks behind one that is known")
