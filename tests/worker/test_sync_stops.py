"""The parentchain feed ends when it is told to, whatever happens to the connection at that moment."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from integritee.client.errors import ConnectionFailed
from integritee.client.parentchain import ParentchainClient
from integritee.worker.enclave_process import EnclaveProcess
from integritee.worker.sync import ParentchainSync


class Connection:
    """Stands for a client; nothing is asked of it."""

    async def __aenter__(self) -> Connection:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None


class Feed(ParentchainSync):
    """Connects to nobody and loses the connection on demand."""

    following: asyncio.Event
    lose: asyncio.Event

    async def _introduce(self, chain: ParentchainClient, funding: Any) -> Any:
        return None

    async def _watch_runtime(self, chain: ParentchainClient) -> None:
        await asyncio.Event().wait()

    async def _follow(self, chain: ParentchainClient) -> None:
        self.following.set()
        await self.lose.wait()
        raise ConnectionFailed("ws://nowhere", "lost")


async def nothing(_: object) -> Any:
    return None


@pytest.mark.parametrize("loses_connection", [False, True])
async def test_ends_when_cancelled(monkeypatch: pytest.MonkeyPatch, loses_connection: bool) -> None:
    async def connect(url: str) -> Connection:
        return Connection()

    monkeypatch.setattr(ParentchainClient, "connect", connect)
    feed = Feed("ws://nowhere", cast(EnclaveProcess, None), nothing)
    feed.following, feed.lose = asyncio.Event(), asyncio.Event()
    running = asyncio.create_task(feed.run())
    await feed.following.wait()
    if loses_connection:
        feed.lose.set()
    running.cancel()
    done, _ = await asyncio.wait({running}, timeout=20)
    assert done == {running}
    assert running.cancelled()
