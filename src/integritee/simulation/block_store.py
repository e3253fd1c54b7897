"""A host's sidechain blocks, in memory: the chain of its enclave as that says it is."""

from __future__ import annotations

from collections.abc import Sequence

from integritee.boundary.messages import MAX_SIDECHAIN_BLOCKS, FetchBlocks
from integritee.primitives.sidechain import SignedBlock


class BlockStore:
    """Blocks by number; hosts lose none."""

    def __init__(self, blocks: Sequence[SignedBlock] = ()) -> None:
        self._blocks: dict[int, SignedBlock] = {}
        self._numbers: dict[bytes, int] = {}
        self.put(blocks, None)

    def put(self, blocks: Sequence[SignedBlock], after: int | None) -> None:
        """Take blocks of the chain, and off it what is above `after`."""
        if after is not None:
            for number in [n for n in self._blocks if n > after]:
                del self._numbers[self._blocks.pop(number).hash()]
        for signed in blocks:
            number = signed.block.header.block_number
            if (known := self._blocks.get(number)) is not None:
                self._numbers.pop(known.hash(), None)
            self._blocks[number] = signed
            self._numbers[signed.hash()] = number

    @property
    def height(self) -> int:
        """The highest number; 0 without blocks."""
        return max(self._blocks, default=0)

    def __getitem__(self, number: int) -> SignedBlock:
        return self._blocks[number]

    def get(self, number: int, otherwise: SignedBlock) -> SignedBlock:
        return self._blocks.get(number, otherwise)

    def __contains__(self, number: int) -> bool:
        return number in self._blocks

    def chain(self) -> list[SignedBlock]:
        """All blocks in order."""
        return [self._blocks[number] for number in sorted(self._blocks)]

    def behind(self, wanted: FetchBlocks) -> list[SignedBlock]:
        """Answer a peer: what follows the first hash that is known, up to the block it asks for."""
        start = next((self._numbers[h] for h in wanted.locator if h in self._numbers), None)
        if start is None:
            start = 0 if bytes(32) in wanted.locator else None
        if start is None:
            return []
        found: list[SignedBlock] = []
        for number in range(start + 1, start + 1 + MAX_SIDECHAIN_BLOCKS):
            if number not in self._blocks:
                break
            found.append(self._blocks[number])
            if found[-1].hash() == wanted.until:
                break
        return found
