"""Quantiles from buckets, beside those of the sorted samples."""

from __future__ import annotations

from math import ceil

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from integritee.load.histogram import MAX_RELATIVE_ERROR, TICKS_PER_SECOND, Histogram, bucket_of, middle_of

DURATIONS = st.integers(1, 10**10).map(lambda ticks: ticks / TICKS_PER_SECOND)
"""From a microsecond to hours."""


@given(st.lists(DURATIONS, min_size=1, max_size=200), st.floats(0, 1))
def test_quantiles_are_off_by_a_bounded_share(samples: list[float], share: float) -> None:
    exact = sorted(samples)[max(1, ceil(share * len(samples))) - 1]
    found = Histogram.of(samples).quantile(share)
    assert found == pytest.approx(exact, rel=MAX_RELATIVE_ERROR, abs=0)


@given(st.lists(DURATIONS, max_size=50), st.lists(DURATIONS, max_size=50))
def test_merging_is_counting_all(some: list[float], others: list[float]) -> None:
    merged = Histogram.of(some)
    merged.merge(Histogram.of(others))
    assert merged == Histogram.of(some + others)


@given(st.lists(DURATIONS, max_size=50))
def test_another_process_reads_the_same(samples: list[float]) -> None:
    histogram = Histogram.of(samples)
    assert msgspec.json.decode(msgspec.json.encode(histogram), type=Histogram) == histogram


@given(st.integers(0, 2**60))
def test_a_bucket_holds_its_middle(ticks: int) -> None:
    bucket = bucket_of(ticks)
    assert bucket_of(int(middle_of(bucket))) == bucket
    assert bucket_of(ticks + 1) in (bucket, bucket + 1)


@pytest.mark.parametrize(
    ("samples", "share", "expected"),
    [
        ([], 0.5, None),
        ([0.001], 0.0, 0.001),
        ([0.001], 1.0, 0.001),
        ([-0.5], 0.5, 0.000001),
        ([0.0], 0.5, 0.000001),
        ([0.1] * 99 + [7.654321], 1.0, 7.654321),
        ([0.0001] * 99 + [1.0], 0.99, 0.0001),
        ([0.0001] * 98 + [1.0] * 2, 0.99, 1.0),
    ],
    ids=["none", "least", "most", "below zero", "zero", "the longest is exact", "99 of 100", "one more"],
)
def test_quantiles(samples: list[float], share: float, expected: float | None) -> None:
    assert Histogram.of(samples).quantile(share) == expected
