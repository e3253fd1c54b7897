"""Signatures that name their scheme, and sidechain blocks signed with them."""

from __future__ import annotations

from typing import Any

import pytest

from integritee.crypto import Ed25519Pair, KeyPair, Sr25519Pair, ss58_decode
from integritee.primitives.sidechain import BlockData, SidechainBlock, SidechainHeader, SignedBlock, next_finalization
from integritee.primitives.signature import Ecdsa, Ed25519, MultiSignature, Sr25519, sign, verify, verify_wrapped
from integritee.primitives.storage import blake2_map_key, pallet_version_key, storage_prefix
from integritee.scale import decode, encode

from .vectors import load, raw

PAIRS: list[KeyPair] = [Sr25519Pair.from_uri("//Alice"), Ed25519Pair.from_uri("//Alice")]


@pytest.mark.parametrize("pair", PAIRS, ids=lambda p: p.scheme)
def test_signatures(pair: KeyPair) -> None:
    signature = sign(pair, b"message")
    assert verify(signature, b"message", pair.public)
    assert not verify(signature, b"massage", pair.public)
    assert not verify(signature, b"message", bytes(32))
    assert decode(MultiSignature, encode(MultiSignature, signature)) == signature


def test_wrapped_signatures_are_good_for_signers_in_browsers_only() -> None:
    pair = PAIRS[0]
    wrapped = sign(pair, b"<Bytes>message</Bytes>")
    assert verify_wrapped(wrapped, b"message", pair.public)
    assert verify_wrapped(sign(pair, b"message"), b"message", pair.public)
    assert not verify(wrapped, b"message", pair.public)
    assert not verify_wrapped(sign(pair, b"<Bytes>message"), b"message", pair.public)


@pytest.mark.parametrize(
    ("signature", "hexed"),
    [
        (Ed25519(bytes(64)), "00" + "00" * 64),
        (Sr25519(b"\x01" * 64), "01" + "01" * 64),
        (Ecdsa(b"\x02" * 65), "02" + "02" * 65),
    ],
)
def test_signature_layout(signature: MultiSignature, hexed: str) -> None:
    assert encode(MultiSignature, signature).hex() == hexed
    assert not verify(signature, b"message", PAIRS[0].public)


@pytest.mark.parametrize("case", load("js-types.json")["signed_calls"], ids=lambda c: c["signed"][-16:])
def test_signatures_of_the_js_client(case: dict[str, Any]) -> None:
    signature = decode(MultiSignature, raw(case["signed"])[-65:])
    signer, _ = ss58_decode(case["signer"])
    assert verify_wrapped(signature, raw(case["payload"]), signer)
    assert verify(signature, raw(case["payload"]), signer) is not case["wrapped"]


def sidechain_block() -> SidechainBlock:
    pair = Ed25519Pair.from_uri("//Alice")
    data = BlockData(1_700_000_000_000, b"\x01" * 32, pair.public, [b"\x02" * 32], b"\xff\xee")
    return SidechainBlock(SidechainHeader(b"\x03" * 32, 7, b"\x04" * 32, data.hash(), 51), data)


def test_sidechain_block_layout() -> None:
    block = sidechain_block()
    header = encode(SidechainHeader, block.header)
    assert len(header) == 112
    assert header[:48].hex() == "03" * 32 + "0700000000000000" + "04" * 8
    assert header[-8:].hex() == "3300000000000000"
    assert encode(SidechainBlock, block).startswith(header)
    assert block.hash() == block.header.hash()


def test_sidechain_block_signature_covers_header_and_data() -> None:
    pair = Ed25519Pair.from_uri("//Alice")
    signed = sidechain_block().signed_by(pair)
    assert signed.has_valid_signature()
    assert decode(SignedBlock, encode(SignedBlock, signed)) == signed
    foreign = signed.block.signed_by(Ed25519Pair.from_uri("//Bob"))
    assert not foreign.has_valid_signature()
    header = SidechainHeader(b"\x09" * 32, 7, b"\x04" * 32, signed.block.block_data.hash(), 51)
    assert not SignedBlock(SidechainBlock(header, signed.block.block_data), signed.signature).has_valid_signature()


def test_next_finalization_runs_in_strides() -> None:
    carried, found = 0, []
    for number in range(1, 120):
        carried = next_finalization(number, carried)
        found.append(carried)
    assert (found[0], found[1], found[50], found[51], found[100], found[101]) == (1, 51, 51, 101, 101, 151)


def test_storage_keys() -> None:
    assert (
        storage_prefix("System", "Events").hex() == "26aa394eea5630e07c48ae0c9558cef780d41e5e16056765bc8461851072c9d7"
    )
    assert pallet_version_key("Teerex").hex() == "d4907aad4a0ea0b2bdacc420d36be9784e7b9012096b41c4eb3aaf947f6ea429"
    alice = PAIRS[0].public
    known = load("extrinsics.json")["chains"][0]["storage_keys"][0]["key"]
    assert raw(known).endswith(blake2_map_key("System", "Account", alice))
