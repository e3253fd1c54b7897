"""Products of fixed-size fields are cut by generated code, which must refuse what the fields' own codecs refuse."""

from __future__ import annotations

from typing import Any

import pytest

from integritee.scale import Bytes4, DecodeError, EncodeError, Struct, codec, u8, u32, u64, u128


class Inner(Struct, frozen=True):
    tag: Bytes4
    amount: u128


class Outer(Struct, frozen=True):
    nonce: u32
    inner: Inner
    pair: tuple[u8, u64]
    note: bytes
    end: u8
    tags: list[Bytes4] = []


INNER = Inner(b"abcd", (7 << 64) + 1)
WHOLE = Outer(5, INNER, (1, 2), b"hello", 9, [b"abcd", b"efgh"])
ENCODED = bytes.fromhex(
    "05000000 61626364 0100000000000000 0700000000000000 01 0200000000000000 14 68656c6c6f 09 08 61626364 65666768"
)


def test_a_product_is_its_fields_one_after_the_other() -> None:
    assert codec(Outer).encode(WHOLE) == ENCODED
    assert codec(Outer).decode(ENCODED) == WHOLE


@pytest.mark.parametrize("size", range(len(ENCODED)))
def test_what_ends_early_is_refused(size: int) -> None:
    with pytest.raises(DecodeError):
        codec(Outer).decode(ENCODED[:size])


@pytest.mark.parametrize(
    "value",
    [
        Outer(1 << 32, INNER, (1, 2), b"", 9),
        Outer(-1, INNER, (1, 2), b"", 9),
        Outer(5, Inner(b"abc", 1), (1, 2), b"", 9),
        Outer(5, Inner(b"abcde", 1), (1, 2), b"", 9),
        Outer(5, Inner(b"abcd", 1 << 128), (1, 2), b"", 9),
        Outer(5, Inner(b"abcd", -1), (1, 2), b"", 9),
        Outer(5, INNER, (1, 2, 3), b"", 9),  # type: ignore[arg-type]
        Outer(5, INNER, (1,), b"", 9),  # type: ignore[arg-type]
        Outer(5, INNER, (256, 2), b"", 9),
        Outer(5, INNER, (1, 2), b"", 1.0),  # type: ignore[arg-type]
        Outer(5, None, (1, 2), b"", 9),  # type: ignore[arg-type]
        Outer(5, INNER, (1, 2), b"", 9, [b"abcde", b"fgh"]),
        INNER,
        None,
    ],
)
def test_a_value_that_its_type_cannot_hold_is_refused(value: Any) -> None:
    with pytest.raises(EncodeError):
        codec(Outer).encode(value)
