"""Verification of a sidechain block by those who did not make it.

In two parts: what a block shows by itself, checked once; and whether it fits where it is to go, as often as needed.

Order and outcome of the checks: worker `sidechain/block-verification`. Added are the checks that the
original leaves to the author's honesty: the header's commitment to the data, the shard, the clock, and the
finalization stride. What the signature covers is compared right behind it, clock and stride come last, so
that no outcome of the original, on some of which importers fetch missing blocks, is hidden.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from integritee.primitives.sidechain import SidechainBlock, SidechainHeader, SignedBlock, next_finalization

from .errors import (
    BadParentchainBlock,
    BadSignature,
    BlockAlreadyImported,
    BlockAncestryMismatch,
    BlockDataMismatch,
    CouldNotGetAuthorities,
    InvalidAuthority,
    InvalidFirstBlock,
    SlotNotAfterParent,
    TimestampInFuture,
    TimestampNotAfterParent,
    WrongNextFinalization,
    WrongShard,
)
from .slots import SLOT_MS, slot_author, slot_number

MAX_DRIFT_MS: Final = 1000
"""How far the author's clock may be ahead of ours."""

NO_PARENT: Final = bytes(32)


@dataclass(frozen=True, slots=True)
class Tip:
    """The last imported block: its header and its timestamp in ms."""

    header: SidechainHeader
    timestamp: int

    @classmethod
    def of(cls, block: SidechainBlock) -> Tip:
        return cls(block.header, block.block_data.timestamp)


@dataclass(frozen=True, slots=True)
class Authorship:
    """Who may author blocks on a finalized parentchain block: public keys in on-chain order."""

    layer_one_head: bytes
    authorities: tuple[bytes, ...]


def verify_seal(signed: SignedBlock, shard: bytes) -> None:
    """What a block shows by itself, whenever it comes: author's signature, commitment to the data, shard.

    Raises BadSignature, BlockDataMismatch or WrongShard.
    """
    header, data = signed.block.header, signed.block.block_data
    if not signed.has_valid_signature():
        raise BadSignature(header.block_number, data.block_author)
    if (found := data.hash()) != header.block_data_hash:
        raise BlockDataMismatch(header.block_data_hash, found)
    if header.shard_id != shard:
        raise WrongShard(shard, header.shard_id)


def verify_place(
    block: SidechainBlock, tip: Tip | None, authorship: Authorship, now: int, slot_ms: int = SLOT_MS
) -> None:
    """Whether a block whose seal is verified continues the chain behind `tip` (None: there is no block yet).

    `authorship` is what is proven at the parentchain block that the caller expects the block to build on;
    `now` is our clock in ms. Raises a VerificationError.
    """
    if not authorship.authorities:
        raise CouldNotGetAuthorities(block.header.shard_id, authorship.layer_one_head)
    if tip is None:
        _verify_first(block.header)
    else:
        _verify_ancestry(block.header, tip.header)
    _verify_author(block, authorship, slot_ms)
    _verify_time(block.block_data.timestamp, tip.timestamp if tip else None, now, slot_ms)
    _verify_finalization(block.header, tip.header if tip else None)


def _verify_first(header: SidechainHeader) -> None:
    if header.block_number != 1 or header.parent_hash != NO_PARENT:
        raise InvalidFirstBlock(header.block_number, header.parent_hash)


def _verify_ancestry(header: SidechainHeader, last: SidechainHeader) -> None:
    number, last_hash = header.block_number, last.hash()
    if number <= last.block_number:
        raise BlockAlreadyImported(number, last.block_number)
    if number != last.block_number + 1 or header.parent_hash != last_hash:
        raise BlockAncestryMismatch(number, header.parent_hash, last.block_number, last_hash)


def _verify_author(block: SidechainBlock, authorship: Authorship, slot_ms: int) -> None:
    data = block.block_data
    if data.layer_one_head != authorship.layer_one_head:
        raise BadParentchainBlock(authorship.layer_one_head, data.layer_one_head)
    slot = slot_number(data.timestamp, slot_ms)
    expected = slot_author(slot, authorship.authorities)
    if expected != data.block_author:
        raise InvalidAuthority(slot, expected, data.block_author)


def _verify_time(timestamp: int, parent: int | None, now: int, slot_ms: int) -> None:
    if parent is not None and timestamp <= parent:
        raise TimestampNotAfterParent(timestamp, parent)
    slot, parents = slot_number(timestamp, slot_ms), slot_number(parent, slot_ms) if parent is not None else -1
    if slot <= parents:
        raise SlotNotAfterParent(slot, parents)
    if timestamp > now + MAX_DRIFT_MS:
        raise TimestampInFuture(timestamp, now + MAX_DRIFT_MS)


def _verify_finalization(header: SidechainHeader, last: SidechainHeader | None) -> None:
    previous = last.next_finalization_block_number if last else 0
    expected = next_finalization(header.block_number, previous)
    if header.next_finalization_block_number != expected:
        raise WrongNextFinalization(expected, header.next_finalization_block_number)
