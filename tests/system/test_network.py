"""Several validateers of one shard as real processes: one dies, one joins, one is struck off, the network parts.

The tests share the processes and build on each other: each begins with what the one before left.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import pytest
import pytest_asyncio

from integritee.client.answers import read_update
from integritee.client.errors import RequestRefused
from integritee.client.jsonrpc import Subscription
from integritee.client.worker import WATCH, WorkerClient
from integritee.crypto import Sr25519Pair
from integritee.primitives.enclave_bridge import Request, ShardConfig
from integritee.primitives.rpc import InSidechainBlock, Retracted, TrustedOperationStatus
from integritee.primitives.sidechain import SignedBlock
from integritee.scale import encode
from integritee.stf.operation import DirectCall, TrustedCallSigned
from integritee.stf.types import ShardMode

from .processes import Node, eventually, is_alive, soon
from .stage import UNIT
from .traffic import GRANT, PAYMENT, Payer, Traffic, new_account, receipts, spent
from .validateers import PATIENCE, PAUSE, Shard, Validateer, height, reach, slots

pytestmark = pytest.mark.asyncio(loop_scope="module")

ALICE: Final = Sr25519Pair.from_uri("//Alice")
PAYERS: Final = 4
LONGEST_PAUSE: Final = 5
"""Slots."""

CALM: Final = 12
"""Blocks that are not confirmed of the primary's own accord, while chains part."""

AUTHORS_OF: Final = 9
"""Blocks that are looked at to see who makes them."""


@dataclass
class Scene:
    """The shard, its first two validateers, and those who use it."""

    shard: Shard
    first: Validateer
    second: Validateer
    payers: list[Payer]
    present: list[Validateer]
    """Those that users turn to."""
    third: Validateer | None = None


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def scene(node: Node, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    async with Shard(tmp_path_factory.mktemp("shard"), node) as shard:
        first = await shard.open("first")
        await first.said("^READY")
        second = await shard.open("second")
        await second.said("^READY")
        present = [first, second]
        pairs = [new_account() for _ in range(PAYERS)]
        payers = [
            Payer(pair, to.public, lambda: [one.url for one in present], shard.id, number)
            for number, (pair, to) in enumerate(zip(pairs, [*pairs[1:], pairs[0]], strict=True))
        ]
        yield Scene(shard, first, second, payers, present)


async def test_what_one_is_told_the_other_knows(scene: Scene) -> None:
    """The second one was let in upon its evidence."""
    assert re.search(r"\(JOIN\): enclave sim:[0-9a-f]{64}, machine", scene.first.output())
    async with scene.first.client() as told, scene.second.client() as asked:
        await scene.shard.shield(ALICE, 10 * UNIT)  # what is in the vault
        for payer in scene.payers:
            await told.call("balance_transfer", ALICE.public, payer.pair.public, GRANT, signer=ALICE)

        async def knows() -> bool:
            return (await asked.account_info(scene.payers[-1].pair)).data.free == GRANT

        await soon(knows, "the transfers on the other worker")
    await scene.shard.lists(scene.first, scene.second)


async def test_the_other_goes_on_when_the_primary_is_killed_under_load(scene: Scene) -> None:
    first, second = scene.first, scene.second
    async with Traffic(scene.payers) as traffic:
        await traffic.more(2 * PAYERS)
        enclave = first.enclave_pid
        first.kill()
        await asyncio.to_thread(eventually, lambda: not is_alive(enclave), "the end of its enclave")
        begin = await height(second)
        await traffic.more(3 * PAYERS)
        end = await height(second)
        await first.launch()
        await reach(end + 2, first, second)
        await traffic.more(2 * PAYERS)
        await first.said("^READY")
    assert longest_pause(await second.blocks(), begin, end) <= LONGEST_PAUSE
    assert any(payer.turns for payer in scene.payers), "nobody noticed"
    await check_books(scene)


async def test_a_third_joins_under_load(scene: Scene) -> None:
    begin = await height(scene.second)
    async with Traffic(scene.payers) as traffic:
        scene.third = await scene.shard.open("third")
        await scene.third.said("^READY")
        scene.present.append(scene.third)
        await traffic.more(3 * PAYERS)
        end = await height(scene.second)
    await scene.shard.lists(scene.first, scene.second, scene.third)
    await authors_are(scene.second, *scene.present)
    assert longest_pause(await scene.second.blocks(), begin, end) <= LONGEST_PAUSE
    await check_books(scene)


async def test_one_that_fell_silent_is_struck_off(scene: Scene) -> None:
    assert scene.third is not None
    silent = scene.third.account
    scene.third.kill()
    scene.present.remove(scene.third)
    async with Traffic(scene.payers) as traffic:
        await traffic.more(PAYERS)
        purge = ("purge_enclave_from_shard_status", {"shard": scene.shard.id, "subject": silent})
        await scene.shard.govern(*purge)
        await scene.shard.lists(scene.first, scene.second)
        await authors_are(scene.second, scene.first, scene.second)
        await traffic.more(PAYERS)
    await check_books(scene)


async def test_chains_that_parted_become_the_confirmed_one(scene: Scene) -> None:
    """The primary's side has a payment, and so has its blocks confirmed; the other side's calls are executed again."""
    first, second = scene.first, scene.second
    payer, beneficiary = scene.payers[0], new_account().public
    await far_from_confirmation(first)
    await asyncio.gather(first.isolate(), second.isolate())
    fork = max(await height(first), await height(second))
    async with first.client() as ours, second.client() as theirs:
        nonce = payer.nonce
        call = await theirs.sign(
            "balance_transfer", payer.pair.public, payer.receiver, PAYMENT, signer=payer.pair, nonce=nonce
        )
        fates = await watch_all(theirs, call)
        given_up = await fates.block()
        assert Retracted() not in fates.seen
        await reach(fork + 2, first)
        await ours.call("balance_unshield", ALICE.public, beneficiary, UNIT, scene.shard.id, signer=ALICE)

        async def is_paid() -> bool:
            async with scene.shard.parentchain() as chain:
                return await chain.free_balance(beneficiary) == UNIT

        await soon(is_paid, "the payment on the primary's side", PATIENCE, PAUSE)
        assert (await ours.account_info(payer.pair)).nonce == nonce
        await asyncio.gather(first.reconnect(), second.reconnect())

        async def is_executed_again() -> bool:
            both = set.intersection(*[{block.hash() for block in await one.blocks()} for one in (first, second)])
            kept = await fates.block()
            return Retracted() in fates.seen and kept != given_up and kept in both and given_up not in both

        await soon(is_executed_again, "the call in a block of both chains", PATIENCE, PAUSE)
        fates.close()
        payer.signed.append(call)
        payer.nonce += 1
    assert (await second.view())["reverted_blocks"] >= 1
    await check_books(scene)


async def test_maintenance_keeps_calls_from_all_and_ends(scene: Scene) -> None:
    """Every validateer sees it at the same block of the ledger."""
    payer = scene.payers[0]
    async with scene.first.client() as ours, scene.second.client() as theirs:
        code = await ours.mrenclave()
        for is_maintained in (True, False):
            config = ShardConfig(code, maintenance_mode=is_maintained)
            await scene.shard.govern(
                "update_shard_config", {"shard": scene.shard.id, "shard_config": config, "enactment_delay": 0}
            )
            expected = ShardMode.MaintenanceOngoing if is_maintained else ShardMode.Normal
            for client in (ours, theirs):

                async def is_in_mode(client: WorkerClient = client, expected: ShardMode = expected) -> bool:
                    return (await client.shard_info()).mode is expected

                await soon(is_in_mode, f"{expected.name}")
            if is_maintained:
                for client in (ours, theirs):
                    with pytest.raises(RequestRefused):
                        await client.call(
                            "balance_transfer", payer.pair.public, payer.receiver, PAYMENT, signer=payer.pair
                        )
    async with Traffic(scene.payers) as traffic:
        await traffic.more(PAYERS)
    await check_books(scene)


async def far_from_confirmation(primary: Validateer) -> None:
    """Return when the primary will not confirm anything for a while of its own accord."""
    while True:
        async with primary.client() as client:
            header = await client.latest_header()
        late = (await primary.view())["confirmed_block"]  # which is a stride ahead of the block
        nearest = min(header.next_finalization_block_number, late)
        if nearest > header.block_number + CALM:
            return
        await reach(max(nearest, header.block_number) + 2, primary)


# -- what is compared ----------------------------------------------------------------------------------


async def authors_are(seen_by: Validateer, *validateers: Validateer) -> None:
    """Wait until these, and nobody else, make the blocks."""
    expected = {validateer.account for validateer in validateers}

    async def is_so() -> bool:
        latest = (await seen_by.blocks())[-AUTHORS_OF:]
        return {block.block.block_data.block_author for block in latest} == expected

    await soon(is_so, "blocks of these authors", PATIENCE, PAUSE)


def longest_pause(blocks: list[SignedBlock], begin: int, end: int) -> int:
    """Slots without a block in a row, between two numbers of a chain."""
    taken = slots([block for block in blocks if begin <= block.block.header.block_number <= end])
    assert len(taken) > 2, "too little happened for this to mean anything"
    return max(later - earlier - 1 for earlier, later in pairwise(taken))


async def check_books(scene: Scene) -> None:
    """Every payment was executed once: all ledgers have the nonces and balances that the payers remember, and the
    chain has each call in one block."""
    for validateer in scene.present:
        async with validateer.client() as client:
            for payer in scene.payers:
                received = receipts(scene.payers, payer.pair.public)

                async def is_right(
                    client: WorkerClient = client, payer: Payer = payer, received: int = received
                ) -> bool:
                    info = await client.account_info(payer.pair)
                    return (info.nonce, info.data.free) == (payer.nonce, GRANT + received - spent(payer))

                await soon(is_right, f"the books of {payer.pair.public.hex()} at {validateer.name}")
    await same_chain(*scene.present)
    async with scene.second.client() as client:
        calls = {client.ledger.top_hash(DirectCall(call)) for payer in scene.payers for call in payer.signed}
    executed = Counter(
        top for block in await scene.second.blocks() for top in block.block.block_data.signed_top_hashes
    )
    assert {executed[call] for call in calls} == {1}


async def same_chain(*validateers: Validateer) -> None:
    """Wait until all have the same blocks, as far as they have some."""

    async def agree() -> bool:
        chains = [{b.block.header.block_number: b.hash() for b in await one.blocks()} for one in validateers]
        common = set.intersection(*map(set, chains))
        return bool(common) and all(len({chain[number] for chain in chains}) == 1 for number in common)

    await soon(agree, "one chain", PATIENCE, PAUSE)


class Fates:
    """Statuses of one call, also those behind its being in a block."""

    def __init__(self, messages: Subscription) -> None:
        self._messages = messages
        self.seen: list[TrustedOperationStatus] = []
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        async for message in self._messages:
            self.seen.append(read_update("the call", message).status)

    async def block(self) -> bytes:
        """Hash of the latest block that the call was in; the first one is waited for."""

        async def is_in_block() -> bool:
            return any(isinstance(status, InSidechainBlock) for status in self.seen)

        await soon(is_in_block, "the call in a block")
        return [status.block_hash for status in self.seen if isinstance(status, InSidechainBlock)][-1]

    def close(self) -> None:
        self._reading.cancel()


async def watch_all(client: WorkerClient, call: TrustedCallSigned) -> Fates:
    request = encode(Request, await client.shielded(DirectCall(call)))
    messages = client.rpc.expect("0x" + client.ledger.top_hash(DirectCall(call)).hex())
    await client.rpc.request(WATCH, ["0x" + request.hex()])
    return Fates(messages)
