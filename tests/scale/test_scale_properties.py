"""Laws: decoding undoes encoding, and no two byte strings are the same value."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integritee.enclave.selftest.damage import flipped
from integritee.scale import Compact, DecodeError, Err, Ok, decode, decode_compact, encode, encode_compact, u8, u128

from .scale_shapes import Circle, Direction, Figure, Group, Point, Record

figures = st.recursive(
    st.just(Point()) | st.builds(Circle, st.integers(0, 65535)),
    lambda inner: st.builds(Group, st.lists(inner, max_size=3)),
    max_leaves=8,
)
records = st.builds(
    Record,
    st.integers(0, 2**32 - 1),
    st.sampled_from(Direction),
    st.integers(0, 2**128 - 1),
    st.text(max_size=20),
    st.lists(st.binary(min_size=4, max_size=4), max_size=5),
    st.none() | st.integers(0, 2**64 - 1),
    st.builds(Ok, st.booleans()) | st.builds(Err, st.integers(0, 255)),
    st.dictionaries(st.integers(0, 255), st.binary(max_size=8), max_size=4),
    figures,
)


@given(st.integers(0, (1 << 536) - 1) | st.integers(0, 1 << 34))
def test_compact_integers(value: int) -> None:
    encoded = encode_compact(value)
    assert decode_compact(encoded) == (value, len(encoded))


@given(records)
def test_records_survive(record: Record) -> None:
    assert decode(Record, encode(Record, record)) == record


@given(records, st.data())
def test_no_prefix_of_a_value_is_a_value(record: Record, data: st.DataObject) -> None:
    encoded = encode(Record, record)
    shorter = encoded[: data.draw(st.integers(0, len(encoded) - 1))]
    with pytest.raises(DecodeError):
        decode(Record, shorter)


@given(
    st.binary(max_size=60), st.sampled_from([Record, Figure, dict[u8, u8], list[Compact[u128]], Ok[str] | Err[u8]])
)
def test_whatever_decodes_is_canonical(data: bytes, hint: Any) -> None:
    try:
        value = decode(hint, data)
    except DecodeError:
        return
    assert encode(hint, value) == data


@given(records, st.data())
def test_damaged_values_decode_to_something_else_or_not_at_all(record: Record, data: st.DataObject) -> None:
    encoded = encode(Record, record)
    damaged = flipped(encoded, data.draw(st.integers(0, len(encoded) - 1)), data.draw(st.integers(1, 255)))
    try:
        value = decode(Record, damaged)
    except DecodeError:
        return
    assert value != record
    assert encode(Record, value) == damaged
