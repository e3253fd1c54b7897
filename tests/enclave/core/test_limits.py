"""Bounds of a slot's work, of the inbox and of the outbox, and what happens at each of them."""

from __future__ import annotations

import pytest

from integritee.enclave.errors import InboxFull
from integritee.enclave.parentchain import follower, outbox
from integritee.enclave.sidechain import lane, production
from integritee.node.runtime.runtime import TEER

from .harness import ANN, CAT, World, payments


@pytest.fixture
def rich(world: World) -> World:
    world.shield(ANN, 100 * TEER)
    world.block()
    world.slot()
    return world


def test_a_slot_processes_a_bounded_number_of_parentchain_blocks(
    rich: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lane, "MAX_INBOUND", 4)
    start = rich.chain.height
    rich.shield(ANN, TEER)
    rich.grow(9)
    rich.sync()
    before = rich.free(ANN)
    heights, heads = [], []
    for _ in range(3):
        effects = rich.slot()
        assert effects is not None
        heights.append(rich.runtime.integritee.number.get())
        heads.append(effects.blocks[0].block.block_data.layer_one_head)
    assert heights == [start + 4, start + 8, start + 9]
    assert heads == [rich.chain.chain.hash_at(height) for height in heights if height]
    assert rich.free(ANN) == before + TEER - TEER // 571
    rich.settle()
    confirmed = [e["block_number"] for e in rich.chain.all_events("EnclaveBridge.ProcessedParentchainBlock")]
    assert confirmed == list(range(confirmed[0], confirmed[0] + len(confirmed)))


def test_restart_in_the_middle_of_a_batch(rich: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the last block of a batch carries the light client's state: blocks are read again, not applied again."""
    monkeypatch.setattr(lane, "MAX_INBOUND", 4)
    rich.shield(ANN, TEER)
    rich.grow(9)
    rich.sync()
    before = rich.free(ANN)
    rich.slot()
    rich.restart()
    rich.sync()
    for _ in range(4):
        rich.slot()
    assert rich.free(ANN) == before + TEER - TEER // 571
    assert rich.core.halted is None
    rich.block(4)
    rich.settle()
    confirmed = [e["block_number"] for e in rich.chain.all_events("EnclaveBridge.ProcessedParentchainBlock")]
    assert confirmed == list(range(confirmed[0], confirmed[0] + len(confirmed)))


def test_time_goes_forward_only(rich: World) -> None:
    """A clock that is set back costs slots until it has caught up; one that jumps within a slot costs nothing."""
    rich.slot()
    last = rich.blocks[-1].block.block_data.timestamp
    rich.now -= 5000
    served = [rich.slot() is not None for _ in range(8)]
    assert served == sorted(served)
    assert served[0] is False
    assert served[-1] is True
    production = rich.begin()
    assert production is not None
    rich.durable(rich.core.finish_slot(production, rich.now - 10_000))
    rich.slot()
    stamps = [signed.block.block_data.timestamp for signed in rich.blocks]
    assert stamps == sorted(set(stamps))
    assert stamps[-1] > last


def test_a_full_inbox_refuses_blocks_and_drains(rich: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follower, "MAX_INBOX", 5)
    rich.grow(6)
    state = rich.core.sync_state()
    with pytest.raises(InboxFull) as caught:
        rich.sync()
    assert caught.value.data() == {"limit": 5}
    assert rich.core.sync_state() == state
    rich.durable(rich.core.import_blocks(rich.request(state.number + 1, state.number + 5)))
    rich.slot()
    rich.sync()
    assert rich.core.sync_state().number == rich.chain.height


def test_a_host_that_delivers_nothing_does_not_stop_blocks(rich: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Confirmations give way first, then calls that want payments wait; when the host delivers, all is paid."""
    monkeypatch.setattr(production, "MAX_CONFIRMATIONS", 6)
    monkeypatch.setattr(production, "MAX_PAYMENTS", 9)
    monkeypatch.setattr(outbox, "MAX_ENTRIES", 10)
    rich.settle()
    rich.drops = lambda extrinsic: True
    for _ in range(10):
        rich.block()
        rich.slot()
    assert len(rich.core.integritee.outbox.entries) == 6
    nonce = rich.nonce(ANN)
    hashes = [rich.unshield(ANN, CAT.public, TEER + i, nonce + i) for i in range(8)]
    for _ in range(3):
        assert rich.slot() is not None
    assert len(rich.core.integritee.outbox.entries) == 9
    assert [rich.status(h)[-1] for h in hashes] == ["InSidechainBlock"] * 3 + ["Ready"] * 5
    rich.drops = lambda extrinsic: False
    rich.block(4)
    rich.settle(6)
    assert payments(rich) == [(CAT.public, TEER + i) for i in range(8)]
    assert rich.core.halted is None
