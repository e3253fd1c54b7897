"""Bringing the enclave what it misses, whatever its peers are like."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from integritee.boundary.messages import FetchBlocks
from integritee.primitives.sidechain import SignedBlock
from integritee.worker.peers.block_json import block_to_json
from integritee.worker.peers.fetching import PATIENCE, Fetching
from integritee.worker.peers.search import MAX_IDLE_PAGES
from integritee.worker.peers.standing import INITIAL_SCORE, Lapse

from ..virtual_time import in_virtual_time
from .chains import SHARD, Store, chain_of, next_block
from .small_shard import Enclave, Node, Shard

MAIN = chain_of(20)
FORK = chain_of(9, "fork", behind=MAIN[9])


async def serve(shard: Shard, enclave: Enclave, play: Callable[[Fetching], Awaitable[None]]) -> None:
    """The network and the fetching run while `play` goes on."""
    fetching = Fetching(shard.network, SHARD, enclave.take)
    running = [asyncio.create_task(work) for work in (shard.network.run(), fetching.run())]
    await play(fetching)
    shard.standing_at_end = {peer.url.removeprefix("wss://"): peer.standing for peer in shard.network.peers}
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    assert all(node.connections == 0 for node in shard.nodes.values())


def fetched(
    shard: Shard, enclave: Enclave, request: FetchBlocks | None = None, limit: float = 60.0
) -> list[SignedBlock]:
    """The blocks that the enclave got when it was told that there are no more; that has to take `limit` at most."""

    async def play(fetching: Fetching) -> None:
        fetching.request(request or FetchBlocks(enclave.locator))
        async with asyncio.timeout(limit):
            await enclave.completed.wait()

    in_virtual_time(serve(shard, enclave, play))
    return [block for batch in enclave.batches for block in batch.blocks]


@pytest.mark.parametrize("known", [0, 5, 19, 20])
def test_what_is_missing(known: int) -> None:
    enclave = Enclave(*MAIN[:known])
    assert fetched(Shard(a=Node(Store(MAIN)), b=Node(Store(MAIN))), enclave) == MAIN[known:]
    assert enclave.chain == MAIN


def test_nobody_to_ask() -> None:
    assert fetched(Shard(), Enclave(*MAIN[:5]), limit=5) == []


@pytest.mark.parametrize("up", [0, 1, 2])
def test_of_those_who_cannot_be_reached_nothing_is_known(up: int) -> None:
    enclave = Enclave()
    nodes = {name: Node(is_up=number < up) for number, name in enumerate("ab")}
    assert fetched(Shard(**nodes), enclave, limit=15) == []
    assert enclave.batches[-1].nobody_answered == (not up)


def test_all_are_asked_for_more() -> None:
    shard = Shard(a=Node(Store(MAIN[:8])), b=Node(Store(MAIN[:12])), c=Node(Store(MAIN)), d=Node(Store([])))
    enclave = Enclave(*MAIN[:3])
    assert fetched(shard, enclave) == MAIN[3:]


def test_a_fork_is_left_for_the_branch_point() -> None:
    enclave = Enclave(*MAIN[:10], *FORK)
    locator = [FORK[8].hash(), FORK[4].hash(), MAIN[9].hash(), MAIN[3].hash()]
    assert fetched(Shard(a=Node(Store(MAIN))), enclave, FetchBlocks(locator)) == MAIN[10:]


def test_up_to_a_block() -> None:
    shard = Shard(a=Node(Store(MAIN)))
    enclave = Enclave(*MAIN[:5])
    assert fetched(shard, enclave, FetchBlocks(enclave.locator, until=MAIN[12].hash())) == MAIN[5:12]


def foreign(after: bytes) -> Any:
    return [block_to_json(block) for block in chain_of(3, shard=b"\x09" * 32)]


def unlinked(after: bytes) -> Any:
    return [block_to_json(block) for block in MAIN[15:]]


LIES: dict[str, Any] = {
    "no array": "0x",
    "no blocks": [1, 2],
    "half a block": [{"block": {}}],
    "too many": [block_to_json(MAIN[0])] * 300,
    "another shard": foreign,
    "from somewhere else": unlinked,
}


@pytest.mark.parametrize("lie", LIES)
def test_liars_lose_score_and_stall_nobody(lie: str) -> None:
    shard = Shard(liar=Node(lies=LIES[lie]), good=Node(Store(MAIN), delay=0.1))
    enclave = Enclave(*MAIN[:5])
    assert fetched(shard, enclave, limit=5) == MAIN[5:]
    assert shard.standing_at_end["liar"].latest is Lapse.LIED
    assert shard.standing_at_end["liar"].score < INITIAL_SCORE / 2 < shard.standing_at_end["good"].score


def endless() -> Callable[[bytes], Any]:
    """Always one more block, properly linked."""
    made: dict[bytes, SignedBlock] = {block.hash(): block for block in MAIN}

    def answer(after: bytes) -> Any:
        block = next_block(made.get(after), "endless")
        made[block.hash()] = block
        return [block_to_json(block)]

    return answer


def test_blocks_that_the_enclave_does_not_believe() -> None:
    """It takes one of them at a time, and its head never moves: the peer is left alone soon."""
    shard = Shard(liar=Node(lies=endless()), good=Node(Store(MAIN), delay=0.2))
    enclave = Enclave(*MAIN[:5])
    enclave.believes = lambda block: block.block.block_data.encrypted_state_diff == b"main"
    fetched(shard, enclave, limit=10)
    assert enclave.chain == MAIN
    assert shard.nodes["liar"].asked <= MAX_IDLE_PAGES + 2


def test_blocks_that_the_enclave_refuses() -> None:
    shard = Shard(bad=Node(Store(MAIN[:10] + FORK)), good=Node(Store(MAIN), delay=0.2))
    enclave = Enclave(*MAIN[:10])
    enclave.refused = FORK[1].hash()
    enclave.believes = lambda block: block.block.block_data.encrypted_state_diff == b"main"
    fetched(shard, enclave, limit=10)
    assert enclave.chain == MAIN
    assert shard.standing_at_end["bad"].latest is Lapse.USELESS


def test_patience_ends() -> None:
    shard = Shard(slow=Node(Store(MAIN), delay=PATIENCE / 2 - 2), good=Node(Store(MAIN), delay=9.0))
    enclave = Enclave(*MAIN[:5])
    fetched(shard, enclave, limit=120)
    assert enclave.chain == MAIN


def test_a_peer_that_drips_is_left() -> None:
    """One block in nine seconds would take three minutes."""
    store = Store(MAIN)

    def drip(after: bytes) -> Any:
        return [block_to_json(block) for block in store.blocks_after(after, None, 1, 1)]

    shard = Shard(drip=Node(lies=drip, delay=9.0))
    assert len(fetched(shard, Enclave(*MAIN[:5]), limit=PATIENCE + 20)) == 2
    assert shard.standing_at_end["drip"].latest is Lapse.SLOW


def test_asked_too_often() -> None:
    shard = Shard(a=Node(Store(MAIN), busy=3))
    assert fetched(shard, Enclave(*MAIN[:5])) == MAIN[5:]
    assert shard.standing_at_end["a"].latest is None


def test_always_asked_too_often() -> None:
    assert fetched(Shard(a=Node(Store(MAIN), busy=10**6)), Enclave(*MAIN[:5]), limit=PATIENCE + 5) == []


def test_the_registry_is_waited_for() -> None:
    shard, enclave = Shard(a=Node(Store(MAIN))), Enclave()
    shard.is_registry_known = False

    async def play(fetching: Fetching) -> None:
        fetching.request(FetchBlocks(enclave.locator))
        await asyncio.sleep(100)
        assert enclave.batches == []
        shard.is_registry_known = True
        await enclave.completed.wait()

    in_virtual_time(serve(shard, enclave, play))
    assert enclave.chain == MAIN


def test_of_requests_that_wait_the_latest_is_served() -> None:
    shard, enclave = Shard(a=Node(Store(MAIN), delay=1.0)), Enclave(*MAIN[:5])

    async def play(fetching: Fetching) -> None:
        await shard.network.known()
        for end in (8, 9, 10, 11):
            fetching.request(FetchBlocks(enclave.locator, until=MAIN[end].hash()))
            await asyncio.sleep(0.1)
        for expected in (MAIN[:8], MAIN[:11]):
            await enclave.completed.wait()
            assert enclave.chain == expected
            enclave.completed.clear()
        await asyncio.sleep(100)
        assert not enclave.completed.is_set()

    in_virtual_time(serve(shard, enclave, play))


def test_blocks_that_nobody_told_of() -> None:
    """The enclave is not told that there are no more: it did not ask."""
    shard, enclave = Shard(a=Node(Store(MAIN))), Enclave(*MAIN[:5])

    async def play(fetching: Fetching) -> None:
        fetching.pull(enclave.head)
        await asyncio.sleep(10)
        assert enclave.chain == MAIN
        fetching.pull(enclave.head)
        await asyncio.sleep(10)
        assert not enclave.completed.is_set()

    in_virtual_time(serve(shard, enclave, play))


def test_who_lied_is_not_asked_of_our_own_accord() -> None:
    shard, enclave = Shard(liar=Node(lies="0x")), Enclave(*MAIN[:5])

    async def play(fetching: Fetching) -> None:
        fetching.request(FetchBlocks(enclave.locator))
        await enclave.completed.wait()
        for _ in range(10):
            fetching.pull(enclave.head)
            await asyncio.sleep(1)

    in_virtual_time(serve(shard, enclave, play))
    assert shard.nodes["liar"].asked == 1


def test_what_the_enclave_asks_for_comes_before_what_it_does_not() -> None:
    shard, enclave = Shard(a=Node(Store(MAIN), delay=1.0)), Enclave(*MAIN[:10], *FORK)
    locator = [FORK[8].hash(), MAIN[9].hash()]

    async def play(fetching: Fetching) -> None:
        fetching.pull(enclave.head)
        await asyncio.sleep(0.1)
        fetching.request(FetchBlocks(locator))
        fetching.pull(enclave.head)
        await enclave.completed.wait()
        assert [block for batch in enclave.batches for block in batch.blocks] == MAIN[10:]

    in_virtual_time(serve(shard, enclave, play))
