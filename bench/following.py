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
from integritee.crypto import Ed25519Pair, blake2_256, verify_ed25519
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
    verifies = _verifies_per_second(0.5)
    found = {"ed25519_verifies_per_s": verifies}
    for count, key in ((FEW, "headers_per_s"), (MANY, "headers_100_voters_per_s")):
        rate = _header_rate(voters("bench", count))
        found |= {key: rate, f"{key}_ratio": rate / (BATCH * verifies / count)}
    return found


def _header_rate(pairs: Voters) -> float:
    """Median rate over batches, each with one justification by all voters."""
    client = started(pairs)
    headers = extend(client.head, BATCH * BATCHES)
    batches = [headers[at : at + BATCH] for at in range(0, len(headers), BATCH)]
    received = [(encode(list[Header], batch), justified(batch[-1], pairs)) for batch in batches]

    def follow(batch: bytes, justification: bytes) -> None:
        client.import_chain(decode(list[Header], batch), justification)

    return BATCH / statistics.median(_seconds(partial(follow, *one)) for one in received)


def _verifies_per_second(seconds: float) -> float:
    """Ed25519 signatures over a vote, the bound of whoever counts votes on one core."""
    pair, vote = Ed25519Pair.from_seed(blake2_256(b"bench")), bytes(53)
    signature, done, start = pair.sign(vote), 0, time.perf_counter()
    while time.perf_counter() < start + seconds:
        verify_ed25519(signature, vote, pair.public)
        done += 1
    return done / (time.perf_counter() - start)


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
