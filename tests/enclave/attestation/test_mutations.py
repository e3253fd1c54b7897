"""Any change of a byte is refused, or changes nothing that is claimed."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integritee.attestation import INTEL_SGX_ROOT, SIMULATED_ROOT, AttestationError, Collateral, TrustAnchor
from integritee.enclave.attestation import EvidencePolicy, VerifiedEvidence, verify_quote
from integritee.enclave.selftest.damage import flipped
from integritee.scale import DecodeError, decode, encode

from ...attestation.forge import HARDWARE_NOW, HONEST, NOW, body, hardware_vector, with_document
from .policies import simulation_policy, vector_policy

Setting = tuple[bytes, Collateral, TrustAnchor, EvidencePolicy, int]

SIMULATED: Setting = (HONEST.quote(body()), HONEST.collateral, SIMULATED_ROOT, simulation_policy(), NOW)
HARDWARE: Setting = (
    *hardware_vector(),
    INTEL_SGX_ROOT,
    vector_policy(hardware_vector()[0]),
    HARDWARE_NOW,
)
SETTINGS = {"simulated": SIMULATED, "hardware": HARDWARE}
CLAIMS = {name: verify_quote(*setting) for name, setting in SETTINGS.items()}
CHAIN_START = 1052
"""Offset of the certificates, which nothing signs as a text."""

names = st.sampled_from(sorted(SETTINGS))
masks = st.integers(1, 255)
positions = st.integers(0, 1 << 20)


def outcome(quote: bytes, collateral: Collateral, name: str) -> VerifiedEvidence | None:
    _, _, anchor, policy, now = SETTINGS[name]
    try:
        return verify_quote(quote, collateral, anchor, policy, now)
    except AttestationError:
        return None


@settings(max_examples=300)
@given(names, positions, masks)
def test_byte_of_the_quote(name: str, position: int, mask: int) -> None:
    quote, collateral, *_ = SETTINGS[name]
    at = position % len(quote)
    assert outcome(flipped(quote, at, mask), collateral, name) in (None, CLAIMS[name])


@settings(max_examples=100)
@given(names, st.integers(0, CHAIN_START - 1), masks)
def test_byte_before_the_certificates_is_always_refused(name: str, at: int, mask: int) -> None:
    quote, collateral, *_ = SETTINGS[name]
    assert outcome(flipped(quote, at, mask), collateral, name) is None


@settings(max_examples=300)
@given(names, positions, masks)
def test_byte_of_the_collateral(name: str, position: int, mask: int) -> None:
    quote, collateral, *_ = SETTINGS[name]
    encoded = encode(Collateral, collateral)
    try:
        altered = decode(Collateral, flipped(encoded, position % len(encoded), mask))
    except DecodeError:
        return
    assert outcome(quote, altered, name) in (None, CLAIMS[name])


@pytest.mark.parametrize("name", SETTINGS)
def test_documents_are_covered_byte_by_byte(name: str) -> None:
    quote, collateral, *_ = SETTINGS[name]
    for document in ("tcb_info", "qe_identity"):
        text: bytes = getattr(collateral, document).text
        for at in range(0, len(text), 97):
            altered = with_document(collateral, document, text=flipped(text, at))
            assert outcome(quote, altered, name) is None


@pytest.mark.parametrize("name", SETTINGS)
def test_appended_or_missing_bytes(name: str) -> None:
    quote, collateral, *_ = SETTINGS[name]
    assert outcome(quote, collateral, name) == CLAIMS[name]
    assert outcome(quote + b"\0", collateral, name) is None
    assert outcome(quote[:-1], collateral, name) is None
