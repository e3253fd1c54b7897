"""Errors of the sidechain.

SidechainError                        sidechain
├── InvalidSlotDuration               sidechain.slot_duration
├── SlotMissed                        sidechain.slot_missed
├── BlockRefused                      sidechain.block_refused
│   ├── CandidatesFull                sidechain.candidates_full
│   ├── TooManyBlocksOfSlot           sidechain.too_many_blocks_of_slot
│   ├── UnknownAuthor                 sidechain.unknown_author
│   └── BlockTooOld                   sidechain.block_too_old
└── VerificationError                 sidechain.verification
    ├── CouldNotGetAuthorities        sidechain.no_authorities
    ├── BadSidechainBlock             sidechain.bad_block
    │   ├── BadSignature              sidechain.bad_signature
    │   ├── BlockDataMismatch         sidechain.block_data_hash
    │   ├── WrongShard                sidechain.wrong_shard
    │   ├── TimestampNotAfterParent   sidechain.timestamp_not_after_parent
    │   ├── TimestampInFuture         sidechain.timestamp_in_future
    │   ├── SlotNotAfterParent        sidechain.slot_not_after_parent
    │   ├── ParentchainWentBack       sidechain.parentchain_went_back
    │   ├── StateDiffUnreadable       sidechain.state_diff
    │   ├── StateRootMismatch         sidechain.state_root
    │   └── WrongNextFinalization     sidechain.next_finalization
    ├── BlockAlreadyImported          sidechain.already_imported
    ├── BlockAncestryMismatch         sidechain.ancestry_mismatch
    ├── InvalidFirstBlock             sidechain.invalid_first_block
    ├── BadParentchainBlock           sidechain.bad_parentchain_block
    └── InvalidAuthority              sidechain.invalid_authority

The direct leaves of VerificationError are the variants of the original (`sidechain/consensus/common`,
`error.rs`), since importers react to each in its own way; what the original does not check is a
BadSidechainBlock.
"""

from __future__ import annotations

from integritee.errors import IntegriteeError


class SidechainError(IntegriteeError):
    code = "sidechain"


class InvalidSlotDuration(SidechainError):
    """A slot must last at least one millisecond."""

    code = "sidechain.slot_duration"

    def __init__(self, found: int) -> None:
        super().__init__(f"slot duration of {found} ms")
        self.found = found


class SlotMissed(SidechainError):
    """An own block took so long that others went on without it; its calls are ready again. Unix ms."""

    code = "sidechain.slot_missed"

    def __init__(self, end: int, now: int) -> None:
        super().__init__(f"the slot was over at {end}, the block was finished at {now}")
        self.end = end
        self.now = now


class BlockRefused(SidechainError):
    """A peer's block is not kept. It may be fine; it can be asked for when it is needed."""

    code = "sidechain.block_refused"


class CandidatesFull(BlockRefused):
    """Enough blocks wait already. Sizes in bytes."""

    code = "sidechain.candidates_full"

    def __init__(self, found: int, size: int) -> None:
        super().__init__(f"{found} blocks of {size} bytes wait already")
        self.found = found
        self.size = size


class TooManyBlocksOfSlot(BlockRefused):
    """The author made several blocks for one slot."""

    code = "sidechain.too_many_blocks_of_slot"

    def __init__(self, slot: int, author: bytes) -> None:
        super().__init__(f"0x{author.hex()} made too many blocks for slot {slot}")
        self.slot = slot
        self.author = author


class UnknownAuthor(BlockRefused):
    """The author is no authority of the shard, at any parentchain block that could matter."""

    code = "sidechain.unknown_author"

    def __init__(self, author: bytes) -> None:
        super().__init__(f"0x{author.hex()} is no authority of the shard")
        self.author = author


class BlockTooOld(BlockRefused):
    """Blocks of this number are final."""

    code = "sidechain.block_too_old"

    def __init__(self, number: int, final: int) -> None:
        super().__init__(f"block {number} is not beyond the final block {final}")
        self.number = number
        self.final = final


class VerificationError(SidechainError):
    """A sidechain block must not be imported."""

    code = "sidechain.verification"


class CouldNotGetAuthorities(VerificationError):
    """Nobody may author blocks of the shard at this parentchain block."""

    code = "sidechain.no_authorities"

    def __init__(self, shard: bytes, layer_one_head: bytes) -> None:
        super().__init__(f"shard 0x{shard.hex()} has no authorities at 0x{layer_one_head.hex()}")
        self.shard = shard
        self.layer_one_head = layer_one_head


class BadSidechainBlock(VerificationError):
    """The block breaks a rule that no honest author breaks."""

    code = "sidechain.bad_block"


class BadSignature(BadSidechainBlock):
    """The named author did not sign the block."""

    code = "sidechain.bad_signature"

    def __init__(self, number: int, author: bytes) -> None:
        super().__init__(f"block {number} is not signed by 0x{author.hex()}")
        self.number = number
        self.author = author


class BlockDataMismatch(BadSidechainBlock):
    """The header, which alone is hashed, commits to other data."""

    code = "sidechain.block_data_hash"

    def __init__(self, expected: bytes, found: bytes) -> None:
        super().__init__(f"header commits to data 0x{expected.hex()}, block has 0x{found.hex()}")
        self.expected = expected
        self.found = found


class WrongShard(BadSidechainBlock):
    """The block is another shard's."""

    code = "sidechain.wrong_shard"

    def __init__(self, expected: bytes, found: bytes) -> None:
        super().__init__(f"block of shard 0x{found.hex()}, this is 0x{expected.hex()}")
        self.expected = expected
        self.found = found


class TimestampNotAfterParent(BadSidechainBlock):
    """Sidechain time stood still or went back. Times in ms."""

    code = "sidechain.timestamp_not_after_parent"

    def __init__(self, found: int, parent: int) -> None:
        super().__init__(f"timestamp {found} ms is not after the parent's {parent} ms")
        self.found = found
        self.parent = parent


class TimestampInFuture(BadSidechainBlock):
    """The author's clock is ahead of ours by more than is tolerated. Times in ms."""

    code = "sidechain.timestamp_in_future"

    def __init__(self, found: int, limit: int) -> None:
        super().__init__(f"timestamp {found} ms is after {limit} ms, the latest acceptable now")
        self.found = found
        self.limit = limit


class SlotNotAfterParent(BadSidechainBlock):
    """A slot has one block."""

    code = "sidechain.slot_not_after_parent"

    def __init__(self, slot: int, parent: int) -> None:
        super().__init__(f"slot {slot} is not after the parent's slot {parent}")
        self.slot = slot
        self.parent = parent


class ParentchainWentBack(BadSidechainBlock):
    """The block builds on an earlier parentchain block than its parent."""

    code = "sidechain.parentchain_went_back"

    def __init__(self, found: int, parent: int) -> None:
        super().__init__(f"block builds on parentchain block {found}, its parent on {parent}")
        self.found = found
        self.parent = parent


class StateDiffUnreadable(BadSidechainBlock):
    """The state diff was not made by an enclave of the shard, or for another block."""

    code = "sidechain.state_diff"

    def __init__(self, number: int, reason: str) -> None:
        super().__init__(f"the state diff of block {number} cannot be read: {reason}")
        self.number = number
        self.reason = reason


class StateRootMismatch(BadSidechainBlock):
    """The diff is for another state (`which` is "before"), or does not lead to the one it says ("after")."""

    code = "sidechain.state_root"

    def __init__(self, number: int, which: str, expected: bytes, found: bytes) -> None:
        super().__init__(f"state {which} block {number} is 0x{found.hex()}, its author has 0x{expected.hex()}")
        self.number = number
        self.which = which
        self.expected = expected
        self.found = found


class WrongNextFinalization(BadSidechainBlock):
    """`next_finalization_block_number` does not follow from the parent's."""

    code = "sidechain.next_finalization"

    def __init__(self, expected: int, found: int) -> None:
        super().__init__(f"next finalization at {found}, expected {expected}")
        self.expected = expected
        self.found = found


class BlockAlreadyImported(VerificationError):
    """The chain has a block of this number, maybe this one."""

    code = "sidechain.already_imported"

    def __init__(self, number: int, last: int) -> None:
        super().__init__(f"block {number} is not beyond the last imported block {last}")
        self.number = number
        self.last = last


class BlockAncestryMismatch(VerificationError):
    """The block does not continue the chain: blocks are missing in between, or it is on a fork."""

    code = "sidechain.ancestry_mismatch"

    def __init__(self, number: int, parent: bytes, last: int, last_hash: bytes) -> None:
        super().__init__(f"block {number} on 0x{parent.hex()} does not follow block {last}, 0x{last_hash.hex()}")
        self.number = number
        self.parent = parent
        self.last = last
        self.last_hash = last_hash


class InvalidFirstBlock(VerificationError):
    """A chain begins with number 1 on the zero hash."""

    code = "sidechain.invalid_first_block"

    def __init__(self, number: int, parent: bytes) -> None:
        super().__init__(f"block {number} on 0x{parent.hex()} cannot begin a chain")
        self.number = number
        self.parent = parent


class BadParentchainBlock(VerificationError):
    """The block builds on another parentchain block than the one it is verified at."""

    code = "sidechain.bad_parentchain_block"

    def __init__(self, expected: bytes, found: bytes) -> None:
        super().__init__(f"block builds on parentchain block 0x{found.hex()}, not 0x{expected.hex()}")
        self.expected = expected
        self.found = found


class InvalidAuthority(VerificationError):
    """The slot of the block's timestamp belongs to somebody else."""

    code = "sidechain.invalid_authority"

    def __init__(self, slot: int, expected: bytes, found: bytes) -> None:
        super().__init__(f"slot {slot} belongs to 0x{expected.hex()}, the author is 0x{found.hex()}")
        self.slot = slot
        self.expected = expected
        self.found = found
