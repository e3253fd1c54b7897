"""Scores and rests of peers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integritee.worker.endpoints import FIRST_PAUSE as FIRST_REST
from integritee.worker.endpoints import JITTER
from integritee.worker.peers.standing import (
    INITIAL_SCORE,
    LIE_REST,
    MAX_REST,
    Lapse,
    Standing,
)


def after(*events: float | Lapse) -> Standing:
    """Numbers are answers after so many seconds. All at time 100."""
    standing = Standing()
    for event in events:
        if isinstance(event, Lapse):
            standing.lapsed(event, 100.0, 0.0)
        else:
            standing.served(event)
    return standing


@pytest.mark.parametrize(
    "better, worse",
    [
        ([0.1], []),
        ([0.1], [5.0]),
        ([], [30.0]),
        ([0.1, 0.1], [0.1]),
        ([0.1, Lapse.UNREACHABLE, 0.1], [0.1, Lapse.UNREACHABLE]),
        ([0.1], [0.1, Lapse.REFUSED]),
        ([Lapse.REFUSED], [Lapse.SLOW]),
        ([Lapse.USELESS], [Lapse.LIED]),
        ([Lapse.SLOW, Lapse.SLOW], [Lapse.LIED]),
    ],
)
def test_who_is_asked_first(better: list[float | Lapse], worse: list[float | Lapse]) -> None:
    assert after(*better).rank(1000.0) < after(*worse).rank(1000.0)


def test_who_rests_comes_last() -> None:
    resting, poor = after(*[0.0] * 20, Lapse.SLOW), after(*[Lapse.REFUSED] * 20)
    assert poor.rank(100.0) < resting.rank(100.0)
    assert resting.rank(100.0 + FIRST_REST) < poor.rank(100.0 + FIRST_REST)


@pytest.mark.parametrize(
    "lapses, seconds",
    [
        ([Lapse.UNREACHABLE], FIRST_REST),
        ([Lapse.UNREACHABLE] * 2, 2 * FIRST_REST),
        ([Lapse.SLOW, Lapse.UNREACHABLE], 2 * FIRST_REST),
        ([Lapse.UNREACHABLE] * 500, MAX_REST),
        ([Lapse.LIED], LIE_REST),
        ([Lapse.LIED] * 9, LIE_REST),
        ([Lapse.REFUSED] * 9, 0.0),
        ([Lapse.USELESS] * 9, 0.0),
    ],
)
def test_rests_grow_and_end(lapses: list[Lapse], seconds: float) -> None:
    standing = after(*lapses)
    assert max(standing.rests_until - 100.0, 0.0) == seconds
    assert not standing.is_resting(100.0 + seconds)
    standing.served(0.1)
    assert standing.failures == 0


def test_chance_shortens_a_rest() -> None:
    standing = Standing()
    standing.lapsed(Lapse.UNREACHABLE, 0.0, 0.99)
    assert FIRST_REST * (1 - JITTER) < standing.rests_until < FIRST_REST


@pytest.mark.parametrize("lapse, is_up", [(Lapse.UNREACHABLE, False), (Lapse.SLOW, False), (Lapse.REFUSED, True)])
def test_whether_it_is_up(lapse: Lapse, is_up: bool) -> None:
    assert after(0.1, lapse).is_up is is_up
    assert after(lapse, 0.1).is_up
    assert not Standing().is_up


@given(st.lists(st.one_of(st.floats(0, 1e6), st.sampled_from(Lapse)), max_size=50))
def test_scores_stay_between_0_and_1(events: list[float | Lapse]) -> None:
    assert 0 <= after(*events).score <= 1
    assert after().score == INITIAL_SCORE
