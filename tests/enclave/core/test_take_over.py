"""Other code takes the place of an enclave: it goes on with its account, with what that has under way, and its state."""

from __future__ import annotations

from contextlib import suppress

import pytest

from integritee.crypto import blake2_256
from integritee.enclave.adoption import adopt, estate_of, share
from integritee.enclave.consensus import Consensus
from integritee.enclave.core import ANCHOR_STRIDE
from integritee.enclave.errors import HandedOver, NotReady
from integritee.enclave.keys import HANDED_OVER_LABEL
from integritee.enclave.service import EnclaveService
from integritee.enclave.store.errors import StoreClosed
from integritee.node.runtime.runtime import TEER
from integritee.primitives.enclave_bridge import ShardConfig
from integritee.primitives.ids import ParentchainId

from ..store.machine import counting_random
from .harness import ANN, BEN, LEDGER, TEE, World, payments
from .parentchain import ALICE, metadata
from .validateers import BLOCK_SLOTS, Network

PAYEE = bytes([7]) * 32


class Successor(World):
    mrenclave = blake2_256(b"other code")


def announce(world: World, mrenclave: bytes) -> None:
    args = {"shard": world.shard, "shard_config": ShardConfig(mrenclave), "enactment_delay": 0}
    call = metadata().call("EnclaveBridge", "update_shard_config", args)
    world.chain.submit(world.chain.sign(ALICE, "Sudo", "sudo", {"call": call}), world.now)


def successor_of(old: World, seed: int = 77) -> World:
    """One with other keys, that has met the chain."""
    draw = counting_random()
    new = Successor(
        old.chain, now=old.now, random=lambda size: bytes(byte ^ seed for byte in draw(size)[::-1]), shard=old.shard
    )
    new.connect()
    new.sync()
    return new


def hand_over(old: World, new: World) -> None:
    """What `Peering` and the sessions of provisioning do."""
    old.core.halted = HandedOver(new.account)
    old.store.put_secret(HANDED_OVER_LABEL, new.account)
    estate = estate_of(old.core)
    state, meta = share(old.core)
    adopt(new.core, old.core.keys.shielding.private_json(), old.core.keys.state, meta, state, estate)
    new.now = max(old.now, new.now)
    new.restart()
    new.sync()


@pytest.mark.parametrize("missed", [0, 1, 5], ids=lambda missed: f"{missed} blocks behind")
@pytest.mark.parametrize("is_dropped", [False, True], ids=["sent", "not sent"])
def test_a_payment_under_way_is_made_once(world: World, missed: int, is_dropped: bool) -> None:
    """Also when the successor knows parentchain blocks already that the state it gets does not."""
    old = world
    old.shield(ANN, 100 * TEER)
    old.settle()
    old.drops = lambda extrinsic: is_dropped
    old.unshield(ANN, PAYEE, TEER)
    old.transfer(ANN, BEN, TEER)
    old.slot()
    nonce, free = old.nonce(ANN), old.free(ANN)
    assert payments(old) == []
    announce(old, Successor.mrenclave)
    old.grow(1 + missed)
    new = successor_of(old)
    assert new.account != old.account
    hand_over(old, new)
    signed = set(old.submitted)
    assert (new.account, new.vault, new.nonce(ANN), new.free(ANN)) == (old.account, old.vault, nonce, free)
    new.settle(8)
    assert payments(new) == [(PAYEE, TEER)]
    new.transfer(ANN, BEN, TEER)
    new.settle()
    assert new.nonce(ANN) == nonce + 1
    for is_restarted in (False, True):
        if is_restarted:
            old.restart()
        old.sync()
        number = len(old.blocks)
        assert old.slot() is None
        assert len(old.blocks) == number
        assert set(old.submitted) == signed
        assert old.core.shown_phase == "halted:enclave.handed_over"
    assert new.core.shown_phase == "running"
    new.check()


@pytest.mark.parametrize("succeeds", [True, False])
def test_between_adoption_and_restart_nothing_is_recorded(world: World, succeeds: bool) -> None:
    """The light client would go on behind blocks that the state has not seen: deposits in them would be lost."""
    old = world
    old.shield(ANN, 100 * TEER)
    old.settle()
    new = successor_of(old)
    old.shield(BEN, 50 * TEER)
    old.core.halted = HandedOver(new.account)
    state, meta = share(old.core)
    estate = estate_of(old.core) if succeeds else None
    adopt(new.core, old.core.keys.shielding.private_json(), old.core.keys.state, meta, state, estate)
    new.now = max(old.now, new.now)
    while old.chain.height % ANCHOR_STRIDE != 1:
        with suppress(StoreClosed):
            new.block()
    new.restart()
    new.sync()
    known = new.runtime.parentchain(ParentchainId.Integritee).number.get()
    waiting = [block.header.number for block in new.core.integritee.connected.inbox]
    assert known is not None
    assert waiting[: known + 1] == list(range(waiting[0], old.chain.height + 1))[: known + 1]
    assert waiting[0] <= known + 1


def test_who_handed_over_keeps_nothing_back(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even a state behind which the parentchain confirmed something else since: it will never have another one,
    while its successor can ask peers."""
    peering = EnclaveService(world.core, world.store, TEE).peering
    monkeypatch.setattr(Consensus, "lacks_confirmed", property(lambda consensus: True))
    with pytest.raises(NotReady):
        peering.snapshot()
    world.core.halted = HandedOver(bytes(32))
    assert peering.snapshot().root == world.core.state.root()


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["the primary first", "the primary last"])
def test_validateers_are_taken_over_one_by_one(network: Network, order: tuple[int, int]) -> None:
    one = network.workers[0]
    network.run(4)
    announce(one, Successor.mrenclave)
    call = LEDGER.call("balance_unshield", ANN.public, PAYEE, TEER, one.shard)
    network.spread(order[1], network.workers[order[1]].signed(ANN, call))
    network.until(lambda: {world.core.shown_phase for world in network.workers} == {"superseded"})
    accounts = [world.account for world in network.workers]
    for place in order:
        old = network.workers[place]
        new = successor_of(old)
        hand_over(old, new)
        network.workers[place] = new
        network.ask(place)
        network.run(2 * BLOCK_SLOTS)
    assert [world.account for world in network.workers] == accounts
    made = [len(world.blocks) for world in network.workers]
    network.run(12)
    assert [len(world.blocks) - n for world, n in zip(network.workers, made, strict=True)] == [6, 6]
    assert len(network.heads()) == 1
    network.until(lambda: payments(network.workers[0]) != [], 12 * BLOCK_SLOTS)
    network.run(4 * BLOCK_SLOTS)
    assert payments(network.workers[0]) == [(PAYEE, TEER)]
    call = LEDGER.call("balance_transfer", BEN.public, ANN.public, TEER)
    hash = network.spread(1, network.workers[1].signed(BEN, call))
    network.run(4)
    assert {world.status(hash)[-1] for world in network.workers} == {"InSidechainBlock"}


def test_validateers_are_left_behind(network: Network) -> None:
    """One is taken over; an enclave with the new code joins it, and root strikes off what nobody takes over."""
    one, left = network.workers
    network.run(4)
    call = LEDGER.call("balance_unshield", ANN.public, PAYEE, TEER, one.shard)
    network.spread(0, one.signed(ANN, call))
    announce(one, Successor.mrenclave)
    network.until(lambda: {world.core.shown_phase for world in network.workers} == {"superseded"})
    first, second = successor_of(one), successor_of(one, 78)
    hand_over(one, first)
    network.workers = [first, left, second]
    network.ask(0)
    one.chain.transfer(ALICE, second.account, 100 * TEER, one.now)
    network.until(lambda: second.core.shown_phase == "awaiting_state", 20 * BLOCK_SLOTS)
    network.run(BLOCK_SLOTS)
    network.provision(second, source=0)
    network.until(lambda: second.account in first.core.consensus.present_authorities(), 20 * BLOCK_SLOTS)
    args = {"shard": left.shard, "subject": left.account}
    call = metadata().call("EnclaveBridge", "purge_enclave_from_shard_status", args)
    one.chain.submit(one.chain.sign(ALICE, "Sudo", "sudo", {"call": call}), network.now)
    network.until(lambda: left.account not in second.core.consensus.present_authorities())
    network.run(2 * BLOCK_SLOTS)
    made = [len(world.blocks) for world in (first, second)]
    network.run(12)
    assert [len(world.blocks) - n for world, n in zip((first, second), made, strict=True)] == [6, 6]
    network.run(6 * BLOCK_SLOTS)
    assert payments(first) == [(PAYEE, TEER)]
