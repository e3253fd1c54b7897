"""Which of two chains to follow.

Both are compared from the last block they share. In this order:

1. A chain with a block that must be in it goes ahead of one without: what the parentchain confirmed as proven, and
   what this enclave itself asked the parentchain to confirm.
2. The longer one.
3. The one whose first own block is of the earlier slot, by its timestamp; then the one whose hash is lower.

The order is total, so that all who know the same blocks follow the same chain.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from integritee.primitives.sidechain import SignedBlock


@dataclass(frozen=True)
class Anchor:
    """A block that must be in the chain."""

    number: int
    hash: bytes


class Standing(enum.IntEnum):
    """What a chain is to an anchor."""

    CONTRADICTS = 0
    OPEN = 1
    """Too short to say."""
    HOLDS = 2


@dataclass(frozen=True)
class Branch:
    """Consecutive blocks behind block `fork`; there may be none."""

    fork: int
    blocks: Sequence[SignedBlock]

    @property
    def number(self) -> int:
        """Of its latest block."""
        return self.fork + len(self.blocks)

    def standing(self, anchor: Anchor) -> Standing:
        """For an anchor above the fork; both chains are the same to others."""
        place = anchor.number - self.fork - 1
        if place >= len(self.blocks):
            return Standing.OPEN
        holds = place < 0 or self.blocks[place].hash() == anchor.hash
        return Standing.HOLDS if holds else Standing.CONTRADICTS

    def _rank(self) -> tuple[int, int, bytes]:
        if not self.blocks:
            return 0, 0, b""
        first = self.blocks[0]
        return -len(self.blocks), first.block.block_data.timestamp, first.hash()


def prefers(candidate: Branch, current: Branch, anchors: Iterable[Anchor]) -> bool:
    """Whether to give up `current` for `candidate`; both begin at the same fork."""
    for anchor in anchors:
        found, had = candidate.standing(anchor), current.standing(anchor)
        if found != had:
            return found > had
    return candidate._rank() < current._rank()
