"""Every way in which bytes can fail to be a value, or a value to have bytes."""

from __future__ import annotations

from typing import Annotated, Any

import pytest

from integritee.scale import (
    MAX_DEPTH,
    Bounded,
    Bytes4,
    Compact,
    Err,
    Fixed,
    Ok,
    Registry,
    ScaleError,
    codec,
    decode,
    decode_compact,
    encode,
    encode_compact,
    i8,
    tagged,
    u8,
    u16,
    u32,
    u64,
)
from integritee.scale.codec import MAX_ZERO_SIZED
from integritee.scale.errors import (
    DecodeError,
    EncodeError,
    InvalidUtf8,
    NonCanonicalCompact,
    OutOfRange,
    TooDeep,
    TooLong,
    TrailingBytes,
    UnexpectedEnd,
    UnknownVariant,
    UnorderedMap,
    UnsupportedType,
)

from .scale_shapes import SHORT_BYTES, SHORT_LIST, SHORT_MAP, Circle, Direction, Figure, Record


@pytest.mark.parametrize(
    ("hint", "hexed", "error", "facts"),
    [
        (u32, "010203", UnexpectedEnd, {"at": 0, "needed": 4, "available": 3}),
        (bool, "", UnexpectedEnd, {"at": 0, "needed": 1, "available": 0}),
        (bytes, "0c0102", UnexpectedEnd, {"at": 1, "needed": 3, "available": 2}),
        (str, "0c6162", UnexpectedEnd, {"at": 1, "needed": 3, "available": 2}),
        (Bytes4, "0102", UnexpectedEnd, {"at": 0, "needed": 4, "available": 2}),
        (u8 | None, "", UnexpectedEnd, {"at": 0, "needed": 1, "available": 0}),
        (Ok[u8] | Err[u8], "", UnexpectedEnd, {"at": 0, "needed": 1, "available": 0}),
        (Figure, "", UnexpectedEnd, {"at": 0, "needed": 1, "available": 0}),
        (Compact[u32], "", UnexpectedEnd, {"at": 0, "needed": 1, "available": 0}),
        (Compact[u32], "01", UnexpectedEnd, {"at": 0, "needed": 2, "available": 1}),
        (Compact[u32], "020000", UnexpectedEnd, {"at": 0, "needed": 4, "available": 3}),
        (Compact[u64], "03000000", UnexpectedEnd, {"at": 0, "needed": 5, "available": 4}),
        (u8, "0102", TrailingBytes, {"expected": 1, "found": 2}),
        (None, "00", TrailingBytes, {"expected": 0, "found": 1}),
        (Compact[u32], "0100", NonCanonicalCompact, {"at": 0, "value": 0}),
        (Compact[u32], "fd00", NonCanonicalCompact, {"at": 0, "value": 63}),
        (Compact[u32], "02000000", NonCanonicalCompact, {"at": 0, "value": 0}),
        (Compact[u32], "feff0000", NonCanonicalCompact, {"at": 0, "value": 16383}),
        (Compact[u64], "03ffffff3f", NonCanonicalCompact, {"at": 0, "value": (1 << 30) - 1}),
        (Compact[u64], "070000004000", NonCanonicalCompact, {"at": 0, "value": 1 << 30}),
        (bool, "02", OutOfRange, {"at": 0, "found": 2, "expected": "a bool (0 or 1)"}),
        (Compact[u8], "0104", OutOfRange, {"at": 0, "found": 256, "expected": "compact u8"}),
        (Compact[u32], "070000000001", OutOfRange, {"at": 0, "found": 1 << 32, "expected": "compact u32"}),
        (SHORT_BYTES, "1001020304", TooLong, {"at": 0, "found": 4, "limit": 3}),
        (SHORT_LIST, "1001020304", TooLong, {"at": 0, "found": 4, "limit": 3}),
        (SHORT_MAP, "0c010102020303", TooLong, {"at": 0, "found": 3, "limit": 2}),
        (list[u16], "0c0102", TooLong, {"at": 0, "found": 3, "limit": 1}),
        (list[u64], "feffffff00", TooLong, {"at": 0, "found": (1 << 30) - 1, "limit": 0}),
        (list[None], "02000500", TooLong, {"at": 0, "found": 81920, "limit": MAX_ZERO_SIZED}),
        (Figure, "01", UnknownVariant, {"at": 0, "found": 1, "type_name": "Figure"}),
        (Direction, "01", UnknownVariant, {"at": 0, "found": 1, "type_name": "Direction"}),
        (u8 | None, "0200", UnknownVariant, {"at": 0, "found": 2, "type_name": "Option"}),
        (Ok[u8] | Err[u8], "0200", UnknownVariant, {"at": 0, "found": 2, "type_name": "Result"}),
        (str, "04ff", InvalidUtf8, {"at": 1}),
        (dict[u8, u8], "0802000100", UnorderedMap, {"at": 0}),
        (dict[u8, u8], "0801000100", UnorderedMap, {"at": 0}),
    ],
)
def test_bytes_that_are_no_value(hint: Any, hexed: str, error: type[DecodeError], facts: dict[str, Any]) -> None:
    with pytest.raises(error) as caught:
        decode(hint, bytes.fromhex(hexed))
    assert caught.value.data() == facts
    assert caught.value.code.startswith("scale.")


@pytest.mark.parametrize(
    ("hint", "value"),
    [
        (u8, 256),
        (u8, -1),
        (i8, 128),
        (u32, "7"),
        (Compact[u32], 1 << 32),
        (Compact[u32], -1),
        (Compact[u32], None),
        (Bytes4, b"abc"),
        (SHORT_BYTES, b"abcd"),
        (SHORT_LIST, [1, 2, 3, 4]),
        (SHORT_MAP, {1: 1, 2: 2, 3: 3}),
        (Annotated[list[u8], Fixed(2)], [1]),
        (tuple[u8, u8], (1,)),
        (tuple[u8, u8], 1),
        (Record, 5),
        (Figure, 5),
        (Figure, "Point"),
        (Ok[u8] | Err[u8], 5),
        (Circle, Direction.Up),
    ],
)
def test_values_that_have_no_bytes(hint: Any, value: Any) -> None:
    with pytest.raises(EncodeError) as caught:
        encode(hint, value)
    assert caught.value.code == "scale.encode"
    assert set(caught.value.data()) == {"expected", "found"}


@pytest.mark.parametrize("hint", [int, float, set[u8], u8 | str, list, object, Ok[u8] | None | Err[u8] | str])
def test_hints_without_a_form(hint: Any) -> None:
    with pytest.raises(UnsupportedType) as caught:
        codec(hint)
    assert caught.value.code == "scale.unsupported_type"


def test_nesting_is_bounded() -> None:
    deepest = 0
    for levels in range(1, MAX_DEPTH):
        try:
            decode(Figure, b"\x09\x04" * levels + b"\x00")
            deepest = levels
        except TooDeep as error:
            assert error.limit == MAX_DEPTH
            break
    assert 8 < deepest < MAX_DEPTH
    with pytest.raises(TooDeep):
        decode(Figure, b"\x09\x04" * 10_000 + b"\x00")


def test_hostile_length_allocates_nothing() -> None:
    """A four-byte input cannot claim a billion items, whatever they are."""
    for hint in (list[u8 | None], list[tuple[u8, u8]], list[Record], dict[u8, u8], list[list[bool]]):
        with pytest.raises(TooLong):
            decode(hint, encode_compact((1 << 30) - 1))


@pytest.mark.parametrize("value", [-1, 1 << 536])
def test_compact_range(value: int) -> None:
    with pytest.raises(EncodeError):
        encode_compact(value)


def test_largest_compact() -> None:
    value = (1 << 536) - 1
    assert decode_compact(encode_compact(value)) == (value, 68)


def test_prefix_decoding_leaves_the_rest() -> None:
    assert codec(u16).decode_prefix(b"\xff\x01\x02\x03", 1) == (0x0201, 3)


def test_placeholders_are_bound_per_registry() -> None:
    class Anything:
        pass

    one, other = Registry(), Registry()
    one.bind(Anything, lambda: one.codec(u8))
    other.bind(Anything, lambda: other.codec(u16))
    hint = Annotated[list[Anything], Bounded(2)]
    assert one.codec(hint).encode([1]) == b"\x04\x01"
    assert other.codec(hint).encode([1]) == b"\x04\x01\x00"
    with pytest.raises(UnsupportedType):
        Registry().codec(hint)


def test_errors_within_variants_name_the_enum() -> None:
    letters = tagged("Letter", {65: codec(u8)}, ord)
    with pytest.raises(ScaleError):
        letters.encode("B")
    with pytest.raises(UnknownVariant) as caught:
        letters.decode(b"B\x00")
    assert caught.value.type_name == "Letter"
