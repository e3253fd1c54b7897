"""A parachain whose blocks count once its relay chain proves them: what becomes of it when relay nodes fail."""

from __future__ import annotations

import asyncio
from io import StringIO
from typing import Any, Final

import pytest

from integritee.boundary.messages import RelayFinality
from integritee.primitives.header import Digest, Header
from integritee.primitives.ids import ParentchainId
from integritee.worker import relay_feed
from integritee.worker.chain_config import ChainConfig, RelayConfig
from integritee.worker.console import Console
from integritee.worker.endpoints import MAX_BEHIND
from integritee.worker.errors import NoJustification
from integritee.worker.progress import Display
from integritee.worker.relay import ProvenHead
from integritee.worker.sync import ParentchainSync

from .small_world import Blockchain, Connection, Enclave, World
from .virtual_time import in_virtual_time

PARA, R, S = "ws://para:1", "ws://r:2", "ws://s:3"
PARA_ID: Final = 2039


async def proven(
    relay: Connection, para_id: int, relay_number: int, para_number: int, finalized: int, limit: int
) -> Any:
    """A relay chain that is as long as the parachain and proves all its blocks at once."""
    assert para_id == PARA_ID
    await relay._answer()
    if relay.node.pruned_below:
        raise NoJustification(relay_number, relay_number + 1)
    number = min(relay.node.head, finalized, para_number + limit)
    if number <= para_number:
        return None
    head = relay.node.chain.headers[number]
    justification = b"J" + (b"forged" if relay.node.forges else head.hash())
    finality = RelayFinality([], Header(bytes(32), number, bytes(32), bytes(32), Digest([])), justification, [])
    return ProvenHead(head, finality)


STORIES: dict[str, tuple[list[tuple[float, str, dict[str, Any]]], str]] = {
    # what happens: deeds, the relay endpoint in use at the end
    "nothing": ([], R),
    "the first is not there": ([(0, R, {"is_up": False})], S),
    "the first lies": ([(100, R, {"forges": True})], S),
    "the first has no proofs": ([(100, R, {"pruned_below": 1})], S),
    "the first falls behind": ([(100, R, {"lag": MAX_BEHIND + 10})], S),
    "the first becomes slow": ([(100, R, {"delay": 21.0})], S),
    "all fail for a while": (
        [(100, R, {"forges": True}), (100, S, {"forges": True}), (300, R, {"forges": False})],
        R,
    ),
    "the parachain's node is a little behind": ([(100, PARA, {"lag": 3}), (400, PARA, {"lag": 0})], R),
    "the parachain's node restarts": ([(100, PARA, {"is_up": False}), (130, PARA, {"is_up": True})], R),
}


async def told(name: str, world: World, enclave: Enclave, para_id: int | None) -> ParentchainSync:
    deeds, _ = STORIES[name]
    config = ChainConfig(ParentchainId.TargetA, (PARA,), relay=RelayConfig((R, S), para_id))
    display = Display("", Console(StringIO()))
    sync = ParentchainSync(
        config, enclave, world.funding, world.said.append, display, world.connect, roll=lambda: 0.0
    )
    tasks = [asyncio.create_task(sync.run()), asyncio.create_task(world.turn())]
    now = 0.0
    for at, url, behaviour in [*deeds, (700.0, PARA, {})]:
        await asyncio.sleep(at - now)
        now = at
        for attribute, value in behaviour.items():
            if behaviour.get("is_up") is False:
                world.nodes[url].go_down()
            setattr(world.nodes[url], attribute, value)
    for task in tasks:
        assert not task.done()
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return sync


@pytest.mark.parametrize("para_id", [PARA_ID, None], ids=["told", "asked of the chain"])
@pytest.mark.parametrize("name", STORIES)
def test_the_enclave_stays_at_the_head(name: str, para_id: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay_feed, "next_proven_head", proven)
    world = World(Blockchain(finalized=1500), PARA, R, S)
    enclave = Enclave(world.chain, "relay")
    sync = in_virtual_time(told(name, world, enclave, para_id))
    assert 0 <= world.chain.finalized - enclave.number <= 1
    assert sync.relay is not None
    assert sync.relay.endpoints.current == STORIES[name][1]
    assert sync.endpoints.switches == 0
    assert all(params.relay and params.relay.para_id == PARA_ID for params in enclave.introductions)
    assert not any(node.connections for node in world.nodes.values()), "connections end with the feed"


def test_nodes_of_the_relay_chain_are_asked_for_no_blocks_of_the_parachain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay_feed, "next_proven_head", proven)
    world = World(Blockchain(), PARA, R, S)
    in_virtual_time(told("nothing", world, Enclave(world.chain, "relay"), PARA_ID))
    served = {url: node.served_blocks for url, node in world.nodes.items()}
    assert served[PARA] > 0 and served[R] == served[S] == 0
