"""Errors of the embedded node.

NodeError
├── RuntimeFailure               the runtime did not answer a call
│   ├── RuntimeApiMissing            it has no function of that name
│   └── RuntimePanic                 it aborted
│       └── BadRuntimeInput              because its arguments do not decode
├── DatabaseError
│   ├── DatabaseMissing              there is none
│   ├── DatabaseLocked               another process has it open
│   ├── DatabaseFormatMismatch       written by another version of this program
│   ├── DatabaseFull                 it would grow beyond its limit
│   ├── GenesisMismatch              it holds another chain
│   └── CorruptDatabase              something that must be there is not
├── ChainError
│   ├── UnknownBlock                 no block of that hash
│   ├── AlreadyKnown                 the block is in the chain already
│   ├── ConflictsWithFinalized       the block would undo a finalized one
│   ├── NotCanonical                 the block to finalize is not in the best chain
│   └── BlockMismatch                a block does not fit its parent or its state
├── AuthoringError
│   ├── NotSlotAuthor                the slot belongs to an authority whose key is not here
│   ├── InherentRejected             the runtime refused its own inherent
│   ├── UnusableState                the state holds no time or relay block to go on from
│   └── RootMismatch                 the runtime's header disagrees with the block built
├── FinalityError
│   ├── MissingVotes                 the local keys weigh less than the threshold
│   └── NotFinalized                 a proof was asked for a block that is not final
├── DevControlError              a tester asked for what cannot be
│   ├── TooManyBlocks                more blocks, or fewer, than one request may make
│   ├── ReorgTooDeep                 final blocks would be left
│   ├── TimeInThePast                the chain is later than that
│   └── Interrupted                  the node is about to stop
├── KeystoreError
│   └── UnknownDevAccount            no development account of that name
├── ChainSpecError                   a chain specification that is not one
└── PoolError                        see `integritee.node.pool.errors`
"""

from __future__ import annotations

from integritee.errors import IntegriteeError


class NodeError(IntegriteeError):
    code = "node"


# --- runtime


class RuntimeFailure(NodeError):
    code = "node.runtime"


class RuntimeApiMissing(RuntimeFailure):
    """The runtime has no function of that name."""

    code = "node.runtime.api_missing"

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"the runtime has no function {name}")


class RuntimePanic(RuntimeFailure):
    """The runtime aborted. The call's storage changes mean nothing; the caller drops them."""

    code = "node.runtime.panic"

    def __init__(self, name: str, reason: str) -> None:
        self.name, self.reason = name, reason
        super().__init__(f"{name} panicked: {reason}")


class BadRuntimeInput(RuntimePanic):
    """The runtime aborted because the arguments do not decode."""

    code = "node.runtime.bad_input"


# --- database


class DatabaseError(NodeError):
    """The chain's database cannot be used."""

    code = "node.database"


class DatabaseMissing(DatabaseError):
    """The chain has no data in the directory."""

    code = "node.database.missing"

    def __init__(self, path: str) -> None:
        self.path = path
        super().__init__(f"there is no data in {path}")


class DatabaseLocked(DatabaseError):
    """Another process has the database open."""

    code = "node.database.locked"

    def __init__(self, path: str) -> None:
        self.path = path
        super().__init__(f"{path} is in use by another process")


class DatabaseFormatMismatch(DatabaseError):
    """The database was written by another version of this program."""

    code = "node.database.format_mismatch"

    def __init__(self, expected: int, found: int) -> None:
        self.expected, self.found = expected, found
        super().__init__(f"database has format {found}, this program reads {expected}")


class DatabaseFull(DatabaseError):
    """The database would grow beyond its limit."""

    code = "node.database.full"

    def __init__(self, limit: int) -> None:
        self.limit = limit
        super().__init__(f"database would exceed {limit} bytes")


class GenesisMismatch(DatabaseError):
    """The database holds another chain."""

    code = "node.database.genesis_mismatch"

    def __init__(self, expected: bytes, found: bytes) -> None:
        self.expected, self.found = expected, found
        super().__init__(f"database holds the chain 0x{found.hex()}, not 0x{expected.hex()}")


class CorruptDatabase(DatabaseError):
    """Something that must be in the database is not."""

    code = "node.database.corrupt"

    def __init__(self, missing: str) -> None:
        self.missing = missing
        super().__init__(f"database lacks {missing}")


# --- chain


class ChainError(NodeError):
    """A block does not fit into the chain."""

    code = "node.chain"


class UnknownBlock(ChainError):
    code = "node.chain.unknown_block"

    def __init__(self, block: bytes) -> None:
        self.block = block
        super().__init__(f"unknown block 0x{block.hex()}")


class AlreadyKnown(ChainError):
    code = "node.chain.already_known"

    def __init__(self, block: bytes) -> None:
        self.block = block
        super().__init__(f"block 0x{block.hex()} is already in the chain")


class ConflictsWithFinalized(ChainError):
    code = "node.chain.conflicts_with_finalized"

    def __init__(self, block: bytes, finalized: bytes) -> None:
        self.block, self.finalized = block, finalized
        super().__init__(f"block 0x{block.hex()} is not in one chain with the finalized 0x{finalized.hex()}")


class NotCanonical(ChainError):
    code = "node.chain.not_canonical"

    def __init__(self, block: bytes) -> None:
        self.block = block
        super().__init__(f"block 0x{block.hex()} is not in the best chain")


class BlockMismatch(ChainError):
    code = "node.chain.block_mismatch"

    def __init__(self, field: str, expected: str, found: str) -> None:
        self.field, self.expected, self.found = field, expected, found
        super().__init__(f"block has {field} {found}, expected {expected}")


# --- authoring


class AuthoringError(NodeError):
    """A block could not be made."""

    code = "node.authoring"


class NotSlotAuthor(AuthoringError):
    code = "node.authoring.not_slot_author"

    def __init__(self, slot: int, author: bytes) -> None:
        self.slot, self.author = slot, author
        super().__init__(f"slot {slot} belongs to 0x{author.hex()}")


class InherentRejected(AuthoringError):
    code = "node.authoring.inherent_rejected"

    def __init__(self, position: int, reason: str) -> None:
        self.position, self.reason = position, reason
        super().__init__(f"the runtime refused inherent {position}: {reason}")


class UnusableState(AuthoringError):
    """What the state of the parent says of its time or its relay chain leads to no next block."""

    code = "node.authoring.unusable_state"

    def __init__(self, parent: bytes, reason: str) -> None:
        self.parent, self.reason = parent, reason
        super().__init__(f"the state of block 0x{parent.hex()} leads to no next one: {reason}")


class RootMismatch(AuthoringError):
    code = "node.authoring.root_mismatch"

    def __init__(self, field: str, expected: bytes, found: bytes) -> None:
        self.field, self.expected, self.found = field, expected, found
        super().__init__(f"the runtime's {field} is 0x{found.hex()}, the block's is 0x{expected.hex()}")


# --- finality


class FinalityError(NodeError):
    """A block could not be finalized, or is not shown to be final."""

    code = "node.finality"


class MissingVotes(FinalityError):
    code = "node.finality.missing_votes"

    def __init__(self, weight: int, threshold: int) -> None:
        self.weight, self.threshold = weight, threshold
        super().__init__(f"local keys weigh {weight}, finality takes {threshold}")


class NotFinalized(FinalityError):
    code = "node.finality.not_finalized"

    def __init__(self, number: int, finalized: int) -> None:
        self.number, self.finalized = number, finalized
        super().__init__(f"block {number} has no finality proof yet; finalized is {finalized}")


# --- control by testers


class DevControlError(NodeError):
    """A tester asked for what cannot be."""

    code = "node.dev"


class TooManyBlocks(DevControlError):
    """More blocks, or fewer, than one request may make."""

    code = "node.dev.too_many_blocks"

    def __init__(self, count: int, max: int) -> None:
        self.count, self.max = count, max
        super().__init__(f"from 1 to {max} blocks at once, not {count}")


class ReorgTooDeep(DevControlError):
    """Final blocks would be left."""

    code = "node.dev.reorg_too_deep"

    def __init__(self, depth: int, reachable: int) -> None:
        self.depth, self.reachable = depth, reachable
        super().__init__(f"{depth} blocks cannot be left: only {reachable} are not final (see --finality-lag)")


class TimeInThePast(DevControlError):
    """The best block is later. Times are unix milliseconds."""

    code = "node.dev.time_in_the_past"

    def __init__(self, to_ms: int, last_ms: int) -> None:
        self.to_ms, self.last_ms = to_ms, last_ms
        super().__init__(f"{to_ms} is not later than the best block's time {last_ms}")


class Interrupted(DevControlError):
    """The node is about to stop. The blocks `made` until then stay."""

    code = "node.dev.interrupted"

    def __init__(self, made: int) -> None:
        self.made = made
        super().__init__(f"the node is about to stop, {made} blocks were made")


# --- keys and specification


class KeystoreError(NodeError):
    """A key that is needed is not here."""

    code = "node.keystore"


class UnknownDevAccount(KeystoreError):
    code = "node.keystore.unknown_dev_account"

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"there is no development account named {name!r}")


class ChainSpecError(NodeError):
    code = "node.chain_spec"

    def __init__(self, field: str, expected: str) -> None:
        self.field, self.expected = field, expected
        super().__init__(f"chain specification: {field} must be {expected}")
