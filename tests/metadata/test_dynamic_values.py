"""Values of types known at run time only: what they look like, what is accepted, what is refused."""

import enum as python_enum
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integritee.metadata import DecodedCall, RuntimeMetadata, Variant
from integritee.metadata.registry import TypeRegistry
from integritee.metadata.type_layout import (
    ArrayOf,
    BitSequence,
    CompactOf,
    Primitive,
    PrimitiveType,
    SequenceOf,
    TupleOf,
)
from integritee.primitives.era import Era
from integritee.primitives.ids import Id, MultiAddress
from integritee.scale import EncodeError, Enum, Err, Ok, Struct, u32
from integritee.scale.errors import (
    InvalidUtf8,
    NonCanonicalCompact,
    OutOfRange,
    ScaleError,
    TooLong,
    TrailingBytes,
    UnexpectedEnd,
    UnknownVariant,
)

from .synthetic import U8, U32, UNIT, enum, field, registry, struct, variant

BOB = bytes(range(32))

TYPES = registry(
    U8,  # 0
    U32,  # 1
    SequenceOf(0),  # 2: Vec<u8>
    ArrayOf(32, 0),  # 3: [u8; 32]
    struct(field(3)),  # 4: AccountId32
    UNIT,  # 5
    enum(variant("None", 0), variant("Some", 1, field(1))),  # 6: Option<u32>
    enum(variant("None", 0), variant("Some", 1, field(6))),  # 7: Option<Option<u32>>
    enum(variant("Ok", 0, field(5)), variant("Err", 1, field(1))),  # 8: Result<(), u32>
    struct(field(1, "first"), field(6, "second")),  # 9
    struct(field(1), field(0)),  # 10
    enum(variant("Id", 0, field(4)), variant("Index", 1, field(13)), variant("Raw", 2, field(2))),  # 11
    enum(variant("Any", 0), variant("Named", 3, field(1, "amount")), variant("Pair", 7, field(0), field(1))),
    CompactOf(1),  # 13
    SequenceOf(15),  # 14: Vec<(u32, u8)>
    TupleOf([1, 0]),  # 15
    struct(field(14)),  # 16: BTreeMap
    PrimitiveType(Primitive.BOOL),  # 17
    PrimitiveType(Primitive.STR),  # 18
    PrimitiveType(Primitive.CHAR),  # 19
    PrimitiveType(Primitive.I256),  # 20
    struct(),  # 21: Lsb0
    BitSequence(0, 21),  # 22
    BitSequence(1, 24),  # 23
    struct(),  # 24: Msb0
    SequenceOf(5),  # 25: Vec<()>
    ArrayOf(3, 1),  # 26
    CompactOf(28),  # 27
    struct(field(1, "parts")),  # 28
    enum(*(variant(f"Mortal{i}", i, field(0)) for i in range(256))),  # 29: Era
    struct(field(6)),  # 30: wrapper of Option<u32>
    enum(variant("None", 0), variant("Some", 1, field(30))),  # 31
    CompactOf(5),  # 32: Compact<()>
    paths={
        4: "sp_core::crypto::AccountId32",
        6: "Option",
        7: "Option",
        8: "Result",
        11: "sp_runtime::multiaddress::MultiAddress",
        16: "BTreeMap",
        21: "bitvec::order::Lsb0",
        24: "bitvec::order::Msb0",
        29: "sp_runtime::generic::era::Era",
        31: "Option",
    },
)


@pytest.mark.parametrize(
    ("type_id", "value", "encoded"),
    [
        pytest.param(2, b"ab", "086162", id="bytes"),
        pytest.param(3, BOB, BOB.hex(), id="fixed bytes"),
        pytest.param(4, BOB, BOB.hex(), id="account"),
        pytest.param(5, (), "", id="unit"),
        pytest.param(6, None, "00", id="none"),
        pytest.param(6, 7, "0107000000", id="some"),
        pytest.param(7, None, "00", id="outer none"),
        pytest.param(7, Variant("Some", None), "0100", id="inner none"),
        pytest.param(7, Variant("Some", 1), "010101000000", id="inner some"),
        pytest.param(31, Variant("Some", None), "0100", id="inner none in a wrapper"),
        pytest.param(8, Ok(()), "00", id="ok"),
        pytest.param(8, Err(2), "0102000000", id="err"),
        pytest.param(9, {"first": 1, "second": None}, "0100000000", id="struct"),
        pytest.param(10, (1, 2), "0100000002", id="tuple struct"),
        pytest.param(11, Variant("Id", BOB), "00" + BOB.hex(), id="address"),
        pytest.param(11, Variant("Index", 5), "0114", id="account index"),
        pytest.param(12, Variant("Any"), "00", id="plain variant"),
        pytest.param(12, Variant("Named", {"amount": 9}), "0309000000", id="variant with names"),
        pytest.param(12, Variant("Pair", (1, 2)), "070102000000", id="variant without names"),
        pytest.param(16, [(1, 2), (3, 4)], "0801000000020300000004", id="map"),
        pytest.param(17, True, "01", id="bool"),
        pytest.param(18, "é", "08c3a9", id="str"),
        pytest.param(19, "é", "e9000000", id="char"),
        pytest.param(20, -1, "ff" * 32, id="i256"),
        pytest.param(22, [True, False, True], "0c05", id="bits, least significant first"),
        pytest.param(23, [True, False, True], "0c000000a0", id="bits, most significant first"),
        pytest.param(22, [], "00", id="no bits"),
        pytest.param(25, [(), ()], "08", id="units"),
        pytest.param(26, [1, 2, 3], "010000000200000003000000", id="array"),
        pytest.param(27, 64, "0101", id="compact of a struct"),
        pytest.param(29, Era(64, 7), "7500", id="mortal era"),
        pytest.param(29, Era(), "00", id="immortal era"),
        pytest.param(32, (), "", id="compact unit"),
    ],
)
def test_value_and_encoding(type_id: int, value: Any, encoded: str) -> None:
    assert TYPES.encode(type_id, value).hex() == encoded
    assert TYPES.decode(type_id, bytes.fromhex(encoded)) == value


class Kind(Enum, frozen=True):
    pass


class Any_(Kind, frozen=True):
    index: ClassVar[int] = 0
    variant_name: ClassVar[str] = "Any"


class Named(Kind, frozen=True):
    index: ClassVar[int] = 3
    amount: u32


class Pair(Kind, frozen=True):
    index: ClassVar[int] = 7
    a: u32
    b: u32


class Both(Struct, frozen=True):
    first: u32
    second: u32 | None


class Plain(python_enum.IntEnum):
    Any = 5


@pytest.mark.parametrize(
    ("type_id", "given_value", "same_as"),
    [
        pytest.param(11, BOB, Variant("Id", BOB), id="bytes as address"),
        pytest.param(11, ("Id", BOB), Variant("Id", BOB), id="tuple as variant"),
        pytest.param(11, {"Id": BOB}, Variant("Id", BOB), id="dict as variant"),
        pytest.param(11, Id(BOB), Variant("Id", BOB), id="Enum as variant of one unnamed field"),
        pytest.param(12, "Any", Variant("Any"), id="name as variant"),
        pytest.param(12, {"Any": None}, Variant("Any"), id="null as no fields"),
        pytest.param(12, Any_(), Variant("Any"), id="Enum without fields"),
        pytest.param(12, Plain.Any, Variant("Any"), id="IntEnum"),
        pytest.param(12, Named(9), Variant("Named", {"amount": 9}), id="Enum with names"),
        pytest.param(12, Pair(1, 2), Variant("Pair", (1, 2)), id="Enum without names"),
        pytest.param(9, Both(1, 2), {"first": 1, "second": 2}, id="Struct"),
        pytest.param(9, (1, 2), {"first": 1, "second": 2}, id="positions for names"),
        pytest.param(9, {"second": 2, "first": 1}, {"first": 1, "second": 2}, id="any order of names"),
        pytest.param(10, [1, 2], (1, 2), id="list as tuple"),
        pytest.param(16, {3: 4, 1: 2}, [(1, 2), (3, 4)], id="dict as map, sorted"),
        pytest.param(2, "ab", b"ab", id="str as bytes"),
        pytest.param(2, bytearray(b"ab"), b"ab", id="bytearray"),
        pytest.param(18, b"ab", "ab", id="bytes as str"),
        pytest.param(5, None, (), id="None as unit"),
        pytest.param(8, ("Err", 2), Err(2), id="variant as result"),
    ],
)
def test_convenient_inputs(type_id: int, given_value: Any, same_as: Any) -> None:
    assert TYPES.encode(type_id, given_value) == TYPES.encode(type_id, same_as)


@pytest.mark.parametrize(
    ("type_id", "value"),
    [
        pytest.param(0, 256, id="too large"),
        pytest.param(0, -1, id="negative"),
        pytest.param(0, "1", id="text for integer"),
        pytest.param(1, None, id="None for integer"),
        pytest.param(1, 1.5, id="float"),
        pytest.param(2, 5, id="integer for bytes"),
        pytest.param(2, "\ud800", id="lone surrogate"),
        pytest.param(3, b"short", id="wrong length"),
        pytest.param(5, 1, id="something for unit"),
        pytest.param(7, 1, id="bare value in nested option"),
        pytest.param(9, {"first": 1}, id="missing field"),
        pytest.param(9, {"first": 1, "second": 2, "third": 3}, id="extra field"),
        pytest.param(9, 5, id="integer for struct"),
        pytest.param(10, (1,), id="too few"),
        pytest.param(11, "Nobody", id="unknown variant"),
        pytest.param(11, 5, id="integer for variant"),
        pytest.param(12, "Named", id="variant without its fields"),
        pytest.param(12, ("Any", 1), id="fields for a variant that has none"),
        pytest.param(14, 5, id="integer for list"),
        pytest.param(16, {1: 2, "a": 3}, id="keys of several types"),
        pytest.param(17, 1, id="integer for bool"),
        pytest.param(18, b"\xff", id="not UTF-8"),
        pytest.param(19, "ab", id="two characters"),
        pytest.param(22, 5, id="integer for bits"),
        pytest.param(26, [1, 2], id="array too short"),
        pytest.param(27, 1 << 32, id="compact too large"),
        pytest.param(27, "1", id="text for compact"),
        pytest.param(29, ("Mortal1", 0), id="era by variant"),
        pytest.param(29, Era(63, 1), id="era with odd period"),
        pytest.param(29, Era(64, 1 << 20), id="era with large phase"),
    ],
)
def test_values_that_do_not_fit(type_id: int, value: Any) -> None:
    with pytest.raises(EncodeError):
        TYPES.encode(type_id, value)


@pytest.mark.parametrize(
    ("type_id", "encoded", "error"),
    [
        pytest.param(0, "0000", TrailingBytes, id="trailing byte"),
        pytest.param(1, "000000", UnexpectedEnd, id="short integer"),
        pytest.param(2, "0c6162", UnexpectedEnd, id="short bytes"),
        pytest.param(3, "00", UnexpectedEnd, id="short array of bytes"),
        pytest.param(6, "02", UnknownVariant, id="option"),
        pytest.param(6, "", UnexpectedEnd, id="no discriminant"),
        pytest.param(8, "02", UnknownVariant, id="result"),
        pytest.param(9, "01000000", UnexpectedEnd, id="struct below its least size"),
        pytest.param(12, "01", UnknownVariant, id="enum"),
        pytest.param(13, "0100", NonCanonicalCompact, id="compact"),
        pytest.param(13, "070000000001", OutOfRange, id="compact above its width"),
        pytest.param(14, "fe" + "ff" * 3, TooLong, id="more items than bytes"),
        pytest.param(17, "02", OutOfRange, id="bool"),
        pytest.param(18, "04ff", InvalidUtf8, id="str"),
        pytest.param(19, "00d80000", OutOfRange, id="surrogate"),
        pytest.param(19, "00001100", OutOfRange, id="above Unicode"),
        pytest.param(22, "0c0d", OutOfRange, id="bits beyond the count"),
        pytest.param(22, "fe" + "ff" * 3, UnexpectedEnd, id="bits without bytes"),
        pytest.param(25, "0501", TooLong, id="too many units"),
        pytest.param(29, "5100", OutOfRange, id="era whose phase exceeds its period"),
    ],
)
def test_bytes_that_are_no_value(type_id: int, encoded: str, error: type[ScaleError]) -> None:
    with pytest.raises(error):
        TYPES.decode(type_id, bytes.fromhex(encoded))


@given(data=st.binary(max_size=60), type_id=st.sampled_from(range(len(TYPES.types))))
def test_whatever_decodes_encodes_to_the_same_bytes(data: bytes, type_id: int) -> None:
    try:
        value, end = TYPES.codec(type_id).decode_prefix(data)
    except ScaleError:
        return
    assert TYPES.encode(type_id, value) == data[:end]


def test_calls_accept_encoded_and_decoded_calls(metadata: RuntimeMetadata) -> None:
    inner = metadata.call("Balances", "transfer_keep_alive", [BOB, 5])
    outer = metadata.call("Proxy", "proxy", {"real": BOB, "force_proxy_type": "Any", "call": inner})
    decoded = metadata.decode_call(outer)
    assert decoded.args["call"] == DecodedCall(
        "Balances", "transfer_keep_alive", {"dest": Variant("Id", BOB), "value": 5}
    )
    assert decoded.args["force_proxy_type"] == Variant("Any")
    assert metadata.call("Proxy", "proxy", decoded.args) == outer
    assert metadata.call("Utility", "batch", [[inner, decoded]]) == bytes.fromhex("0900") + b"\x08" + inner + outer


@pytest.mark.parametrize("call", [b"", b"\xff\xff", b"\x0a\x03", "Balances.transfer", None])
def test_no_call_within_a_call(metadata: RuntimeMetadata, call: Any) -> None:
    with pytest.raises(EncodeError):
        metadata.call("Utility", "batch", {"calls": [call]})


def test_primitive_types_of_this_package_encode_as_arguments(metadata: RuntimeMetadata) -> None:
    address: MultiAddress = Id(BOB)
    assert metadata.call("Balances", "transfer_keep_alive", [address, 5]) == metadata.call(
        "Balances", "transfer_keep_alive", {"dest": BOB, "value": 5}
    )


def test_all_types_of_real_runtimes_compile(any_metadata: RuntimeMetadata) -> None:
    types: TypeRegistry = any_metadata.types
    assert all(types.codec(described.id).min_size >= 0 for described in types.types)
