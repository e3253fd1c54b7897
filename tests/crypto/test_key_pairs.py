from __future__ import annotations

from typing import Any

import pytest
import sr25519
from hypothesis import given
from hypothesis import strategies as st

from integritee.crypto import (
    DEV_PHRASE,
    Ed25519Pair,
    KeyPair,
    Sr25519Pair,
    hard_junction,
    mnemonic_to_mini_secret,
    ss58_decode,
    verify_ed25519,
    verify_sr25519,
)
from integritee.crypto.errors import InvalidLength, SoftDerivationUnsupported
from integritee.enclave.selftest.damage import flipped

PAIRS: dict[str, type[Sr25519Pair] | type[Ed25519Pair]] = {"sr25519": Sr25519Pair, "ed25519": Ed25519Pair}
VERIFIERS = {"sr25519": verify_sr25519, "ed25519": verify_ed25519}
SCHEMES = tuple(PAIRS)
ALICE_SEED = bytes.fromhex("e5be9a5092b81bca64be81d212e7f2f9eba183bb7a90954f7b76361f6edb5c0a")


def unhex(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


def test_public_keys_of_the_js_client(vectors: dict[str, Any]) -> None:
    for case in vectors["keys"]:
        pair = PAIRS[case["scheme"]].from_uri(case["uri"])
        assert "0x" + pair.public.hex() == case["public"]
        assert pair.scheme == case["scheme"]


def test_signatures_of_the_js_client(vectors: dict[str, Any]) -> None:
    delegate: KeyPair = Ed25519Pair.from_seed(unhex(vectors["ed25519_seed"]))
    for case in vectors["signed_calls"]:
        payload = unhex(case["payload"])
        message = b"<Bytes>" + payload + b"</Bytes>" if case["wrapped"] else payload
        signed = unhex(case["signed"])
        public, _ = ss58_decode(case["signer"])
        verify = VERIFIERS[case["scheme"]]
        assert verify(signed[-64:], message, public)
        if case["wrapped"]:
            assert not verify(signed[-64:], payload, public)
        if case["scheme"] == "ed25519":
            assert public == delegate.public
            assert delegate.sign(message) == signed[-64:]


def test_a_hex_seed_with_a_path_starts_at_that_seed() -> None:
    assert Sr25519Pair.from_uri("0x" + ALICE_SEED.hex()) == Sr25519Pair.from_uri("//Alice")
    assert Sr25519Pair.from_uri(f"0x{ALICE_SEED.hex()}//stash") == Sr25519Pair.from_uri("//Alice//stash")


@pytest.mark.parametrize("scheme", SCHEMES)
def test_phrase_password_and_development_phrase(scheme: str) -> None:
    pair = PAIRS[scheme]
    assert pair.from_uri("//Alice") == pair.from_uri(DEV_PHRASE + "//Alice")
    assert pair.from_uri("//Alice///") == pair.from_uri("//Alice")
    secret = mnemonic_to_mini_secret(DEV_PHRASE, "pass/word")
    assert pair.from_uri(DEV_PHRASE + "///pass/word") == pair.from_seed(secret)
    assert pair.from_uri("//Alice///pass") != pair.from_uri("//Alice")


@pytest.mark.parametrize(
    ("seed", "shard", "chain_code", "vault"),
    [
        (
            b"\x01" * 32,
            b"\x02" * 32,
            "0dda1791001c65c58e78cedad64c259e738982af921f5006345fef6285bb9eee",
            "b6652a2864b006cea707e93b9e3e8b85ce892e94e20caccd2a01230ea5578f8d",
        ),
        (
            b"\x07" * 32,
            b"\x11" * 32,
            None,
            "1ffabbfa7469e9ca06eaebbc6790bb64ca59f1ac99f51783e48775f263f22830",
        ),
    ],
)
def test_the_vault_of_a_shard(seed: bytes, shard: bytes, chain_code: str | None, vault: str) -> None:
    junction = hard_junction(shard)
    assert chain_code is None or junction.hex() == chain_code
    assert Ed25519Pair.from_seed(seed).derive_hard(junction).public.hex() == vault


def test_soft_derivation_agrees_with_derivation_from_the_public_key() -> None:
    chain_code = hard_junction(b"soft")
    alice = Sr25519Pair.from_uri("//Alice")
    child = alice.derive_soft(chain_code)
    assert child == Sr25519Pair.from_uri("//Alice/soft")
    assert child != alice.derive_hard(chain_code)
    assert child.public == sr25519.derive_pubkey((chain_code, alice.public), b"")[1]
    assert verify_sr25519(child.sign(b"message"), b"message", child.public)


def test_ed25519_refuses_soft_junctions() -> None:
    with pytest.raises(SoftDerivationUnsupported) as caught:
        Ed25519Pair.from_uri("//Alice/soft")
    assert caught.value.data() == {"scheme": "ed25519"}


@pytest.mark.parametrize("scheme", SCHEMES)
@given(seed=st.binary(min_size=32, max_size=32), message=st.binary(max_size=200), data=st.data())
def test_a_signature_holds_for_its_message_and_key_only(
    scheme: str, seed: bytes, message: bytes, data: st.DataObject
) -> None:
    pair: KeyPair = PAIRS[scheme].from_seed(seed)
    verify = VERIFIERS[scheme]
    signature = pair.sign(message)
    assert len(signature) == 64
    assert len(pair.public) == 32
    assert verify(signature, message, pair.public)
    assert not verify(signature, message + b"\0", pair.public)
    bit = data.draw(st.integers(0, 511))
    at, mask = bit // 8, 1 << bit % 8
    assert not verify(flipped(signature, at, mask), message, pair.public)
    assert not verify(signature, message, flipped(pair.public, at % 32, mask))


@pytest.mark.parametrize("scheme", SCHEMES)
@given(signature=st.binary(max_size=70), public=st.binary(max_size=40))
def test_malformed_input_is_an_invalid_signature(scheme: str, signature: bytes, public: bytes) -> None:
    assert VERIFIERS[scheme](signature, b"message", public) is False


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("filler", [b"\0", b"\xff"])
def test_degenerate_signatures_and_keys_are_invalid(scheme: str, filler: bytes) -> None:
    pair = PAIRS[scheme].from_seed(ALICE_SEED)
    assert not VERIFIERS[scheme](filler * 64, b"message", pair.public)
    assert not VERIFIERS[scheme](pair.sign(b"message"), b"message", filler * 32)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_wrong_lengths_are_refused(scheme: str) -> None:
    with pytest.raises(InvalidLength, match="seed must have 32 bytes, found 31"):
        PAIRS[scheme].from_seed(bytes(31))
    with pytest.raises(InvalidLength) as caught:
        PAIRS[scheme].from_seed(bytes(32)).derive_hard(bytes(33))
    assert caught.value.data() == {"what": "chain code", "expected": 32, "found": 33}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_secrets_do_not_show(scheme: str) -> None:
    pair = PAIRS[scheme].from_seed(ALICE_SEED)
    assert repr(pair) == f"{type(pair).__name__}(public={pair.public!r})"
