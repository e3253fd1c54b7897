"""Blocks of peers that are not of the adopted chain: they came early, out of order, or are of a fork.

Sans-IO and bounded: blocks whose seal was verified come in, branches behind known blocks come out. What an author
can fill is bounded, too: of one slot only so many blocks are kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Final, TypeVar

from integritee.primitives.sidechain import SignedBlock

from .errors import CandidatesFull, TooManyBlocksOfSlot
from .fork_choice import Branch
from .slots import slot_number

MAX_CANDIDATES: Final = 2048
MAX_CANDIDATE_BYTES: Final = 256 * 1024 * 1024
MAX_BLOCKS_PER_SLOT: Final = 2
"""Of one author: one is what is due, two show who equivocates."""

K = TypeVar("K")


class Candidates:
    """Blocks by hash. `slot_ms` is the sidechain's slot."""

    def __init__(self, slot_ms: int) -> None:
        self._slot_ms = slot_ms
        self._blocks: dict[bytes, SignedBlock] = {}
        self._children: Counter[bytes] = Counter()
        self._of_slot: Counter[tuple[bytes, int]] = Counter()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._blocks)

    def __contains__(self, hash: bytes) -> bool:
        return hash in self._blocks

    def add(self, signed: SignedBlock) -> None:
        """Keep a block. Raises CandidatesFull, TooManyBlocksOfSlot; a known one is no matter."""
        hash = signed.hash()
        if hash in self._blocks:
            return
        size = _size(signed)
        if len(self._blocks) >= MAX_CANDIDATES or self._bytes + size > MAX_CANDIDATE_BYTES:
            raise CandidatesFull(len(self._blocks), self._bytes)
        slot = self._slot(signed)
        if self._of_slot[slot] >= MAX_BLOCKS_PER_SLOT:
            raise TooManyBlocksOfSlot(slot[1], slot[0])
        self._blocks[hash] = signed
        self._children[signed.block.header.parent_hash] += 1
        self._of_slot[slot] += 1
        self._bytes += size

    def discard(self, hash: bytes) -> SignedBlock | None:
        """Forget a block; it may be of no use, or adopted."""
        signed = self._blocks.pop(hash, None)
        if signed is None:
            return None
        _release(self._children, signed.block.header.parent_hash)
        _release(self._of_slot, self._slot(signed))
        self._bytes -= _size(signed)
        return signed

    def discard_branch(self, hash: bytes) -> None:
        """Forget a block and all that is built on it."""
        doomed = {hash}
        for signed in self._by_number():
            if signed.block.header.parent_hash in doomed:
                doomed.add(signed.hash())
        for each in doomed:
            self.discard(each)

    def discard_up_to(self, number: int) -> None:
        """Forget blocks that nothing can be built on any more."""
        for hash in [h for h, b in self._blocks.items() if b.block.header.block_number <= number]:
            self.discard(hash)

    def branches(self, chain: Mapping[bytes, int]) -> list[Branch]:
        """The longest branches, one for each latest block, that begin behind a block of `chain` (numbers by hash)."""
        found = []
        for tip in self._tips():
            blocks = self._ancestry(tip)
            fork = chain.get(blocks[0].block.header.parent_hash)
            if fork is not None and blocks[0].block.header.block_number == fork + 1:
                found.append(Branch(fork, blocks))
        return found

    def missing(self, chain: Mapping[bytes, int]) -> bytes | None:
        """Hash of the highest block whose ancestry ends in something unknown; None if all are connected."""
        loose = [tip for tip in self._tips() if self._ancestry(tip)[0].block.header.parent_hash not in chain]
        if not loose:
            return None
        return max(loose, key=lambda signed: (signed.block.header.block_number, signed.hash())).hash()

    def _tips(self) -> list[SignedBlock]:
        return [signed for hash, signed in self._blocks.items() if hash not in self._children]

    def _ancestry(self, tip: SignedBlock) -> list[SignedBlock]:
        """A block and those of its ancestors that are candidates, oldest first."""
        blocks = [tip]
        while (parent := self._blocks.get(blocks[-1].block.header.parent_hash)) is not None:
            blocks.append(parent)
        return blocks[::-1]

    def _by_number(self) -> list[SignedBlock]:
        return sorted(self._blocks.values(), key=lambda signed: signed.block.header.block_number)

    def _slot(self, signed: SignedBlock) -> tuple[bytes, int]:
        data = signed.block.block_data
        return data.block_author, slot_number(data.timestamp, self._slot_ms)


def _release(counter: Counter[K], key: K) -> None:
    counter[key] -= 1
    if not counter[key]:
        del counter[key]


def _size(signed: SignedBlock) -> int:
    data = signed.block.block_data
    return 300 + len(data.encrypted_state_diff) + 32 * len(data.signed_top_hashes)
