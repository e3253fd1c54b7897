"""The adopted sidechain: its latest block and state, and the *tail* of blocks that could still be given up.

    adopt      a block joins the tail
    finalize   blocks up to a number leave the tail: they are final
    revert     blocks above a number are given up, newest first; the state is what it was before them

States are persistent tries, so that a tail of states costs what their blocks changed.

What a block wants done on a parentchain is *held* until nobody can doubt who does it::

    planned   a call burned for it
    taken     a block of the primary says that its author will do it; a later one of another primary may take it over
    due       the block that took it is final: its author, and nobody else ever, does it
    released  its author has it under way

So it happens once at most, whatever becomes of blocks and primaries, and not for a block that is given up.
"""

from __future__ import annotations

import dataclasses
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from msgspec.structs import replace

from integritee.primitives.ids import H256, AccountId
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
    """What block `number` wants to happen on a parentchain, and who took it upon itself in block `since`, if anybody
    did."""

    number: u64
    planned: Planned
    payer: AccountId | None = None
    since: u64 = 0

    def is_settled(self, final: int) -> bool:
        """Whether it is for good who does it, with blocks up to `final` being final."""
        return self.payer is not None and self.since <= final


@dataclass(frozen=True)
class Adopted:
    """A block of the tail, and what is needed to do without it."""

    signed: SignedBlock
    changed: tuple[bytes, ...]
    """Keys of the state that it changed."""
    before: Trie
    before_bytes: int
    held_before: tuple[Held, ...] = ()
    entries: tuple[PoolEntry[TrustedCallSigned], ...] = ()
    """Calls in it, executed or charged, that this enclave's pool had."""
    refunds: tuple[Payment, ...] = ()
    """What this enclave gave back in it; due again without it."""
    released: tuple[bytes, ...] = ()
    """Keys of what its author has under way, even if the block is given up."""

    @cached_property
    def hash(self) -> bytes:
        return self.header.hash()

    @property
    def header(self) -> SidechainHeader:
        return self.signed.block.header

    @cached_property
    def author(self) -> bytes:
        return self.signed.block.block_data.block_author

    @property
    def number(self) -> int:
        return self.header.block_number

    @property
    def timestamp(self) -> int:
        return self.signed.block.block_data.timestamp


@dataclass
class Chain:
    """One shard's blocks as enclave `own` (32-byte account) sees them. `tip` is None before the first block;
    `state_bytes` is the size of the state's keys and values."""

    state: Trie
    own: bytes
    state_bytes: int = 0
    tip: Tip | None = None
    held: tuple[Held, ...] = ()
    tail: deque[Adopted] = field(default_factory=deque)
    base: Tip | None = None
    """The last block before the tail."""
    final: int = 0
    """Number of the last block that is final: confirmed by the parentchain, or of the only validateer."""
    positions: dict[bytes, int] = field(init=False)
    """Numbers, by hash, of the blocks on which others may be adopted: those of the tail, and its base."""

    def __post_init__(self) -> None:
        self.rebase(self.base)
        self.held = self._without_others(self.held)

    def rebase(self, base: Tip | None) -> None:
        """Have the chain end at `base`, without a tail."""
        self.tip = self.base = base
        self.tail.clear()
        self.positions = {self._base_hash: self.base_number}

    def restore(self, tail: Iterable[Adopted]) -> None:
        """Have a tail behind the base, of which the present state is the last one."""
        for block in tail:
            self._append(block)

    def _append(self, block: Adopted) -> None:
        self.tail.append(block)
        self.positions[block.hash] = block.number
        self.tip = Tip.of(block.signed.block)

    @property
    def _base_hash(self) -> bytes:
        return self.base.header.hash() if self.base else NO_PARENT

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

    def at(self, number: int) -> Adopted | None:
        """The block of the tail with a number."""
        place = number - self.base_number - 1
        return self.tail[place] if 0 <= place < len(self.tail) else None

    def hash_at(self, number: int) -> H256 | None:
        """Hash of the block with a number, zeros for 0; None if it is not known, below the tail or above the head."""
        if number == self.base_number:
            return self._base_hash
        found = self.at(number)
        return found.hash if found else None

    def state_at(self, number: int) -> Trie:
        """The state behind a block of the tail, or behind the base."""
        behind = self.at(number + 1)
        return behind.before if behind else self.state

    # -- growing and shrinking -----------------------------------------------------------------------

    def adopt(
        self,
        block: Adopted,
        state: Trie,
        state_bytes: int,
        planned: Iterable[Planned] = (),
        taken: Iterable[bytes] = (),
    ) -> None:
        """Add a block behind the head: what it plans, and the keys of what its author takes upon itself."""
        self._append(block)
        self.state, self.state_bytes = state, state_bytes
        mine, gone = set(taken), set(block.released)
        held = [*self.held, *(Held(block.number, each) for each in planned)]
        self.held = tuple(
            replace(each, payer=block.author, since=block.number) if each.planned.key in mine else each
            for each in held
            if each.planned.key not in gone
        )

    def finalize(self, number: int) -> list[Adopted]:
        """Blocks up to `number` are final, and those that make the tail too long are not given up any more; they are
        returned."""
        self.final = max(self.final, min(number, self.number))
        self.held = self._without_others(self.held)
        left = []
        while self.tail and (self.tail[0].number <= number or len(self.tail) > MAX_TAIL):
            del self.positions[self._base_hash]
            left.append(self.tail.popleft())
            self.base = Tip.of(left[-1].signed.block)
        return left

    def revert(self, number: int) -> list[Adopted]:
        """Give up the blocks above `number`, which is not below `base_number`; newest first."""
        given_up: list[Adopted] = []
        while self.tail and self.tail[-1].number > number:
            given_up.append(self.tail.pop())
            del self.positions[given_up[-1].hash]
        if given_up:
            first = given_up[-1]
            self.state, self.state_bytes = first.before, first.before_bytes
            self.held = self._without_others(first.held_before)
            self._forget({key for block in given_up for key in block.released})
        self.tip = Tip.of(self.tail[-1].signed.block) if self.tail else self.base
        return given_up

    # -- what waits for blocks to be final -----------------------------------------------------------

    def _without_others(self, held: Iterable[Held]) -> tuple[Held, ...]:
        """Without what others do, for good."""
        return tuple(each for each in held if each.payer == self.own or not each.is_settled(self.final))

    def _forget(self, released: set[bytes]) -> None:
        """What is under way although its block is given up must not come back with older ones either."""
        if not released:
            return
        for place, block in enumerate(self.tail):
            if any(each.planned.key in released for each in block.held_before):
                self.tail[place] = dataclasses.replace(block, held_before=_other(block.held_before, released))
        self.held = _other(self.held, released)

    def due(self, final: int) -> list[Held]:
        """What this enclave has to do, with blocks up to `final` being final."""
        return [each for each in self.held if each.payer == self.own and each.since <= final]

    def open(self, final: int) -> list[Held]:
        """What it may still turn out that this enclave has to do."""
        return [each for each in self.held if not each.is_settled(final)]


def _other(held: Iterable[Held], keys: set[bytes]) -> tuple[Held, ...]:
    return tuple(each for each in held if each.planned.key not in keys)


def restoration(given_up: Sequence[Adopted], state: Trie) -> list[tuple[bytes, bytes | None]]:
    """The change that makes the state of before these blocks, which `state` is, out of the one behind them."""
    return [(key, state.get(key)) for key in sorted({key for block in given_up for key in block.changed})]
