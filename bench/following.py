"""What following a parentchain costs an enclave: headers with their finality, and blocks with what happened in them.

In process and from bytes, as the host hands them over: decoded, verified, and read.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from tests.enclave.core.harness import ANN, BEN, World
from tests.enclave.parentchain.grandpa_chain import Voters, extend, justified, started, voters

from integritee.boundary.messages import ImportBlocks
from integritee.crypto import verify_ed25519
from integritee.node.runtime.runtime import TEER
from integritee.primitives.header import Header
from integritee.primitives.ids import ParentchainId
from integritee.scale import decode, encode

BATCH = 64
"""Headers under one justification."""

FEW, MANY = 4, 100
"""Voters."""

BATCHES = 60
TRANSFERS = 20
"""In a block; each makes five events, and the block's timestamp one."""

BLOCKS = 60


def following() -> dict[str, float]:
    """Figures of both."""
    block, making = import_block_ms()
    return headers_per_second() | {
        "import_block_100_events_ms": block,
        "import_block_100_events_per_s": 1000 / block,
        "import_block_to_making": block / making,
    }


def headers_per_second() -> dict[str, float]:
    """Rates with few and many voters, and the shares of what verifying the votes alone would allow."""
    few, _ = _rates(voters("bench", FEW))
    many, verified = _rates(voters("bench", MANY))
    return {
        "ed25519_verifies_per_s": verified,
        "headers_per_s": few,
        "headers_per_s_ratio": few / (BATCH * verified / FEW),
        "headers_100_voters_per_s": many,
        "headers_100_voters_per_s_ratio": many / (BATCH * verified / MANY),
    }


def _rates(pairs: Voters) -> tuple[float, float]:
    """Headers, in batches with one justification by all voters, and bare signatures: both in turn, medians."""
    client, vote = started(pairs), bytes(53)
    signatures = [(pair.sign(vote), vote, pair.public) for pair in pairs]
    headers = extend(client.head, BATCH * BATCHES)
    batches = [headers[at : at + BATCH] for at in range(0, len(headers), BATCH)]

    def follow(batch: bytes, justification: bytes) -> None:
        client.import_chain(decode(list[Header], batch), justification)

    def count() -> None:
        for signature in signatures:
            verify_ed25519(*signature)

    following, counting = [], []
    for batch in batches:
        received = encode(list[Header], batch), justified(batch[-1], pairs)
        following.append(_seconds(partial(follow, *received)))
        counting.append(_seconds(count))
    return BATCH / statistics.median(following), len(pairs) / statistics.median(counting)


def import_block_ms() -> tuple[float, float]:
    """Median milliseconds of the enclave's core per justified block with 100 events and the proof of all that it
    watches, durable on a disk in memory; and of the node that made the block."""
    world = World()
    world.run()
    world.core.config = replace(world.core.config, check_invariants=False)  # which reads all of the ledger
    world.drops = lambda extrinsic: True  # the enclave's own
    imports, makings = [], []
    for _ in range(BLOCKS):
        for _ in range(TRANSFERS):
            world.chain.transfer(ANN, BEN.public, TEER // 1000, world.now)
        makings.append(_seconds(world.grow))
        number = world.core.sync_state(ParentchainId.Integritee).number + 1
        message = encode(ImportBlocks, world.request(number, number))
        imports.append(_seconds(partial(_import, world, message)))
    assert len(world.chain.events()) == 5 * TRANSFERS + 1
    world.close()
    return statistics.median(imports) * 1000, statistics.median(makings) * 1000


def _import(world: World, message: bytes) -> None:
    world.core.import_blocks(decode(ImportBlocks, message))
    world.store.sync()
    world.core.show_durable()


def _seconds(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start
