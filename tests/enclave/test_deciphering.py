"""Fair shares of decryptions and what flooding with garbage gets: counted, with threads and a clock of the tests'."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any

import pytest

from integritee.crypto import CryptoError
from integritee.enclave import deciphering
from integritee.enclave.decipherers import Threads
from integritee.enclave.deciphering import MAX_TOGETHER, Deciphering
from integritee.enclave.errors import Undecipherable
from integritee.enclave.rpc.caller import NOBODY
from integritee.enclave.rpc.errors import RateExceeded, ServerBusy
from integritee.enclave.rpc.limits import UNDECIPHERABLE

BAD = b"bad"


def decrypt(cyphertext: bytes) -> bytes:
    if cyphertext == BAD:
        raise CryptoError("no")
    return cyphertext.upper()


class Hand(Executor):
    """Threads that work when they are told to."""

    def __init__(self) -> None:
        self.given: list[tuple[Future[Any], Callable[[list[bytes]], Any], list[bytes]]] = []
        self.done: list[bytes] = []

    def submit(self, fn: Any, /, *args: Any, **_: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self.given.append((future, fn, args[0]))
        return future

    async def work(self) -> None:
        """Do what is first in line."""
        future, work, cyphertexts = self.given.pop(0)
        self.done += cyphertexts
        future.set_result(work(cyphertexts))
        await settle()


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_no_more_than_so_many_are_given_to_the_threads_and_a_newcomer_is_next() -> None:
    hand = Hand()
    shared = Deciphering(Threads(decrypt, hand, 2), Clock())
    tasks = [asyncio.create_task(shared.decipher(1, b"flood")) for _ in range(100)]
    await settle()
    assert (len(hand.given), len(shared)) == (2, 98)
    tasks.append(asyncio.create_task(shared.decipher(2, b"honest")))
    await settle()
    while b"honest" not in hand.done:
        await hand.work()
    assert hand.done[:3] == [b"flood"] * 2 + [b"honest"], "behind those at work"
    while hand.given:
        await hand.work()
    assert await asyncio.gather(*tasks) == [b"FLOOD"] * 100 + [b"HONEST"]
    assert len(shared) == 0


async def test_whoever_is_cancelled_gives_its_turn_back() -> None:
    hand = Hand()
    shared = Deciphering(Threads(decrypt, hand, 1), Clock())
    tasks = [asyncio.create_task(shared.decipher(number, b"a%d" % number)) for number in range(4)]
    await settle()
    tasks[0].cancel()
    tasks[1].cancel()
    await settle()
    tasks[2].cancel()
    await asyncio.sleep(0)
    await settle()
    await hand.work()
    assert hand.given[-1][2] == [b"a3"]
    await hand.work()
    assert await tasks[3] == b"A3"
    assert all(
        isinstance(found, asyncio.CancelledError)
        for found in await asyncio.gather(*tasks[:3], return_exceptions=True)
    )
    again = asyncio.create_task(shared.decipher(9, b"again"))
    await settle()
    assert hand.given[-1][2] == [b"again"]
    again.cancel()


async def test_the_more_wait_the_more_go_together_but_few() -> None:
    hand = Hand()
    shared = Deciphering(Threads(decrypt, hand, 2), Clock())
    tasks = [asyncio.create_task(shared.decipher(number, b"a%d" % number)) for number in range(50)]
    await settle()
    sizes = []
    while hand.given:
        sizes.append(len(hand.given[0][2]))
        await hand.work()
    assert sizes == [1, 1, *[MAX_TOGETHER] * 7, 3, 2, 2, 2, *[1] * 11]
    assert await asyncio.gather(*tasks) == [b"A%d" % number for number in range(50)]


async def test_a_defect_and_the_end_of_the_threads_reach_whoever_waits() -> None:
    hand = Hand()
    shared = Deciphering(Threads(decrypt, hand, 1), Clock())
    first, second = (asyncio.create_task(shared.decipher(number, b"a")) for number in range(2))
    await settle()
    hand.given.pop(0)[0].set_exception(ZeroDivisionError())
    await settle()
    with pytest.raises(ZeroDivisionError):
        await first
    hand.given.pop(0)[0].cancel()
    await settle()
    assert second.cancelled()


async def test_too_many_at_once_are_told_so_and_find_room_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deciphering, "MAX_WAITING_TO_BE_DECIPHERED", 2)
    hand = Hand()
    shared = Deciphering(Threads(decrypt, hand, 1), Clock())
    tasks = [asyncio.create_task(shared.decipher(number, b"a")) for number in range(3)]
    await settle()
    with pytest.raises(ServerBusy) as busy:
        await shared.decipher(9, b"a")
    assert (busy.value.code, busy.value.limit) == ("rpc.busy", 2)
    while hand.given:
        await hand.work()
    await asyncio.gather(*tasks)
    again = asyncio.create_task(shared.decipher(9, b"a"))
    await settle()
    await hand.work()
    assert await again == b"A"


async def test_garbage_costs_a_few_decryptions_and_then_none() -> None:
    hand, clock = Hand(), Clock()
    shared = Deciphering(Threads(decrypt, hand, 1), clock)

    async def ask(caller: int, cyphertext: bytes) -> bytes:
        task = asyncio.create_task(shared.decipher(caller, cyphertext))
        await settle()
        while hand.given:
            await hand.work()
        return await task

    for _ in range(UNDECIPHERABLE):
        with pytest.raises(Undecipherable):
            await ask(1, BAD)
    for cyphertext in (BAD, b"good"):
        with pytest.raises(RateExceeded) as refused:
            await ask(1, cyphertext)
        assert (refused.value.code, refused.value.retry_ms) == ("rpc.rate_exceeded", 1000)
    assert len(hand.done) == UNDECIPHERABLE
    assert await ask(2, b"good") == b"GOOD"
    for _ in range(UNDECIPHERABLE + 1):
        with pytest.raises(Undecipherable):
            await ask(NOBODY, BAD)
    clock.now = 1.0
    assert await ask(1, b"good") == b"GOOD"
    assert await ask(1, b"good") == b"GOOD", "what can be read costs nothing"
    with pytest.raises(Undecipherable):
        await ask(1, BAD)
    with pytest.raises(RateExceeded):
        await ask(1, BAD)


async def test_of_offenders_the_latest_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deciphering, "MAX_OFFENDERS", 2)
    monkeypatch.setattr(deciphering, "UNDECIPHERABLE", 1)
    hand = Hand()
    shared = Deciphering(Threads(decrypt, hand, 1), Clock())

    async def offend(caller: int) -> type[BaseException]:
        task = asyncio.create_task(shared.decipher(caller, BAD))
        await settle()
        while hand.given:
            await hand.work()
        (found,) = await asyncio.gather(task, return_exceptions=True)
        assert isinstance(found, BaseException)
        return type(found)

    assert [await offend(caller) for caller in (1, 2, 1, 3, 1, 3)] == [
        *(Undecipherable, Undecipherable, RateExceeded),
        *(Undecipherable, Undecipherable, RateExceeded),
    ]
