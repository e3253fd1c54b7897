"""How long the calls of a block keep everybody else waiting, and the block its deadline."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from integritee.crypto import Ed25519Pair
from integritee.enclave.service import CALLS_PER_SLICE, SLICE_MS, EnclaveService
from integritee.enclave.sidechain.author import BlockBuilder
from integritee.enclave.sidechain.production import CHANGES_PER_STEP
from integritee.enclave.sidechain.slots import slot_at
from integritee.enclave.store import SealedStore
from integritee.node.runtime.runtime import TEER
from integritee.stf.operation import DirectCall, TrustedOperation
from integritee.trie import Growing

from .harness import ANN, BEN, SLOT_MS, TEE, World

CALLS = 2 * CALLS_PER_SLICE


async def turns_of_slot(service: EnclaveService, world: World, runs: list[Any]) -> None:
    """Serve the next slot; `runs` gets a zero for each turn of the event loop."""
    slot = slot_at(world.now - world.now % SLOT_MS + SLOT_MS, SLOT_MS)
    world.now = slot.start
    serving = asyncio.create_task(service._serve_slot(slot, slot.start))
    while not serving.done():
        runs.append(0)
        await asyncio.sleep(0)
    await serving
    service._executor.shutdown()


@pytest.mark.parametrize(
    ("takes_ms", "at_once", "in_block"),
    [
        pytest.param(0, CALLS_PER_SLICE, CALLS, id="quick calls"),
        pytest.param(SLICE_MS, 1, CALLS, id="slow calls"),
        pytest.param(SLOT_MS, 1, 1, id="calls longer than a slot"),
    ],
)
async def test_slow_calls_let_others_have_their_turn(
    world: World, takes_ms: int, at_once: int, in_block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A contract may take a second; eight of them in a row would keep getters waiting, and miss the slot."""
    service = EnclaveService(world.core, world.store, TEE, clock=lambda: world.now)
    world.shield(ANN, 100 * TEER)
    world.block()
    world.slot()
    for nonce in range(CALLS):
        signed = world.signed(ANN, world.core.ledger.call("balance_transfer", ANN.public, BEN.public, TEER), nonce)
        plain = world.core.ledger.codec(TrustedOperation).encode(DirectCall(signed))
        service.admit(plain, lambda top_hash: None)

    runs: list[int] = []
    execute = BlockBuilder.execute

    def timed(builder: BlockBuilder, *args: Any) -> Any:
        runs[-1] += 1
        world.now += takes_ms
        return execute(builder, *args)

    monkeypatch.setattr(BlockBuilder, "execute", timed)
    await turns_of_slot(service, world, runs)
    assert (max(runs), sum(runs)) == (at_once, in_block)


async def test_the_end_of_a_block_lets_others_have_their_turn(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What many calls changed is committed and hashed in portions, then sealed, then journalled: in turns each."""
    service = EnclaveService(world.core, world.store, TEE, clock=lambda: world.now)
    world.shield(ANN, 100 * TEER)
    world.block()
    world.slot()
    for number in range(CHANGES_PER_STEP):
        world.transfer(ANN, Ed25519Pair.from_seed(number.to_bytes(32, "little")), TEER)
    runs: list[int] = []
    done: dict[str, list[int]] = {"commit": [], "seal": [], "journal": []}
    take, seal, append = Growing.take, BlockBuilder.seal, SealedStore.append

    def taken(growing: Growing, changes: list[tuple[bytes, bytes | None]]) -> None:
        runs[-1] += len(changes)
        done["commit"].append(len(runs))
        take(growing, changes)

    def sealed(builder: BlockBuilder, *args: Any) -> Any:
        done["seal"].append(len(runs))
        return seal(builder, *args)

    def appended(store: SealedStore, kind: int, payload: bytes) -> int:
        done["journal"].append(len(runs))
        return append(store, kind, payload)

    monkeypatch.setattr(Growing, "take", taken)
    monkeypatch.setattr(BlockBuilder, "seal", sealed)
    monkeypatch.setattr(SealedStore, "append", appended)
    await turns_of_slot(service, world, runs)
    assert max(runs) == CHANGES_PER_STEP < sum(runs)
    assert sorted({turn for turns in done.values() for turn in turns}) == [
        turn for turns in done.values() for turn in turns
    ]
