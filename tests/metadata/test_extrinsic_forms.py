"""Extrinsics of other forms and chains: bare, general, unknown extensions, damaged ones."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integritee.crypto import Ed25519Pair, blake2_256
from integritee.errors import IntegriteeError
from integritee.metadata import (
    RuntimeMetadata,
    TransactionParameters,
    UndecodableExtrinsic,
    decode_extrinsic,
    dummy_signed_extrinsic,
    message_to_sign,
    read_extrinsic,
    sign_extrinsic,
    signing_payload,
)
from integritee.metadata.errors import (
    InputTooLarge,
    MissingEntry,
    UnknownExtension,
    UnsupportedExtrinsic,
    UnsupportedSigner,
)
from integritee.metadata.layout import SignedExtensionLayout
from integritee.metadata.registry import MAX_VALUE_SIZE
from integritee.metadata.type_layout import ArrayOf, TypeParameter
from integritee.primitives.era import Era
from integritee.scale import encode_compact
from integritee.scale.errors import DecodeError, OutOfRange, TrailingBytes, UnexpectedEnd

from .golden import FILES, parsed
from .synthetic import U8, U32, UNIT, calls, enum, field, pallet_layout, runtime, struct, types, variant

PAIR = Ed25519Pair.from_seed(bytes(32))
HASH = bytes(32)
PARAMETERS = TransactionParameters(1, Era(), HASH, HASH, 1, 1)


def prefixed(body: bytes) -> bytes:
    return encode_compact(len(body)) + body


def remark(metadata: RuntimeMetadata, text: bytes = b"hi") -> bytes:
    return metadata.call("System", "remark", [text])


@pytest.mark.parametrize("form", [0x04, 0x05])
def test_bare(metadata: RuntimeMetadata, form: int) -> None:
    call = metadata.call("Timestamp", "set", {"now": 12})
    raw = prefixed(bytes([form]) + call)
    found = decode_extrinsic(metadata, raw)
    assert (found.signer, found.signature, found.is_signed) == (None, None, False)
    assert (found.era, found.nonce, found.tip) == (None, None, None)
    assert (str(found.call), found.call.args, found.call_bytes) == ("Timestamp.set", {"now": 12}, call)
    assert found.hash == blake2_256(raw)


def test_general(metadata: RuntimeMetadata) -> None:
    raw = prefixed(b"\x45\x00" + b"\x75\x00" + b"\x08" + b"\x0c" + remark(metadata))
    found = decode_extrinsic(metadata, raw)
    assert (found.is_signed, found.era, found.nonce, found.tip) == (False, Era(64, 7), 2, 3)


def test_general_of_another_extension_version(metadata: RuntimeMetadata) -> None:
    with pytest.raises(OutOfRange):
        decode_extrinsic(metadata, prefixed(b"\x45\x01\x00\x00\x00" + remark(metadata)))
    with pytest.raises(UnexpectedEnd):
        decode_extrinsic(metadata, prefixed(b"\x45"))


@pytest.mark.parametrize("form", [0x00, 0x03, 0x44, 0x83, 0x85, 0xFF])
def test_unknown_form(metadata: RuntimeMetadata, form: int) -> None:
    with pytest.raises(UnsupportedExtrinsic):
        decode_extrinsic(metadata, prefixed(bytes([form]) + remark(metadata)))


@pytest.mark.parametrize(
    ("raw", "error"),
    [
        (b"", UnexpectedEnd),
        (b"\x00", UnexpectedEnd),
        (b"\x08\x04", UnexpectedEnd),
        (b"\x04\x04\x04", TrailingBytes),
        (b"\x04\x04", UnexpectedEnd),
        (b"\x01", UnexpectedEnd),
    ],
)
def test_wrong_length(metadata: RuntimeMetadata, raw: bytes, error: type[DecodeError]) -> None:
    with pytest.raises(error):
        decode_extrinsic(metadata, raw)


def test_call_with_trailing_bytes(metadata: RuntimeMetadata) -> None:
    with pytest.raises(TrailingBytes):
        decode_extrinsic(metadata, prefixed(b"\x04" + remark(metadata) + b"\x00"))


def test_oversized(metadata: RuntimeMetadata) -> None:
    with pytest.raises(InputTooLarge):
        decode_extrinsic(metadata, bytes(MAX_VALUE_SIZE + 1))


def test_only_long_payloads_are_hashed(metadata: RuntimeMetadata) -> None:
    short, long = bytes(256), bytes(257)
    assert message_to_sign(short) == short
    assert message_to_sign(long) == blake2_256(long)
    call = remark(metadata, bytes(300))
    assert len(signing_payload(metadata, call, PARAMETERS)) > 300


# --- blocks with extrinsics that nobody can explain


@pytest.mark.parametrize(
    ("body", "code"),
    [
        pytest.param(b"\x04\xc8\x03payload", "scale.unknown_variant", id="unknown pallet"),
        pytest.param(b"\x04\x00\xc8payload", "scale.unknown_variant", id="unknown call"),
        pytest.param(b"\x04\x09\x00\x04\xc8\x03payload", "scale.unknown_variant", id="unknown call in a batch"),
        pytest.param(b"\x04\x00\x00\xfd\xff", "scale.unexpected_end", id="broken arguments"),
        pytest.param(b"\x03" + bytes(40), "metadata.unsupported_extrinsic", id="unknown format"),
        pytest.param(b"\x45\x07" + bytes(40), "scale.out_of_range", id="unknown extension version"),
        pytest.param(b"\x84\x00" + bytes(20), "scale.unexpected_end", id="cut off"),
        pytest.param(b"", "scale.unexpected_end", id="empty"),
    ],
)
def test_what_cannot_be_decoded_is_an_item(metadata: RuntimeMetadata, body: bytes, code: str) -> None:
    raw = prefixed(body)
    found = read_extrinsic(metadata, raw)
    assert isinstance(found, UndecodableExtrinsic)
    assert (found.raw, found.hash) == (raw, blake2_256(raw))
    assert found.reason
    with pytest.raises(IntegriteeError) as caught:
        decode_extrinsic(metadata, raw)
    assert found.code == caught.value.code == code


def test_the_rest_of_a_block_is_read(metadata: RuntimeMetadata) -> None:
    strange = prefixed(b"\x04\xc8\x03payload")
    timestamp = prefixed(b"\x04" + metadata.call("Timestamp", "set", {"now": 12}))
    found = [read_extrinsic(metadata, raw) for raw in (strange, timestamp, strange)]
    assert [x.hash for x in found] == [blake2_256(raw) for raw in (strange, timestamp, strange)]
    assert found[1] == decode_extrinsic(metadata, timestamp)


def test_a_call_of_an_unusable_type_leaves_the_other_calls_alone() -> None:
    wraps_itself = struct(field(2))
    pallet = pallet_layout("P", 0, calls=calls(1))
    metadata = runtime(types(UNIT, enum(variant("broken", 0, field(2)), variant("fine", 1)), wraps_itself), [pallet])
    broken = read_extrinsic(metadata, prefixed(b"\x04\x00\x00\x07"))
    assert isinstance(broken, UndecodableExtrinsic)
    assert broken.code == "metadata.unusable_type"
    fine = read_extrinsic(metadata, prefixed(b"\x04\x00\x01"))
    assert not isinstance(fine, UndecodableExtrinsic)
    assert str(fine.call) == "P.fine"


# --- chains with other parts

MULTI_SIGNATURE = enum(variant("Ed25519", 0, field(3)), variant("Sr25519", 1, field(3)))
EXTRINSIC = [
    TypeParameter("Address", 2),
    TypeParameter("Call", 8),
    TypeParameter("Signature", 4),
    TypeParameter("Extra", 0),
]
PARTS = (UNIT, U8, ArrayOf(32, 1), ArrayOf(64, 1), MULTI_SIGNATURE, U32, struct())


def chain(*extensions: SignedExtensionLayout, signature: int = 4, version: int = 4) -> RuntimeMetadata:
    """A chain whose addresses are plain accounts; type 8 is its call type."""
    params = [p if p.name != "Signature" else TypeParameter("Signature", signature) for p in EXTRINSIC]
    return runtime(
        types(*PARTS, struct(), struct(), params={7: params}),
        extensions=list(extensions),
        extrinsic_version=version,
        extrinsic_type=7,
    )


def sign(metadata: RuntimeMetadata) -> bytes:
    return sign_extrinsic(
        metadata,
        b"\x01\x02",
        PAIR,
        nonce=1,
        era=Era(),
        birth_hash=HASH,
        genesis_hash=HASH,
        spec_version=1,
        transaction_version=1,
    )


def test_plain_address_and_empty_unknown_extension() -> None:
    metadata = chain(SignedExtensionLayout("CheckSomething", 6, 0), SignedExtensionLayout("CheckNonce", 5, 0))
    body = sign(metadata)[2:]
    assert body[:1] + body[1:33] == b"\x84" + PAIR.public
    assert body[33:34] + body[98:] == b"\x00" + (1).to_bytes(4, "little") + b"\x01\x02"


@pytest.mark.parametrize(("in_extrinsic", "in_payload"), [(1, 0), (0, 1), (1, 1)])
def test_unknown_extension_with_content(in_extrinsic: int, in_payload: int) -> None:
    metadata = chain(SignedExtensionLayout("CheckSomething", in_extrinsic, in_payload))
    with pytest.raises(UnknownExtension) as caught:
        sign(metadata)
    assert caught.value.identifier == "CheckSomething"


def test_chain_that_takes_other_signatures() -> None:
    with pytest.raises(UnsupportedSigner):
        sign(chain(signature=3))


def test_unknown_scheme_and_address(metadata: RuntimeMetadata) -> None:
    with pytest.raises(UnsupportedSigner):
        dummy_signed_extrinsic(metadata, remark(metadata), PAIR.public, scheme="ecdsa")  # type: ignore[arg-type]
    signed = dummy_signed_extrinsic(metadata, remark(metadata), PAIR.public)
    by_raw_address = prefixed(signed[2:3] + b"\x02\x80" + PAIR.public + signed[36:])
    found = decode_extrinsic(metadata, by_raw_address)
    assert (found.is_signed, found.signer) == (True, None)


def test_chain_that_takes_other_extrinsics() -> None:
    with pytest.raises(UnsupportedExtrinsic):
        sign(chain(version=5))


def test_metadata_without_extrinsic_types() -> None:
    with pytest.raises(MissingEntry):
        sign(runtime(types(UNIT)))


def test_dummy_needs_no_key(any_metadata: RuntimeMetadata) -> None:
    raw = dummy_signed_extrinsic(any_metadata, remark(any_metadata), PAIR.public, nonce=7, tip=1)
    found = decode_extrinsic(any_metadata, raw)
    assert (found.signer, found.nonce, found.tip) == (PAIR.public, 7, 1)
    assert found.signature == ("Sr25519", bytes(64))


@settings(max_examples=300)
@given(data=st.data(), name=st.sampled_from(FILES))
def test_damaged_extrinsics_raise_nothing_else(data: st.DataObject, name: str) -> None:
    metadata = parsed(name)
    raw = bytearray(dummy_signed_extrinsic(metadata, remark(metadata), PAIR.public))
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    try:
        found = decode_extrinsic(metadata, bytes(raw))
    except IntegriteeError:
        return
    assert metadata.call(found.call.pallet, found.call.call, found.call.args) == found.call_bytes
