"""The search for the highest rate, against a server that is one line of arithmetic, on a clock that is one too."""

from __future__ import annotations

import math
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integritee.load.errors import NothingSustained
from integritee.load.fleet import Load, Outcome
from integritee.load.generator import CPU_BOUND, LAG_BOUND, Prepared, Report
from integritee.load.histogram import Histogram
from integritee.load.mix import Mix
from integritee.load.saturation import GROWTH, MAX_STEPS, PRECISION, Search, is_sustained, saturate
from integritee.load.tally import Counts

MIX = Mix({"transfer": 1})
BOUND = 0.5
SECONDS = 20.0


def serve(rate: float, capacity: float, *, room: float = math.inf, cpu: float = 0.1) -> Outcome:
    """A server that takes 1/`capacity` seconds for each request and refuses those for which there is no room. What
    comes evenly and too fast piles up: hundred requests are looked at, all along `SECONDS`."""
    counts = Counts(sent=100)
    for at in range(100):
        waiting = max(0.0, rate - capacity) * SECONDS * at / 100
        if waiting > room:
            counts.refused["pool.limit_reached"] = counts.refused.get("pool.limit_reached", 0) + 1
        else:
            counts.done += 1
            counts.latency.add((waiting + 1) / capacity)
    report = Report({"transfer": counts}, Histogram.of([0.0001]), 0, 0, cpu, 0)
    return Outcome.of(Load(["ws://x"], ["//A"], MIX, rate, SECONDS), [Prepared(100, 0.0)], [report])


@given(st.floats(20, 5000), st.floats(0.01, 20))
async def test_what_is_found_is_just_below_what_is_too_much(capacity: float, start: float) -> None:
    """Wherever it begins. In `SECONDS` of a rate just above its capacity the server falls behind by the bound."""

    async def run(rate: float) -> Outcome:
        return serve(rate, capacity)

    best, tried = await saturate(Search(start * capacity), run, BOUND)
    refused = [outcome.load.rate for outcome in tried if not is_sustained(outcome, BOUND)]
    assert is_sustained(best, BOUND)
    assert min(refused) <= best.load.rate * (1 + PRECISION)
    assert best.load.rate == max(o.load.rate for o in tried if is_sustained(o, BOUND))
    highest = capacity * (1 + BOUND / (0.99 * SECONDS))
    assert capacity / (1 + PRECISION) < best.load.rate < highest * (1 + PRECISION)
    assert len(tried) <= MAX_STEPS


async def test_losses_are_too_much_however_fast_the_rest_is() -> None:
    async def run(rate: float) -> Outcome:
        return serve(rate, 100, room=20)

    best, tried = await saturate(Search(10), run, 10.0)
    assert best.is_complete
    assert best.load.rate < 102
    assert any(not outcome.is_complete for outcome in tried)


async def test_a_generator_at_its_end_proves_nothing() -> None:
    """From 200 requests per second on the generator limits, though the server had done more."""

    async def run(rate: float) -> Outcome:
        return serve(rate, 1000, cpu=1.0 if rate > 200 else 0.3)

    best, tried = await saturate(Search(100), run, BOUND)
    assert best.load.rate <= 200
    assert {outcome.bottleneck is not None for outcome in tried if outcome.load.rate > 200} == {True}


async def test_nothing_is_sustained() -> None:
    rates: list[float] = []

    async def run(rate: float) -> Outcome:
        rates.append(rate)
        return serve(rate, 0.01)

    with pytest.raises(NothingSustained):
        await saturate(Search(10), run, BOUND)
    assert rates == [pytest.approx(10 / GROWTH**n) for n in range(6)]


def test_the_search_ends_even_if_nothing_is_too_much() -> None:
    search = Search(1)
    for rate in islice(iter(search.next_rate, None), MAX_STEPS):
        search.judge(rate, is_sustained=True)
    assert search.next_rate() is None
    assert search.sustained == pytest.approx(GROWTH ** (MAX_STEPS - 1))


ON_TIME, LATE = [0.001] * 98, [2 * LAG_BOUND] * 2


@pytest.mark.parametrize(
    ("cpu", "lags", "latencies", "is_bottleneck"),
    [
        (0.5, ON_TIME, {}, False),
        (CPU_BOUND + 0.01, ON_TIME, {}, True),
        (0.5, [*ON_TIME, 0.001, 1.0], {}, False),
        (0.5, ON_TIME + LATE, {}, True),
        (0.5, ON_TIME + LATE, {"transfer": 0.15}, True),
        (0.5, ON_TIME + LATE, {"transfer": 0.25}, False),
        (0.5, ON_TIME + LATE, {"transfer": 0.25, "getter": 0.002}, True),
        (0.5, [], {"transfer": 0.25}, False),
    ],
    ids=[
        *("at ease", "busy", "late once", "late twice in a hundred", "latencies as small"),
        *("latencies ten times as large", "those of getters as small", "nothing sent"),
    ],
)
def test_bottlenecks(cpu: float, lags: list[float], latencies: dict[str, float], is_bottleneck: bool) -> None:
    counts = {kind: Counts(latency=Histogram.of([seconds])) for kind, seconds in latencies.items()}
    report = Report(counts, Histogram.of(lags), 0, 0, cpu, 0)
    assert (report.bottleneck is not None) == is_bottleneck
