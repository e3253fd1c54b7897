"""The highest rate that is served: nothing lost, and 99 of 100 requests within a bound.

The rate grows by `GROWTH` until one is too high, or shrinks until one is not; then the gap between the highest that
was sustained and the lowest that was not is halved, in proportion, until it is narrow enough.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from typing import Final

from .errors import NothingSustained
from .fleet import Outcome

GROWTH: Final = 1.5
PRECISION: Final = 0.05
"""How much higher, in proportion, the lowest rate is that was too much."""

MIN_RATE: Final = 1.0
"""Requests per second; less is not tried."""

MAX_STEPS: Final = 24
"""Rates that are tried, at most."""


class Search:
    """Without I/O: which rate to try next, from what came of those before."""

    def __init__(self, start: float, precision: float = PRECISION) -> None:
        self._start, self._precision = start, precision
        self._steps = 0
        self.sustained: float | None = None
        """The highest rate so far that was."""
        self.refused: float | None = None
        """The lowest rate so far that was not."""

    def next_rate(self) -> float | None:
        """Requests per second; None when the search is over."""
        low, high = self.sustained, self.refused
        if self._steps >= MAX_STEPS:
            return None
        if low is None and high is None:
            return self._start
        if high is None:
            assert low is not None
            return low * GROWTH
        if low is None:
            return high / GROWTH if high / GROWTH >= MIN_RATE else None
        return math.sqrt(low * high) if high / low > 1 + self._precision else None

    def judge(self, rate: float, is_sustained: bool) -> None:
        """Say what came of a rate."""
        self._steps += 1
        if is_sustained:
            self.sustained = max(rate, self.sustained or 0.0)
        else:
            self.refused = min(rate, self.refused or math.inf)


def is_sustained(outcome: Outcome, bound: float) -> bool:
    """Whether everything was done, and 99 of 100 within `bound` seconds."""
    latency = outcome.together(*outcome.counts).latency.quantile(0.99)
    return outcome.is_complete and latency is not None and latency <= bound


async def saturate(
    search: Search, run: Callable[[float], Awaitable[Outcome]], bound: float
) -> tuple[Outcome, list[Outcome]]:
    """Try rates until the search is over: what came of the highest one that was sustained, and of all.

    A rate at which the generator itself was the bottleneck counts as too high: its outcome says so. Raises
    NothingSustained, and what `run` raises.
    """
    tried: list[Outcome] = []
    best: Outcome | None = None
    while (rate := search.next_rate()) is not None:
        outcome = await run(rate)
        tried.append(outcome)
        good = is_sustained(outcome, bound) and outcome.bottleneck is None
        search.judge(rate, good)
        best = outcome if good and (best is None or rate > best.load.rate) else best
    if best is None:
        raise NothingSustained(tried[-1].load.rate)
    return best, tried
