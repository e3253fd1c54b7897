"""Encointer's trusted calls and getters (encointer worker 0.7, `stf/src/lib.rs`; generation 1).

Calls are free. What would make one fail is looked at before its nonce is used, so that calls of accounts that own
nothing leave no trace unless they achieve something; those that do are counted (`free_calls`).
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from integritee.frame.pallet import Pallet
from integritee.frame.runtime import use
from integritee.primitives.ids import AccountId
from integritee.scale import Bounded, u32, u64
from integritee.stf.declare import App, Context, public_getter, trusted_call, trusted_getter
from integritee.stf.roles import HARMLESS_CALLS

from .balances import EncointerBalances
from .ceremonies import LOCATION_TOLERANCE, REWARD, TIME_TOLERANCE, EncointerCeremonies
from .communities import EncointerCommunities
from .fixed_point import I64F64
from .free_calls import FreeCalls
from .scheduler import EncointerScheduler
from .types import (
    MAX_ATTESTATIONS,
    Attestation,
    BalanceEntry,
    CeremonyIndex,
    CeremonyPhase,
    Cid,
    Community,
    Meetup,
    MeetupIndex,
    MetadataCid,
    ProofOfAttendance,
    Reputation,
    SchedulerState,
)

Attestations = Annotated[list[Attestation], Bounded(MAX_ATTESTATIONS)]


class Encointer(App):
    """Community currencies: who meets others at high sun proves to be a person, and gets an income."""

    name: ClassVar[str] = "encointer"
    index: ClassVar[int | None] = 60
    pallets: ClassVar[dict[str, Pallet]] = {
        "encointer_communities": use(61, EncointerCommunities),
        "encointer_balances": use(62, EncointerBalances),
        "encointer_ceremonies": use(63, EncointerCeremonies),
        "encointer_free_calls": use(64, FreeCalls),
        "encointer_scheduler": use(60, EncointerScheduler),
    }

    # -- what calls need ---------------------------------------------------------------------------

    def _may_transfer(self, now: int, sender: bytes, recipient: bytes, cid: bytes, amount: I64F64) -> None:
        self._scheduler.expect()
        self._balances.check_transfer(cid, sender, recipient, amount.bits)
        self._free_calls.use(sender, now)

    def _may_register(self, now: int, sender: bytes, cid: bytes, proof: ProofOfAttendance | None) -> None:
        schedule = self._scheduler.expect_phase(CeremonyPhase.Registering)
        self._ceremonies.check_registration(sender, cid, schedule.index, proof)
        self._free_calls.use(sender, now)

    def _may_attest(self, now: int, sender: bytes, attestations: list[Attestation]) -> None:
        schedule = self._scheduler.expect_phase(CeremonyPhase.Attesting)
        self._ceremonies.check_attestations(sender, attestations, schedule.index, schedule.attesting_start)
        self._free_calls.use(sender, now)

    def _may_grant(self, now: int, sender: bytes, cid: bytes, account: bytes) -> None:
        self._scheduler.expect_ceremony_master(sender)
        self._communities.expect(cid)
        self._free_calls.use(sender, now)

    def _may_describe(self, now: int, sender: bytes, cid: bytes, ipfs_cid: bytes) -> None:
        self._communities.expect_bootstrapper(cid, sender)
        self._free_calls.use(sender, now)

    # -- trusted calls -------------------------------------------------------------------------------

    @trusted_call(0, gate=_may_transfer, linked=("sender", "recipient"))
    def balance_transfer(
        self, ctx: Context, sender: AccountId, recipient: AccountId, cid: Cid, amount: I64F64
    ) -> None:
        """Transfer units of a community's currency."""
        block = self._scheduler.expect().block
        self._balances.transfer(cid, sender, recipient, amount.bits, block)

    @trusted_call(1, gate=_may_register, roles=HARMLESS_CALLS)
    def register_participant(
        self, ctx: Context, sender: AccountId, cid: Cid, proof: ProofOfAttendance | None
    ) -> None:
        """Register for the next meetups of a community; with a proof of attendance, as somebody with reputation."""
        self._ceremonies.register(sender, cid, self._scheduler.expect().index, proof)

    @trusted_call(2, gate=_may_attest, roles=HARMLESS_CALLS)
    def register_attestations(self, ctx: Context, sender: AccountId, attestations: Attestations) -> None:
        """Hand in what others of the own meetup have signed; it takes the place of what was handed in before."""
        schedule = self._scheduler.expect()
        self._ceremonies.attest(sender, attestations, schedule.index, schedule.attesting_start)

    @trusted_call(3, gate=_may_grant)
    def grant_reputation(self, ctx: Context, master: AccountId, cid: Cid, account: AccountId) -> None:
        """As ceremony master, give an account the reputation of the last ceremony."""
        self._ceremonies.grant_reputation(account, cid, self._scheduler.expect().index)

    @trusted_call(4, gate=_may_describe, roles=HARMLESS_CALLS)
    def set_community_metadata(self, ctx: Context, sender: AccountId, cid: Cid, ipfs_cid: MetadataCid) -> None:
        """As a bootstrapper, say where a community's meta data is: the IPFS CID as text."""
        self._communities.metadata.put(cid, ipfs_cid)

    # -- trusted getters -----------------------------------------------------------------------------

    @trusted_getter(0)
    def balance(self, account: AccountId, cid: Cid) -> BalanceEntry:
        """What an account had of a community's currency, and since which block of the parentchain it melts."""
        return self._balances.entry(cid, account)

    @trusted_getter(1)
    def participant_index(self, account: AccountId, cid: Cid) -> u64:
        """The number under which an account is registered for the present ceremony; 0 if it is not."""
        return self._ceremonies.participant_index.get(self._here(cid), account)

    @trusted_getter(2)
    def meetup_index(self, account: AccountId, cid: Cid) -> MeetupIndex:
        """The number of the meetup that an account is assigned to; 0 if it is to none."""
        return self._ceremonies.meetup_index.get(self._here(cid), account)

    @trusted_getter(3)
    def attestations(self, account: AccountId, cid: Cid) -> list[AccountId]:
        """Who has attested an account in the present ceremony, the last one first."""
        return self._ceremonies.attestation_registry.get(self._here(cid), account)

    @trusted_getter(4)
    def meetup_registry(self, account: AccountId, cid: Cid) -> list[AccountId]:
        """Who is assigned to the same meetup as an account, itself included."""
        here = self._here(cid)
        return self._ceremonies.meetup_registry.get(here, self._ceremonies.meetup_index.get(here, account))

    @trusted_getter(5)
    def meetup(self, account: AccountId, cid: Cid) -> Meetup | None:
        """The meetup that an account is assigned to: who, where and when; no answer if it is to none."""
        schedule = self._scheduler.schedule.get()
        if schedule is None:
            return None
        return self._ceremonies.meetup_of(account, cid, schedule.index, schedule.attesting_start)

    @trusted_getter(6)
    def reputation(self, account: AccountId, cid: Cid, ceremony_index: CeremonyIndex) -> Reputation:
        """What an account has earned in a ceremony; it is kept as long as it can be used."""
        return self._ceremonies.participant_reputation.get((cid, ceremony_index), account)

    # -- public getters ------------------------------------------------------------------------------

    @public_getter(0)
    def total_issuance(self, cid: Cid) -> BalanceEntry:
        """All there is of a community's currency, and the block at which that last changed."""
        return self._balances.issuance(cid)

    @public_getter(1)
    def participant_count(self, cid: Cid) -> u64 | None:
        """Who takes part in the present ceremony; no answer while accounts register, which nobody should watch."""
        schedule = self._scheduler.schedule.get()
        if schedule is None or schedule.phase is CeremonyPhase.Registering:
            return None
        return self._ceremonies.participant_count.get((cid, schedule.index))

    @public_getter(2)
    def meetup_count(self, cid: Cid) -> u64:
        """Meetups of the present ceremony, those for which there is no location included."""
        return self._ceremonies.meetup_count.get(self._here(cid))

    @public_getter(3)
    def ceremony_reward(self, cid: Cid) -> I64F64:
        """What an attendance is worth, in units of the community's currency."""
        return I64F64(REWARD)

    @public_getter(4)
    def location_tolerance(self, cid: Cid) -> u32:
        """Metres between a claim and the place of the meetup."""
        return LOCATION_TOLERANCE

    @public_getter(5)
    def time_tolerance(self, cid: Cid) -> u64:
        """Milliseconds between a claim and the time of the meetup."""
        return TIME_TOLERANCE

    @public_getter(6)
    def scheduler_state(self) -> SchedulerState | None:
        """Ceremony, phase and parentchain block; no answer if the parentchain has no scheduler."""
        found = self._scheduler.schedule.get()
        return None if found is None else SchedulerState(found.index, found.phase, found.block)

    @public_getter(7)
    def communities(self) -> list[Cid]:
        """Communities of which the ledger knows who and where they are."""
        return self._communities.identifiers.get()

    @public_getter(8)
    def community(self, cid: Cid) -> Community | None:
        """Locations and bootstrappers of a community."""
        return self._communities.communities.get(cid)

    @public_getter(9)
    def community_metadata(self, cid: Cid) -> MetadataCid | None:
        """Where a community's meta data is, if a bootstrapper has said so."""
        return self._communities.metadata.get(cid)

    # -- pallets -------------------------------------------------------------------------------------

    def _here(self, cid: bytes) -> tuple[bytes, int]:
        schedule = self._scheduler.schedule.get()
        return cid, 0 if schedule is None else schedule.index

    @property
    def _communities(self) -> EncointerCommunities:
        return self.runtime.pallet(EncointerCommunities)

    @property
    def _balances(self) -> EncointerBalances:
        return self.runtime.pallet(EncointerBalances)

    @property
    def _ceremonies(self) -> EncointerCeremonies:
        return self.runtime.pallet(EncointerCeremonies)

    @property
    def _free_calls(self) -> FreeCalls:
        return self.runtime.pallet(FreeCalls)

    @property
    def _scheduler(self) -> EncointerScheduler:
        return self.runtime.pallet(EncointerScheduler)
