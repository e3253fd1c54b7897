"""pallet EncointerScheduler: at which ceremony the world is, and in which phase of it.

Source: encointer pallets 0.3, `scheduler`. Phases follow each other by the clock, or when the ceremony master says
so; what was cut short or stretched by hand is not carried on: the end of a phase is where the rhythm of whole
ceremonies has it.
"""

from __future__ import annotations

from typing import Final

from integritee.apps.encointer.types import CeremonyIndex, CeremonyPhase
from integritee.frame.declare import Errors, Events, call, error, event, storage
from integritee.frame.origin import Origin, ensure_signed
from integritee.frame.pallet import Pallet
from integritee.frame.pallets.timestamp import Timestamp
from integritee.frame.storage_items import Blake2_128Concat, StorageMap, StorageValue
from integritee.frame.weights import weight
from integritee.primitives.ids import AccountId, Moment

MS_PER_DAY: Final = 86_400_000


class EncointerScheduler(Pallet):
    """Ceremony, phase and when the next one begins (Unix ms)."""

    path = "pallet_encointer_scheduler"
    timestamp: Timestamp

    current_ceremony_index: StorageValue[CeremonyIndex]
    current_phase: StorageValue[CeremonyPhase] = storage(default=CeremonyPhase.Registering)
    next_phase_timestamp: StorageValue[Moment]
    phase_durations: StorageMap[Blake2_128Concat[CeremonyPhase], Moment]
    ceremony_master: StorageValue[AccountId | None]

    class Event(Events):
        PhaseChangedTo = event(0, CeremonyPhase)
        CeremonySchedulePushedByOneDay = event(1)

    class Error(Errors):
        OnlyCeremonyMaster = error("only the ceremony master may do this")

    # -- calls ---------------------------------------------------------------------------------------

    @call(0, weight=weight(10_000_000, 4, 3))
    def next_phase(self, origin: Origin) -> None:
        """Begin the next phase now (ceremony master)."""
        self._ensure_master(origin)
        self._progress(self.timestamp.now.get())

    @call(1, weight=weight(10_000_000, 2, 1))
    def push_by_one_day(self, origin: Origin) -> None:
        """Let the phase last a day longer (ceremony master)."""
        self._ensure_master(origin)
        self.next_phase_timestamp.put(self.next_phase_timestamp.get() + MS_PER_DAY)
        self.deposit(self.Event.CeremonySchedulePushedByOneDay())

    def _ensure_master(self, origin: Origin) -> None:
        if ensure_signed(origin) != self.ceremony_master.get():
            raise self.Error.OnlyCeremonyMaster()

    # -- time ----------------------------------------------------------------------------------------

    def on_timestamp_set(self, moment: int) -> None:
        """Set the clock with the first block; afterwards begin the phase that is due."""
        due = self.next_phase_timestamp.get()
        if due == 0:
            first = moment - moment % MS_PER_DAY + self.phase_durations.get(CeremonyPhase.Registering)
            self.next_phase_timestamp.put(self._resynced(first, moment))
        elif due < moment:
            self._progress(moment)

    def _progress(self, now: int) -> None:
        phase = CeremonyPhase((self.current_phase.get() + 1) % len(CeremonyPhase))
        if phase is CeremonyPhase.Registering:
            self.current_ceremony_index.put(self.current_ceremony_index.get() + 1)
        end = self.next_phase_timestamp.get() + self.phase_durations.get(phase)
        self.next_phase_timestamp.put(self._resynced(end, now))
        self.current_phase.put(phase)
        self.deposit(self.Event.PhaseChangedTo(phase))

    def _resynced(self, moment: int, now: int) -> int:
        """The same time of a ceremony, in the one that lies between now and its length from now."""
        cycle = sum(self.phase_durations.get(phase) for phase in CeremonyPhase)
        if cycle == 0:
            return moment
        if moment < now:
            return moment + cycle * ((now - moment) // cycle + 1)
        return moment - cycle * ((moment - now) // cycle)
