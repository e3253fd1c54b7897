"""The self-test's own time, and that no area fails because the machine is slow or was asleep."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import pytest

from integritee.enclave.selftest.own_time import LONGEST, TURN, OwnClock, within

from .kit import failures

T = TypeVar("T")

QUICK, SLOW = TURN / 10, 50 * LONGEST
"""Seconds between two looks of the event loop at the time."""


class Machine(asyncio.SelectorEventLoop):
    """An event loop whose time goes on by `step` at each look at it, without anybody waiting."""

    def __init__(self, step: float) -> None:
        super().__init__()
        self._now, self._step = 0.0, step
        select = self._selector.select  # type: ignore[attr-defined]
        self._selector.select = lambda timeout: select(0)  # type: ignore[attr-defined]

    def time(self) -> float:
        self._now += self._step
        return self._now


class Sleepy(asyncio.SelectorEventLoop):
    """An event loop on a machine that sleeps for `SLEEP` seconds after every so many looks at the time."""

    SLEEP = 25.0

    def __init__(self, every: int) -> None:
        self._every, self._looks = every, every // 2
        super().__init__()

    def time(self) -> float:
        self._looks += 1
        return super().time() + self._looks // self._every * self.SLEEP


def on(machine: Callable[[], asyncio.AbstractEventLoop], run: Callable[[], Awaitable[T]]) -> T:
    async def running() -> T:
        return await run()

    with asyncio.Runner(loop_factory=machine) as runner:
        return runner.run(running())


# -- the clock ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("step", "least", "most"),
    [
        pytest.param(QUICK, 9_000, 10_000, id="it keeps pace"),
        pytest.param(SLOW, 1, 10_000 * LONGEST / SLOW, id="long turns count little"),
    ],
)
def test_the_clock_while_the_machine_s_goes_ten_seconds(step: float, least: float, most: float) -> None:
    async def watch() -> int:
        clock = OwnClock(1_800_000_000_000)
        going = asyncio.create_task(clock.run())
        await asyncio.sleep(10.0)
        going.cancel()
        return clock() - 1_800_000_000_000

    assert least <= on(lambda: Machine(step), watch) <= most


# -- limits ------------------------------------------------------------------------------------------


async def turns(number: int) -> None:
    for _ in range(number):
        await asyncio.sleep(0)


async def for_ever() -> None:
    await asyncio.Event().wait()


async def limited(limit: Callable[[float], Any], work: Awaitable[None]) -> bool:
    """Whether the work is done within a second."""
    try:
        async with limit(1.0):
            await work
    except TimeoutError:
        return False
    return True


@pytest.mark.parametrize(
    ("limit", "step", "work", "is_done"),
    [
        pytest.param(asyncio.timeout, SLOW, lambda: turns(30), False, id="what goes by the clock fails"),
        pytest.param(within, SLOW, lambda: turns(30), True, id="slow"),
        pytest.param(within, QUICK, lambda: turns(30), True, id="quick"),
        pytest.param(within, SLOW, for_ever, False, id="slow and without end"),
        pytest.param(within, QUICK, for_ever, False, id="quick and without end"),
    ],
)
def test_a_limit(limit: Callable[[float], Any], step: float, work: Any, is_done: bool) -> None:
    assert on(lambda: Machine(step), lambda: limited(limit, work())) is is_done


def test_no_limit() -> None:
    async def unlimited() -> bool:
        async with within(None):
            await asyncio.sleep(1000.0)
        return True

    assert on(lambda: Machine(SLOW), unlimited)


# -- areas -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("area", ["boundary", "provisioning"])
def test_a_machine_that_falls_asleep_fails_no_check(
    area: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The naps are longer than a check waits for anything, and each look at the machine's clock takes a second."""
    seconds = count(1_800_000_000)
    monkeypatch.setattr(time, "time_ns", lambda: next(seconds) * 10**9)
    assert on(lambda: Sleepy(150), lambda: failures(area, tmp_path)) == {}
