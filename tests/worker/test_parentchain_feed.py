"""The parentchain feed outlives lost connections, and ends when it is told to, at whatever moment."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from integritee.client.errors import ConnectionFailed
from integritee.client.parentchain import ParentchainClient
from integritee.worker import sync
from integritee.worker.enclave_process import EnclaveProcess
from integritee.worker.sync import ParentchainSync


class Connection:
    """Stands for a client; nothing is asked of it."""

    async def __aenter__(self) -> Connection:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None


class Feed(ParentchainSync):
    """Connects to nobody and loses the connection on demand. `sessions` counts connections."""

    def __init__(self) -> None:
        super().__init__("ws://nowhere", cast(EnclaveProcess, None), cast(Any, nothing))
        self.sessions = 0
        self.following, self.lose = asyncio.Event(), asyncio.Event()

    async def _introduce(self, chain: ParentchainClient, funding: Any) -> Any:
        return None

    async def _watch_runtime(self, chain: ParentchainClient) -> None:
        await asyncio.Event().wait()

    async def _follow(self, chain: ParentchainClient) -> None:
        self.sessions += 1
        self.following.set()
        await self.lose.wait()
        raise ConnectionFailed("ws://nowhere", "lost")

    async def lose_connection(self) -> None:
        """Until the feed has another one."""
        before = self.sessions
        self.following.clear()
        self.lose.set()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        self.lose.clear()
        await self.following.wait()
        assert self.sessions == before + 1


async def nothing(_: object) -> Any:
    return None


@pytest.fixture
def feed(monkeypatch: pytest.MonkeyPatch) -> Feed:
    async def connect(url: str) -> Connection:
        return Connection()

    monkeypatch.setattr(ParentchainClient, "connect", connect)
    monkeypatch.setattr(sync, "RETRY_PAUSE", 0.001)
    return Feed()


@pytest.mark.parametrize("losses", [0, 1, 3])
@pytest.mark.parametrize("loses_connection", [False, True], ids=["in peace", "while the connection is lost"])
async def test_ends_when_cancelled(feed: Feed, losses: int, loses_connection: bool) -> None:
    running = asyncio.create_task(feed.run())
    await feed.following.wait()
    for _ in range(losses):
        await feed.lose_connection()
    if loses_connection:
        feed.lose.set()
    running.cancel()
    done, _ = await asyncio.wait({running}, timeout=10)
    assert done == {running}
    assert running.cancelled()


@pytest.mark.parametrize("turns", range(8))
async def test_ends_when_cancelled_some_turns_after_the_loss(feed: Feed, turns: int) -> None:
    """The loss travels through the feed in a few turns of the event loop; each may be the last."""
    running = asyncio.create_task(feed.run())
    await feed.following.wait()
    feed.lose.set()
    for _ in range(turns):
        await asyncio.sleep(0)
    running.cancel()
    done, _ = await asyncio.wait({running}, timeout=10)
    assert done == {running}
    assert running.cancelled()
