"""Token buckets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integritee.worker.peers.allowance import Allowance, Rate

RATE = Rate(burst=5, per_second=2)


@pytest.mark.parametrize(
    "taken, now, wait", [(4, 0.0, 0.0), (5, 0.0, 0.5), (5, 0.6, 0.0), (9, 0.0, 2.5), (9, 2.5, 0.0)]
)
def test_waits(taken: float, now: float, wait: float) -> None:
    allowance = Allowance(RATE, 0.0)
    allowance.take(taken, 0.0)
    assert allowance.wait(now) == wait


def test_nothing_is_saved_up() -> None:
    allowance = Allowance(RATE, 0.0)
    allowance.take(5, 1e6)
    assert allowance.wait(1e6) > 0


@given(st.lists(st.floats(0, 3), min_size=1, max_size=60))
def test_no_more_than_the_rate(pauses: list[float]) -> None:
    allowance, now, taken = Allowance(RATE, 0.0), 0.0, 0
    for pause in pauses:
        now += pause
        while allowance.wait(now) == 0:
            allowance.take(1, now)
            taken += 1
    assert taken <= RATE.burst + RATE.per_second * now + 1
