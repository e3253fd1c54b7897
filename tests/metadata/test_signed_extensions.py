"""Signed extensions of real and made-up chains: fees in assets, metadata hashes, known, empty and strange ones."""

from typing import Any

import pytest

from integritee.metadata import (
    RuntimeMetadata,
    TransactionParameters,
    decode_extrinsic,
    dummy_signed_extrinsic,
    signing_payload,
)
from integritee.metadata.errors import DuplicateEntry, ExtensionValueRefused, MissingEntry, MissingExtension
from integritee.metadata.extensions import read_extensions
from integritee.metadata.layout import (
    ExtensionSet,
    ExtrinsicV16,
    MetadataV16,
    OuterEnums,
    SignedExtensionLayout,
)
from integritee.metadata.type_layout import ArrayOf, CompactOf, Primitive, PrimitiveType
from integritee.primitives.era import Era
from integritee.scale import encode, encode_compact
from integritee.scale.errors import OutOfRange

from .golden import FILES, parsed
from .synthetic import U8, U32, UNIT, enum, field, runtime, struct, types, variant

PASEO, GESELL, KUSAMA, ASSET_HUB = FILES
SIGNER = bytes(range(32))
GENESIS, HASH = b"\x9e" * 32, b"\x4d" * 32
PLAIN = TransactionParameters(3, Era(), GENESIS, GENESIS, 50, 7, tip=5)
ETHER = {
    "parents": 2,
    "interior": ("X1", [("GlobalConsensus", ("Ethereum", {"chain_id": 1}))]),
}


def with_fee_in(asset: Any) -> TransactionParameters:
    return TransactionParameters(3, Era(), GENESIS, GENESIS, 50, 7, tip=5, asset=asset)


def pinned_to(metadata_hash: bytes) -> TransactionParameters:
    return TransactionParameters(3, Era(), GENESIS, GENESIS, 50, 7, tip=5, metadata_hash=metadata_hash)


ADDITIONAL = (50).to_bytes(4, "little") + (7).to_bytes(4, "little") + GENESIS + GENESIS


@pytest.mark.parametrize(
    ("name", "parameters", "extra", "additional"),
    [
        pytest.param(PASEO, PLAIN, "00 0c 14", "", id="native"),
        pytest.param(GESELL, PLAIN, "00 0c 14 00", "", id="native where assets may pay"),
        pytest.param(KUSAMA, PLAIN, "00 0c 14 00", "00", id="native and a metadata hash"),
        pytest.param(ASSET_HUB, PLAIN, "00 0c 14 00 00", "00", id="native, assets and a metadata hash"),
        pytest.param(
            ASSET_HUB, with_fee_in({"parents": 1, "interior": "Here"}), "00 0c 14 01 01 00 00", "00", id="relay token"
        ),
        pytest.param(ASSET_HUB, with_fee_in(ETHER), "00 0c 14 01 02 01 09 07 04 00", "00", id="bridged asset"),
        pytest.param(KUSAMA, pinned_to(HASH), "00 0c 14 01", "01" + HASH.hex(), id="pinned metadata"),
    ],
)
def test_bytes_of_the_extensions(name: str, parameters: TransactionParameters, extra: str, additional: str) -> None:
    payload = signing_payload(parsed(name), b"call", parameters)
    assert payload == b"call" + bytes.fromhex(extra) + ADDITIONAL + bytes.fromhex(additional)


def test_fee_in_a_community_currency() -> None:
    """The solo chain's assets are communities, not numbers."""
    metadata = parsed(GESELL)
    community = {"geohash": b"u0qj9", "digest": b"\x77\x9a\xdd\x6d"}
    remark = metadata.call("System", "remark", [b"hi"])
    raw = dummy_signed_extrinsic(metadata, remark, SIGNER, tip=5, asset=community)
    found = decode_extrinsic(metadata, raw)
    assert found.extensions["ChargeAssetTxPayment"] == {"tip": 5, "asset_id": community}
    assert found.tip == 5
    assert raw[-len(remark) - 10 : -len(remark)] == b"\x01u0qj9\x77\x9a\xdd\x6d"


def test_extensions_are_read_back() -> None:
    metadata = parsed(ASSET_HUB)
    remark = metadata.call("System", "remark", [b"hi"])
    found = decode_extrinsic(metadata, dummy_signed_extrinsic(metadata, remark, SIGNER, nonce=3, tip=5, asset=ETHER))
    assert found.extensions["ChargeAssetTxPayment"] == {"tip": 5, "asset_id": ETHER}
    assert found.extensions["CheckMetadataHash"] == {"mode": ("Disabled", ())}
    assert (found.nonce, found.tip, found.call_bytes) == (3, 5, remark)


@pytest.mark.parametrize(
    ("name", "parameters", "identifier"),
    [
        pytest.param(PASEO, with_fee_in(7), "ChargeAssetTxPayment", id="asset"),
        pytest.param(KUSAMA, with_fee_in(7), "ChargeAssetTxPayment", id="asset beside a metadata hash"),
        pytest.param(PASEO, pinned_to(HASH), "CheckMetadataHash", id="metadata hash"),
        pytest.param(GESELL, pinned_to(HASH), "CheckMetadataHash", id="metadata hash beside assets"),
    ],
)
def test_wishes_are_not_lost_in_silence(name: str, parameters: TransactionParameters, identifier: str) -> None:
    with pytest.raises(MissingExtension) as caught:
        signing_payload(parsed(name), b"call", parameters)
    assert caught.value.identifier == identifier


@pytest.mark.parametrize(
    ("parameters", "identifier"),
    [
        pytest.param(with_fee_in(1984), "ChargeAssetTxPayment", id="number for a location"),
        pytest.param(with_fee_in({"parents": 1}), "ChargeAssetTxPayment", id="half a location"),
        pytest.param(pinned_to(HASH[:31]), "CheckMetadataHash", id="short hash"),
        pytest.param(TransactionParameters(-1, Era(), GENESIS, GENESIS, 50, 7), "CheckNonce", id="nonce"),
        pytest.param(TransactionParameters(0, Era(), GENESIS, b"", 50, 7), "CheckGenesis", id="genesis"),
        pytest.param(TransactionParameters(0, Era(3, 0), GENESIS, GENESIS, 50, 7), "CheckMortality", id="era"),
        pytest.param(TransactionParameters(0, Era(), GENESIS, GENESIS, 1 << 32, 7), "CheckSpecVersion", id="version"),
    ],
)
def test_refused_values_name_their_extension(parameters: TransactionParameters, identifier: str) -> None:
    with pytest.raises(ExtensionValueRefused) as caught:
        signing_payload(parsed(ASSET_HUB), b"call", parameters)
    assert caught.value.identifier == identifier


@pytest.mark.parametrize(
    "identifier",
    [
        "StorageWeightReclaim",
        "WeightReclaim",
        "CheckNonZeroSender",
        "PrevalidateAttests",
        "AuthorizeCall",
        "Whatever",
    ],
)
def test_empty_extensions_pass_through(identifier: str) -> None:
    nonce = SignedExtensionLayout("CheckNonce", 1, 0)
    empty = SignedExtensionLayout(identifier, 2, 0)
    metadata = runtime(types(UNIT, U32, struct()), extensions=[empty, nonce, empty])
    assert signing_payload(metadata, b"call", PLAIN) == b"call\x03\x00\x00\x00"


# --- extension versions


V16_TYPES = (
    UNIT,
    U8,
    ArrayOf(32, 1),
    ArrayOf(64, 1),
    enum(variant("Ed25519", 0, field(3)), variant("Sr25519", 1, field(3))),
    U32,
    CompactOf(5),
    struct(field(5, "mortal")),
    enum(),
    PrimitiveType(Primitive.U64),
)


def versioned(*sets: ExtensionSet) -> RuntimeMetadata:
    """A chain without pallets; its extensions are CheckNonce (compact) and one of eight bytes."""
    available = [SignedExtensionLayout("CheckNonce", 6, 0), SignedExtensionLayout("Promise", 9, 0)]
    extrinsic = ExtrinsicV16([4, 5], 2, 8, 4, list(sets), available)
    layout = MetadataV16(types(*V16_TYPES), [], extrinsic, [], OuterEnums(0, 0, 0), [])
    return RuntimeMetadata.parse(b"meta\x10" + encode(MetadataV16, layout))


def test_extensions_are_those_of_the_version() -> None:
    metadata = versioned(ExtensionSet(0, [0]), ExtensionSet(3, [1, 0]))
    assert [e.identifier for e in metadata.signed_extensions] == ["CheckNonce"]
    assert {v: [e.identifier for e in es] for v, es in metadata.extension_versions.items()} == {
        0: ["CheckNonce"],
        3: ["Promise", "CheckNonce"],
    }


def test_reading_follows_the_version() -> None:
    metadata = versioned(ExtensionSet(0, [0]), ExtensionSet(3, [1, 0]))
    data = (8).to_bytes(8, "little") + b"\x04"
    assert read_extensions(metadata, data, 0) == ({"CheckNonce": 2}, 1)
    assert read_extensions(metadata, data, 0, version=3) == ({"Promise": 8, "CheckNonce": 1}, 9)


@pytest.mark.parametrize("version", [1, 2, 4, 255])
def test_general_extrinsic_of_an_unknown_extension_version(version: int) -> None:
    metadata = versioned(ExtensionSet(0, [0]), ExtensionSet(3, [1, 0]))
    body = bytes([0x45, version]) + bytes(12)
    with pytest.raises(OutOfRange) as caught:
        decode_extrinsic(metadata, encode_compact(len(body)) + body)
    assert caught.value.found == version


@pytest.mark.parametrize(
    ("sets", "error"),
    [
        pytest.param([], MissingEntry, id="no version"),
        pytest.param([ExtensionSet(1, [0])], MissingEntry, id="not version 0"),
        pytest.param([ExtensionSet(0, [2])], MissingEntry, id="unknown extension"),
        pytest.param([ExtensionSet(0, [0]), ExtensionSet(1, [9])], MissingEntry, id="unknown extension later"),
        pytest.param([ExtensionSet(0, [0]), ExtensionSet(0, [1])], DuplicateEntry, id="a version twice"),
    ],
)
def test_extension_versions_that_contradict_themselves(sets: list[ExtensionSet], error: type[Exception]) -> None:
    with pytest.raises(error):
        versioned(*sets)


def test_general_extrinsic_of_the_reference_version() -> None:
    """A real V16 runtime declares one version only, which is that of signed extrinsics too."""
    metadata = parsed(ASSET_HUB)
    assert metadata.extension_versions == {0: metadata.signed_extensions}
    call = metadata.call("System", "remark", [b"hi"])
    body = bytes.fromhex("4500 00 0c 14 00 00") + call
    found = decode_extrinsic(metadata, encode_compact(len(body)) + body)
    assert (found.nonce, found.tip, found.is_signed, found.call_bytes) == (3, 5, False, call)
