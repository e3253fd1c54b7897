"""When blocks are made."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from tests.node.toy_runtime import ALICE, BOB, TRANSFERS_PER_BLOCK, ToyEngine, genesis, transfer

from integritee.frame.overlay import Overlay
from integritee.node import sealing
from integritee.node.chain_thread import ChainThread
from integritee.node.errors import DatabaseFull, RuntimeApiMissing
from integritee.node.sealing import (
    DEFAULT_SEAL,
    AuthoringTime,
    EverySlot,
    Instant,
    Interval,
    Manual,
    Seal,
    Sealer,
    parse_seal,
    seal_of_slots,
)


@pytest.mark.parametrize(
    ("text", "seal"),
    [
        ("interval:6", Interval(6.0)),
        ("interval:0.2", Interval(0.2)),
        ("instant", Instant()),
        ("manual", Manual()),
        ("slot", EverySlot()),
    ],
)
def test_seal_flag(text: str, seal: Seal | EverySlot) -> None:
    assert parse_seal(text) == seal


@pytest.mark.parametrize(
    ("slot_ms", "seal"), [(6000, Interval(6.0)), (12_000, Interval(12.0)), (500, Interval(0.5)), (None, DEFAULT_SEAL)]
)
def test_a_block_per_slot(slot_ms: int | None, seal: Seal) -> None:
    class Slots(ToyEngine):
        def AuraApi_slot_duration(self, state: Overlay, args: bytes) -> bytes:
            assert state.get(b":code") == b"toy"
            if slot_ms is None:
                raise RuntimeApiMissing("AuraApi_slot_duration")
            return slot_ms.to_bytes(8, "little")

    assert seal_of_slots(Slots(), genesis()) == seal


@pytest.mark.parametrize(
    "text",
    [
        "",
        "interval",
        "interval:",
        "interval:x",
        "interval:0",
        "interval:-1",
        "interval:nan",
        "interval:1e9",
        "instant:1",
        "slot:1",
    ],
)
def test_bad_seal_flag(text: str) -> None:
    with pytest.raises(ValueError):
        parse_seal(text)


@asynccontextmanager
async def sealing_with(node: Any, seal: Seal) -> AsyncIterator[tuple[ChainThread, asyncio.Task[None]]]:
    thread = ChainThread()
    thread.start()
    task = asyncio.create_task(Sealer(node, thread, seal).run())
    await asyncio.sleep(0)
    try:
        yield thread, task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        thread.stop()
        await asyncio.to_thread(thread.join)


async def until(condition: Any) -> None:
    while not condition():  # noqa: ASYNC110 - what is waited for tells nobody
        await asyncio.sleep(0.002)


async def test_interval_makes_blocks_by_itself(node: Any) -> None:
    async with sealing_with(node, Interval(0.01)):
        await until(lambda: node.chain.best.number >= 3)
    assert node.chain.finalized.number == node.chain.best.number


async def test_interval_does_not_drift(node: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a clock of its own: authoring takes its time, and once so long that blocks are missed."""
    loop = asyncio.get_running_loop()
    now, starts, durations = 1000.0, list[float](), [0.3, 0.9, 0.0, 2.5, 0.1, 0.0]
    enough = asyncio.Event()

    class Thread:
        def change(self, work: Any) -> Any:
            return None

    async def make_block(_: object) -> None:
        nonlocal now
        starts.append(now)
        now += durations[len(starts) - 1]
        if len(starts) == len(durations):
            enough.set()
            await asyncio.Event().wait()

    async def sleep(seconds: float) -> None:
        nonlocal now
        now += max(seconds, 0)

    monkeypatch.setattr(sealing.asyncio, "wrap_future", make_block)
    monkeypatch.setattr(sealing.asyncio, "sleep", sleep)
    monkeypatch.setattr(loop, "time", lambda: now)
    task = asyncio.create_task(Sealer(node, Thread(), Interval(1.0)).run())  # type: ignore[arg-type]
    await enough.wait()
    task.cancel()
    monkeypatch.undo()
    assert starts == pytest.approx([1000, 1001, 1002, 1003, 1006, 1007])


async def test_instant_makes_a_block_per_submission(node: Any) -> None:
    async with sealing_with(node, Instant()) as (thread, _):
        for nonce in range(3):
            await asyncio.wrap_future(
                thread.change(lambda n=nonce: node.pool.submit(transfer(ALICE, n), node.now_ms))
            )
            await until(lambda n=nonce: node.chain.best.number == n + 1)
            assert len(node.chain.block(node.chain.best_hash).extrinsics) == 2


async def test_instant_puts_together_what_arrives_together(node: Any) -> None:
    def submit() -> None:
        for nonce in range(4):
            node.pool.submit(transfer(ALICE, nonce), node.now_ms)
            node.pool.submit(transfer(BOB, nonce), node.now_ms)

    async with sealing_with(node, Instant()) as (thread, _):
        await asyncio.wrap_future(thread.change(submit))
        await until(lambda: node.chain.best.number)
    assert node.chain.best.number == 1
    assert len(node.chain.block(node.chain.best_hash).extrinsics) == 9


async def test_instant_goes_on_until_the_pool_is_empty(node: Any) -> None:
    count = 2 * TRANSFERS_PER_BLOCK + 1

    def submit() -> None:
        for nonce in range(count):
            node.pool.submit(transfer(ALICE, nonce), node.now_ms)

    async with sealing_with(node, Instant()) as (thread, _):
        await asyncio.wrap_future(thread.change(submit))
        await until(lambda: node.pool.usage().ready == 0)
    assert node.chain.best.number == 3


async def test_instant_ignores_future_transactions(node: Any) -> None:
    async with sealing_with(node, Instant()) as (thread, _):
        await asyncio.wrap_future(thread.change(lambda: node.pool.submit(transfer(ALICE, 1), node.now_ms)))
        await asyncio.wrap_future(thread.change(lambda: node.pool.submit(transfer(ALICE, 0), node.now_ms)))
        await until(lambda: node.chain.best.number)
    assert node.chain.best.number == 1
    assert len(node.chain.block(node.chain.best_hash).extrinsics) == 3


async def test_manual_makes_none(node: Any) -> None:
    node.pool.submit(transfer(ALICE, 0), node.now_ms)
    async with sealing_with(node, Manual()) as (_, task):
        await asyncio.sleep(0.02)
        assert not task.done()
    assert node.chain.best.number == 0


async def test_failures_are_logged_and_survived(node: Any, caplog: pytest.LogCaptureFixture) -> None:
    keys = dict(node.keys.aura)
    node.keys.aura.clear()
    async with sealing_with(node, Interval(0.01)):
        await until(lambda: "no block: slot" in caplog.text)
        node.keys.aura.update(keys)
        await until(lambda: node.chain.best.number)
    assert node.chain.best.number >= 1


async def test_a_failing_database_ends_it(node: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def seal() -> None:
        raise DatabaseFull(1)

    monkeypatch.setattr(node, "seal", seal)
    async with sealing_with(node, Interval(0.01)) as (_, task):
        with pytest.raises(DatabaseFull):
            await task


def test_blocks_are_logged(node: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    hash = node.produce()
    assert f"Block #1 0x{hash.hex()}: 1 extrinsics in 0 ms, finalized #1" in caplog.text


def test_time_for_a_block(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(sealing.time, "monotonic", lambda: now)
    thread = ChainThread()
    is_up = AuthoringTime(thread, Interval(1.0)).begin()
    assert not is_up()
    now += 0.51
    assert is_up()
    assert not AuthoringTime(thread, Interval(1.0)).begin()()
    is_up = AuthoringTime(thread, Interval(60.0)).begin()
    now += 1.99
    assert not is_up()
    now += 0.02
    assert is_up()


def test_stopping_closes_the_block(node: Any) -> None:
    thread = ChainThread()
    is_up = AuthoringTime(thread, Instant()).begin()
    assert not is_up()
    thread.stop()
    assert is_up()


def test_queries_are_let_through_between_transactions(node: Any) -> None:
    """The chain answers while a block is made, and its answers are those of the last block."""
    thread = ChainThread()
    node._closing = AuthoringTime(thread, Interval(10)).begin
    for nonce in range(3):
        node.pool.submit(transfer(ALICE, nonce), node.now_ms)
    caller = node.caller()
    answers = [thread.query(lambda: caller.call("chain_getHeader")["number"]) for _ in range(2)]
    pending = thread.query(lambda: caller.call("author_pendingExtrinsics"))
    node.produce()
    assert [answer.result(0) for answer in answers] == ["0x0", "0x0"]
    assert len(pending.result(0)) == 3
    assert len(node.chain.block(node.chain.best_hash).extrinsics) == 4
