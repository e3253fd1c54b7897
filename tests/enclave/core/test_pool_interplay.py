"""The pool and the ledger together: gaps, failures, replacements and slots that end early."""

from __future__ import annotations

import gc
import weakref

import pytest

from integritee.apps.catalog import DEFAULT_LEDGER as LEDGER
from integritee.enclave.pool import PoolError
from integritee.node.runtime.runtime import TEER
from integritee.stf.errors import InvalidSignature, MissingPrivileges, RequireEnclaveSigner
from integritee.stf.operation import TrustedCallSigned

from .harness import ANN, BEN, CAT, DAN, MRENCLAVE, World, ledger_pair

FEE = TEER // 100


@pytest.fixture
def rich(world: World) -> World:
    """ANN and BEN hold 100 TEER each, less the shielding fee."""
    world.shield(ANN, 100 * TEER)
    world.shield(BEN, 100 * TEER)
    world.block()
    world.slot()
    return world


def test_a_gap_that_is_filled_later(rich: World) -> None:
    second = rich.transfer(ANN, CAT, TEER, nonce=1)
    third = rich.transfer(ANN, CAT, TEER, nonce=2)
    assert rich.status(second) == ["Future"]
    rich.slot()
    assert rich.status(second) == ["Future"]
    first = rich.transfer(ANN, CAT, TEER, nonce=0)
    rich.slot()
    assert rich.status(first) == ["Ready", "InSidechainBlock"]
    assert rich.status(second) == rich.status(third) == ["Future", "Ready", "InSidechainBlock"]
    assert rich.free(CAT) == 3 * TEER


def test_a_gap_that_is_filled_while_a_block_is_made(rich: World) -> None:
    later = rich.transfer(ANN, CAT, TEER, nonce=1)
    production = rich.begin()
    assert production is not None
    assert production.step(8) is False
    earlier = rich.transfer(ANN, CAT, TEER, nonce=0)
    while production.step(8):
        pass
    rich.durable(rich.core.finish_slot(production, rich.now + 1))
    assert rich.status(earlier)[-1] == rich.status(later)[-1] == "InSidechainBlock"


def test_a_failed_call_uses_its_nonce_and_the_next_goes_on(rich: World) -> None:
    too_much = rich.transfer(ANN, CAT, 1000 * TEER)
    next_one = rich.transfer(ANN, CAT, TEER)
    rich.slot()
    assert rich.status(too_much) == ["Ready", "Invalid"]
    assert rich.reason(too_much) == "stf.missing_funds"
    assert rich.status(next_one) == ["Ready", "InSidechainBlock"]
    assert rich.free(CAT) == TEER
    assert rich.nonce(ANN) == 2
    with pytest.raises(PoolError) as caught:
        rich.transfer(ANN, CAT, 1000 * TEER, nonce=0)
    assert caught.value.code == "pool.stale_nonce"


def test_a_call_that_cannot_pay_stalls_its_sender_only(rich: World) -> None:
    poor = [rich.transfer(CAT, DAN, 1, nonce) for nonce in range(3)]
    other = rich.transfer(ANN, DAN, TEER)
    effects = rich.slot()
    assert effects is not None
    assert rich.status(poor[0]) == ["Ready", "Invalid"]
    assert rich.reason(poor[0]) == "stf.missing_funds"
    assert rich.status(poor[1]) == rich.status(poor[2]) == ["Ready", "Future"]
    assert rich.status(other) == ["Ready", "InSidechainBlock"]
    assert rich.nonce(CAT) == 0
    with pytest.raises(PoolError) as caught:
        rich.transfer(CAT, DAN, 1, 0)
    assert caught.value.code == "pool.temporarily_banned"
    rich.transfer(ANN, CAT, 10 * TEER)
    rich.slot()
    rich.transfer(CAT, DAN, 500, 0)
    rich.slot()
    assert rich.status(poor[1])[-1] == rich.status(poor[2])[-1] == "InSidechainBlock"
    assert rich.nonce(CAT) == 3


def test_an_account_that_is_emptied_on_the_way(rich: World) -> None:
    """The second call cannot pay any more once the first is through: refused, not charged, nonce still free."""
    free = rich.free(ANN)
    first = rich.transfer(ANN, CAT, free - FEE)
    second = rich.transfer(ANN, CAT, 1)
    rich.slot()
    assert rich.status(first)[-1] == "InSidechainBlock"
    assert rich.reason(second) == "stf.missing_funds"
    assert rich.nonce(ANN) == 1


def test_no_call_runs_again_when_its_sender_comes_back_from_the_dead(rich: World) -> None:
    free = rich.free(ANN)
    call = LEDGER.call("balance_transfer", ANN.public, CAT.public, free - FEE)
    signed = rich.signed(ANN, call)
    rich.submit(signed)
    rich.slot()
    assert not rich.runtime.system.account.get(ANN.public).exists()
    rich.transfer(BEN, ANN, TEER)
    rich.slot()
    assert rich.free(ANN) == TEER
    with pytest.raises(PoolError) as caught:
        rich.submit(signed)
    assert caught.value.code == "pool.stale_nonce"
    assert rich.nonce(ANN) == 1


def test_a_future_call_can_be_replaced(rich: World) -> None:
    old = rich.transfer(ANN, CAT, TEER, nonce=1)
    new = rich.transfer(ANN, CAT, 2 * TEER, nonce=1)
    assert rich.status(old) == ["Future", "Usurped"]
    assert rich.reason(old) == "pool.replaced"
    rich.transfer(ANN, CAT, TEER, nonce=0)
    with pytest.raises(PoolError) as caught:
        rich.transfer(ANN, CAT, 3 * TEER, nonce=1)
    assert caught.value.code == "pool.too_low_priority"
    rich.slot()
    assert rich.status(new)[-1] == "InSidechainBlock"
    assert rich.free(CAT) == 3 * TEER


def test_a_future_call_expires(rich: World) -> None:
    hash = rich.transfer(ANN, CAT, TEER, nonce=5)
    rich.now += 5 * 60_000
    rich.slot()
    assert rich.status(hash) == ["Future", "Dropped"]
    assert rich.reason(hash) == "pool.expired"


def test_what_a_slot_has_no_time_for_waits_for_the_next(rich: World) -> None:
    hashes = [rich.transfer(ANN, CAT, TEER) for _ in range(10)]
    production = rich.begin()
    assert production is not None
    assert production.queued_before == 10
    assert production.step(4)
    rich.durable(rich.core.finish_slot(production, rich.now + 1))
    assert [rich.status(h)[-1] for h in hashes] == ["InSidechainBlock"] * 4 + ["Ready"] * 6
    rich.slot()
    assert [rich.status(h)[-1] for h in hashes] == ["InSidechainBlock"] * 10
    assert rich.free(CAT) == 10 * TEER


def test_an_abandoned_block_leaves_nothing_behind(rich: World) -> None:
    root, head, outbox = rich.core.state.root(), rich.core.head, rich.core.integritee.outbox.whole()
    rich.grow()
    rich.sync()
    hash = rich.unshield(ANN, CAT.public, TEER)
    production = rich.begin()
    assert production is not None
    while production.step(8):
        pass
    assert production.builder.effects
    assert rich.core.abandon_slot(production, rich.now) == []
    assert (rich.core.state.root(), rich.core.head, rich.core.integritee.outbox.whole()) == (root, head, outbox)
    assert rich.core.pool.ready_count == 1
    rich.slot()
    assert rich.status(hash) == ["Ready", "InSidechainBlock"]


def test_what_comes_while_a_block_is_wound_up_waits_for_the_next(rich: World) -> None:
    early = rich.transfer(ANN, CAT, TEER)
    production = rich.begin()
    assert production is not None
    while production.step(8):
        pass
    head, root = rich.core.head, rich.core.state.root()
    late = []
    while production.wind_up():
        late.append(rich.transfer(BEN, DAN, TEER))
        assert not production.step(8)
    block = rich.core.seal_slot(production, rich.now + 1)
    late.append(rich.transfer(BEN, DAN, TEER))
    rich.shield(CAT, 10 * TEER)
    rich.grow()
    rich.sync()
    assert (rich.core.head, rich.core.state.root()) == (head, root)
    rich.durable(rich.core.finish_slot(production, rich.now + 2))
    assert rich.blocks[-1] == block.signed
    assert (rich.core.head, rich.core.state.root()) == (block.header, block.state.root())
    assert rich.status(early)[-1] == "InSidechainBlock"
    assert {rich.status(hash)[-1] for hash in late} == {"Ready"}
    rich.slot()
    assert {rich.status(hash)[-1] for hash in late} == {"InSidechainBlock"}
    assert rich.free(CAT) == 11 * TEER - 10 * TEER // 571


def test_a_sealed_block_that_is_given_up_leaves_nothing_behind(rich: World) -> None:
    root, head, outbox = rich.core.state.root(), rich.core.head, rich.core.integritee.outbox.whole()
    hash = rich.unshield(ANN, CAT.public, TEER)
    production = rich.begin()
    assert production is not None
    while production.step(8):
        pass
    rich.core.seal_slot(production, rich.now + 1)
    assert rich.core.abandon_slot(production, rich.now + 1) == []
    assert (rich.core.state.root(), rich.core.head, rich.core.integritee.outbox.whole()) == (root, head, outbox)
    rich.slot()
    assert rich.status(hash) == ["Ready", "InSidechainBlock"]


@pytest.mark.parametrize("is_finished", [True, False])
def test_what_made_a_block_goes_with_it(rich: World, is_finished: bool) -> None:
    """The collector would take longer to find it, and until then there would be the state before the block."""
    rich.transfer(ANN, CAT, TEER)
    production = rich.begin()
    assert production is not None
    production.step(8)
    made = [weakref.ref(production), weakref.ref(production.builder.runtime)]
    gc.disable()
    try:
        if is_finished:
            rich.durable(rich.core.finish_slot(production, rich.now + 1))
        else:
            rich.core.abandon_slot(production, rich.now)
        del production
        assert [each() for each in made] == [None, None]
    finally:
        gc.enable()


def test_a_block_that_cannot_be_sealed_is_given_up(rich: World, monkeypatch: pytest.MonkeyPatch) -> None:
    hash = rich.transfer(ANN, CAT, TEER)
    production = rich.begin()
    assert production is not None
    production.step(8)

    def no_randomness(size: int) -> bytes:
        raise OSError("no randomness")

    monkeypatch.setattr(rich.core, "random", no_randomness)
    with pytest.raises(OSError, match="no randomness"):
        rich.core.finish_slot(production, rich.now + 1)
    monkeypatch.undo()
    assert rich.core.halted is None
    assert rich.core.pool.ready_count == 1
    rich.slot()
    assert rich.status(hash) == ["Ready", "InSidechainBlock"]


def test_blocks_that_arrive_while_one_is_made_wait_for_the_next(rich: World) -> None:
    production = rich.begin()
    assert production is not None
    height = rich.chain.height
    rich.shield(CAT, 10 * TEER)
    rich.grow()
    rich.sync()
    rich.durable(rich.core.finish_slot(production, rich.now + 1))
    assert rich.runtime.integritee.number.get() == height
    assert rich.free(CAT) == 0
    rich.slot()
    assert rich.runtime.integritee.number.get() == height + 1
    assert rich.free(CAT) == 10 * TEER - 10 * TEER // 571


def test_the_pool_is_asked_by_sender_only_after_the_signature(rich: World) -> None:
    """Nobody occupies a stranger's nonces."""
    call = LEDGER.call("balance_transfer", ANN.public, BEN.public, TEER)
    forged = LEDGER.sign_call(call, 0, BEN, MRENCLAVE, rich.shard)
    with pytest.raises(MissingPrivileges):
        rich.submit(forged)
    with pytest.raises(InvalidSignature):
        rich.submit(TrustedCallSigned(call, 0, None, forged.signature))
    assert len(rich.core.pool) == 0


def test_calls_of_the_enclave_are_its_own(rich: World) -> None:
    enclave = ledger_pair(rich).public
    mine = LEDGER.call("balance_shield", ANN.public, ANN.public, TEER, rich.core.runtime.shielding_target())
    with pytest.raises(RequireEnclaveSigner):
        rich.submit(rich.signed(ANN, mine))
    its = LEDGER.call("balance_shield", enclave, ANN.public, TEER, rich.core.runtime.shielding_target())
    with pytest.raises(MissingPrivileges):
        rich.submit(rich.signed(ANN, its, 0))
    assert rich.free(ANN) == rich.free(BEN)
