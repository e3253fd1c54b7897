"""The token bucket, as a table of what is taken when, and the law that bounds it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integritee.enclave.rpc.rate import TokenBucket


@pytest.mark.parametrize(
    "takings",
    [
        [(0.0, 4, 0.0), (0.0, 1, 0.5)],
        [(0.0, 3, 0.0), (0.0, 2, 0.5), (0.0, 1, 0.0)],
        [(0.0, 4, 0.0), (0.25, 1, 0.25), (0.5, 1, 0.0), (0.5, 1, 0.5)],
        [(0.0, 4, 0.0), (100.0, 4, 0.0), (100.0, 1, 0.5)],
        [(0.0, 1000, 0.0), (1.0, 1000, 1.0), (2.0, 1000, 0.0)],
        [(9.0, 4, 0.0), (5.0, 1, 0.5), (5.5, 1, 0.0)],
    ],
    ids=[
        "burst",
        "a refusal takes nothing",
        "refill",
        "never above the burst",
        "larger than the burst",
        "clock back",
    ],
)
def test_what_is_taken_and_how_long_to_wait(takings: list[tuple[float, float, float]]) -> None:
    """At 2 tokens per second, 4 at most: (time, tokens, seconds to wait)."""
    bucket = TokenBucket(2, 4)
    assert [(now, tokens, bucket.take(tokens, now)) for now, tokens, _ in takings] == takings


@given(st.lists(st.tuples(st.integers(0, 8), st.integers(1, 6)), max_size=80))
def test_no_pattern_gets_more_than_burst_and_rate(steps: list[tuple[int, int]]) -> None:
    bucket, now, taken = TokenBucket(2, 6), 0.0, 0
    for quarters, tokens in steps:
        now += quarters / 4
        wait = bucket.take(tokens, now)
        taken += 0 if wait else tokens
        assert taken <= 6 + 2 * now
        if wait:
            now += wait
            assert bucket.take(tokens, now) == 0.0
            taken += tokens
