"""pallet Grandpa: the authorities whose votes make blocks final.

Source: pallet-grandpa 40 (polkadot-sdk stable2503), sp-consensus-grandpa. A change of authorities is announced in
the digest of the block that schedules it and takes effect `delay` blocks later. Authorities live in pallet
storage; the well-known key ``:grandpa_authorities`` of older runtimes is not written.

There is no session pallet: the set id grows with each change that takes effect, and `schedule_change` is what a
runtime (or a test) calls to make one. No extrinsic reaches it.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from integritee.frame.declare import Constant, Errors, Events, call, constant, error, event, storage
from integritee.frame.origin import Origin, ensure_root
from integritee.frame.pallet import Pallet
from integritee.frame.pallets.system import System
from integritee.frame.storage_items import StorageMap, StorageValue, Twox64Concat
from integritee.frame.weights import weight
from integritee.primitives.grandpa import Authority, ConsensusLog, ForcedChange, ScheduledChange
from integritee.primitives.header import GRANDPA_ENGINE, Consensus
from integritee.primitives.ids import BlockNumber
from integritee.scale import Bounded, Enum, Fixed, Struct, encode, u32, u64

MAX_AUTHORITIES = 32

GrandpaId = Annotated[bytes, Fixed(32, "sp_consensus_grandpa::app::Public")]
"""ed25519 public key of a voter."""

AuthorityList = Annotated[list[tuple[GrandpaId, u64]], Bounded(MAX_AUTHORITIES, "WeakBoundedVec")]
"""Voters and their weights."""


class StoredState(Enum, frozen=True):
    """Whether finality goes on."""

    scale_path: ClassVar[str] = "pallet_grandpa::StoredState"


class Live(StoredState, frozen=True):
    index: ClassVar[int] = 0


class PendingPause(StoredState, frozen=True):
    index: ClassVar[int] = 1
    scheduled_at: BlockNumber
    delay: BlockNumber


class Paused(StoredState, frozen=True):
    index: ClassVar[int] = 2


class PendingResume(StoredState, frozen=True):
    index: ClassVar[int] = 3
    scheduled_at: BlockNumber
    delay: BlockNumber


class StoredPendingChange(Struct, frozen=True):
    """A change announced but not yet in effect; `forced` is the best finalized block that forced changes name."""

    scale_path: ClassVar[str] = "pallet_grandpa::StoredPendingChange"
    scheduled_at: BlockNumber
    delay: BlockNumber
    next_authorities: AuthorityList
    forced: BlockNumber | None = None

    @property
    def effective(self) -> int:
        """Block at whose end it takes effect."""
        return self.scheduled_at + self.delay


class Grandpa(Pallet):
    """Who finalizes, and what becomes of it."""

    path = "pallet_grandpa"
    storage_version: ClassVar[int | None] = 5
    system: System

    state: StorageValue[StoredState] = storage(default=Live())
    pending_change: StorageValue[StoredPendingChange | None]
    next_forced: StorageValue[BlockNumber | None]
    stalled: StorageValue[tuple[BlockNumber, BlockNumber] | None]
    current_set_id: StorageValue[u64]
    set_id_session: StorageMap[Twox64Concat[u64], u32 | None]
    authorities: StorageValue[AuthorityList]

    max_authorities: Constant[u32] = constant(MAX_AUTHORITIES)
    max_nominators: Constant[u32] = constant(0)
    max_set_id_session_entries: Constant[u64] = constant(0)

    class Event(Events):
        NewAuthorities = event(0, authority_set=list[tuple[GrandpaId, u64]])
        Paused = event(1)
        Resumed = event(2)

    class Error(Errors):
        PauseFailed = error("attempt to signal a pause when the set is not live")
        ResumeFailed = error("attempt to signal a resume when the set is not paused")
        ChangePending = error("attempt to signal a change with one already pending")
        TooSoon = error("cannot signal a forced change so soon after the last one")
        InvalidKeyOwnershipProof = error("a proof of key ownership does not hold")
        InvalidEquivocationProof = error("a proof of equivocation does not hold")
        DuplicateOffenceReport = error("the offence is known already")

    def schedule_change(self, next_authorities: list[Authority], delay: int) -> None:
        """Announce new authorities, in effect `delay` blocks after this one. Raises ChangePending."""
        if self.pending_change.exists():
            raise self.Error.ChangePending()
        self.pending_change.put(StoredPendingChange(self.system.number.get(), delay, next_authorities))

    @call(2, weight=weight(12_000_000, writes=1))
    def note_stalled(self, origin: Origin, delay: BlockNumber, best_finalized_block_number: BlockNumber) -> None:
        """Note that finality stands still (root). What to do about it is up to the authorities' operators."""
        ensure_root(origin)
        self.stalled.put((delay, best_finalized_block_number))

    def on_finalize(self, number: int) -> None:
        """Announce the change scheduled in this block; put into effect the one that is due."""
        change = self.pending_change.get()
        if change is None:
            return
        if number == change.scheduled_at:
            self.system.deposit_log(Consensus(GRANDPA_ENGINE, encode(ConsensusLog, _log_of(change))))
        if number == change.effective:
            self._enact(change)

    def _enact(self, change: StoredPendingChange) -> None:
        self.authorities.put(change.next_authorities)
        set_id = self.current_set_id.mutate(lambda n: n + 1)
        self.set_id_session.put(set_id, set_id)
        self.deposit(self.Event.NewAuthorities(change.next_authorities))
        self.pending_change.kill()


def _log_of(change: StoredPendingChange) -> ConsensusLog:
    if change.forced is not None:
        return ForcedChange(change.forced, change.next_authorities, change.delay)
    return ScheduledChange(change.next_authorities, change.delay)
