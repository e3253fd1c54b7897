"""Extrinsics as the JS client makes them, and those nobody should make."""

from __future__ import annotations

from typing import Any

import pytest

from integritee.crypto import Ed25519Pair, blake2_256
from integritee.frame.extrinsic import (
    SIGNED_EXTENSIONS,
    Extra,
    Signature,
    UncheckedExtrinsic,
    decode_extrinsic,
    encode_extra,
    encode_extrinsic,
    signing_payload,
)
from integritee.frame.pallets.balances import Balances
from integritee.frame.runtime import Runtime, use
from integritee.primitives.era import Era
from integritee.primitives.ids import Id
from integritee.primitives.signature import sign
from integritee.scale import DecodeError
from integritee.scale.errors import OutOfRange, TrailingBytes, UnexpectedEnd, UnknownVariant

from ..primitives.vectors import load, raw
from .demo_runtime import DemoRuntime

VECTORS = load("extrinsics.json")
CHAIN = next(c for c in VECTORS["chains"] if c["metadata"] == "itk.scale")
"""The chain whose extensions are exactly ours."""

SIGNER = Ed25519Pair.from_seed(raw(VECTORS["signer_seed"]))


class Known(DemoRuntime):
    """Calls of the vectors that this runtime knows, at their indexes."""

    name = "known"
    pallet_names = {"money": "Money"}
    money = use(10, Balances)


KNOWN = [c for c in CHAIN["cases"] if c["label"].startswith(("balances.transfer_keep_alive", "system.remark"))]


def parameters(case: dict[str, Any]) -> Extra:
    args = case["era_args"]
    era = Era.mortal(args["period"], args["current"]) if args else Era()
    return Extra(era, case["nonce"], int(case["tip"]))


def test_extensions_are_those_of_the_real_chain() -> None:
    assert [e.identifier for e in SIGNED_EXTENSIONS] == CHAIN["signed_extensions"]


@pytest.mark.parametrize("case", CHAIN["cases"], ids=lambda c: f"{c['label']} {c['era']}")
def test_signing_payloads_and_extrinsics(case: dict[str, Any]) -> None:
    extra = parameters(case)
    birth = CHAIN["block_hash"] if case["era_args"] else CHAIN["genesis_hash"]
    payload = signing_payload(
        raw(case["call"]),
        encode_extra(extra),
        CHAIN["spec_version"],
        CHAIN["transaction_version"],
        raw(CHAIN["genesis_hash"]),
        raw(birth),
    )
    assert payload == _hashed(raw(case["signing_payload"]))
    signed = Signature(Id(SIGNER.public), sign(SIGNER, payload), extra)
    encoded = encode_extrinsic(raw(case["call"]), signed)
    assert encoded == raw(case["extrinsic"])
    assert blake2_256(encoded) == raw(case["hash"])


def _hashed(payload: bytes) -> bytes:
    return blake2_256(payload) if len(payload) > 256 else payload


@pytest.mark.parametrize("case", KNOWN, ids=lambda c: f"{c['label']} {c['era']}")
def test_decoding(case: dict[str, Any]) -> None:
    found = decode_extrinsic(Known.registry, raw(case["extrinsic"]))
    assert found.signature is not None
    assert found.signature.extra == parameters(case)
    assert found.signature.address == Id(SIGNER.public)
    assert (found.call_data, found.hash()) == (raw(case["call"]), raw(case["hash"]))
    assert found.call.function in case["label"]
    codec = Known.codec(UncheckedExtrinsic)
    assert codec.decode(codec.encode(found)) == found


def test_inherents_are_bare() -> None:
    call = bytes.fromhex("0000086869")
    encoded = encode_extrinsic(call, None)
    assert encoded.hex() == "18040000086869"
    found = decode_extrinsic(DemoRuntime.registry, encoded)
    assert (found.signature, found.call_data) == (None, call)


GOOD = raw(KNOWN[0]["extrinsic"])
BARE = bytes.fromhex("18040000086869")


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", UnexpectedEnd),
        (b"\x00", UnexpectedEnd),
        (GOOD[:-1], UnexpectedEnd),
        (GOOD + b"\x00", TrailingBytes),
        (BARE[:-1], UnexpectedEnd),
        (b"\x1c" + BARE[1:] + b"\x00", TrailingBytes),
        (b"\x18\x05" + BARE[2:], OutOfRange),
        (b"\x18\x03" + BARE[2:], OutOfRange),
        (b"\x18\x44" + BARE[2:], OutOfRange),
        (b"\x08\x04\x63", UnknownVariant),
        (GOOD[:3] + b"\x09" + GOOD[4:], UnknownVariant),
        (GOOD[:36] + b"\x07" + GOOD[37:], UnknownVariant),
        (GOOD[:104] + b"\x02" + GOOD[105:], UnknownVariant),
    ],
)
def test_bytes_that_are_no_extrinsic(data: bytes, error: type[DecodeError]) -> None:
    with pytest.raises(error):
        decode_extrinsic(Known.registry, data)


def test_no_prefix_of_an_extrinsic_is_one() -> None:
    for size in range(len(GOOD)):
        with pytest.raises(DecodeError):
            decode_extrinsic(Known.registry, GOOD[:size])


def test_a_runtime_of_its_own_decodes_its_own_calls() -> None:
    class Empty(Runtime):
        name = "empty"

    with pytest.raises(DecodeError):
        decode_extrinsic(Empty.registry, BARE)
