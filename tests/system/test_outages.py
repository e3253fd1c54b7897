"""Nodes that go away, hang and come back, as a worker and its supervisor see them."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import base58
import pytest

from integritee.crypto import blake2_256

from .detour import Detour
from .processes import Node, Service, Worker, eventually, soon

Own = Callable[[Service], Service]

MAX_AGE: Final = 2
"""Seconds."""


def own_worker(own: Own, directory: Path, node: Node, *options: str) -> Worker:
    """A worker with a shard of its own that pauses soon; global `options` as on the command line."""
    shard = base58.b58encode(blake2_256(bytes(directory))).decode()
    worker = Worker(directory, node.port, options=options, shard=shard)
    worker.arguments += ["--max-parentchain-age", str(MAX_AGE)]
    own(worker)
    return worker


def readiness(worker: Worker) -> tuple[int, dict[str, Any]]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{worker.http_port}/readyz", timeout=5) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refused:
        return refused.code, json.load(refused)


async def endpoint(worker: Worker) -> str | None:
    _, view = await asyncio.to_thread(readiness, worker)
    chain = view["parentchains"]["Integritee"]
    return str(chain["endpoint"]) if chain["connected"] else None


async def test_the_second_endpoint_takes_over_and_the_first_again(node: Node, own: Own, directory: Path) -> None:
    async with Detour(node.port) as first, Detour(node.port) as second:
        worker = own_worker(own, directory, node, "-u", f"{first.url},{second.url}")
        await asyncio.to_thread(worker.start)
        assert await endpoint(worker) == first.url
        for gone, left in ((first, second), (second, first)):
            await gone.block()

            async def took_over(url: str = left.url) -> bool:
                return await endpoint(worker) == url

            await soon(took_over, f"{left.url} takes over")
            assert (await asyncio.to_thread(readiness, worker))[0] == 200
            await gone.unblock()
        assert "[!]" not in worker.output(), "production never paused"


@pytest.mark.parametrize("hangs", [True, False], ids=["hangs", "is gone"])
def test_production_pauses_while_the_parentchain_is_stale(hangs: bool, own: Own, directory: Path) -> None:
    node = Node(directory / "chain")
    own(node)
    node.start()
    worker = own_worker(own, directory, node)
    worker.start()
    assert readiness(worker)[0] == 200
    os.kill(node.pid, signal.SIGSTOP) if hangs else node.kill()
    worker.wait_for(r"^\[Integritee\] \[!\] the latest proven block, \d+, is too old: block production pauses")
    status, view = readiness(worker)
    assert (status, view["parentchains"]["Integritee"]["stale"]) == (503, True)
    assert "Integritee is stale" in view["reasons"]
    block = view["sidechain_block"]
    os.kill(node.pid, signal.SIGCONT) if hangs else node.start()
    worker.wait_for(r"^\[Integritee\] block \d+ is proven: block production goes on")
    eventually(lambda: readiness(worker)[0] == 200, "readiness")
    assert readiness(worker)[1]["sidechain_block"] > block
    assert worker.interrupt() == 0
