"""Known encodings, both ways."""

from __future__ import annotations

from typing import Annotated, Any

import pytest

from integritee.scale import (
    Bytes4,
    Bytes32,
    Compact,
    Err,
    Fixed,
    Integer,
    Ok,
    decode,
    encode,
    fields_of,
    i8,
    i32,
    i128,
    to_json,
    u8,
    u16,
    u32,
    u64,
    u128,
    u256,
)

from .scale_shapes import SHORT_BYTES, Circle, Direction, Figure, Group, Point, Record

RECORD = Record(
    7, Direction.Down, 1 << 70, "é", [b"abcd"], 9, Err(4), {1: b"x", 2: b""}, Group([Circle(258), Point()])
)
RECORD_HEX = "07000000021700000000000000004008c3a904616263640109000000000000000104080104780200090803020100"


@pytest.mark.parametrize(
    ("hint", "value", "hexed"),
    [
        (bool, True, "01"),
        (bool, False, "00"),
        (u8, 255, "ff"),
        (u16, 0x0102, "0201"),
        (u32, 16_777_215, "ffffff00"),
        (u64, 1, "0100000000000000"),
        (u128, (1 << 128) - 1, "ff" * 16),
        (u256, 1, "01" + "00" * 31),
        (i8, -1, "ff"),
        (i32, -2, "feffffff"),
        (i128, -(1 << 127), "00" * 15 + "80"),
        (Compact[u32], 0, "00"),
        (Compact[u32], 63, "fc"),
        (Compact[u32], 64, "0101"),
        (Compact[u32], 16_383, "fdff"),
        (Compact[u32], 16_384, "02000100"),
        (Compact[u64], (1 << 30) - 1, "feffffff"),
        (Compact[u64], 1 << 30, "0300000040"),
        (Compact[u64], (1 << 64) - 1, "13" + "ff" * 8),
        (Compact[u128], (1 << 128) - 1, "33" + "ff" * 16),
        (str, "", "00"),
        (str, "Hamlet", "1848616d6c6574"),
        (bytes, b"", "00"),
        (bytes, b"\x01\x02", "080102"),
        (Bytes4, b"meta", "6d657461"),
        (Bytes32, bytes(32), "00" * 32),
        (list[u16], [4, 8, 15, 16, 23, 42], "18040008000f00100017002a00"),
        (Annotated[list[u16], Fixed(2)], [1, 2], "01000200"),
        (tuple[u8, bool], (3, False), "0300"),
        (tuple[()], (), ""),
        (None, None, ""),
        (u8 | None, None, "00"),
        (u8 | None, 5, "0105"),
        (Ok[u8] | Err[bool], Ok(42), "002a"),
        (Ok[u8] | Err[bool], Err(False), "0100"),
        (Ok[None] | Err[u8], Ok(None), "00"),
        (dict[u8, str], {2: "b", 1: "a"}, "08010461020462"),
        (Direction, Direction.Up, "00"),
        (Direction, Direction.None_, "05"),
        (Figure, Point(), "00"),
        (Figure, Circle(1), "030100"),
        (Circle, Circle(1), "0100"),
        (Figure, Group([Group([]), Circle(5)]), "09080900030500"),
        (SHORT_BYTES, b"abc", "0c616263"),
        (Record, RECORD, RECORD_HEX),
    ],
)
def test_known_encodings(hint: Any, value: Any, hexed: str) -> None:
    assert encode(hint, value).hex() == hexed
    assert decode(hint, bytes.fromhex(hexed)) == value


def test_keywords_as_field_names_keep_their_wire_name() -> None:
    assert [f.name for f in fields_of(Record)][:2] == ["id", "class"]
    assert RECORD.class_ is Direction.Down


def test_json_view() -> None:
    assert to_json(RECORD) == {
        "id": 7,
        "class": "Down",
        "amount": 1 << 70,
        "note": "é",
        "tags": ["0x61626364"],
        "maybe": 9,
        "outcome": {"Err": 4},
        "lookup": {"1": "0x78", "2": "0x"},
        "shape": {"Group": {"members": [{"Circle": {"radius": 258}}, "Point"]}},
    }


@pytest.mark.parametrize(
    ("integer", "name", "low", "high"),
    [(Integer(1), "u8", 0, 255), (Integer(2, True), "i16", -32768, 32767), (Integer(16), "u128", 0, (1 << 128) - 1)],
)
def test_integers_know_their_range(integer: Integer, name: str, low: int, high: int) -> None:
    assert (integer.name, integer.low, integer.high) == (name, low, high)
