"""When blocks are made (``--seal``): in every slot, at intervals, for each extrinsic, or on request only.

Intervals are counted from the first block on a clock that never jumps, so delays do not add up; what was missed
is left out. The blocks of `instant` hold what became ready before their turn came.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from .chain import genesis_overlay
from .chain_thread import ChainThread
from .engine import RuntimeEngine
from .errors import DatabaseError, NodeError, RuntimeApiMissing
from .node import Node
from .runtime_api import aura_slot_duration

log = logging.getLogger(__name__)

AUTHORING_SHARE: Final = 0.5
"""Part of the interval in which transactions are put into a block."""

MAX_AUTHORING_SECONDS: Final = 2.0
"""The same, if the interval is long or there is none."""

MIN_INTERVAL_SECONDS: Final = 0.01
MAX_INTERVAL_SECONDS: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Interval:
    """A block every so many seconds, empty or not."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Instant:
    """A block whenever a transaction becomes ready."""


@dataclass(frozen=True, slots=True)
class Manual:
    """A block whenever `engine_createBlock` asks for one; final when it is asked to be."""


@dataclass(frozen=True, slots=True)
class EverySlot:
    """At intervals of the chain's slots, so that its time is that of the clock."""


Seal: TypeAlias = Interval | Instant | Manual

DEFAULT_SEAL: Final = Interval(6.0)


def seal_of_slots(engine: RuntimeEngine, genesis: Mapping[bytes, bytes]) -> Seal:
    """What EverySlot comes to on the chain of this genesis; DEFAULT_SEAL if it has no Aura. Raises RuntimeFailure."""
    try:
        return Interval(aura_slot_duration(engine, genesis_overlay(genesis)) / 1000)
    except RuntimeApiMissing:
        return DEFAULT_SEAL


def parse_seal(text: str) -> Seal | EverySlot:
    """``slot``, ``interval:SECONDS``, ``instant`` or ``manual``. Raises ValueError."""
    kind, _, argument = text.partition(":")
    if kind == "interval":
        seconds = float(argument)
        if MIN_INTERVAL_SECONDS <= seconds <= MAX_INTERVAL_SECONDS:
            return Interval(seconds)
    elif text == "slot":
        return EverySlot()
    elif text == "instant":
        return Instant()
    elif text == "manual":
        return Manual()
    raise ValueError(f"{text!r} is neither slot, interval:SECONDS, instant nor manual")


class AuthoringTime:
    """How long transactions are put into a block; lets queries through meanwhile."""

    def __init__(self, thread: ChainThread, seal: Seal) -> None:
        self._thread = thread
        share = seal.seconds * AUTHORING_SHARE if isinstance(seal, Interval) else MAX_AUTHORING_SECONDS
        self._budget = min(share, MAX_AUTHORING_SECONDS)

    def begin(self) -> Callable[[], bool]:
        """Begin with a block; the result tells, asked before each transaction, whether to close it."""
        end = time.monotonic() + self._budget

        def is_up() -> bool:
            self._thread.run_a_query()
            return self._thread.is_stopping or time.monotonic() > end

        return is_up


class Sealer:
    """Makes blocks, in the chain's thread."""

    def __init__(self, node: Node, thread: ChainThread, seal: Seal) -> None:
        self._node, self._thread, self._seal = node, thread, seal

    async def run(self) -> None:
        """Make blocks until cancelled. Raises DatabaseError and defects; other failures are logged."""
        match self._seal:
            case Interval(seconds):
                await self._run_interval(seconds)
            case Instant():
                await self._run_instant()
            case Manual():
                await asyncio.Event().wait()

    async def _run_interval(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        start, tick = loop.time(), 0
        while True:
            await asyncio.wrap_future(self._thread.change(self._make_block))
            tick = max(tick, int((loop.time() - start) / seconds)) + 1
            await asyncio.sleep(start + tick * seconds - loop.time())

    async def _run_instant(self) -> None:
        loop = asyncio.get_running_loop()
        wanted = asyncio.Event()

        def want(_: bytes) -> None:
            loop.call_soon_threadsafe(wanted.set)

        ignore = self._node.pool.subscribe_ready(want)
        try:
            while True:
                await wanted.wait()
                wanted.clear()
                if await asyncio.wrap_future(self._thread.change(self._make_filled_block)):
                    wanted.set()
        finally:
            ignore()

    def _make_filled_block(self) -> bool:
        """Whether a further block would hold transactions that this one had no room for."""
        ready = self._node.pool.usage().ready
        if not ready:  # what became ready is in a block already
            return False
        self._make_block()
        return 0 < self._node.pool.usage().ready < ready

    def _make_block(self) -> None:
        try:
            self._node.seal()
        except DatabaseError:
            raise
        except NodeError as error:
            log.error("no block: %s (%s)", error, error.code)
