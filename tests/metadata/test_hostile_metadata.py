"""Metadata and values that want to break the reader: only errors of the project come out, and soon."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integritee.errors import IntegriteeError
from integritee.metadata import DecodedCall, RuntimeMetadata
from integritee.metadata.codecs import MAX_VALUE_DEPTH, MAX_ZERO_SIZED_ITEMS
from integritee.metadata.errors import (
    DuplicateEntry,
    InputTooLarge,
    InvalidMetadata,
    MetadataTooLarge,
    MissingEntry,
    NotMetadata,
    UnknownType,
    UnsupportedVersion,
    UnusableType,
)
from integritee.metadata.layout import ConstantV14
from integritee.metadata.registry import MAX_FIELDS, MAX_TYPE_NESTING, MAX_VALUE_SIZE
from integritee.metadata.runtime import MAX_METADATA_SIZE
from integritee.metadata.type_layout import (
    ArrayOf,
    BitSequence,
    CompactOf,
    Primitive,
    PrimitiveType,
    SequenceOf,
    TupleOf,
    TypeDef,
)
from integritee.scale import DecodeError, EncodeError
from integritee.scale.errors import TooDeep, TooLong, UnexpectedEnd

from .golden import FILES, parsed, raw_metadata, unhex, vectors
from .synthetic import (
    U8,
    UNIT,
    calls,
    enum,
    events_storage,
    field,
    metadata_v14,
    pallet_layout,
    registry,
    runtime,
    struct,
    types,
    variant,
)

CHAIN = vectors("chains/integritee-paseo-50.json")
EVENTS = [unhex(block["values"][CHAIN["keys"][0]]) for block in CHAIN["blocks"]]


@pytest.mark.parametrize(
    ("raw", "error"),
    [
        pytest.param(b"", NotMetadata, id="empty"),
        pytest.param(b"meta", NotMetadata, id="no version"),
        pytest.param(b"mete\x0e", NotMetadata, id="magic"),
        pytest.param(b"\x01" + b"meta\x0e", NotMetadata, id="wrapped in an Option"),
        pytest.param(b"meta\x0d", UnsupportedVersion, id="version 13"),
        pytest.param(b"meta\x11", UnsupportedVersion, id="version 17"),
        pytest.param(b"meta\xff", UnsupportedVersion, id="version 255"),
        pytest.param(b"meta\x0e", UnexpectedEnd, id="no content"),
        pytest.param(b"meta\x0e\xfe\xff\xff\xff", TooLong, id="many types"),
        pytest.param(bytes(MAX_METADATA_SIZE + 1), MetadataTooLarge, id="too large"),
    ],
)
def test_no_metadata(raw: bytes, error: type[IntegriteeError]) -> None:
    with pytest.raises(error):
        RuntimeMetadata.parse(raw)


@pytest.mark.parametrize("name", FILES)
def test_truncated_and_extended_files(name: str) -> None:
    raw = raw_metadata(name)
    for damaged in (raw[: len(raw) // 3], raw[:-1], raw + b"\x00"):
        with pytest.raises(DecodeError):
            RuntimeMetadata.parse(damaged)


def exercise(metadata: RuntimeMetadata) -> None:
    """Use everything, whatever comes of it."""
    actions: list[Any] = [lambda t=t: metadata.types.codec(t).decode_prefix(bytes(64)) for t in range(40)]
    actions += [lambda e=e: metadata.decode_events(e) for e in EVENTS]
    actions += [metadata.to_json, lambda: metadata.call("System", "remark", [b"x"])]
    actions += [lambda: metadata.storage_key("System", "Account", bytes(32))]
    actions += [lambda: metadata.decode_call(bytes.fromhex("0a0300") + bytes(33))]
    for action in actions:
        try:
            action()
        except IntegriteeError:
            continue


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_damaged_metadata_raises_nothing_else(data: st.DataObject) -> None:
    raw = bytearray(raw_metadata(FILES[1]))
    for _ in range(data.draw(st.integers(1, 5))):
        raw[data.draw(st.integers(5, len(raw) - 1))] = data.draw(st.integers(0, 255))
    try:
        metadata = RuntimeMetadata.parse(bytes(raw))
    except IntegriteeError:
        return
    exercise(metadata)


@settings(max_examples=200, deadline=None)
@given(data=st.data(), raw=st.sampled_from(EVENTS))
def test_damaged_events_raise_nothing_else(data: st.DataObject, raw: bytes) -> None:
    damaged = bytearray(raw)
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    metadata = parsed(FILES[0])
    try:
        records = metadata.decode_events(bytes(damaged))
    except IntegriteeError:
        return
    assert metadata.encode_events(records) == bytes(damaged)


@pytest.mark.parametrize("raw", EVENTS[:3])
def test_events_with_a_byte_more_or_less(metadata: RuntimeMetadata, raw: bytes) -> None:
    for damaged in (raw[:-1], raw + b"\x00", b""):
        with pytest.raises(DecodeError):
            metadata.decode_events(damaged)


def test_oversized_input(metadata: RuntimeMetadata) -> None:
    with pytest.raises(InputTooLarge):
        metadata.decode_events(bytes(MAX_VALUE_SIZE + 1))


# --- pallets


@pytest.mark.parametrize(
    "pallets",
    [
        pytest.param([pallet_layout("A", 0), pallet_layout("A", 1)], id="names"),
        pytest.param([pallet_layout("A", 0), pallet_layout("B", 0)], id="indexes"),
        pytest.param(
            [pallet_layout("A", 0, constants=[ConstantV14("C", 0, b"", []), ConstantV14("C", 0, b"", [])])],
            id="constants",
        ),
    ],
)
def test_duplicates(pallets: list[Any]) -> None:
    with pytest.raises(DuplicateEntry):
        runtime(types(UNIT), pallets)


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        pytest.param(UNIT, UnusableType, id="not an enum"),
        pytest.param(enum(variant("a", 0), variant("a", 1)), UnusableType, id="names"),
        pytest.param(enum(variant("a", 0), variant("b", 0)), UnusableType, id="indexes"),
        pytest.param(
            enum(variant("a", 0, field(0, "x"), field(0, "x"))), UnusableType, id="two arguments of one name"
        ),
        pytest.param(enum(variant("a", 0, *[field(0)] * 257)), UnusableType, id="too many arguments"),
        pytest.param(None, UnknownType, id="unknown type"),
    ],
)
def test_calls_that_are_no_enum(kind: TypeDef | None, error: type[InvalidMetadata]) -> None:
    registered = types(UNIT) if kind is None else types(UNIT, kind)
    with pytest.raises(error):
        runtime(registered, [pallet_layout("A", 0, calls=calls(1))])


def test_types_out_of_place() -> None:
    entries = types(UNIT, U8)
    with pytest.raises(UnusableType):
        RuntimeMetadata.parse(metadata_v14([entries[1], entries[0]]))


@pytest.mark.parametrize("definition", [UNIT, SequenceOf(0), SequenceOf(2), SequenceOf(9), struct(field(0, "phase"))])
def test_events_that_are_no_records(definition: TypeDef) -> None:
    system = pallet_layout("System", 0, storage=events_storage(1))
    with pytest.raises((MissingEntry, UnknownType)):
        runtime(types(UNIT, definition, struct(field(0, "phase"))), [system]).decode_events(b"\x00")
    with pytest.raises(MissingEntry):
        runtime(types(UNIT)).decode_events(b"\x00")


# --- types


@pytest.mark.parametrize(
    "definitions",
    [
        pytest.param([struct(field(0))], id="wraps itself"),
        pytest.param([struct(field(1)), struct(field(0))], id="wraps itself in two steps"),
        pytest.param([struct(field(7))], id="unknown type"),
        pytest.param([struct(field(1, "a"), field(1)), U8], id="names for some fields"),
        pytest.param([struct(field(1, "a"), field(1, "a")), U8], id="same name twice"),
        pytest.param([TupleOf([1] * (MAX_FIELDS + 1)), U8], id="too many fields"),
        pytest.param([ArrayOf(MAX_ZERO_SIZED_ITEMS + 1, 1), UNIT], id="array of nothing"),
        pytest.param([CompactOf(1), PrimitiveType(Primitive.STR)], id="compact text"),
        pytest.param([CompactOf(1), PrimitiveType(Primitive.I8)], id="compact signed integer"),
        pytest.param([CompactOf(0)], id="compact of itself"),
        pytest.param([BitSequence(1, 1), U8], id="bits in unknown order"),
        pytest.param([enum(variant("a", 0), variant("b", 0))], id="variants with one index"),
        pytest.param([struct(field(i + 1), field(i + 1)) for i in range(200)] + [U8], id="deep"),
        pytest.param([SequenceOf(i + 1) for i in range(200)] + [U8], id="deep sequences"),
    ],
)
def test_unusable_types(definitions: list[TypeDef]) -> None:
    found = registry(*definitions)
    for _ in range(2):  # a failure leaves nothing half-made behind
        with pytest.raises(InvalidMetadata):
            found.decode(0, bytes(8))
    with pytest.raises(InvalidMetadata):
        found.encode(0, ())


@pytest.mark.parametrize(
    ("definitions", "error"),
    [
        pytest.param([TupleOf([0, 1]), U8], TooDeep, id="tuple of itself"),
        pytest.param([ArrayOf(1 << 31, 0)], TooDeep, id="array of itself"),
        pytest.param([struct(field(0, "a"), field(0, "b"))], TooDeep, id="two of itself"),
        pytest.param([ArrayOf((1 << 32) - 1, 1), PrimitiveType(Primitive.U32)], UnexpectedEnd, id="long array"),
        pytest.param([ArrayOf((1 << 32) - 1, 1), U8], UnexpectedEnd, id="long array of bytes"),
        pytest.param([TupleOf([i + 1] * 100) for i in range(20)] + [U8], UnexpectedEnd, id="exponentially wide"),
        pytest.param([SequenceOf(1), UNIT], TooLong, id="sequence of nothing"),
        pytest.param([SequenceOf(1), struct(field(2, "a")), ArrayOf(0, 0)], TooLong, id="hidden nothing"),
    ],
)
def test_types_without_usable_values(definitions: list[TypeDef], error: type[DecodeError]) -> None:
    found = registry(*definitions)
    with pytest.raises(error):
        found.decode(0, b"\xfd\xff" + bytes(6))


def test_exponentially_wide_nothing_is_one_value() -> None:
    found = registry(*(TupleOf([i + 1] * 100) for i in range(20)), UNIT)
    assert found.decode(0, b"") == ()
    assert found.encode(0, ()) == b""


@pytest.mark.parametrize(
    ("definitions", "path", "step"),
    [
        pytest.param([enum(variant("More", 0, field(0)), variant("End", 1))], "", b"\x00", id="variant"),
        pytest.param([enum(variant("None", 0), variant("Some", 1, field(0)))], "Option", b"\x01", id="option"),
        pytest.param([enum(variant("Ok", 0, field(0)), variant("Err", 1, field(0)))], "Result", b"\x00", id="result"),
        pytest.param([SequenceOf(0)], "", b"\x04", id="sequence"),
        pytest.param([struct(field(1, "children")), SequenceOf(0)], "", b"\x04", id="tree"),
    ],
)
def test_recursive_values_are_read_to_a_limit(definitions: list[TypeDef], path: str, step: bytes) -> None:
    with pytest.raises(TooDeep):
        registry(*definitions, paths={0: path}).decode(0, step * 100_000)


def test_threads_share_a_registry() -> None:
    for _ in range(20):
        found = registry(*(struct(field(i + 1, "a"), field(0, "b")) for i in range(30)), U8, SequenceOf(0))
        with ThreadPoolExecutor(8) as pool:
            codecs = list(pool.map(found.codec, [0, 29, 15, 0, 1, 2, 29, 31]))
        assert codecs == [found.codec(i) for i in (0, 29, 15, 0, 1, 2, 29, 31)]


def nested_batch(metadata: RuntimeMetadata, depth: int) -> bytes:
    call = metadata.call("System", "remark", [b""])
    return (metadata.call_index("Utility", "batch") + b"\x04") * depth + call


def test_calls_are_read_to_a_limit(metadata: RuntimeMetadata) -> None:
    depth = MAX_VALUE_DEPTH // 4
    call = metadata.decode_call(nested_batch(metadata, depth))
    assert metadata.call(call.pallet, call.call, call.args) == nested_batch(metadata, depth)
    with pytest.raises(TooDeep):
        metadata.decode_call(nested_batch(metadata, 100_000))


def test_calls_are_written_to_a_limit(metadata: RuntimeMetadata) -> None:
    call = DecodedCall("System", "remark", {"remark": b""})
    for _ in range(10_000):
        call = DecodedCall("Utility", "batch", {"calls": [call]})
    with pytest.raises(EncodeError):
        metadata.call(call.pallet, call.call, call.args)
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(EncodeError):
        registry(SequenceOf(0)).encode(0, endless)


def test_nesting_limit_leaves_room_for_real_types() -> None:
    assert MAX_TYPE_NESTING >= 32
    chain = [SequenceOf(i + 1) for i in range(MAX_TYPE_NESTING - 1)] + [U8]
    assert registry(*chain).decode(0, b"\x00") == []
