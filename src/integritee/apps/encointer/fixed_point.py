"""Numbers of Encointer in fixed point: balances with 64 fractional bits, coordinates with 32 (`substrate-fixed`).

Everything here is exact in integers, so that every machine finds the same bits.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import ClassVar, Final, Self

from integritee.scale import Struct, i64, i128

ONE: Final = 1 << 64
"""1 with 64 fractional bits."""

MAX_DIGITS: Final = 64
"""Of a number that is read."""

SHOWN_DECIMALS: Final = 18
EXP_TERMS: Final = 64
"""Of the series for e^x, the first two included (`substrate-fixed` transcendental)."""

E: Final = 0x2_B7E1_5162_8AED_2A6A
"""e with 64 fractional bits."""

DECIMAL: Final = re.compile(r"[+-]?\d+(\.\d+)?", re.ASCII)


class NoNumber(ValueError):
    """A text that is no decimal number, or one too large."""


class I64F64(Struct, frozen=True):
    """decimal number; `bits` / 2⁶⁴."""

    scale_path: ClassVar[str] = "substrate_fixed::FixedI128"
    bits: i128

    @classmethod
    def parse(cls, text: str) -> Self:
        """The number of a decimal text, rounded down to 64 fractional bits. Raises NoNumber."""
        return cls(_bits(text, 64, 127))

    def __str__(self) -> str:
        return _decimal(self.bits, 64)


class I32F32(Struct, frozen=True):
    """decimal number; `bits` / 2³²."""

    scale_path: ClassVar[str] = "substrate_fixed::FixedI64"
    bits: i64

    @classmethod
    def parse(cls, text: str) -> Self:
        """The number of a decimal text, rounded down to 32 fractional bits. Raises NoNumber."""
        return cls(_bits(text, 32, 63))

    def __str__(self) -> str:
        return _decimal(self.bits, 32)


def _bits(text: str, fraction: int, width: int) -> int:
    if len(text) > MAX_DIGITS or not DECIMAL.fullmatch(text):
        raise NoNumber(f"{text[:MAX_DIGITS]!r} is no decimal number of up to {MAX_DIGITS} characters")
    scaled = Fraction(text) * (1 << fraction)
    bits = scaled.numerator // scaled.denominator
    if not -(1 << width) <= bits < 1 << width:
        raise NoNumber(f"{text!r} is too large")
    return bits


def _decimal(bits: int, fraction: int) -> str:
    """At most `SHOWN_DECIMALS` decimals, rounded to the nearest."""
    scaled = (abs(bits) * 10**SHOWN_DECIMALS + (1 << (fraction - 1))) >> fraction
    whole, decimals = divmod(scaled, 10**SHOWN_DECIMALS)
    tail = f"{decimals:0{SHOWN_DECIMALS}d}".rstrip("0")
    return f"{'-' if bits < 0 else ''}{whole}" + (f".{tail}" if tail else "")


def exp_of_minus(x: int) -> int:
    """e^-x for x ≥ 0, both as bits with 64 fractional ones; 0 where e^x does not fit into 63 integer bits.

    Bit by bit that of `substrate-fixed`: the reciprocal of a series whose terms are rounded down one by one, or of e.
    """
    if x == ONE:
        return (ONE * ONE) // E
    result, term = ONE + x, x
    for i in range(2, EXP_TERMS):
        term = (term * x >> 64) // i
        result += term
    return 0 if result >> 127 else (ONE * ONE) // result
