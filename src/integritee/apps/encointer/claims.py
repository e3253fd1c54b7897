"""What participants sign outside of the ledger: claims of attendance for each other, and proofs of their own.

Source: encointer primitives 0.3 (`ClaimOfAttendance`, `ProofOfAttendance`).
"""

from __future__ import annotations

from typing import Final

from integritee.crypto import KeyPair
from integritee.primitives.signature import sign, verify
from integritee.scale import codec

from .types import Attestation, ClaimOfAttendance, ProofOfAttendance

CLAIM: Final = codec(ClaimOfAttendance)
ATTESTATION: Final = codec(Attestation)
PROOF: Final = codec(ProofOfAttendance)


def attest(claim: ClaimOfAttendance, pair: KeyPair) -> Attestation:
    """Sign somebody's claim, as another participant of the meetup."""
    return Attestation(claim, sign(pair, CLAIM.encode(claim)), pair.public)


def is_signed(attestation: Attestation) -> bool:
    return verify(attestation.signature, CLAIM.encode(attestation.claim), attestation.public)


def prove_attendance(
    pair: KeyPair, ceremony_index: int, cid: bytes, prover: bytes | None = None
) -> ProofOfAttendance:
    """What the key's account earned in a ceremony, for the account `prover` to use; by default for itself."""
    prover = prover or pair.public
    signature = sign(pair, _proof_payload(prover, ceremony_index))
    return ProofOfAttendance(prover, ceremony_index, cid, pair.public, signature)


def is_proven(proof: ProofOfAttendance) -> bool:
    """Whether the attendee signed. What it is worth, the ledger knows."""
    payload = _proof_payload(proof.prover, proof.ceremony_index)
    return verify(proof.attendee_signature, payload, proof.attendee)


def _proof_payload(prover: bytes, ceremony_index: int) -> bytes:
    return prover + ceremony_index.to_bytes(4, "little")
