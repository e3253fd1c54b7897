"""What a block of another validateer costs an enclave, by the transfers in it, beside what making it cost.

Two validateers in one thread. Making: charged, executed, sealed, journalled; the calls had been admitted before.
Importing, from the bytes that the host hands over: decoded, verified, opened, applied, journalled. Both are durable
on a disk in memory.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace

from tests.enclave.core.harness import ANN, World
from tests.enclave.core.validateers import BLOCK_SLOTS, Network

from integritee.boundary.messages import SidechainBlocks
from integritee.crypto import Ed25519Pair, blake2_256
from integritee.node.runtime.runtime import TEER
from integritee.primitives.sidechain import SignedBlock
from integritee.scale import decode, encode

SIZES = {0: 60, 1: 60, 10: 60, 100: 30, 1000: 10}
"""Transfers in a block, and how many such blocks are measured."""

SENDERS = tuple(Ed25519Pair.from_seed(blake2_256(b"bench" + bytes([number]))) for number in range(64))
ENDOWMENT = 5 * TEER
TRANSFERRED = 1
TURN = 2
"""Slots within which one is a validateer's own."""


@dataclass(frozen=True)
class Cost:
    """Median milliseconds of one block."""

    making: float
    importing: float


def import_ms_by_calls() -> dict[int, Cost]:
    """By number of transfers. The parentchain moves on between blocks, and both follow it."""
    with closing(_validateers()) as network:
        gc.collect()
        gc.freeze()
        return {calls: _cost(network, calls, blocks) for calls, blocks in SIZES.items()}


def _validateers() -> Network:
    """Two, with senders that have funds, and nothing of the parentchain that the ledger has not taken in."""
    first = World()
    first.run()
    network = Network(first)
    first.shield(ANN, 2 * len(SENDERS) * ENDOWMENT)
    first.settle()
    for sender in SENDERS:
        first.transfer(ANN, sender, ENDOWMENT)
    network.join()
    network.until(lambda: {world.core.shown_phase for world in network.workers} == {"running"})
    network.run(-network.slots % BLOCK_SLOTS + TURN)
    for world in network.workers:
        world.core.config = replace(world.core.config, check_invariants=False)  # which reads all of the ledger
    return network


def _cost(network: Network, calls: int, blocks: int) -> Cost:
    costs = [_one(network, calls) for _ in range(blocks)]
    return Cost(*(statistics.median(several) * 1000 for several in zip(*costs, strict=True)))


def _one(network: Network, calls: int) -> tuple[float, float]:
    """Seconds of making a block at the first validateer and of importing it at the second."""
    author, peer = network.workers
    network.run(BLOCK_SLOTS)
    for call in _calls(author, calls):
        call()
    making, signed = _make(author)
    peer.now = author.now
    message = encode(SidechainBlocks, SidechainBlocks([signed], False))
    importing = _seconds(lambda: _import(peer, message))
    assert len(signed.block.block_data.signed_top_hashes) == calls
    assert peer.core.latest_header.hash() == signed.hash()
    return making, importing


def _calls(world: World, count: int) -> Iterator[Callable[[], bytes]]:
    for number in range(count):
        sender, receiver = SENDERS[number % len(SENDERS)], SENDERS[(number + 1) % len(SENDERS)]
        yield lambda sender=sender, receiver=receiver: world.transfer(sender, receiver, TRANSFERRED)


def _make(world: World) -> tuple[float, SignedBlock]:
    """The block of the next slot of a validateer, and the seconds it took."""
    for _ in range(TURN):
        start = time.perf_counter()
        effects = world.slot()
        if effects is not None:
            return time.perf_counter() - start, effects.gossip[-1]
    raise AssertionError(world.core.shown_phase)


def _import(world: World, message: bytes) -> None:
    request = decode(SidechainBlocks, message)
    world.durable(world.core.receive_blocks(request.blocks, world.now, request.is_complete))


def _seconds(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start
