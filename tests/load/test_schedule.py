"""When requests leave, and which."""

from __future__ import annotations

from itertools import islice, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integritee.load.errors import InvalidMix
from integritee.load.fleet import Load
from integritee.load.mix import KINDS, Mix
from integritee.load.schedule import constant, deal, poisson

MIXES = st.dictionaries(st.sampled_from(sorted(KINDS)), st.integers(1, 100), min_size=1).map(Mix)


@given(st.integers(1, 100), st.integers(1, 10))
def test_a_constant_rate(rate: int, seconds: int) -> None:
    times = constant(rate, seconds)
    assert len(times) == rate * seconds
    assert times[0] == 0
    assert all(later - earlier == pytest.approx(1 / rate) for earlier, later in pairwise(times))
    assert times[-1] < seconds


@given(st.integers(1, 50), st.integers(0, 2**32))
def test_random_times_ascend_and_can_be_had_again(rate: int, seed: int) -> None:
    times = poisson(rate, 5, seed)
    assert times == sorted(times) == poisson(rate, 5, seed)
    assert all(0 < time < 5 for time in times)


def test_random_times_are_those_of_a_poisson_process() -> None:
    """10,000 of them: as many as the rate says, with gaps whose deviation is their mean. Both within 5 %."""
    times = poisson(1000, 10, seed=1)
    gaps = [later - earlier for earlier, later in pairwise(times)]
    mean = sum(gaps) / len(gaps)
    deviation = (sum((gap - mean) ** 2 for gap in gaps) / len(gaps)) ** 0.5
    assert len(times) == pytest.approx(10_000, rel=0.05)
    assert deviation == pytest.approx(mean, rel=0.05)


@given(st.lists(st.integers()), st.integers(1, 9))
def test_dealing_leaves_nothing_out(items: list[int], parts: int) -> None:
    dealt = deal(items, parts)
    assert len(dealt) == parts
    assert sorted(item for part in dealt for item in part) == sorted(items)
    assert max(map(len, dealt)) - min(map(len, dealt)) <= 1


@given(MIXES, st.integers(1, 400))
def test_every_beginning_has_the_shares_of_the_mix(mix: Mix, count: int) -> None:
    drawn = list(islice(mix.draw(), count))
    for kind in mix.weights:
        assert abs(drawn.count(kind) - count * mix.share(kind)) < len(mix.weights)


@given(MIXES)
def test_a_mix_can_be_written_down(mix: Mix) -> None:
    assert Mix.parse(str(mix)) == mix


@pytest.mark.parametrize(
    ("text", "weights"),
    [
        ("transfer", {"transfer": 1}),
        ("transfer=80,getter=20", {"transfer": 80, "getter": 20}),
        ("noop, public=3", {"noop": 1, "public": 3}),
    ],
)
def test_mixes(text: str, weights: dict[str, int]) -> None:
    assert Mix.parse(text).weights == weights


@pytest.mark.parametrize("text", ["", "transfer=0", "transfer=-1", "transfer=x", "getter=x1", "theft", "noop,noop=2"])
def test_no_mixes(text: str) -> None:
    with pytest.raises(InvalidMix):
        Mix.parse(text)


@pytest.mark.parametrize("processes", [1, 2, 3])
def test_processes_share_a_load(processes: int) -> None:
    mix = Mix({"transfer": 3, "getter": 1})
    accounts = [f"//{n}" for n in range(7)]
    load = Load(["ws://a", "ws://b"], accounts, mix, 100, 2, warm_up=1, connections=5, processes=processes)
    orders = load.orders()
    assert sorted(time for order in orders for time in order.due) == poisson(100, 3, load.seed)
    assert sorted(account for order in orders for account in order.accounts) == accounts
    assert sum(order.connections for order in orders) == 5
    assert {order.window for order in orders} == {(1, 3)}
    assert all(len(order.kinds) == len(order.due) for order in orders)
    assert [order.urls[0] for order in orders] == ["ws://a", "ws://b", "ws://a"][:processes]
