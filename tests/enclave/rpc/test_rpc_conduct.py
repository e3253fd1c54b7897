"""What comes of failures: who waits, for how long, in which order; and who does not. No sockets, no time."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integritee.enclave.rpc.conduct import Conduct, Conducts, unlimited
from integritee.enclave.rpc.errors import InternalError, ServerBusy
from integritee.enclave.rpc.jsonrpc import Connection, Dispatcher
from integritee.enclave.rpc.limits import (
    FAILURE_BYTES,
    MAX_ANSWERED_FOR,
    MAX_FAILURES_OWED,
    MAX_SITES,
    ORDERED_AHEAD,
    SITE_FAILURES_PER_SECOND,
    SUSPECT_SECONDS,
)
from integritee.enclave.rpc.methods import trusted_methods
from integritee.enclave.rpc.watch import WatchRegistry
from integritee.primitives.enclave_bridge import Request
from integritee.primitives.rpc import (
    Dropped,
    Finalized,
    Future,
    InSidechainBlock,
    Invalid,
    Ready,
    TrustedOperationStatus,
    Usurped,
)
from integritee.scale import encode

from .conftest import SHARD, TOP_HASH, FakeBackend, refusal

AT_ONCE = 4
"""Failures that a site may have at once, here."""

SECOND = 1 / SITE_FAILURES_PER_SECOND
"""How long one failure takes to be forgiven."""


class Time:
    """A clock and its timers, moved by hand."""

    def __init__(self) -> None:
        self.now = 1000.0
        self._timers: list[tuple[float, Callable[[], None]]] = []

    def clock(self) -> float:
        return self.now

    def later(self, seconds: float, act: Callable[[], None]) -> None:
        self._timers.append((self.now + seconds, act))

    async def pass_(self, seconds: float) -> None:
        end = self.now + seconds + 1e-9
        await self._settle()
        while due := [timer for timer in self._timers if timer[0] <= end]:
            first = min(due, key=lambda timer: timer[0])
            self._timers.remove(first)
            self.now = max(self.now, first[0])
            first[1]()
            await self._settle()
        self.now = end

    async def _settle(self) -> None:
        for _ in range(5):
            await asyncio.sleep(0)


class Story:
    """Clients ``a1`` (at site ``a``) and so on, which are there once they are named."""

    def __init__(self) -> None:
        self.time = Time()
        self.conducts: Conducts[str] = Conducts(AT_ONCE, self.time.clock, self.time.later)
        self._clients: dict[str, Conduct] = {}
        self.done: list[str] = []
        self._tasks: list[asyncio.Task[None]] = []

    def client(self, name: str) -> Conduct:
        if name not in self._clients:
            self._clients[name] = self.conducts.newcomer(len(self._clients), name[0])
        return self._clients[name]

    async def tell(self, events: str) -> list[str]:
        """``a1-3``: three failures; ``a1``: wants to be heard; ``+a1``: comes; ``~a1``: leaves; ``*8``: so many
        failures are forgiven. Returns who was heard or came in, in order."""
        for event in events.split():
            if event.startswith("*"):
                await self.time.pass_(float(event[1:]) * SECOND)
            elif event.startswith("+"):
                self.client(event[1:]).enter(partial(self._come_in, event[1:]))
            elif event.startswith("~"):
                self.client(event[1:]).leave()
            elif "-" in event:
                name, failures = event.split("-")
                self.client(name).note(int(failures))
            else:
                self._begin(event, self.client(event).turn())
            await asyncio.sleep(0)
        for task in self._tasks:
            task.cancel()
        return self.done

    def _come_in(self, name: str) -> bool:
        self.done.append(name)
        return True

    def _begin(self, name: str, waiting: Coroutine[Any, Any, Any]) -> None:
        async def wait() -> None:
            await waiting
            self.done.append(name)

        self._tasks.append(asyncio.create_task(wait()))


@pytest.mark.parametrize(
    "events, heard",
    [
        ("a1-3 a1", ["a1"]),
        ("a1-4 a1", []),
        ("a1-4 a2 b1", ["a2", "b1"]),
        ("a1-2 a2-2 a1 a2", []),
        ("a1-4 a1 *1", ["a1"]),
        ("a1-5 a1 *1", []),
        ("a1-5 a1 *2", ["a1"]),
        ("a1-4 a1 a1 a1 *2", ["a1", "a1"]),
        ("a1-2 a2-2 a1 a1 a1 a2 *2", ["a1", "a2"]),
        ("a1-4 +a2", []),
        ("a1-4 +a2 *1", ["a2"]),
        ("a1-4 +b1", ["b1"]),
        ("a1-4 a1 a1 a1 +a2 *2", ["a1", "a2"]),
        ("a1-4 +a2 *1 a2", ["a2"]),
        ("a1-4 +a2 *1 a2 *1", ["a2", "a2"]),
        ("+a1 +a2 +a3 +a4 ~a1 ~a2 ~a3 ~a4 +a5", ["a1", "a2", "a3", "a4"]),
        ("a1-3 ~a2 +a3", ["a3"]),
        ("+a1 +a2 +a3 +a4 a1-0 ~a1 ~a2 ~a3 ~a4 +a5", ["a1", "a2", "a3", "a4", "a5"]),
        ("a1-4 +a2 *1 ~a2 +a3 *1", ["a2", "a3"]),
    ],
    ids=[
        "some failures cost nothing",
        "too many and it waits",
        "who did not fail does not wait",
        "the site counts",
        "until it is forgiven",
        "what is owed first",
        "and then is heard",
        "each that waits has its time",
        "in fair order",
        "a newcomer waits there, too",
        "and comes in its time",
        "but not elsewhere",
        "and has its turn before who has had one",
        "a newcomer in bad times is suspect",
        "and is heard in time",
        "coming for nothing is a failure",
        "but not for who never came in",
        "nor after a good call",
        "paid ahead is not paid again",
    ],
)
async def test_who_is_heard(events: str, heard: list[str]) -> None:
    assert await Story().tell(events) == heard


async def test_a_good_message_gives_back_what_it_paid() -> None:
    story = Story()
    assert await story.tell("a1-4 a1 *1") == ["a1"]
    story.client("a1").note(0, 1)
    assert await story.client("a1").turn() == 0


async def test_nobody_is_suspect_for_ever() -> None:
    story = Story()
    story.client("a1").note(1)
    assert story.client("a1").is_suspect
    story.time.now += SUSPECT_SECONDS
    assert not story.client("a1").is_suspect


async def test_what_is_owed_has_a_limit() -> None:
    story = Story()
    await story.tell(f"a1-{10 * MAX_FAILURES_OWED}")
    asking = asyncio.create_task(story.client("a1").turn())
    await story.time.pass_(MAX_FAILURES_OWED * SECOND)
    assert not asking.done()
    story.client("a1").note(1)
    await story.time.pass_(3 * SECOND)
    assert asking.done()


async def test_who_left_the_line_holds_nobody_up() -> None:
    story = Story()
    story.client("a1").note(AT_ONCE)
    waiting = [asyncio.create_task(story.client("a1").turn()) for _ in range(3)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    await story.time.pass_(SECOND)
    assert [task.done() for task in waiting] == [True, True, False]
    waiting[2].cancel()


@pytest.mark.parametrize(
    "status, fails",
    [
        (Ready(), None),
        (Future(), None),
        (InSidechainBlock(bytes(32)), False),
        (Finalized(), False),
        (Usurped(), False),
        (Dropped(), True),
        (Invalid(), True),
    ],
)
async def test_what_comes_of_an_operation(status: TrustedOperationStatus, fails: bool | None) -> None:
    """None: that is still to be seen."""
    story = Story()
    story.client("a1").answer_for(TOP_HASH)
    story.conducts.heard(TOP_HASH, status)
    assert story.client("a1").is_suspect is bool(fails)
    story.conducts.heard(TOP_HASH, Invalid())
    assert story.client("a1").is_suspect is (fails is not False)


async def test_what_is_remembered_is_bounded() -> None:
    story = Story()
    client = story.client("a1")
    client.answer_for(TOP_HASH)
    for number in range(MAX_ANSWERED_FOR):
        client.answer_for(number.to_bytes(32, "big"))
    story.conducts.heard(TOP_HASH, Invalid())
    assert not client.is_suspect
    client.note(AT_ONCE)
    for number in range(MAX_SITES):
        story.conducts.newcomer(number, str(number))
    inside: list[int] = []
    story.conducts.newcomer(1, "a").enter(lambda: bool(inside.append(1)) or True)
    assert inside == [1]


async def test_who_has_left_the_line_is_no_failure() -> None:
    story, asked = Story(), list[int]()
    story.client("a0").note(AT_ONCE)

    def come_in(number: int) -> bool:
        asked.append(number)
        return number == 3

    for number in range(1, 4):
        story.client(f"a{number}").enter(partial(come_in, number))
    await story.time.pass_(SECOND)
    assert asked == [1, 2, 3], "the first that is there"


async def test_without_a_limit_nobody_waits() -> None:
    conduct = unlimited()
    conduct.note(10**9)
    assert conduct.is_suspect
    assert await conduct.turn() == 0


@given(st.lists(st.tuples(st.integers(0, 5), st.floats(0, 3)), max_size=60))
def test_failures_of_a_site_are_as_few_as_is_said(attempts: list[tuple[int, float]]) -> None:
    """Whatever its clients do, suspects fail at most so many times at once and per second."""

    async def attempt() -> None:
        story, failures, started = Story(), 0, 0.0
        for number in range(6):
            story.client(f"a{number}").note(1)
        started = story.time.now
        for number, pause in attempts:
            conduct = story.client(f"a{number}")
            turn = asyncio.create_task(conduct.turn())
            await story.time.pass_(pause * SECOND)
            if not turn.done():
                turn.cancel()
            else:
                conduct.note(1, turn.result())
                failures += 1
            await asyncio.sleep(0)
        assert failures <= (story.time.now - started) * SITE_FAILURES_PER_SECOND + 1e-3

    asyncio.run(attempt())


# What counts


CALL = json.dumps(
    {
        "jsonrpc": "2.0",
        "method": "author_submitExtrinsic",
        "params": ["0x" + encode(Request, Request(SHARD, b"\x01")).hex()],
        "id": 1,
    }
)


@pytest.mark.parametrize(
    "text, failure, failures",
    [
        (CALL, None, 0),
        ("[]", None, 0),
        (f"[{CALL},{CALL}]", None, 0),
        (CALL, refusal("any.code"), 1),
        (f"[{CALL},{CALL}]", refusal("any.code"), 2),
        (CALL, ServerBusy(1), 0),
        (CALL, InternalError(), 0),
        (CALL, ZeroDivisionError(), 0),
        (CALL.replace("author_submitExtrinsic", "unheard"), None, 1),
        (CALL.replace("0x", "0y"), None, 1),
        ("{", None, 1),
        ("[" * FAILURE_BYTES, None, 2),
        (CALL.replace("0x", "0y" + "0" * 3 * FAILURE_BYTES), None, 4),
    ],
    ids=[
        "good",
        "nothing",
        "good batch",
        "refused",
        "each call of a batch",
        "not the caller's: busy",
        "not the caller's: internal",
        "not the caller's: defect",
        "unknown method",
        "no hex",
        "no JSON",
        "long, no JSON",
        "long",
    ],
)
async def test_failures_of_a_message(
    backend: FakeBackend, watches: WatchRegistry, text: str, failure: Exception | None, failures: int
) -> None:
    time = Time()
    conduct = Conducts[str](100, time.clock, time.later).newcomer(1, "a")
    backend.failure = failure
    await Dispatcher(trusted_methods(backend, watches)).handle(text, Connection(1, conduct=conduct))
    assert 100 - await allowance(conduct) == failures


async def allowance(conduct: Conduct) -> int:
    """How often a client may fail until it waits."""
    for count in itertools.count():
        turn = asyncio.create_task(conduct.turn())
        await asyncio.sleep(0)
        if not turn.done():
            turn.cancel()
            return count
        conduct.note(1)
    raise AssertionError


async def test_a_suspects_messages_wait_also_those_that_were_there_before(
    backend: FakeBackend, watches: WatchRegistry
) -> None:
    story, begun = Story(), 1 + ORDERED_AHEAD
    dispatcher = Dispatcher(trusted_methods(backend, watches))
    connection, other = (Connection(number, conduct=story.client(f"a{number}")) for number in (1, 2))
    backend.failure, backend.gate = refusal("any.code"), asyncio.Event()
    replies = [asyncio.create_task(dispatcher.handle(CALL, connection)) for _ in range(begun + 2)]
    await asyncio.sleep(0)
    backend.gate.set()
    await story.time.pass_(0)
    assert len(backend.submitted) == begun
    await dispatcher.handle(CALL, other)
    assert len(backend.submitted) == begun + 1, "who did not fail yet is served"
    await story.time.pass_((begun + 2 - AT_ONCE) * SECOND)
    assert len(backend.submitted) == begun + 2
    await story.time.pass_(SECOND)
    assert len(backend.submitted) == begun + 3
    await asyncio.gather(*replies)
