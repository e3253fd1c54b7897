"""Agents and workers that come and go."""

from __future__ import annotations

from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

import pytest

from integritee.bots import workers as module
from integritee.bots.errors import NotSettled, NoWorkerLeft
from integritee.bots.workers import Gone, Seat, Workers
from integritee.client.errors import ConnectionFailed


class Host:
    """Machines by URL. What is asked of one that is down breaks the connection."""

    def __init__(self, *urls: str) -> None:
        self.up = set(urls)
        self.connections = 0

    def client(self, url: str) -> Any:
        self.connections += 1

        async def close() -> None:
            pass

        return SimpleNamespace(rpc=SimpleNamespace(url=url), close=close)

    async def connect(self, url: str, *_: object) -> Any:
        if url not in self.up:
            raise ConnectionFailed(url, "nobody there")
        return self.client(url)

    async def where(self, client: Any) -> str:
        """What all questions are."""
        if client.rpc.url not in self.up:
            raise ConnectionFailed(client.rpc.url, "closed")
        url: str = client.rpc.url
        return url


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Host:
    host = Host("a", "b")
    monkeypatch.setattr(module, "_connect", host.connect)
    return host


def group(host: Host, urls: Iterable[str] = ("a", "b")) -> Workers:
    return Workers([Seat(host.client(url)) for url in urls], SimpleNamespace(), bytes(32))  # type: ignore[arg-type]


async def test_agents_are_spread_over_workers(host: Host) -> None:
    workers = group(host)
    assert [await workers.ask(agent, host.where) for agent in range(4)] == ["a", "b", "a", "b"]


async def test_who_has_lost_its_worker_asks_another_one(host: Host) -> None:
    workers = group(host)
    host.up.remove("b")
    assert [await workers.ask(agent, host.where) for agent in range(4)] == ["a", "a", "a", "a"]
    assert (workers.losses, workers.urls) == (1, ["a"])


async def test_what_must_not_be_repeated_blindly_is_not(host: Host) -> None:
    workers = group(host)
    host.up.remove("b")
    with pytest.raises(Gone):
        await workers.once(1, host.where)
    assert await workers.once(1, host.where) == "a"


async def test_a_broken_connection_is_taken_up_again_once_for_all(host: Host) -> None:
    workers = group(host, ["a"])
    broken = workers._seats[0].client
    before = host.connections

    async def where(client: Any) -> str:
        if client is broken:
            raise ConnectionFailed("a", "reset")
        return await host.where(client)

    assert [await workers.ask(agent, where) for agent in range(3)] == ["a"] * 3
    assert (workers.losses, host.connections) == (0, before + 1)


async def test_without_any_worker_there_is_nothing_to_do(host: Host) -> None:
    workers = group(host)
    host.up.clear()
    for agent in range(2):
        with pytest.raises(NoWorkerLeft, match="closed"):
            await workers.ask(agent, host.where)
    with pytest.raises(NoWorkerLeft):
        await workers.settled("it", host.where)  # type: ignore[arg-type]


async def test_settled_means_everywhere(host: Host) -> None:
    workers = group(host)
    looks: list[str] = []

    async def holds(client: Any) -> bool:
        looks.append(await host.where(client))
        return looks.count("b") == 3 or client.rpc.url == "a"

    assert await workers.settled("it", holds)
    assert sorted(looks) == ["a", "b", "b", "b"]


async def test_waiting_ends_when_a_worker_goes(host: Host) -> None:
    """What that one knew may never come to the others."""
    workers = group(host)

    async def never(client: Any) -> bool:
        await host.where(client)
        host.up.discard("b")
        return False

    assert not await workers.settled("it", never)


async def test_waiting_has_an_end(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SETTLE_TIMEOUT", 0.05)

    async def never(client: Any) -> bool:
        return False

    with pytest.raises(NotSettled, match="the end of the world"):
        await group(host).settled("the end of the world", never)
