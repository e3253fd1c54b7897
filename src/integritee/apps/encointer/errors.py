"""Why a call of Encointer was refused. What is refused before it is worth a nonce leaves no trace in the ledger.

StfError
└── EncointerError
    ├── NoScheduler                 the parentchain has no scheduler of ceremonies
    ├── WrongPhase                  the call is for another phase of the ceremony
    ├── UnknownCommunity            there is no such community, or its content is not proven yet
    ├── TooManyFreeCalls            the account has made too many calls for now
    ├── RegistrationRefused         the account cannot register like this
    │   ├── AlreadyRegistered           the account is registered for this ceremony
    │   ├── TooManyNewbies              so many without reputation are registered already
    │   ├── ProverMismatch              the proof is for another account to use
    │   ├── ProofAcausal                the proof is of a ceremony that is not over
    │   ├── ProofOutdated               the proof is of a ceremony too long ago
    │   ├── AttendanceUnverified        the attendee was not verified in that ceremony
    │   ├── AttendanceUsed              the attendance was linked to a registration already
    │   └── BadProofSignature           the attendee has not signed the proof
    ├── AttestationsRefused         the attestations cannot be taken, or none of them counts
    │   ├── NoAttestations              the list is empty
    │   ├── NotInMeetup                 the account is not assigned to a meetup
    │   ├── TooManyAttestations         more than there are other participants
    │   ├── MeetupWithoutLocation       there are fewer locations than meetups
    │   ├── MeetupWithoutTime           the parentchain does not say when the phase began
    │   ├── BadAttestationSignature     none of the attestations is signed by its attester
    │   └── NoValidAttestations         none of the attestations counts
    ├── NotCeremonyMaster           only the ceremony master of the parentchain may do this
    ├── NotBootstrapper             only a bootstrapper of the community may do this
    ├── BalanceTooLow               the account has less than it wants to transfer
    ├── AmountNotPositive           nothing, or less than nothing, was to be transferred
    ├── AmountTooSmall              too little to begin a balance with
    └── IssuanceOverflow            the community's currency cannot count so much
"""

from __future__ import annotations

from collections.abc import Iterable

from integritee.stf.errors import StfError

from .fixed_point import I64F64
from .parentchain import cid_text


class EncointerError(StfError):
    code = "encointer"


class NoScheduler(EncointerError):
    """The parentchain has no pallet EncointerScheduler, or none of its blocks is in the ledger yet."""

    code = "encointer.no_scheduler"

    def __init__(self) -> None:
        super().__init__("the parentchain is not known to schedule ceremonies")


class WrongPhase(EncointerError):
    """Wait for the phase of the ceremony in which this is possible."""

    code = "encointer.wrong_phase"

    def __init__(self, found: str, expected: str) -> None:
        self.found, self.expected = found, expected
        super().__init__(f"this is possible in the phase {expected}, it is {found} now")


class UnknownCommunity(EncointerError):
    """No community of this cid is registered on the parentchain, or its content is not in the ledger yet."""

    code = "encointer.unknown_community"

    def __init__(self, cid: bytes) -> None:
        self.cid = cid_text(cid)
        super().__init__(f"there is no community {self.cid}")


class TooManyFreeCalls(EncointerError):
    """Calls are free, so an account may not make many at once. `retry_at` is Unix time in ms."""

    code = "encointer.too_many_free_calls"

    def __init__(self, limit: int, retry_at: int) -> None:
        self.limit, self.retry_at = limit, retry_at
        super().__init__(f"the account has made {limit} free calls at once; it may go on at {retry_at} (Unix ms)")


# -- registration --------------------------------------------------------------------------------------


class RegistrationRefused(EncointerError):
    code = "encointer.registration_refused"


class AlreadyRegistered(RegistrationRefused):
    code = "encointer.already_registered"

    def __init__(self, participant_index: int) -> None:
        self.participant_index = participant_index
        super().__init__(f"the account is registered for this ceremony as participant {participant_index}")


class TooManyNewbies(RegistrationRefused):
    """Who has no reputation takes part as long as few do; try early in the next ceremony."""

    code = "encointer.too_many_newbies"

    def __init__(self, limit: int) -> None:
        self.limit = limit
        super().__init__(f"{limit} participants without reputation are registered already")


class ProverMismatch(RegistrationRefused):
    """A proof of attendance names the account that may register with it."""

    code = "encointer.prover_mismatch"

    def __init__(self, prover: bytes) -> None:
        self.prover = prover
        super().__init__("the proof of attendance is for another account to use")


class ProofAcausal(RegistrationRefused):
    code = "encointer.proof_acausal"

    def __init__(self, found: int, current: int) -> None:
        self.found, self.current = found, current
        super().__init__(f"the proof is of ceremony {found}, the present one is {current}")


class ProofOutdated(RegistrationRefused):
    code = "encointer.proof_outdated"

    def __init__(self, found: int, oldest: int) -> None:
        self.found, self.oldest = found, oldest
        super().__init__(f"the proof is of ceremony {found}, the oldest one that counts is {oldest}")


class AttendanceUnverified(RegistrationRefused):
    """The attendee earned no reputation in that ceremony; register without a proof."""

    code = "encointer.attendance_unverified"

    def __init__(self, attendee: bytes, ceremony_index: int) -> None:
        self.attendee, self.ceremony_index = attendee, ceremony_index
        super().__init__(f"the attendee was not verified in ceremony {ceremony_index}")


class AttendanceUsed(RegistrationRefused):
    """Reputation of a ceremony is good for one registration."""

    code = "encointer.attendance_used"

    def __init__(self, attendee: bytes, ceremony_index: int) -> None:
        self.attendee, self.ceremony_index = attendee, ceremony_index
        super().__init__(f"the attendance in ceremony {ceremony_index} was used for a registration already")


class BadProofSignature(RegistrationRefused):
    code = "encointer.bad_proof_signature"

    def __init__(self, attendee: bytes) -> None:
        self.attendee = attendee
        super().__init__("the proof of attendance is not signed by the attendee")


# -- attestations --------------------------------------------------------------------------------------


class AttestationsRefused(EncointerError):
    code = "encointer.attestations_refused"


class NoAttestations(AttestationsRefused):
    code = "encointer.no_attestations"

    def __init__(self) -> None:
        super().__init__("the list of attestations is empty")


class NotInMeetup(AttestationsRefused):
    code = "encointer.not_in_meetup"

    def __init__(self, ceremony_index: int) -> None:
        self.ceremony_index = ceremony_index
        super().__init__(f"the account is in no meetup of ceremony {ceremony_index}")


class TooManyAttestations(AttestationsRefused):
    code = "encointer.too_many_attestations"

    def __init__(self, found: int, limit: int) -> None:
        self.found, self.limit = found, limit
        super().__init__(f"{found} attestations, but only {limit} others are in the meetup")


class MeetupWithoutLocation(AttestationsRefused):
    """The community has fewer locations than meetups; those of this meetup cannot attend."""

    code = "encointer.meetup_without_location"

    def __init__(self, meetup_index: int) -> None:
        self.meetup_index = meetup_index
        super().__init__(f"meetup {meetup_index} has no location")


class MeetupWithoutTime(AttestationsRefused):
    """The parentchain's scheduler does not say when the phase of attesting began."""

    code = "encointer.meetup_without_time"

    def __init__(self, meetup_index: int) -> None:
        self.meetup_index = meetup_index
        super().__init__(f"the time of meetup {meetup_index} is not known")


class BadAttestationSignature(AttestationsRefused):
    code = "encointer.bad_attestation_signature"

    def __init__(self, found: int) -> None:
        self.found = found
        super().__init__(f"none of {found} attestations is signed by its attester")


class NoValidAttestations(AttestationsRefused):
    """`reasons` are why the attestations do not count, each with how many it is true of."""

    code = "encointer.no_valid_attestations"

    def __init__(self, reasons: Iterable[str]) -> None:
        self.reasons = ", ".join(sorted(reasons))
        super().__init__(f"no attestation counts: {self.reasons}")


# -- everything else -----------------------------------------------------------------------------------


class NotCeremonyMaster(EncointerError):
    code = "encointer.not_ceremony_master"

    def __init__(self, sender: bytes) -> None:
        self.sender = sender
        super().__init__("only the ceremony master may do this")


class NotBootstrapper(EncointerError):
    code = "encointer.not_bootstrapper"

    def __init__(self, cid: bytes) -> None:
        self.cid = cid_text(cid)
        super().__init__(f"only a bootstrapper of community {self.cid} may do this")


class BalanceTooLow(EncointerError):
    """Amounts are in units of the community's currency."""

    code = "encointer.balance_too_low"

    def __init__(self, needed: int, available: int) -> None:
        self.needed, self.available = str(I64F64(needed)), str(I64F64(available))
        super().__init__(f"{self.needed} is to be transferred, the account has {self.available}")


class AmountNotPositive(EncointerError):
    code = "encointer.amount_not_positive"

    def __init__(self, amount: int) -> None:
        self.amount = str(I64F64(amount))
        super().__init__(f"{self.amount} cannot be transferred")


class AmountTooSmall(EncointerError):
    """A balance takes room in the ledger for nothing, so it has to begin with a little."""

    code = "encointer.amount_too_small"

    def __init__(self, amount: int, least: int) -> None:
        self.amount, self.least = str(I64F64(amount)), str(I64F64(least))
        super().__init__(f"{self.amount} is too little to begin a balance with, {self.least} is enough")


class IssuanceOverflow(EncointerError):
    code = "encointer.issuance_overflow"

    def __init__(self, cid: bytes) -> None:
        self.cid = cid_text(cid)
        super().__init__(f"the currency of community {self.cid} cannot count so much")
