"""Slot arithmetic: sidechain time is cut into slots that the authorities own in turns.

Worker `sidechain/consensus/slots` and `sidechain/consensus/aura`: slot number = Unix ms // duration; the
author of a slot is authorities[slot mod n]; proposing may use 0.7 of what remains of the slot, and all of it where no
other validateer waits for the block. All times are Unix ms, all durations ms, all of them integers. Functions with
`slot_ms` raise InvalidSlotDuration if it is not positive.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from .errors import InvalidSlotDuration

SLOT_MS: Final = 1000
PROPOSAL_PERCENT: Final = 70
"""Share of a slot's remaining time that the proposer may spend on operations; the rest is for the network."""

LATE_PERCENT: Final = 50
"""Share of a slot that has to be left for it to be served."""


@dataclass(frozen=True, slots=True)
class Slot:
    """The half-open interval [start, end) with the number start // (end - start)."""

    number: int
    start: int
    end: int

    def contains(self, time: int) -> bool:
        return self.start <= time < self.end

    def proposal_deadline(self, now: int, is_alone: bool = False) -> int:
        """When the proposer must stop executing; not after `now` if the slot is over.

        A lone one executes until the slot's end: nobody waits for the block, so that what is left to do for it may
        fall into the next slot, which begins that much later for it.
        """
        return max(now, self.end) if is_alone else now + proposal_budget(self.end - now)


def slot_number(now: int, slot_ms: int = SLOT_MS) -> int:
    if slot_ms <= 0:
        raise InvalidSlotDuration(slot_ms)
    return now // slot_ms


def slot_at(now: int, slot_ms: int = SLOT_MS) -> Slot:
    """The slot that is in progress."""
    number = slot_number(now, slot_ms)
    return Slot(number, number * slot_ms, (number + 1) * slot_ms)


def next_slot(now: int, last_number: int, slot_ms: int = SLOT_MS) -> Slot | None:
    """The slot in progress unless it is too late for it, or it, or a later one, was served already; so no slot is
    served twice."""
    slot = slot_at(now, slot_ms)
    is_late = 100 * (slot.end - now) < LATE_PERCENT * slot_ms
    return slot if slot.number > last_number and not is_late else None


def delay_to_next_slot(now: int, slot_ms: int = SLOT_MS) -> int:
    """Time until the next slot begins: 1 to `slot_ms`, a full slot exactly on a boundary."""
    return slot_at(now, slot_ms).end - now


def proposal_budget(remaining: int) -> int:
    """Time the proposer may use when `remaining` is left of the slot; 0 if nothing is."""
    return max(0, remaining) * PROPOSAL_PERCENT // 100


def slot_author(number: int, authorities: Sequence[bytes]) -> bytes:
    """Round robin over the public keys in on-chain order, of which there must be some."""
    return authorities[number % len(authorities)]


def claims_slot(number: int, authorities: Sequence[bytes], own: bytes) -> bool:
    """Whether the slot is for the holder of the public key `own`; without authorities it is for nobody."""
    return bool(authorities) and slot_author(number, authorities) == own
