"""Layouts, byte by byte."""

from __future__ import annotations

import pytest

from integritee.apps.encointer.claims import ATTESTATION, CLAIM, PROOF, attest, is_proven, is_signed, prove_attendance
from integritee.apps.encointer.fixed_point import I64F64, ONE
from integritee.apps.encointer.parentchain import (
    CURRENCY_IDENTIFIERS,
    cid_text,
    community_identifier,
    locations_key,
    parse_cid,
)
from integritee.apps.encointer.types import BalanceEntry, ClaimOfAttendance
from integritee.crypto import Ed25519Pair, Sr25519Pair, blake2_128, blake2_256, twox_128
from integritee.enclave.selftest.damage import flipped
from integritee.scale import encode

from .kit import place

ALICE, BOB = Sr25519Pair.from_uri("//Alice"), Ed25519Pair.from_uri("//Bob")
CID = bytes(range(32))
HERE = place("35.5", "-40.25")
CLAIMED = ClaimOfAttendance(ALICE.public, 3, CID, 7, HERE, 1_700_000_000_000, 12)


def test_a_claim_is_104_bytes() -> None:
    lat, lon = (int(float(degrees) * 2**32).to_bytes(8, "little", signed=True) for degrees in ("35.5", "-40.25"))
    numbers = (1_700_000_000_000).to_bytes(8, "little") + (12).to_bytes(4, "little")
    expected = ALICE.public + b"\3\0\0\0" + CID + b"\7" + bytes(7) + lat + lon + numbers
    assert CLAIM.encode(CLAIMED) == expected
    assert len(expected) == 104


@pytest.mark.parametrize(("pair", "scheme"), [(ALICE, 1), (BOB, 0)])
def test_an_attestation_is_201_bytes(pair: Sr25519Pair, scheme: int) -> None:
    attestation = attest(CLAIMED, pair)
    encoded = ATTESTATION.encode(attestation)
    assert (len(encoded), encoded[:104], encoded[104], encoded[-32:]) == (
        201,
        CLAIM.encode(CLAIMED),
        scheme,
        pair.public,
    )
    assert is_signed(attestation)
    assert not is_signed(ATTESTATION.decode(flipped(encoded, 0)))


def test_a_proof_is_165_bytes() -> None:
    proof = prove_attendance(ALICE, 2, CID, BOB.public)
    encoded = PROOF.encode(proof)
    assert (len(encoded), encoded[:100]) == (165, BOB.public + b"\2\0\0\0" + CID + ALICE.public)
    assert ALICE.public == proof.attendee
    assert is_proven(proof)
    assert not is_proven(PROOF.decode(ALICE.public + encoded[32:]))


def test_a_balance_is_20_bytes() -> None:
    assert encode(BalanceEntry, BalanceEntry(I64F64(ONE), 5)) == bytes(8) + b"\1" + bytes(7) + b"\5\0\0\0"


def test_a_cid_is_the_hash_of_what_it_names() -> None:
    lat, lon = ((int(float(d) * 2**32)).to_bytes(8, "little", signed=True) for d in ("35.5", "-40.25"))
    cid = community_identifier([HERE], [ALICE.public])
    assert cid == blake2_256(b"\4" + lat + lon + b"\4" + ALICE.public)
    assert parse_cid(cid_text(cid)) == cid


@pytest.mark.parametrize("text", ["", "0", "abc", "1" * 31])
def test_what_is_no_cid(text: str) -> None:
    with pytest.raises(ValueError, match=r"base58|Invalid"):
        parse_cid(text)


def test_keys_of_the_parentchain() -> None:
    pallet = twox_128(b"EncointerCurrencies")
    assert pallet + twox_128(b"CurrencyIdentifiers") == CURRENCY_IDENTIFIERS
    assert locations_key(CID) == pallet + twox_128(b"Locations") + blake2_128(CID) + CID
