"""A check, and running many: what one finds or breaks never keeps the others from being run.

SelfTestError
├── Mismatch       something is not what it should be
├── NotRefused     what should have been refused was accepted
├── NotReached     an earlier step, without which there is nothing to look at, failed
└── UnknownArea    there is no area of that name
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from inspect import isawaitable
from pathlib import Path
from typing import Any, Final, TypeVar

from integritee.boundary.messages import CheckResult
from integritee.errors import IntegriteeError

from ..keys import Randomness
from ..service import unix_ms
from .own_time import OwnClock, within

CHECK_LIMIT: Final = 60.0
"""Seconds (of `own_time`) one check may take while it waits."""

T = TypeVar("T")

MAX_DETAIL: Final = 400
"""Characters of what was found and of what was expected, each."""


class SelfTestError(IntegriteeError):
    """A check of the self-test found something, or there is none of that name."""

    code = "selftest"


class Mismatch(SelfTestError):
    """Something is not what it should be on this machine: see what was found and what was expected."""

    code = "selftest.mismatch"

    def __init__(self, what: str, found: str, expected: str) -> None:
        self.what, self.found, self.expected = what, found, expected
        super().__init__(f"{what + ': ' if what else ''}found {found}, expected {expected}")


class NotRefused(SelfTestError):
    """What should have been refused was accepted."""

    code = "selftest.not_refused"

    def __init__(self, what: str, expected: str) -> None:
        self.what, self.expected = what, expected
        super().__init__(f"{what}: found that it is accepted, expected {expected}")


class NotReached(SelfTestError):
    """An earlier step of the same area failed, without which there is nothing to look at."""

    code = "selftest.not_reached"

    def __init__(self, needed: str) -> None:
        self.needed = needed
        super().__init__(f"not reached: {needed} failed before")


class UnknownArea(SelfTestError):
    """The self-test has no area of that name; host and enclave are of different versions."""

    code = "selftest.unknown_area"

    def __init__(self, area: str) -> None:
        self.area = area
        super().__init__(f"the self-test has no area {area!r}")


@dataclass(frozen=True)
class Check:
    """One row of an area's table. `run` raises if something is wrong, at once or when it is awaited."""

    name: str
    run: Callable[[], Awaitable[None] | None]
    limit: float | None = CHECK_LIMIT
    """Seconds it may take while it waits; None for as long as it has to."""


@dataclass
class Setup:
    """What the checks of one area work with. `directory` is theirs; what must end with them goes on `stack`.

    `random` is the machine's source of randomness, `clock` gives its Unix ms, `monotonic` ns since some time or
    other; `host` and `port` as in `SelfTest`. Enclaves go by `own_clock`, so that its load is nothing to them.
    """

    directory: Path
    host: str = ""
    port: int = 0
    random: Randomness = os.urandom
    clock: Callable[[], int] = unix_ms
    monotonic: Callable[[], int] = time.monotonic_ns
    stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    def __post_init__(self) -> None:
        self.own_clock = OwnClock(self.clock())

    def fresh(self, name: str) -> Path:
        """A new directory below."""
        path = self.directory / name
        path.mkdir()
        return path

    def start(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Have something done beside the checks; it is given up when they end."""
        task = asyncio.create_task(work)
        self.stack.callback(task.cancel)
        return task


Area = Callable[[Setup], Iterable[Check]]


def expect(found: object, expected: object, what: str = "") -> None:
    """Raises Mismatch unless both are equal."""
    if found != expected:
        raise Mismatch(what, shown(found), shown(expected))


def expect_that(holds: bool, found: object, expected: str, what: str = "") -> None:
    """Raises Mismatch, which describes in words what was expected, unless something holds."""
    if not holds:
        raise Mismatch(what, shown(found), expected)


def expect_refusal(code: str, what: str, attempt: Callable[[], object]) -> None:
    """Raises NotRefused if an attempt succeeds, Mismatch if it is refused with another code."""
    try:
        attempt()
    except IntegriteeError as refused:
        expect(refused.code, code, what)
    else:
        raise NotRefused(what, code)


async def expect_refused(code: str, what: str, attempt: Awaitable[object]) -> None:
    """As `expect_refusal`, of what is awaited."""
    try:
        await attempt
    except IntegriteeError as refused:
        expect(refused.code, code, what)
    else:
        raise NotRefused(what, code)


def shown(value: object) -> str:
    text = "0x" + value.hex() if isinstance(value, bytes) else repr(value)
    return text if len(text) <= MAX_DETAIL else f"{text[:MAX_DETAIL]}… ({len(text)} characters)"


async def run_area(area: Area, setup: Setup) -> list[CheckResult]:
    """Run all checks of an area in their order, then end what they started."""
    async with setup.stack:
        setup.start(setup.own_clock.run())
        try:
            checks = list(area(setup))
        except Exception as broken:  # such as data that came without the package
            return [CheckResult("the table of checks", False, _told(broken), 0)]
        return [await _run(check) for check in checks]


async def _run(check: Check) -> CheckResult:
    began = time.perf_counter_ns()
    detail = ""
    try:
        async with within(check.limit):
            pending = check.run()
            if isawaitable(pending):
                await pending
    except TimeoutError:
        detail = f"found that it does not end, expected an end within {check.limit or 0:.0f} s"
    except Exception as failed:  # whatever is broken must not keep the other checks from being run
        detail = _told(failed)
    return CheckResult(check.name, not detail, detail, (time.perf_counter_ns() - began) // 1000)


def _told(failed: Exception) -> str:
    if isinstance(failed, SelfTestError):
        return str(failed)
    code = failed.code if isinstance(failed, IntegriteeError) else type(failed).__name__
    return f"found an error, expected none: {code}: {failed}"[: 2 * MAX_DETAIL]
