"""Several processes of the generator at one start, and what they found, put together."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final, TypeVar

import msgspec

from .envelope import RSA
from .errors import GeneratorFailed
from .generator import Orders, Prepared, Report, Start
from .histogram import Histogram
from .mix import CALLS, GETTERS, Mix
from .schedule import SCHEDULES, deal
from .tally import TENTHS, Counts

SETTING_OUT: Final = 0.2
"""Seconds from the last process that is prepared to the common start."""

MAX_REPORT: Final = 64 * 1024 * 1024
"""Bytes of the longest line of a process."""

T = TypeVar("T", bound=msgspec.Struct)


@dataclass(frozen=True)
class Load:
    """`rate` requests per second for `warm_up` + `seconds`, of which the latter are measured.

    `accounts` are secret URIs of accounts with funds, each of which needs a process and a connection of its own to
    keep its calls in order; `receivers` are accounts to pay, by default the senders. The rest is as in
    `generator.Orders`, for all processes together.
    """

    urls: Sequence[str]
    accounts: Sequence[str]
    mix: Mix
    rate: float
    seconds: float
    warm_up: float = 2.0
    schedule: str = "poisson"
    seed: int = 1
    connections: int = 16
    processes: int = 1
    in_flight: int = 0
    envelope: str = RSA
    drain: float = 10.0
    receivers: Sequence[bytes] = field(default=(), repr=False)

    def orders(self) -> list[Orders]:
        """What each process has to do."""
        due = SCHEDULES[self.schedule](self.rate, self.warm_up + self.seconds, self.seed)
        kinds = list(islice(self.mix.draw(), len(due)))
        parts = self.processes
        dealt = zip(*(deal(items, parts) for items in (due, kinds, list(self.accounts))), strict=True)
        return [
            Orders(
                urls=[*self.urls[part % len(self.urls) :], *self.urls[: part % len(self.urls)]],
                accounts=accounts,
                receivers=list(self.receivers),
                due=times,
                kinds=sorts,
                connections=len(range(part, self.connections, parts)),
                in_flight=len(range(part, self.in_flight, parts)),
                envelope=self.envelope,
                window=(self.warm_up, self.warm_up + self.seconds),
                drain=self.drain,
            )
            for part, (times, sorts, accounts) in enumerate(dealt)
        ]


@dataclass(frozen=True)
class Outcome:
    """Of a load: counts by kind, and how the generator itself did."""

    load: Load
    counts: dict[str, Counts]
    lag: Histogram
    held: int
    unsent: int
    cpu: float
    """Of the busiest process, as a share of a core."""
    lost_connections: int
    bottleneck: str | None
    composing: float
    """Seconds of a core that making the requests took, before the clock started."""

    @classmethod
    def of(cls, load: Load, prepared: Sequence[Prepared], reports: Sequence[Report]) -> Outcome:
        counts, lag = {kind: Counts() for kind in load.mix.weights}, Histogram()
        for report in reports:
            lag.merge(report.lag)
            for kind, found in report.counts.items():
                counts[kind].merge(found)
        return cls(
            load,
            counts,
            lag,
            sum(report.held for report in reports),
            sum(report.unsent for report in reports),
            max(report.cpu for report in reports),
            sum(report.lost_connections for report in reports),
            next((reason for report in reports if (reason := report.bottleneck)), None),
            sum(one.seconds for one in prepared),
        )

    def together(self, *kinds: str) -> Counts:
        """Counts of several kinds, as of one."""
        total = Counts()
        for kind in kinds:
            if kind in self.counts:
                total.merge(self.counts[kind])
        return total

    @property
    def calls(self) -> Counts:
        return self.together(*CALLS)

    @property
    def getters(self) -> Counts:
        return self.together(*GETTERS)

    @property
    def is_complete(self) -> bool:
        """Whether everything that was due was sent and done."""
        total = self.together(*self.counts)
        return total.done == total.sent and not self.unsent and not self.lost_connections

    def rate(self, counts: Counts) -> float:
        """How many were done per second, in the time that is measured."""
        begin = round(self.load.warm_up * TENTHS)
        end = round((self.load.warm_up + self.load.seconds) * TENTHS)
        return sum(count for tenth, count in counts.ended.items() if begin <= tenth < end) / self.load.seconds


class Fleet:
    """Processes of one load. `prepare` it, then `run` it; `stop` in any case."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._processes: list[asyncio.subprocess.Process] = []
        self._prepared: list[Prepared] = []

    async def __aenter__(self) -> Fleet:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    @property
    def pids(self) -> list[int]:
        """Of the processes that are prepared."""
        return [process.pid for process in self._processes]

    async def stop(self) -> None:
        """End all processes that have not ended."""
        for process in self._processes:
            if process.returncode is None:
                process.kill()
            await process.wait()

    async def prepare(self) -> None:
        """Have all processes connect and compose. Raises GeneratorFailed."""
        for orders in self._load.orders():
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "integritee.load.generator"),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                limit=MAX_REPORT,
                process_group=0,  # Ctrl-C in the terminal reaches this process alone
            )
            self._processes.append(process)
            _tell(process, orders)
        self._prepared = await self._hear(Prepared)

    async def run(self) -> Outcome:
        """Send everything, and wait for the end. Raises GeneratorFailed."""
        start = Start(time.monotonic() + SETTING_OUT)
        for process in self._processes:
            _tell(process, start)
        return Outcome.of(self._load, self._prepared, await self._hear(Report))

    async def _hear(self, kind: type[T]) -> list[T]:
        return list(await asyncio.gather(*(_heard(process, kind) for process in self._processes)))


async def measure(load: Load, at_start: Callable[[], Awaitable[None]] | None = None) -> Outcome:
    """Run one load; `at_start` is awaited when all is prepared, before the clock starts. Raises GeneratorFailed."""
    async with Fleet(load) as fleet:
        await fleet.prepare()
        if at_start is not None:
            await at_start()
        return await fleet.run()


def _tell(process: asyncio.subprocess.Process, message: msgspec.Struct) -> None:
    assert process.stdin is not None
    process.stdin.write(msgspec.json.encode(message) + b"\n")


async def _heard(process: asyncio.subprocess.Process, kind: type[T]) -> T:
    assert process.stdout is not None
    line = await process.stdout.readline()
    if not line:
        raise GeneratorFailed(await process.wait())
    return msgspec.json.decode(line, type=kind)
