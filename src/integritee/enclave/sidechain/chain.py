"""The adopted sidechain: its latest block and state, and the *tail* of blocks that could still be given up.

    adopt      a block joins the tail
    finalize   blocks up to a number leave the tail: they are final
    revert     blocks above a number are given up, newest first; the state is what it was before them

States are persistent tries, so that a tail of states costs what their blocks changed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from integritee.primitives.ids import H256
from integritee.primitives.sidechain import SidechainHeader, SignedBlock
from integritee.scale import Struct, u64
from integritee.stf.operation import TrustedCallSigned
from integritee.trie import Trie

from ..parentchain.outbox import Payment
from ..pool import PoolEntry
from .payload import Planned
from .verification import NO_PARENT, Tip

MAX_TAIL: Final = 1024
"""Blocks that can be given up. If older ones are on a fork, state has to be had from another enclave."""


class Held(Struct, frozen=True):
    """What a block wants to happen on a parentchain, once the block (of `number`) is final."""

    number: u64
    planned: Planned


@dataclass(frozen=True)
class Adopted:
    """A block of the tail, and what is needed to do without it."""

    signed: SignedBlock
    changed: tuple[bytes, ...]
    """Keys of the state that it changed."""
    before: Trie
    before_bytes: int
    entries: tuple[PoolEntry[TrustedCallSigned], ...] = ()
    """Calls in it that this enclave's pool had."""
    refunds: tuple[Payment, ...] = ()
    """What its author gave back; due again without it."""

    @property
    def header(self) -> SidechainHeader:
        return self.signed.block.header

    @property
    def number(self) -> int:
        return self.header.block_number

    @property
    def timestamp(self) -> int:
        return self.signed.block.block_data.timestamp


@dataclass
class Chain:
    """One shard's blocks as this enclave sees them. `tip` is None before the first block; `state_bytes` is the size
    of the state's keys and values."""

    state: Trie
    state_bytes: int = 0
    tip: Tip | None = None
    held: list[Held] = field(default_factory=list)
    tail: deque[Adopted] = field(default_factory=deque)
    base: Tip | None = None
    """The last block before the tail."""
    final: int = 0
    """Number of the last block that is final: confirmed by the parentchain, or of the only validateer."""

    @property
    def head(self) -> SidechainHeader | None:
        return self.tip.header if self.tip else None

    @property
    def number(self) -> int:
        return self.tip.header.block_number if self.tip else 0

    @property
    def base_number(self) -> int:
        """Number of the last block that cannot be given up any more; 0 without one."""
        return self.base.header.block_number if self.base else 0

    def hash_at(self, number: int) -> H256 | None:
        """Hash of the block with a number, zeros for 0; None if it is not known, below the tail or above the head."""
        if number == self.base_number:
            return self.base.header.hash() if self.base else NO_PARENT
        place = number - self.base_number - 1
        return self.tail[place].header.hash() if 0 <= place < len(self.tail) else None

    def positions(self) -> dict[bytes, int]:
        """Numbers, by hash, of the blocks on which others may be adopted: those of the tail, and its base."""
        found = {adopted.header.hash(): adopted.number for adopted in self.tail}
        found[self.base.header.hash() if self.base else NO_PARENT] = self.base_number
        return found

    def adopt(self, block: Adopted, state: Trie, state_bytes: int, planned: Iterable[Planned] = ()) -> None:
        """Add a block behind the head."""
        self.tail.append(block)
        self.tip = Tip.of(block.signed.block)
        self.state, self.state_bytes = state, state_bytes
        self.held += [Held(block.number, each) for each in planned]

    def finalize(self, number: int) -> list[Adopted]:
        """Blocks up to `number` are final, and those that make the tail too long are not given up any more; they are
        returned."""
        self.final = max(self.final, min(number, self.number))
        left = []
        while self.tail and (self.tail[0].number <= number or len(self.tail) > MAX_TAIL):
            left.append(self.tail.popleft())
            self.base = Tip.of(left[-1].signed.block)
        return left

    def revert(self, number: int) -> list[Adopted]:
        """Give up the blocks above `number`, which is not below `base_number`; newest first."""
        given_up = []
        while self.tail and self.tail[-1].number > number:
            block = self.tail.pop()
            self.state, self.state_bytes = block.before, block.before_bytes
            given_up.append(block)
        self.tip = Tip.of(self.tail[-1].signed.block) if self.tail else self.base
        self.held = [held for held in self.held if held.number <= number]
        return given_up

    def due(self) -> list[Held]:
        """What final blocks wanted and nobody has begun yet."""
        return [held for held in self.held if held.number <= self.final]

    def release(self, keys: Iterable[bytes]) -> None:
        """What is held under these keys is under way, or another's to do."""
        gone = set(keys)
        if gone:
            self.held = [held for held in self.held if held.planned.key not in gone]


def restoration(given_up: Sequence[Adopted], state: Trie) -> list[tuple[bytes, bytes | None]]:
    """The change that makes the state of before these blocks, which `state` is, out of the one behind them."""
    return [(key, state.get(key)) for key in sorted({key for block in given_up for key in block.changed})]
