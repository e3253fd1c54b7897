"""Values of Encointer, generation 1: layouts of claims, attestations, proofs and balances (encointer primitives 0.3).

All integers are little-endian; a currency identifier is the cid of a community.
"""

from __future__ import annotations

import enum
from typing import Annotated, Final, TypeAlias

from integritee.primitives.ids import H256, AccountId, BlockNumber, Moment
from integritee.primitives.signature import MultiSignature
from integritee.scale import Bounded, Struct, u32, u64

from .fixed_point import I32F32, I64F64

MAX_ATTESTATIONS: Final = 100
"""Of one call."""

MAX_LOCATIONS: Final = 1024
MAX_BOOTSTRAPPERS: Final = 1024
"""Of one community."""

MAX_COMMUNITIES: Final = 1024
"""That a chain registers, and that a ledger serves."""

MAX_METADATA_BYTES: Final = 128
"""Of the IPFS identifier of a community's meta data."""

Cid: TypeAlias = H256
"""Names a community: blake2_256 of its locations and bootstrappers; base58 in texts."""

CeremonyIndex: TypeAlias = u32
"""Ceremonies count from 1."""

MeetupIndex: TypeAlias = u64
"""Meetups of a ceremony count from 1, and so do participants; 0 stands for none."""

CommunityCeremony: TypeAlias = tuple[Cid, CeremonyIndex]

MetadataCid: TypeAlias = Annotated[bytes, Bounded(MAX_METADATA_BYTES)]
"""Where a community's meta data is: an IPFS CID as text."""


class CeremonyPhase(enum.IntEnum):
    """What a ceremony is about to do; one phase follows the other."""

    Registering = 0
    Assigning = 1
    Attesting = 2


class Reputation(enum.IntEnum):
    """What an account has of a ceremony: attendance that can be linked once, to the registration for the next one."""

    Unverified = 0
    UnverifiedReputable = 1
    VerifiedUnlinked = 2
    VerifiedLinked = 3


class Location(Struct, frozen=True):
    """A place in degrees, north and east positive."""

    lat: I32F32
    lon: I32F32


class Community(Struct, frozen=True):
    """What a community is founded with: where it meets, and who is trusted from the beginning."""

    locations: list[Location]
    bootstrappers: list[AccountId]


class ClaimOfAttendance(Struct, frozen=True):
    """104 bytes: that the claimant was at a meetup, then and there, with that many participants, itself included."""

    claimant: AccountId
    ceremony_index: CeremonyIndex
    currency_identifier: Cid
    meetup_index: MeetupIndex
    location: Location
    timestamp: Moment
    number_of_participants_confirmed: u32


class Attestation(Struct, frozen=True):
    """201 bytes: a claim that another participant has signed."""

    claim: ClaimOfAttendance
    signature: MultiSignature
    public: AccountId


class ProofOfAttendance(Struct, frozen=True):
    """165 bytes: that `attendee` lets `prover` use what it earned in a ceremony of a community."""

    prover: AccountId
    ceremony_index: CeremonyIndex
    currency_identifier: Cid
    attendee: AccountId
    attendee_signature: MultiSignature


class BalanceEntry(Struct, frozen=True):
    """20 bytes: what an account had at a parentchain block; it melts from there on (`demurrage`)."""

    principal: I64F64
    last_update: BlockNumber


class SchedulerState(Struct, frozen=True):
    """Ceremony and phase as proven, and the parentchain block up to which that is known."""

    ceremony_index: CeremonyIndex
    phase: CeremonyPhase
    block_number: BlockNumber


class Meetup(Struct, frozen=True):
    """A meetup of the present ceremony; `location` is None for those that there is none for, `time` (Unix ms) while
    the phase is not that of attesting."""

    index: MeetupIndex
    participants: list[AccountId]
    location: Location | None
    time: Moment | None
