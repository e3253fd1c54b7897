"""Gossip: everybody who can be told is told, and nobody waits for those who cannot."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest

from integritee.boundary.messages import GossipBlocks, GossipOperations
from integritee.primitives.sidechain import SignedBlock
from integritee.scale import decode
from integritee.worker.peers.network import (
    IMPORT_BLOCK,
    IMPORT_OPERATIONS,
    MAX_BLOCKS_PER_MESSAGE,
    MAX_PARAMETER,
    REFRESH_PAUSE,
)
from integritee.worker.peers.outbox import MAX_AGE, MAX_MESSAGES
from integritee.worker.peers.peer import ANSWER_LIMIT

from ..virtual_time import in_virtual_time
from .chains import chain_of, next_block
from .small_shard import Node, Shard

BLOCKS = chain_of(100)


def live(shard: Shard, play: Callable[[], Awaitable[None]]) -> None:
    """The network runs while `play` goes on, in virtual time."""

    async def both() -> None:
        running = asyncio.create_task(shard.network.run())
        await shard.network.known()
        await play()
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
        assert all(node.connections == 0 for node in shard.nodes.values())

    in_virtual_time(both())


def number(block: SignedBlock) -> int:
    return block.block.header.block_number


def heard_blocks(node: Node) -> list[SignedBlock]:
    return [
        block
        for _, method, parameter in node.heard
        if method == IMPORT_BLOCK
        for block in decode(list[SignedBlock], bytes.fromhex(parameter.removeprefix("0x")))
    ]


def test_blocks_and_operations_reach_everybody_in_order() -> None:
    shard = Shard(a=Node(), b=Node(delay=0.5))

    async def play() -> None:
        shard.network.gossip_blocks(GossipBlocks(BLOCKS[:2]))
        shard.network.gossip_operations(GossipOperations(b"\x01\x02"))
        shard.network.gossip_blocks(GossipBlocks(BLOCKS[2:3]))
        await asyncio.sleep(3)

    live(shard, play)
    for node in shard.nodes.values():
        assert [method for _, method, _ in node.heard] == [IMPORT_BLOCK, IMPORT_OPERATIONS, IMPORT_BLOCK]
        assert heard_blocks(node) == BLOCKS[:3]
        assert node.heard[1][2] == "0x0102"


@pytest.mark.parametrize("bad", [Node(is_up=False), Node(delay=1e6), Node(refuses=True)])
def test_a_bad_peer_delays_nobody(bad: Node) -> None:
    shard = Shard(bad=bad, good=Node())

    async def play() -> None:
        for block in BLOCKS[:20]:
            shard.network.gossip_blocks(GossipBlocks([block]))
            await asyncio.sleep(1)
        assert [at - at // 1 for at, _, _ in shard.nodes["good"].heard] == pytest.approx([0.01] * 20, abs=1e-3)
        assert [peer.account for peer in shard.network.ranked()] == [shard.account("good"), shard.account("bad")]

    live(shard, play)
    assert heard_blocks(shard.nodes["good"]) == BLOCKS[:20]
    assert heard_blocks(bad) == []


def test_a_peer_that_comes_back_is_told_what_is_still_new() -> None:
    node = Node(is_up=False)
    shard = Shard(a=node)

    async def play() -> None:
        for block in BLOCKS:
            shard.network.gossip_blocks(GossipBlocks([block]))
            await asyncio.sleep(1)
        node.is_up = True
        await asyncio.sleep(30)

    live(shard, play)
    heard = heard_blocks(node)
    assert heard == BLOCKS[100 - len(heard) :]
    assert MAX_AGE - 20 <= len(heard) <= min(MAX_AGE, MAX_MESSAGES)


def test_messages_do_not_wait_for_each_other() -> None:
    """Far away, with a message every twentieth of a second."""
    node = Node(delay=0.3)
    shard = Shard(a=node)

    async def play() -> None:
        for number in range(100):
            shard.network.gossip_operations(GossipOperations(bytes([number])))
            await asyncio.sleep(0.05)
        await asyncio.sleep(0.4)

    live(shard, play)
    assert [parameter for _, _, parameter in node.heard] == [f"0x{number:02x}" for number in range(100)]


def test_a_peer_that_is_told_too_much_is_told_later() -> None:
    node = Node(busy=5)
    shard = Shard(a=node)

    async def play() -> None:
        for block in BLOCKS[:10]:
            shard.network.gossip_blocks(GossipBlocks([block]))
        await asyncio.sleep(5)
        assert shard.standing("a").latest is None

    live(shard, play)
    assert sorted(number(block) for block in heard_blocks(node)) == [*range(1, 11)]


def test_one_message_is_not_too_long() -> None:
    node = Node()
    shard = Shard(a=node)
    long = next_block(None, diff=bytes(MAX_PARAMETER // 2))

    async def play() -> None:
        shard.network.gossip_blocks(GossipBlocks(BLOCKS))
        shard.network.gossip_blocks(GossipBlocks([long]))
        await asyncio.sleep(1)

    live(shard, play)
    assert heard_blocks(node) == BLOCKS
    assert len(node.heard) == -(-len(BLOCKS) // MAX_BLOCKS_PER_MESSAGE)


def test_a_peer_that_breaks_off_gets_the_message_again() -> None:
    node = Node()
    shard = Shard(a=node)

    async def play() -> None:
        shard.network.gossip_blocks(GossipBlocks(BLOCKS[:1]))
        await asyncio.sleep(1)
        node.is_up = False
        shard.network.gossip_blocks(GossipBlocks(BLOCKS[1:2]))
        await asyncio.sleep(8)
        assert not shard.standing("a").is_up
        node.is_up = True
        await asyncio.sleep(20)
        assert shard.standing("a").is_up

    live(shard, play)
    assert heard_blocks(node) == BLOCKS[:2]


def test_what_fails_together_counts_once() -> None:
    node = Node(delay=1.0)
    shard = Shard(a=node)

    async def play() -> None:
        shard.network.gossip_operations(GossipOperations(b"x"))
        await asyncio.sleep(3)
        for number in range(20):
            shard.network.gossip_operations(GossipOperations(bytes([number])))
        await asyncio.sleep(0.5)
        node.is_up = False
        await asyncio.sleep(0.7)
        assert shard.standing("a").failures == 1
        node.is_up, node.delay = True, 0.0
        await asyncio.sleep(1)

    live(shard, play)
    assert [parameter for _, _, parameter in node.heard[1:]] == [f"0x{number:02x}" for number in range(20)]


def test_who_takes_too_long_is_not_asked_the_same_again() -> None:
    node = Node(delay=1e6)
    shard = Shard(a=node)

    async def play() -> None:
        shard.network.gossip_blocks(GossipBlocks(BLOCKS[:1]))
        await asyncio.sleep(ANSWER_LIMIT + 0.1)
        node.delay = 0.0
        shard.network.gossip_blocks(GossipBlocks(BLOCKS[1:2]))
        await asyncio.sleep(1)

    live(shard, play)
    assert heard_blocks(node) == BLOCKS[1:2]


def test_the_registry_is_followed() -> None:
    shard = Shard(a=Node(), b=Node())
    shard.listed = ["a"]

    async def play() -> None:
        names = [[peer.url for peer in shard.network.peers]]
        for listed in (["b", "a"], ["b"], []):
            shard.listed = listed
            await asyncio.sleep(REFRESH_PAUSE + 0.5)
            names.append(sorted(peer.url for peer in shard.network.peers))
        assert names == [["wss://a"], ["wss://a", "wss://b"], ["wss://b"], []]

    live(shard, play)


def test_a_registry_that_cannot_be_read_changes_nothing() -> None:
    shard = Shard(a=Node())

    async def play() -> None:
        (peer,) = shard.network.peers
        shard.is_registry_known = False
        await asyncio.sleep(10 * REFRESH_PAUSE)
        assert shard.network.peers == [peer]

    live(shard, play)


def test_facts_are_asked_once() -> None:
    node = Node()
    shard = Shard(a=node)

    async def play() -> None:
        (peer,) = shard.network.peers
        assert await peer.untrusted_url() == "ws://a"
        assert await peer.mu_ra_address() == ("provider", 3443)
        node.mu_ra_url = "elsewhere:1"
        assert await peer.mu_ra_address() == ("provider", 3443)
        peer.forget()
        assert await peer.mu_ra_address() == ("elsewhere", 1)
        assert node.connections == 1

    live(shard, play)
