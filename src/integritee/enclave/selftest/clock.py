"""The clocks: whether they go, forward, finely enough, and tell a plausible time.

What the parentchain proves bounds the time of day later on; until then the enclave has only the host's word.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

from .check import Check, Mismatch, Setup, expect_that

EARLIEST: Final = 1_735_689_600_000
"""Unix ms: 2025, before this code was written."""

LATEST: Final = 4_102_444_800_000
"""Unix ms: 2100."""

READINGS: Final = 20_000
STANDSTILL: Final = 5_000_000
"""Readings after which a clock that still tells the same is taken for one that stands: more than a second of them."""

RESOLUTION_NS: Final = 1_000_000
"""What slots of 20 ms and more need: a millisecond."""

MAX_LEAP_MS: Final = 5_000
"""How far the two clocks may come apart between two readings of both."""


def checks(setup: Setup) -> Iterator[Check]:
    monotonic, unix = ("the monotonic clock", setup.monotonic), ("the time of day", setup.clock)
    for name, clock in (monotonic, unix):
        yield Check(f"{name} goes", partial(_goes, clock))
        yield Check(f"{name} does not go back", partial(_forward, clock))
    yield Check("the monotonic clock is fine enough", partial(_resolution, setup.monotonic))
    yield Check("the time of day is plausible", partial(_plausible, setup.clock))
    yield Check("both clocks go at one pace", partial(_pace, setup))


def _goes(clock: Callable[[], int]) -> None:
    began = clock()
    if not any(clock() != began for _ in range(STANDSTILL)):
        raise Mismatch("", f"that it stands at {began}", "that it goes on")


def _forward(clock: Callable[[], int]) -> None:
    before = clock()
    for _ in range(READINGS):
        now = clock()
        expect_that(now >= before, f"{now} after {before}", "no step back")
        before = now


def _resolution(clock: Callable[[], int]) -> None:
    """The smallest step of a few."""
    smallest, before = STANDSTILL * RESOLUTION_NS, clock()
    for _ in range(READINGS):
        now = clock()
        smallest, before = min(smallest, now - before) if now > before else smallest, now
    expect_that(smallest <= RESOLUTION_NS, smallest, f"at most {RESOLUTION_NS}", "smallest step in ns")


def _plausible(clock: Callable[[], int]) -> None:
    now = clock()
    expect_that(EARLIEST <= now <= LATEST, now, f"{EARLIEST} to {LATEST}", "Unix ms")


def _pace(setup: Setup) -> None:
    """Over as long as it takes for the time of day to be another millisecond.

    The monotonic clock is looked at before and after: between two looks the machine may have been asleep.
    """
    first, unix, second = setup.monotonic(), setup.clock(), setup.monotonic()
    for _ in range(STANDSTILL):
        if setup.clock() != unix:
            break
    third, passed, fourth = setup.monotonic(), setup.clock() - unix, setup.monotonic()
    least, most = (third - second) // 1_000_000, (fourth - first) // 1_000_000
    found = f"{passed} ms passed by the one, {least} to {most} by the other"
    expect_that(passed > 0 and least - MAX_LEAP_MS <= passed <= most + MAX_LEAP_MS, found, "about as many")
