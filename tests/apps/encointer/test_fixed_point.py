"""Fixed point, bit by bit."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integritee.apps.encointer.demurrage import DEFAULT_DEMURRAGE_PER_BLOCK, value_at
from integritee.apps.encointer.fixed_point import I32F32, I64F64, ONE, E, NoNumber, exp_of_minus
from integritee.apps.encointer.types import BalanceEntry

RATE = DEFAULT_DEMURRAGE_PER_BLOCK.bits
HALF_LIFE = 6_151_680


@pytest.mark.parametrize(
    ("x", "factor"),
    [
        (0, ONE),
        (RATE, 0xFFFF_FE1C_0F59_1FF8),
        (100 * RATE, 0xFFFF_42F6_43E9_A17C),
        (1000 * RATE, 0xFFF8_9DB7_308B_E1DF),
        (ONE, (ONE * ONE) // E),
        (1000 * ONE, 0),
    ],
)
def test_exponential(x: int, factor: int) -> None:
    assert exp_of_minus(x) == factor


@pytest.mark.parametrize(
    ("blocks", "left"),
    [(0, "10"), (-5, "10"), (1000, "9.99887"), (HALF_LIFE, "5.0000"), (2 * HALF_LIFE, "2.5000"), (1 << 32, "0")],
)
def test_money_melts(blocks: int, left: str) -> None:
    entry = BalanceEntry(I64F64(10 * ONE), 100)
    assert str(value_at(entry, 100 + blocks)).startswith(left)


@given(principal=st.integers(0, (1 << 127) - 1), blocks=st.integers(0, 1 << 24), more=st.integers(0, 1 << 16))
def test_what_melts_never_grows(principal: int, blocks: int, more: int) -> None:
    entry = BalanceEntry(I64F64(principal), 7)
    assert 0 <= value_at(entry, 7 + blocks + more).bits <= value_at(entry, 7 + blocks).bits <= principal


@pytest.mark.parametrize(
    ("text", "bits"),
    [
        ("0", 0),
        ("1", ONE),
        ("-1", -ONE),
        ("0.5", ONE >> 1),
        ("-0.5", -(ONE >> 1)),
        ("0.1", ONE // 10),
        ("+2", 2 * ONE),
    ],
)
def test_reading(text: str, bits: int) -> None:
    assert I64F64.parse(text).bits == bits


@pytest.mark.parametrize(
    "text", ["", "1e3", "0x1", "1.", ".5", "nan", "١", "1" * 65, str(1 << 63), "-9223372036854775809"]
)
def test_what_is_no_number(text: str) -> None:
    with pytest.raises(NoNumber):
        I64F64.parse(text)


@given(bits=st.integers(-(1 << 63), (1 << 63) - 1))
def test_coordinates_are_shown_exactly_enough(bits: int) -> None:
    shown = Fraction(str(I32F32(bits)))
    assert round(shown * (1 << 32)) == bits
