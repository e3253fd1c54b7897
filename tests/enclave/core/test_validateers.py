"""A shard of several validateers: turns, forks, money, joining, coming back."""

from __future__ import annotations

import pytest

from integritee.enclave.consensus import MAX_FRUITLESS_FETCHES
from integritee.enclave.sidechain.errors import SlotMissed
from integritee.node.runtime.runtime import TEER

from .harness import ANN, BEN, LEDGER, payments
from .validateers import BLOCK_SLOTS, Network

PAYEE = bytes([7]) * 32


def transfer(network: Network, at: int, amount: int = TEER) -> bytes:
    world = network.workers[at]
    call = LEDGER.call("balance_transfer", ANN.public, BEN.public, amount)
    return network.spread(at, world.signed(ANN, call))


def test_both_take_turns_and_follow_each_other(network: Network) -> None:
    one, two = network.workers
    made = [len(world.blocks) for world in network.workers]
    network.run(10)
    assert [len(world.blocks) - n for world, n in zip(network.workers, made, strict=True)] == [5, 5]
    assert len(network.heads()) == 1
    assert one.core.state.root() == two.core.state.root()


@pytest.mark.parametrize("at", [0, 1])
def test_a_call_is_executed_whoever_has_the_slot(network: Network, at: int) -> None:
    before = network.workers[1].free(BEN)
    hashes = [transfer(network, at) for _ in range(3)]
    network.run(2)
    assert [world.free(BEN) for world in network.workers] == [before + 3 * TEER] * 2
    for world in network.workers:
        assert {world.status(hash)[-1] for hash in hashes} == {"InSidechainBlock"}
        assert world.core.pool.ready_count == 0


def test_a_refusal_is_told_at_both(network: Network) -> None:
    world = network.workers[1]
    call = LEDGER.call("balance_transfer", ANN.public, BEN.public, 10_000 * TEER)
    hash = network.spread(1, world.signed(ANN, call))
    network.run(2)
    assert [(w.status(hash)[-1], w.reason(hash)) for w in network.workers] == [("Invalid", "stf.missing_funds")] * 2


def test_a_payment_waits_for_its_confirmation(network: Network) -> None:
    """It goes out once, by the first validateer, after the parentchain confirmed the block that burned for it."""
    one, two = network.workers
    paid = len(payments(one))
    call = LEDGER.call("balance_unshield", ANN.public, PAYEE, 3 * TEER, two.shard)
    network.spread(1, two.signed(ANN, call))
    network.run(2)
    assert [held.planned.amount for held in two.core.replica.chain.held] == [3 * TEER]
    (burned_at,) = (held.number for held in two.core.replica.chain.held)
    assert not any(entry.payment for entry in one.core.integritee.outbox.entries.values())
    network.until(lambda: len(payments(one)) > paid, 12 * BLOCK_SLOTS)
    assert payments(one)[paid:] == [(PAYEE, 3 * TEER)]
    assert one.core.consensus.confirmed is not None
    assert one.core.consensus.confirmed.number >= burned_at
    network.run(4 * BLOCK_SLOTS)
    assert payments(one)[paid:] == [(PAYEE, 3 * TEER)]
    assert [world.core.replica.chain.held for world in network.workers] == [(), ()]


def test_a_fork_converges(network: Network) -> None:
    """The link is cut, both produce, it is restored: the calls of the losing side are in the chain after all."""
    network.run(3)
    network.cut.add(frozenset((0, 1)))
    before = network.workers[0].free(BEN)
    lost = transfer(network, 1, 5 * TEER)
    network.run(9)
    assert len(network.heads()) == 2
    network.cut.clear()
    taken = network.until(lambda: len(network.heads()) == 1, 20)
    assert taken <= 6
    network.run(4)
    assert [world.free(BEN) for world in network.workers] == [before + 5 * TEER] * 2
    statuses = network.workers[1].status(lost)
    assert statuses[-1] == "InSidechainBlock"
    reverted = [world.core.replica.reverted for world in network.workers]
    assert sum(reverted) > 0
    if reverted[1]:
        assert "Retracted" in statuses


def test_the_confirmed_chain_wins_over_a_longer_one(network: Network) -> None:
    """The first validateer, alone on its side, has its block confirmed; the other side's chain is longer."""
    one, two = network.workers
    network.run(4)
    network.cut.add(frozenset((0, 1)))
    call = LEDGER.call("balance_unshield", ANN.public, PAYEE, TEER, one.shard)
    network.spread(0, one.signed(ANN, call))
    one.drops = lambda extrinsic: True
    network.run(4)
    network.down.add(0)
    lost = transfer_of_ben(network, 1)
    network.run(20)
    assert two.core.latest_header.block_number > one.core.latest_header.block_number
    network.down.clear()
    one.sync()
    one.drops = lambda extrinsic: False
    network.run(6 * BLOCK_SLOTS)  # still cut: the confirmation lands
    assert two.core.consensus.lacks_confirmed
    assert two.core.shown_phase == "catching_up"
    number = len(two.blocks)
    network.run(4)
    assert len(two.blocks) == number, "no blocks on a chain that cannot win"
    network.run(2 * MAX_FRUITLESS_FETCHES)
    assert two.core.shown_phase == "catching_up", "nobody was reached: blocks may help yet"
    network.cut.clear()
    network.until(lambda: len(network.heads()) == 1, 20)
    network.run(4)
    assert two.status(lost)[-1] == "InSidechainBlock"
    assert "Retracted" in two.status(lost)


def transfer_of_ben(network: Network, at: int) -> bytes:
    world = network.workers[at]
    call = LEDGER.call("balance_transfer", BEN.public, ANN.public, TEER)
    return network.spread(at, world.signed(BEN, call))


@pytest.mark.parametrize("gone", [0, 1])
def test_one_goes_and_comes_back(network: Network, gone: int) -> None:
    network.run(3)
    network.down.add(gone)
    stays = 1 - gone
    before = network.workers[stays].free(BEN)
    for _ in range(5):
        transfer(network, stays)
        network.run(3)
    assert network.workers[stays].free(BEN) == before + 5 * TEER
    network.workers[gone].restart()
    network.workers[gone].now = network.now
    network.down.clear()
    network.workers[gone].sync()
    network.until(lambda: len(network.heads()) == 1, 10)
    network.run(6)
    assert [world.free(BEN) for world in network.workers] == [before + 5 * TEER] * 2
    assert network.workers[stays].core.replica.reverted == 0


def test_a_third_joins(network: Network) -> None:
    world = network.join(source=1)
    network.run(12)
    assert len(network.heads()) == 1
    assert len(world.blocks) >= 3
    assert world.free(ANN) == network.workers[0].free(ANN)


def test_all_start_again(network: Network) -> None:
    transfer(network, 0)
    network.run(4)
    head = network.heads()
    for world in network.workers:
        world.restart()
    for world in network.workers:
        world.sync()
    assert network.heads() == head
    network.run(8)
    assert len(network.heads()) == 1
    assert network.heads() != head


def test_a_reverted_chain_survives_a_restart(network: Network) -> None:
    network.run(3)
    network.cut.add(frozenset((0, 1)))
    transfer(network, 1, 5 * TEER)
    network.run(8)
    network.cut.clear()
    network.until(lambda: len(network.heads()) == 1, 20)
    roots = [world.core.state.root() for world in network.workers]
    for world in network.workers:
        world.restart()
        world.sync()
    assert [world.core.state.root() for world in network.workers] == roots
    network.run(6)
    assert len(network.heads()) == 1


@pytest.mark.parametrize("late, is_made", [(500, True), (1999, True), (2000, False)])
def test_a_block_that_comes_too_late_is_not_made(network: Network, late: int, is_made: bool) -> None:
    """Its calls are not lost: the next author has them, and so has this one."""
    network.until(lambda: network.workers[0].core.consensus.claims(network.now // 1000 + 1, network.now))
    hash = transfer(network, 0)
    world = network.workers[0]
    production = world.begin()
    assert production is not None
    while production.step(8):
        pass
    if is_made:
        world.durable(world.core.finish_slot(production, world.now + late))
        data = world.blocks[-1].block.block_data
        assert data.timestamp < world.now + 1000
        assert world.status(hash)[-1] == "InSidechainBlock"
    else:
        with pytest.raises(SlotMissed):
            world.core.finish_slot(production, world.now + late)
        assert world.core.pool.ready_count == 1
    world.now += 3000


def test_blocks_that_could_be_lost_to_the_host_are_repeated_after_a_start(network: Network) -> None:
    network.run(5)
    for world in network.workers:
        tail = [block.signed for block in world.core.replica.chain.tail]
        world.restart()
        assert tail
        assert world.core.replica.blocks_to_repeat() == tail
        world.sync()
