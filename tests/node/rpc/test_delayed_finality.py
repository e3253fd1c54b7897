"""Finality some time after the block."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from integritee.node.chain_thread import ChainThread
from integritee.node.delayed_finality import DelayedFinality
from integritee.node.errors import DatabaseFull
from integritee.node.node import NO_FINALITY


@asynccontextmanager
async def finalizing(
    node: Any, seconds: float, lag: int = 0
) -> AsyncIterator[tuple[ChainThread, asyncio.Task[None]]]:
    thread = ChainThread()
    thread.start()
    task = asyncio.create_task(DelayedFinality(node, thread, seconds, lag).run())
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


@pytest.fixture
def node(make_node: Any) -> Any:
    return make_node(finality_lag=NO_FINALITY)


async def test_not_before_its_time(node: Any) -> None:
    async with finalizing(node, seconds=60) as (thread, _):
        await asyncio.wrap_future(thread.change(node.produce))
        await asyncio.sleep(0.02)
        assert (node.chain.best.number, node.chain.finalized.number) == (1, 0)


@pytest.mark.parametrize("lag", [0, 2])
async def test_blocks_become_final_in_order_with_justifications(node: Any, lag: int) -> None:
    rpc = node.caller()
    id = rpc.call("chain_subscribeFinalizedHeads")
    async with finalizing(node, seconds=0.01, lag=lag) as (thread, _):
        for _ in range(4):
            await asyncio.wrap_future(thread.change(node.produce))
        await until(lambda: node.chain.finalized.number == 4 - lag)
    heads = rpc.notifications(id, "chain_finalizedHead")
    assert [int(head["number"], 16) for head in heads] == list(range(5 - lag))
    assert all(node.chain.justification(node.chain.hash_at(n)) for n in range(1, 5 - lag))


async def test_a_backlog_is_made_up_for(node: Any) -> None:
    node.produce(5)
    async with finalizing(node, seconds=0.001) as (thread, _):
        await asyncio.wrap_future(thread.change(node.produce))
        await until(lambda: node.chain.finalized.number == 6)
    assert node.chain.finalized_hash == node.chain.best_hash


async def test_the_fork_that_won_becomes_final(node: Any) -> None:
    async with finalizing(node, seconds=0.05) as (thread, _):

        def fork() -> bytes:
            first = node.produce()
            node.produce()
            return node.produce(parent=node.produce(parent=first))

        winner = await asyncio.wrap_future(thread.change(fork))
        await until(lambda: node.chain.finalized.number == 3)
    assert node.chain.finalized_hash == winner


async def test_failures_are_logged_and_survived(node: Any, caplog: pytest.LogCaptureFixture) -> None:
    keys = dict(node.keys.grandpa)
    node.keys.grandpa.clear()
    async with finalizing(node, seconds=0.001) as (thread, _):
        await asyncio.wrap_future(thread.change(node.produce))
        await until(lambda: "block #1 is not final" in caplog.text)
        node.keys.grandpa.update(keys)
        await asyncio.wrap_future(thread.change(node.produce))
        await until(lambda: node.chain.finalized.number == 2)
    assert node.chain.finalized.number == 2


async def test_a_failing_database_ends_it(node: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def finalize(hash: bytes) -> None:
        raise DatabaseFull(1)

    monkeypatch.setattr(node, "finalize", finalize)
    async with finalizing(node, seconds=0.001) as (thread, task):
        await asyncio.wrap_future(thread.change(node.produce))
        with pytest.raises(DatabaseFull):
            await task
