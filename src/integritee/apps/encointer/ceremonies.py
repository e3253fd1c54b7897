"""pallet EncointerCeremonies: registration, meetups, attestations and rewards, by the rules of generation 1.

Source: encointer pallet `ceremonies` 0.3. What differs:

* An attestation counts only if the claim is the sender's own, and each attester once; upstream takes claims of others
  and counts repetitions, so one friend is as good as a meetup.
* Who has no reputation can register as long as few do (`MAX_NEWBIES`): calls are free, accounts too.
* Reputation too old to be used is forgotten.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Sequence
from typing import Final

from integritee.frame.declare import storage
from integritee.frame.pallet import Pallet
from integritee.frame.storage_items import Blake2_128Concat, StorageDoubleMap, StorageMap, StorageValue
from integritee.primitives.ids import AccountId
from integritee.scale import u32, u64

from . import geography
from .balances import EncointerBalances
from .claims import is_proven, is_signed
from .communities import EncointerCommunities
from .errors import (
    AlreadyRegistered,
    AttendanceUnverified,
    AttendanceUsed,
    BadAttestationSignature,
    BadProofSignature,
    MeetupWithoutLocation,
    MeetupWithoutTime,
    NoAttestations,
    NotInMeetup,
    NoValidAttestations,
    ProofAcausal,
    ProofOutdated,
    ProverMismatch,
    TooManyAttestations,
    TooManyNewbies,
)
from .fixed_point import ONE
from .meetups import assign, meetup_time
from .types import (
    Attestation,
    CeremonyPhase,
    Cid,
    ClaimOfAttendance,
    CommunityCeremony,
    Meetup,
    MeetupIndex,
    ProofOfAttendance,
    Reputation,
)
from .validation import attendees

REWARD: Final = ONE
"""A unit of the community's currency for each attendance, as bits."""

LOCATION_TOLERANCE: Final = 1000
"""Metres between where a claim says the meetup was, and where it was to be."""

TIME_TOLERANCE: Final = 600_000
"""Milliseconds, likewise."""

REPUTATION_LIFETIME: Final = 1
"""Ceremonies for which reputation can be used."""

MAX_NEWBIES: Final = 2048
"""Participants without reputation that register in one community for one ceremony."""

BAD_SIGNATURE: Final = "with a bad signature"


class EncointerCeremonies(Pallet):
    """Participants, meetups and reputation by community and ceremony. `block` is that of the parentchain."""

    path = "pallet_encointer_ceremonies"
    communities: EncointerCommunities
    balances: EncointerBalances

    active: StorageValue[list[Cid]]
    """Communities for whose present ceremony somebody is registered."""
    participant_registry: StorageDoubleMap[
        Blake2_128Concat[CommunityCeremony], Blake2_128Concat[u64], AccountId | None
    ]
    participant_index: StorageDoubleMap[Blake2_128Concat[CommunityCeremony], Blake2_128Concat[AccountId], u64]
    participant_count: StorageMap[Blake2_128Concat[CommunityCeremony], u64]
    newbie_count: StorageMap[Blake2_128Concat[CommunityCeremony], u32]
    participant_reputation: StorageDoubleMap[
        Blake2_128Concat[CommunityCeremony], Blake2_128Concat[AccountId], Reputation
    ] = storage(default=Reputation.Unverified)
    meetup_registry: StorageDoubleMap[
        Blake2_128Concat[CommunityCeremony], Blake2_128Concat[MeetupIndex], list[AccountId]
    ]
    meetup_index: StorageDoubleMap[Blake2_128Concat[CommunityCeremony], Blake2_128Concat[AccountId], MeetupIndex]
    meetup_count: StorageMap[Blake2_128Concat[CommunityCeremony], u64]
    attestation_registry: StorageDoubleMap[
        Blake2_128Concat[CommunityCeremony], Blake2_128Concat[AccountId], list[AccountId]
    ]
    """Who attested an account, the last one first."""
    attestation_count: StorageMap[Blake2_128Concat[CommunityCeremony], u64]
    meetup_participant_count_vote: StorageDoubleMap[
        Blake2_128Concat[CommunityCeremony], Blake2_128Concat[AccountId], u32
    ]

    # -- registering ---------------------------------------------------------------------------------

    def check_registration(self, who: bytes, cid: bytes, index: int, proof: ProofOfAttendance | None) -> None:
        """Whether an account may register for ceremony `index`. Raises UnknownCommunity, RegistrationRefused."""
        self.communities.expect(cid)
        here = (cid, index)
        known = self.participant_index.get(here, who)
        if known:
            raise AlreadyRegistered(known)
        if proof is not None:
            self._check_proof(proof, who, index)
        elif self.newbie_count.get(here) >= MAX_NEWBIES and not self.communities.is_bootstrapper(cid, who):
            raise TooManyNewbies(MAX_NEWBIES)

    def _check_proof(self, proof: ProofOfAttendance, who: bytes, index: int) -> None:
        if proof.prover != who:
            raise ProverMismatch(proof.prover)
        if proof.ceremony_index >= index:
            raise ProofAcausal(proof.ceremony_index, index)
        if proof.ceremony_index < index - REPUTATION_LIFETIME:
            raise ProofOutdated(proof.ceremony_index, index - REPUTATION_LIFETIME)
        there = (proof.currency_identifier, proof.ceremony_index)
        reputation = self.participant_reputation.get(there, proof.attendee)
        if reputation is Reputation.VerifiedLinked:
            raise AttendanceUsed(proof.attendee, proof.ceremony_index)
        if reputation is not Reputation.VerifiedUnlinked:
            raise AttendanceUnverified(proof.attendee, proof.ceremony_index)
        if not is_proven(proof):
            raise BadProofSignature(proof.attendee)

    def register(self, who: bytes, cid: bytes, index: int, proof: ProofOfAttendance | None) -> None:
        """Register an account, which was checked; participants count in the order in which they do."""
        here = (cid, index)
        if proof is not None:
            there = (proof.currency_identifier, proof.ceremony_index)
            self.participant_reputation.put(there, proof.attendee, Reputation.VerifiedLinked)
            self.participant_reputation.put(here, who, Reputation.UnverifiedReputable)
        elif not self.communities.is_bootstrapper(cid, who):
            self.newbie_count.put(here, self.newbie_count.get(here) + 1)
        participant = self.participant_count.get(here) + 1
        if participant == 1:
            self.active.mutate(lambda cids: [*cids, cid])
        self.participant_count.put(here, participant)
        self.participant_registry.put(here, participant, who)
        self.participant_index.put(here, who, participant)

    def grant_reputation(self, who: bytes, cid: bytes, index: int) -> None:
        """Let an account register for ceremony `index` as if it had attended the one before."""
        self.participant_reputation.put((cid, max(index - 1, 0)), who, Reputation.VerifiedUnlinked)

    # -- phases --------------------------------------------------------------------------------------

    def begin_phase(self, index: int, phase: CeremonyPhase, block: int) -> None:
        """Ceremony `index` enters a phase; balances that change are stamped with `block`."""
        if phase is CeremonyPhase.Assigning:
            for cid in self.active.get():
                self._assign((cid, index))
        elif phase is CeremonyPhase.Registering:
            for cid in self.active.get():
                self._reward((cid, index - 1), block)
                self._purge((cid, index - 1))
            self.active.kill()
            self._forget_reputation(index - 1 - REPUTATION_LIFETIME)

    def _forget_reputation(self, index: int) -> None:
        """Nobody can use any more what was earned in ceremony `index`."""
        for cid in self.communities.identifiers.get() if index >= 0 else ():
            self.participant_reputation.clear_under((cid, index))

    def _assign(self, here: CommunityCeremony) -> None:
        cid, _ = here
        trusted = {who for who, _ in self.communities.bootstrappers.items_under(cid)}
        count = self.participant_count.get(here)
        participants = [self.participant_registry.get(here, number) or bytes(32) for number in range(1, count + 1)]
        reputables: list[bytes] = []
        newbies: list[bytes] = []
        for who in participants:
            known = who in trusted or self.participant_reputation.get(here, who) is Reputation.UnverifiedReputable
            (reputables if known else newbies).append(who)
        meetups = assign(reputables, newbies)
        self.meetup_count.put(here, len(meetups))
        for number, meetup in enumerate(meetups, 1):
            if meetup:
                self.meetup_registry.put(here, number, meetup)
            for who in meetup:
                self.meetup_index.put(here, who, number)

    def _reward(self, here: CommunityCeremony, block: int) -> None:
        cid, _ = here
        votes = dict(self.meetup_participant_count_vote.items_under(here))
        attesters = dict(self.attestation_registry.items_under(here))
        for number in range(1, self.meetup_count.get(here) + 1):
            for who in attendees(self.meetup_registry.get(here, number), votes, attesters):
                self.balances.issue(cid, who, REWARD, block)
                self.participant_reputation.put(here, who, Reputation.VerifiedUnlinked)

    def _purge(self, here: CommunityCeremony) -> None:
        """Forget all of a ceremony but what reputation was earned in it."""
        for by_participant in (
            *(self.participant_registry, self.participant_index, self.meetup_registry, self.meetup_index),
            *(self.attestation_registry, self.meetup_participant_count_vote),
        ):
            by_participant.clear_under(here)
        for counter in (self.participant_count, self.newbie_count, self.meetup_count, self.attestation_count):
            counter.remove(here)

    # -- attesting -----------------------------------------------------------------------------------

    def meetup_of(self, who: bytes, cid: bytes, index: int, start: int | None) -> Meetup | None:
        """The meetup an account is assigned to; `start` is when the phase of attesting began (Unix ms)."""
        number = self.meetup_index.get((cid, index), who)
        if not number:
            return None
        place = self.communities.locations.get(cid, number)
        time = None if place is None or start is None else meetup_time(place, start)
        return Meetup(number, self.meetup_registry.get((cid, index), number), place, time)

    def check_attestations(
        self, who: bytes, attestations: Sequence[Attestation], index: int, start: int | None
    ) -> tuple[Cid, Meetup]:
        """The community and the meetup that attestations for an account are of, whatever they are worth.

        Raises NoAttestations, UnknownCommunity, NotInMeetup, TooManyAttestations, MeetupWithoutLocation,
        MeetupWithoutTime.
        """
        if not attestations:
            raise NoAttestations
        cid = attestations[0].claim.currency_identifier
        self.communities.expect(cid)
        meetup = self.meetup_of(who, cid, index, start)
        if meetup is None:
            raise NotInMeetup(index)
        others = len(meetup.participants) - 1
        if len(attestations) > others:
            raise TooManyAttestations(len(attestations), others)
        if meetup.location is None:
            raise MeetupWithoutLocation(meetup.index)
        if meetup.time is None:
            raise MeetupWithoutTime(meetup.index)
        return cid, meetup

    def attest(self, who: bytes, attestations: Sequence[Attestation], index: int, start: int | None) -> None:
        """Take down who attested an account, in place of what it had. Those that do not count are passed over.

        Raises as `check_attestations`, BadAttestationSignature, NoValidAttestations.
        """
        cid, meetup = self.check_attestations(who, attestations, index, start)
        here = (cid, index)
        vote, attesters, reasons = 0, list[bytes](), Counter[str]()
        others = {*meetup.participants} - {who}
        claims: dict[ClaimOfAttendance, str | None] = {}
        for attestation in attestations:
            claim = attestation.claim
            if claim not in claims:
                claims[claim] = _why_no_claim(claim, who, here, meetup)
            reason = claims[claim] or _why_no_attestation(attestation, others)
            if reason is not None:
                reasons[reason] += 1
                continue
            others.remove(attestation.public)
            attesters.insert(0, attestation.public)
            vote = claim.number_of_participants_confirmed
        if not attesters:
            if reasons.keys() == {BAD_SIGNATURE}:
                raise BadAttestationSignature(len(attestations))
            raise NoValidAttestations(f"{count} {reason}" for reason, count in reasons.items())
        if not self.attestation_registry.get(here, who):
            self.attestation_count.put(here, self.attestation_count.get(here) + 1)
        self.attestation_registry.put(here, who, attesters)
        self.meetup_participant_count_vote.put(here, who, vote)


def _why_no_attestation(attestation: Attestation, others: Container[bytes]) -> str | None:
    """Why an attestation of a claim that counts does not; `others` are those who have not attested it yet."""
    if attestation.public not in others:
        return "not of another participant, or of one counted before"
    return None if is_signed(attestation) else BAD_SIGNATURE


def _why_no_claim(claim: ClaimOfAttendance, who: bytes, here: CommunityCeremony, meetup: Meetup) -> str | None:
    """Why a claim does not count whoever attests it; None if it does."""
    if claim.claimant != who:
        return "for a claim of another account"
    if claim.ceremony_index != here[1]:
        return "for another ceremony"
    if claim.currency_identifier != here[0]:
        return "for another community"
    if claim.meetup_index != meetup.index:
        return "for another meetup"
    assert meetup.location is not None
    assert meetup.time is not None
    if not geography.is_on_earth(claim.location):
        return "for a place that is not on Earth"
    if geography.distance(claim.location, meetup.location) > LOCATION_TOLERANCE:
        return "for another place"
    if abs(claim.timestamp - meetup.time) > TIME_TOLERANCE:
        return "for another time"
    return None
