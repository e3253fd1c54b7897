"""Batches of credits: order, expiry, merging and spending."""

from __future__ import annotations

import hypothesis.strategies as st
import pytest
from hypothesis import given

from integritee.apps.credits.batches import after_spending, merged, total, unexpired
from integritee.apps.credits.types import CreditBatch

BATCHES = st.lists(st.builds(CreditBatch, st.integers(1, 100), st.none() | st.integers(0, 5)), max_size=8)

Pairs = list[tuple[int, int | None]]


def batches(pairs: Pairs) -> list[CreditBatch]:
    return [CreditBatch(amount, expiry) for amount, expiry in pairs]


@pytest.mark.parametrize(
    ("first", "second", "both"),
    [
        ([], [], []),
        ([(1, 5)], [], [(1, 5)]),
        ([(1, 5)], [(2, 5)], [(3, 5)]),
        ([(1, None)], [(2, None)], [(3, None)]),
        ([(1, None)], [(2, 5)], [(2, 5), (1, None)]),
        ([(1, 5), (1, 7)], [(2, 6)], [(1, 5), (2, 6), (1, 7)]),
        ([(1, 0)], [(2, None)], [(1, 0), (2, None)]),
    ],
)
def test_merging(first: Pairs, second: Pairs, both: Pairs) -> None:
    assert merged(batches(first), batches(second)) == batches(both)
    assert merged(batches(second), batches(first)) == batches(both)


@pytest.mark.parametrize(
    ("amount", "left"),
    [
        (0, [(10, 5), (20, 6), (30, None)]),
        (1, [(9, 5), (20, 6), (30, None)]),
        (10, [(20, 6), (30, None)]),
        (11, [(19, 6), (30, None)]),
        (59, [(1, None)]),
        (60, []),
    ],
)
def test_the_earliest_go_first(amount: int, left: Pairs) -> None:
    assert after_spending(batches([(10, 5), (20, 6), (30, None)]), amount) == batches(left)


@pytest.mark.parametrize(("now", "worth"), [(4, 6), (5, 5), (6, 3), (7, 3), (1 << 63, 3)])
def test_what_expires_is_worth_nothing_from_then_on(now: int, worth: int) -> None:
    assert total(unexpired(batches([(1, 5), (2, 6), (3, None)]), now)) == worth


@given(BATCHES, BATCHES, st.integers(0, 6))
def test_nothing_is_lost(first: list[CreditBatch], second: list[CreditBatch], now: int) -> None:
    both = merged(first, second)
    assert total(both) == total(first) + total(second)
    assert total(unexpired(both, now)) == total(unexpired(first, now)) + total(unexpired(second, now))
    assert merged(both, []) == both


@given(BATCHES, st.data())
def test_spending_in_steps_is_spending_at_once(found: list[CreditBatch], data: st.DataObject) -> None:
    held = merged(found, [])
    one = data.draw(st.integers(0, total(held)))
    two = data.draw(st.integers(0, total(held) - one))
    assert after_spending(after_spending(held, one), two) == after_spending(held, one + two)
    assert total(after_spending(held, one)) == total(held) - one
