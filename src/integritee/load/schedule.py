"""When requests leave: seconds from the start, fixed before the first one does."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Final, TypeAlias, TypeVar

T = TypeVar("T")

Schedule: TypeAlias = Callable[[float, float, int], list[float]]
"""(requests per second, seconds, seed) → times in ascending order, all below `seconds`."""


def constant(rate: float, seconds: float, seed: int = 0) -> list[float]:
    """The same time between any two."""
    return [number / rate for number in range(int(rate * seconds))]


def poisson(rate: float, seconds: float, seed: int) -> list[float]:
    """As many users make them who do not know of each other: exponential times between, bursts included."""
    dice, times, now = random.Random(seed), [], 0.0  # noqa: S311
    while (now := now + dice.expovariate(rate)) < seconds:
        times.append(now)
    return times


SCHEDULES: Final[dict[str, Schedule]] = {"constant": constant, "poisson": poisson}


def deal(items: Sequence[T], parts: int) -> list[list[T]]:
    """One after the other to each part in turn: every part has the same mix and its share of the rate."""
    return [list(items[part::parts]) for part in range(parts)]
