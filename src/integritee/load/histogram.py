"""Quantiles of very many samples in little memory: buckets whose width grows with what they count.

A bucket holds values that agree in their leading `PRECISION` + 1 bits, as in Gil Tene's HdrHistogram. What a quantile
says is therefore off by less than one part in 2^(`PRECISION` + 1), whatever the magnitude, and histograms of several
processes add up to the one that a single process had made.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import ceil
from typing import Final, Self

import msgspec

PRECISION: Final = 7
MAX_RELATIVE_ERROR: Final = 2.0 ** -(PRECISION + 1)
"""Of a quantile, beside the sample it stands for."""

TICKS_PER_SECOND: Final = 1_000_000
"""Samples are whole microseconds; shorter ones count as one."""


class Histogram(msgspec.Struct):
    """`buckets` holds counts by bucket; `least` and `most` are exact, in ticks, and 0 while there is no sample."""

    buckets: dict[int, int] = {}
    count: int = 0
    least: int = 0
    most: int = 0

    @classmethod
    def of(cls, samples: Iterable[float]) -> Self:
        histogram = cls()
        for seconds in samples:
            histogram.add(seconds)
        return histogram

    def add(self, seconds: float) -> None:
        """Count a sample; one below zero, which clocks of several cores can make, counts as the shortest."""
        ticks = max(1, round(seconds * TICKS_PER_SECOND))
        bucket = bucket_of(ticks)
        self.buckets[bucket] = self.buckets.get(bucket, 0) + 1
        self.least = ticks if self.count == 0 else min(self.least, ticks)
        self.most = max(self.most, ticks)
        self.count += 1

    def merge(self, other: Histogram) -> None:
        """Take the samples of another one in."""
        if other.count == 0:
            return
        for bucket, count in other.buckets.items():
            self.buckets[bucket] = self.buckets.get(bucket, 0) + count
        self.least = other.least if self.count == 0 else min(self.least, other.least)
        self.most = max(self.most, other.most)
        self.count += other.count

    def quantile(self, share: float) -> float | None:
        """Seconds within which that share (0..1) of all samples lies, at least one of them; None without samples."""
        if self.count == 0:
            return None
        rank = max(1, ceil(share * self.count))
        if rank == self.count:
            return self.most / TICKS_PER_SECOND
        for bucket in sorted(self.buckets):
            rank -= self.buckets[bucket]
            if rank <= 0:
                return min(max(middle_of(bucket), self.least), self.most) / TICKS_PER_SECOND
        raise AssertionError("counts add up to the number of samples")


def bucket_of(ticks: int) -> int:
    """Of a value of at least 0. Buckets of small values hold one value each."""
    shift = max(0, ticks.bit_length() - PRECISION - 1)
    return (shift << PRECISION) + (ticks >> shift)


def middle_of(bucket: int) -> float:
    """The middle of the values that a bucket holds."""
    shift = max(0, (bucket >> PRECISION) - 1)
    first = (bucket - (shift << PRECISION)) << shift
    return first + ((1 << shift) - 1) / 2
