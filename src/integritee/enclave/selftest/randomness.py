"""The source of randomness: whether it is one at all.

These are tests of health, as of a generator that is stuck or biased (NIST SP 800-90B §4.4 in spirit); no test of
this kind shows that numbers cannot be guessed. Bounds are wide: a sound source fails one in about 10⁹ runs.
"""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Iterator
from functools import partial
from itertools import pairwise
from typing import Final

from ..keys import Randomness
from .check import Check, Setup, expect, expect_that

SAMPLE: Final = 1 << 16
"""Bytes looked at."""

SIGMAS: Final = 6.5
"""Standard deviations that a count may be off."""

MAX_RUN: Final = 6
"""Equal bytes in a row; seven come about once in 10⁹ samples."""

KEYS: Final = 1000


def checks(setup: Setup) -> Iterator[Check]:
    for name, source in (("the enclave's source", setup.random), ("the system's source", os.urandom)):
        yield Check(f"{name}: lengths", partial(_lengths, source))
        yield Check(f"{name}: no repetition", partial(_distinct, source))
        yield Check(f"{name}: no byte is stuck", partial(_runs, source))
        yield Check(f"{name}: as many ones as zeros", partial(_bits, source))
        yield Check(f"{name}: every bit for itself", partial(_each_bit, source))
        yield Check(f"{name}: every byte value as often", partial(_bytes, source))


def _lengths(source: Randomness) -> None:
    for length in (0, 1, 32, 4096):
        expect(len(source(length)), length, "bytes")


def _distinct(source: Randomness) -> None:
    expect(len({source(32) for _ in range(KEYS)}), KEYS, f"different keys of {KEYS}")


def _runs(source: Randomness) -> None:
    sample, longest, run = source(SAMPLE), 1, 1
    for before, byte in pairwise(sample):
        run = run + 1 if byte == before else 1
        longest = max(longest, run)
    expect_that(longest <= MAX_RUN, longest, f"at most {MAX_RUN}", "equal bytes in a row")


def _bits(source: Randomness) -> None:
    ones = int.from_bytes(source(SAMPLE), "little").bit_count()
    _expect_near(ones, SAMPLE * 4, math.sqrt(SAMPLE * 2), f"ones among {SAMPLE * 8} bits")


def _each_bit(source: Randomness) -> None:
    sample = source(SAMPLE)
    for bit in range(8):
        ones = sum(byte >> bit & 1 for byte in sample)
        _expect_near(ones, SAMPLE / 2, math.sqrt(SAMPLE / 4), f"ones at bit {bit} among {SAMPLE} bytes")


def _bytes(source: Randomness) -> None:
    """Pearson's chi-squared over the 256 values; its mean is 255, its variance 510."""
    found, mean = Counter(source(SAMPLE)), SAMPLE / 256
    chi_squared = sum((found[value] - mean) ** 2 / mean for value in range(256))
    _expect_near(chi_squared, 255, math.sqrt(510), "chi-squared of the byte values")


def _expect_near(found: float, mean: float, deviation: float, what: str) -> None:
    low, high = mean - SIGMAS * deviation, mean + SIGMAS * deviation
    expect_that(low <= found <= high, found, f"{low:.0f} to {high:.0f}", what)
