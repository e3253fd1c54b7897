"""Blocks of peers that are not of the adopted chain: they came early, out of order, or are of a fork.

Sans-IO and bounded: blocks whose seal was verified come in, branches behind known blocks come out. Authors share the
room: of one slot only so many blocks are kept, and if there is no room, blocks of who has the most of them go first.
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
        self._of_slot: dict[tuple[bytes, int], list[bytes]] = {}
        self._of_author: Counter[bytes] = Counter()
        self._bytes: Counter[bytes] = Counter()
        """Of each author; their sum is what all blocks take."""

    def __len__(self) -> int:
        return len(self._blocks)

    def __contains__(self, hash: bytes) -> bool:
        return hash in self._blocks

    def add(self, signed: SignedBlock) -> None:
        """Keep a block. Raises CandidatesFull, TooManyBlocksOfSlot; a known one is no matter."""
        hash, slot = signed.hash(), self._slot(signed)
        if hash in self._blocks:
            return
        self._make_room(signed)
        if len(self._of_slot.get(slot, ())) >= MAX_BLOCKS_PER_SLOT:
            self._make_room_in_slot(slot)
        self._blocks[hash] = signed
        self._children[signed.block.header.parent_hash] += 1
        self._of_slot.setdefault(slot, []).append(hash)
        self._of_author[slot[0]] += 1
        self._bytes[slot[0]] += _size(signed)

    def _make_room(self, newcomer: SignedBlock) -> None:
        """Forget blocks of who has the most, as long as that has more than the newcomer's author then has: nobody
        can keep others out. Raises CandidatesFull."""
        author, size = newcomer.block.block_data.block_author, _size(newcomer)
        while True:
            if len(self._blocks) >= MAX_CANDIDATES:
                shares, weight = self._of_author, 1
            elif self._bytes.total() + size > MAX_CANDIDATE_BYTES:
                shares, weight = self._bytes, size
            else:
                return
            heaviest = max(shares, key=lambda who: (shares[who], who), default=author)
            if shares[heaviest] <= shares[author] + weight:
                raise CandidatesFull(len(self._blocks), self._bytes.total())
            self.discard(self._furthest(heaviest))

    def _furthest(self, author: bytes) -> bytes:
        """The author's block of the highest number: the last one that could be of use."""
        theirs = [(b.block.header.block_number, h) for h, b in self._blocks.items() if self._slot(b)[0] == author]
        return max(theirs)[1]

    def _make_room_in_slot(self, slot: tuple[bytes, int]) -> None:
        """Forget a block on which none is built: others may follow an equivocator's other block. Raises
        TooManyBlocksOfSlot."""
        childless = next((hash for hash in self._of_slot[slot] if hash not in self._children), None)
        if childless is None:
            raise TooManyBlocksOfSlot(slot[1], slot[0])
        self.discard(childless)

    def discard(self, hash: bytes) -> SignedBlock | None:
        """Forget a block; it may be of no use, or adopted."""
        signed = self._blocks.pop(hash, None)
        if signed is None:
            return None
        slot = self._slot(signed)
        _release(self._children, signed.block.header.parent_hash)
        _release(self._of_author, slot[0])
        self._bytes[slot[0]] -= _size(signed)
        self._of_slot[slot].remove(hash)
        if not self._of_slot[slot]:
            del self._of_slot[slot]
        return signed

    def discard_branch(self, hash: bytes) -> None:
        """Forget a block and all that is built on it."""
        doomed = {hash}
        for each, signed in self._by_number():
            if signed.block.header.parent_hash in doomed:
                doomed.add(each)
        for each in doomed:
            self.discard(each)

    def discard_ancestry(self, hash: bytes) -> None:
        """Forget a block and those before it."""
        while (signed := self.discard(hash)) is not None:
            hash = signed.block.header.parent_hash

    def discard_up_to(self, number: int) -> None:
        """Forget blocks that nothing can be built on any more."""
        for hash in [h for h, b in self._blocks.items() if b.block.header.block_number <= number]:
            self.discard(hash)

    def branches(self, chain: Mapping[bytes, int]) -> list[Branch]:
        """The longest branches, one for each latest block, that begin behind a block of `chain` (numbers by hash)."""
        forks = self._forks(chain)
        tips = [hash for hash in forks if hash not in self._children]
        return [Branch(forks[tip], self._ancestry(tip)) for tip in tips]

    def missing(self, chain: Mapping[bytes, int]) -> bytes | None:
        """Hash of the highest block whose ancestry ends in something unknown; None if all are connected."""
        forks = self._forks(chain)
        loose = [(b.block.header.block_number, hash) for hash, b in self._blocks.items() if hash not in forks]
        return max(loose)[1] if loose else None

    def _forks(self, chain: Mapping[bytes, int]) -> dict[bytes, int]:
        """Of the blocks that are connected with `chain`, the number of the block behind which they branch off."""
        found: dict[bytes, int] = {}
        for hash, signed in self._by_number():
            header = signed.block.header
            fork = chain.get(header.parent_hash)
            if fork == header.block_number - 1:
                found[hash] = fork
            elif header.parent_hash in found:
                found[hash] = found[header.parent_hash]
        return found

    def _ancestry(self, hash: bytes) -> list[SignedBlock]:
        """A block and those of its ancestors that are candidates, oldest first."""
        blocks = []
        while (signed := self._blocks.get(hash)) is not None:
            blocks.append(signed)
            hash = signed.block.header.parent_hash
        return blocks[::-1]

    def _by_number(self) -> list[tuple[bytes, SignedBlock]]:
        return sorted(self._blocks.items(), key=lambda item: item[1].block.header.block_number)

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
