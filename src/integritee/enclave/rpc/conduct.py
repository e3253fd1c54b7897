"""What clients cost for nothing: calls that fail, operations that are never executed, connections without a good one.

Nobody is refused for that. A site may have many such failures at once, and some each second. While it has had more,
it is *in arrears*: those of its clients that failed lately wait in line before another of their messages is looked
at, and newcomers before their TLS handshake. The line moves as fast as failures are forgiven, in fair order. So a
flood of what comes to nothing costs little, over however many connections it comes; and whoever does not fail is
served as ever beside it, at other sites and at the same one, unless it comes new there.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from functools import partial
from typing import Any, Final, Generic, TypeAlias, TypeVar

from integritee.primitives.rpc import Dropped, Invalid, TrustedOperationStatus

from ..fair_queue import FairQueue
from .limits import (
    MAX_ANSWERED_FOR,
    MAX_FAILURES_OWED,
    MAX_SITES,
    SITE_FAILURES,
    SITE_FAILURES_PER_SECOND,
    SUSPECT_SECONDS,
)
from .rate import TokenBucket
from .watch import LAST_STATUSES

S = TypeVar("S", bound=Hashable)

Later: TypeAlias = Callable[[float, Callable[[], None]], object]
"""Calls a function after so many seconds."""

Go: TypeAlias = Callable[[int], bool]
"""Told how many failures were paid ahead: one, if there was need to wait. Says whether the client is still there."""

FAILED: Final = (Dropped, Invalid)
"""How an operation ends that was never executed, or could not be."""


def _later(seconds: float, act: Callable[[], None]) -> object:
    return asyncio.get_running_loop().call_later(seconds, act)


class Site:
    """Failures of all clients that come from one place, and the line of those that wait. `clock` in seconds."""

    __slots__ = ("_bucket", "_calls_next", "_clock", "_later", "_line")

    def __init__(self, failures: float, clock: Callable[[], float], later: Later) -> None:
        self._clock, self._later = clock, later
        self._bucket = TokenBucket(SITE_FAILURES_PER_SECOND, failures)
        self._line: FairQueue[int, Go] | None = None  # seldom needed
        self._calls_next = False

    def charge(self, failures: float) -> None:
        """There were failures; fewer than none give back what was paid ahead."""
        self._bucket.spend(failures, self._clock(), MAX_FAILURES_OWED)

    def call(self, client: int, go: Go) -> None:
        """Call `go` once the site is not in arrears: at once, or when it is the client's turn."""
        if not self._line and not self._bucket.wait(1, self._clock()):
            go(0)
            return
        if self._line is None:
            self._line = FairQueue()
        self._line.push(client, go)
        self._call_next()

    async def turn(self, client: int) -> int:
        """As `call`; how many failures were paid ahead."""
        turn: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        def go(paid_ahead: int) -> bool:
            if turn.done():
                return False
            turn.set_result(paid_ahead)
            return True

        self.call(client, go)
        return await turn

    def _call_next(self) -> None:
        while self._line and not self._calls_next:
            if wait := self._bucket.wait(1, self._clock()):
                self._calls_next = True
                self._later(wait, self._time_has_come)
            elif self._line.pop()(1):
                self.charge(1)
        if not self._line:
            self._line = None

    def _time_has_come(self) -> None:
        self._calls_next = False
        self._call_next()


class Conduct:
    """Of one connection. It is suspect for a while after a failure, or if its site was in arrears when it came."""

    __slots__ = ("_came_in", "_conducts", "_number", "_paid_ahead", "_site", "_suspect_until", "_was_good")

    def __init__(self, number: int, site: Site, conducts: Conducts[Any]) -> None:
        self._number, self._site, self._conducts = number, site, conducts
        self._suspect_until = 0.0
        self._paid_ahead = 0
        self._came_in = self._was_good = False

    @property
    def is_suspect(self) -> bool:
        """Whether it is to wait for its `turn` before anything is done for it."""
        return self._suspect_until > 0 and self._conducts.clock() < self._suspect_until

    def enter(self, come_in: Callable[[], bool]) -> None:
        """Call `come_in` when the connection may have its TLS handshake; it says whether it is still there."""
        self._site.call(self._number, partial(self._enter, come_in))

    def _enter(self, come_in: Callable[[], bool], paid_ahead: int) -> bool:
        self._came_in, self._paid_ahead = True, paid_ahead
        if paid_ahead:
            self._suspect()
        return come_in()

    async def turn(self) -> int:
        """Wait before a suspect's message is looked at; what was paid ahead for its failure (see `note`)."""
        return await self._site.turn(self._number) if self.is_suspect else 0

    def note(self, failures: int, paid_ahead: int = 0) -> None:
        """A message was answered, with failures in it or without."""
        if failures:
            self._suspect()
        elif not self._was_good:
            self._was_good = True
            paid_ahead += self._paid_ahead
        if failures != paid_ahead:
            self._site.charge(failures - paid_ahead)

    def answer_for(self, top_hash: bytes) -> None:
        """An operation (hash of 32 bytes) was admitted: if it comes to nothing, that is a failure."""
        self._conducts.expect(top_hash, self)

    def leave(self) -> None:
        """The connection is gone; if it came in, its TLS handshake was work."""
        if self._came_in and not self._was_good:
            self._site.charge(1 - self._paid_ahead)

    def _suspect(self) -> None:
        self._suspect_until = self._conducts.clock() + SUSPECT_SECONDS


class Conducts(Generic[S]):
    """Of all clients, by their sites, each of which may have so many failures at once. `clock` in seconds."""

    def __init__(
        self,
        failures: float = SITE_FAILURES,
        clock: Callable[[], float] = time.monotonic,
        later: Later = _later,
    ) -> None:
        self.clock, self._later, self._failures = clock, later, failures
        self._sites: OrderedDict[S, Site] = OrderedDict()
        self._answered_for: OrderedDict[bytes, Conduct] = OrderedDict()

    def newcomer(self, number: int, site: S) -> Conduct:
        """The conduct of a connection."""
        known = self._sites.pop(site, None) or Site(self._failures, self.clock, self._later)
        self._sites[site] = known
        if len(self._sites) > MAX_SITES:
            self._sites.popitem(last=False)
        return Conduct(number, known, self)

    def expect(self, top_hash: bytes, conduct: Conduct) -> None:
        """Who is to answer for an operation."""
        self._answered_for[top_hash] = conduct
        if len(self._answered_for) > MAX_ANSWERED_FOR:
            self._answered_for.popitem(last=False)

    def heard(self, top_hash: bytes, status: TrustedOperationStatus) -> None:
        """An operation has a new status."""
        if not isinstance(status, LAST_STATUSES):
            return
        conduct = self._answered_for.pop(top_hash, None)
        if conduct is not None and isinstance(status, FAILED):
            conduct.note(1)


def unlimited() -> Conduct:
    """Of a connection that may fail as often as it likes."""
    return Conducts[int](math.inf).newcomer(0, 0)
