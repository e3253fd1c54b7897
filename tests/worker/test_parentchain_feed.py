"""The parentchain feed ends when it is told to, at whatever moment."""

from __future__ import annotations

import asyncio
from io import StringIO
from typing import cast

import pytest

from integritee.primitives.ids import ParentchainId
from integritee.worker.chain_config import ChainConfig
from integritee.worker.console import Console
from integritee.worker.contact import Enclave as Ecalls
from integritee.worker.endpoints import FIRST_PAUSE
from integritee.worker.progress import Display
from integritee.worker.sync import ParentchainSync

from .small_world import Blockchain, Enclave, World
from .virtual_time import in_virtual_time

URL = "ws://a:1"


async def cancelled_after(losses: int, turns: int, seconds: float) -> bool:
    """Whether a feed ends that is cancelled some turns of the event loop and some time after its last loss."""
    world = World(Blockchain(), URL)
    config = ChainConfig(ParentchainId.Integritee, (URL,))
    display = Display("", Console(StringIO()))
    enclave = cast(Ecalls, Enclave(world.chain))
    feed = ParentchainSync(config, enclave, world.funding, world.said.append, display, world.connect)
    running = asyncio.create_task(feed.run())
    await asyncio.sleep(1)
    for _ in range(losses):
        world.nodes[URL].go_down()
        world.nodes[URL].come_up()
        await asyncio.sleep(seconds)
    assert len(world.attempts) >= min(losses, 1)
    for _ in range(turns):
        await asyncio.sleep(0)
    running.cancel()
    done, _ = await asyncio.wait({running}, timeout=10)
    return done == {running} and running.cancelled()


@pytest.mark.parametrize("losses", [0, 1, 3])
@pytest.mark.parametrize("seconds", [0, FIRST_PAUSE / 2, FIRST_PAUSE, 10])
@pytest.mark.parametrize("turns", range(12))
def test_ends_when_cancelled(losses: int, seconds: float, turns: int) -> None:
    """The loss travels through the feed in a few turns of the event loop; each may be the last."""
    assert in_virtual_time(cancelled_after(losses, turns, seconds))
