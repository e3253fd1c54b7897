"""pallet EncointerScheduler of the ledger: the ceremony and its phase, as proven on the parentchain.

When a block is in another phase than the one before, all phases up to it are gone through, in order: two that begin
in one block are not lost. (The enclave of generation 1 sees the last of them only.)
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any, ClassVar, Final

from integritee.frame.pallet import Pallet
from integritee.frame.storage_items import StorageValue
from integritee.primitives.ids import AccountId, BlockNumber, Moment
from integritee.scale import Codec, ScaleError, Struct, codec, u32, u64
from integritee.stf.mirror import Values

from .ceremonies import EncointerCeremonies
from .errors import NoScheduler, NotCeremonyMaster, WrongPhase
from .free_calls import FreeCalls
from .parentchain import (
    ATTESTING_DURATION,
    CEREMONY_MASTER,
    CURRENT_CEREMONY_INDEX,
    CURRENT_PHASE,
    NEXT_PHASE_TIMESTAMP,
)
from .types import CeremonyIndex, CeremonyPhase

PHASES: Final = len(CeremonyPhase)
MAX_STEPS: Final = 2 * PHASES
"""Phases that are gone through at once; who was away for longer than two ceremonies has missed them."""

FORMS: Final[dict[bytes, Codec]] = {
    CURRENT_PHASE: codec(CeremonyPhase),
    CURRENT_CEREMONY_INDEX: codec(u32),
    NEXT_PHASE_TIMESTAMP: codec(u64),
    ATTESTING_DURATION: codec(u64),
    CEREMONY_MASTER: codec(AccountId),
}

log = logging.getLogger(__name__)


class Schedule(Struct, frozen=True):
    """What the parentchain says at block `block`; None for what it does not."""

    index: CeremonyIndex
    phase: CeremonyPhase
    block: BlockNumber
    next_phase_at: Moment | None
    attesting_duration: Moment | None
    ceremony_master: AccountId | None

    @property
    def attesting_start(self) -> int | None:
        """Unix ms; None unless the phase is that of attesting."""
        if self.phase is not CeremonyPhase.Attesting or self.next_phase_at is None or self.attesting_duration is None:
            return None
        return self.next_phase_at - self.attesting_duration


class EncointerScheduler(Pallet):
    """The schedule, and who is told when the phase changes."""

    path = "pallet_encointer_scheduler"
    mirrored_storage: ClassVar[tuple[bytes, ...]] = tuple(FORMS)
    ceremonies: EncointerCeremonies
    free_calls: FreeCalls

    schedule: StorageValue[Schedule | None]

    # -- the parentchain -----------------------------------------------------------------------------

    def wanted_storage(self) -> list[bytes]:
        return []

    def on_parentchain_block(self, number: int, values: Values) -> None:
        """Adopt what the block says; if it is in another phase, ceremonies go on to it, before its calls."""
        found = read_schedule(number, values)
        if found is None:
            return
        known = self.schedule.get()
        self.schedule.put(found)
        if known is None:
            return
        for index, phase in _phases_between(known, found):
            self.free_calls.forget()
            self.ceremonies.begin_phase(index, phase, number - 1)

    # -- looking up ----------------------------------------------------------------------------------

    def expect(self) -> Schedule:
        """Raises NoScheduler."""
        found = self.schedule.get()
        if found is None:
            raise NoScheduler
        return found

    def expect_phase(self, phase: CeremonyPhase) -> Schedule:
        """Raises NoScheduler, WrongPhase."""
        found = self.expect()
        if found.phase is not phase:
            raise WrongPhase(found.phase.name, phase.name)
        return found

    def expect_ceremony_master(self, who: bytes) -> Schedule:
        """Raises NoScheduler, NotCeremonyMaster."""
        found = self.expect()
        if found.ceremony_master != who:
            raise NotCeremonyMaster(who)
        return found


def read_schedule(number: int, values: Values) -> Schedule | None:
    """What proven storage says; None if the chain has no scheduler, or one that is not understood."""
    found: dict[bytes, Any] = {}
    try:
        for key, form in FORMS.items():
            value = values.get(key)
            found[key] = None if value is None else form.decode(value)
    except ScaleError as strange:
        log.warning("the parentchain's scheduler is not understood: %s", strange.code)
        return None
    if found[CURRENT_CEREMONY_INDEX] is None:
        return None
    return Schedule(
        found[CURRENT_CEREMONY_INDEX],
        CeremonyPhase(found[CURRENT_PHASE] or 0),
        number,
        found[NEXT_PHASE_TIMESTAMP],
        found[ATTESTING_DURATION],
        found[CEREMONY_MASTER],
    )


def _phases_between(known: Schedule, found: Schedule) -> Iterator[tuple[int, CeremonyPhase]]:
    """Ceremony and phase of each step from one to the other, the last `MAX_STEPS` of them; none if it goes back."""
    before, after = (PHASES * schedule.index + schedule.phase for schedule in (known, found))
    for step in range(max(before, after - MAX_STEPS) + 1, after + 1):
        yield step // PHASES, CeremonyPhase(step % PHASES)
