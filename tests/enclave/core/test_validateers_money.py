"""Payments of a shard with several validateers: made once, whatever becomes of blocks, enclaves and the first of
them; what the parentchain refuses is given back once."""

from __future__ import annotations

import pytest

from integritee.node.runtime.runtime import TEER
from integritee.primitives.ids import ParentchainId

from .harness import ANN, BEN, LEDGER, payments
from .parentchain import ALICE
from .test_targets import world_on
from .validateers import BLOCK_SLOTS, Network

PAYEE = bytes([7]) * 32
DUST = 1
"""Less than an account can be created with: the parentchain refuses to pay it out."""


def unshield(network: Network, at: int, amount: int = TEER) -> bytes:
    world = network.workers[at]
    call = LEDGER.call("balance_unshield", ANN.public, PAYEE, amount, world.shard)
    return network.spread(at, world.signed(ANN, call))


def purge(network: Network, which: int) -> None:
    """Root takes an enclave off the shard's list; what it sends next puts it at the end again."""
    chain, world = network.workers[0].chain, network.workers[which]
    known = chain.metadata(chain.chain.runtime_version().spec_version)
    args = {"shard": world.shard, "subject": world.account}
    call = known.call("EnclaveBridge", "purge_enclave_from_shard_status", args)
    chain.submit(chain.sign(ALICE, "Sudo", "sudo", {"call": call}), network.now)
    seen = next(each for number, each in enumerate(network.workers) if number not in network.down)
    network.until(lambda: world.account not in seen.core.consensus.present_authorities()[:1])


def cut(network: Network) -> None:
    network.cut.add(frozenset((0, 1)))


def heal(network: Network) -> None:
    network.cut.clear()
    network.until(lambda: len(network.heads()) == 1, 30)


def is_sent(network: Network, at: int = 0) -> bool:
    return any(entry.payment for entry in network.workers[at].core.integritee.outbox.entries.values())


def test_a_block_that_says_a_payment_is_sent_is_given_up(network: Network) -> None:
    """The first validateer sends it, then its block is lost to a longer chain: nobody sends it again."""
    one = network.workers[0]
    unshield(network, 0)
    network.until(lambda: bool(one.core.replica.chain.due(one.core.consensus.final_number())), 100)
    cut(network)
    network.until(lambda: is_sent(network), 4)
    network.down.add(0)
    network.run(14)
    network.down.clear()
    one.sync()
    heal(network)
    assert one.core.replica.reverted > 0
    network.run(10 * BLOCK_SLOTS)
    assert payments(one) == [(PAYEE, TEER)]
    assert [world.core.replica.chain.held for world in network.workers] == [(), ()]
    assert [world.core.halted for world in network.workers] == [None, None]


@pytest.mark.parametrize("restarts", [False, True])
@pytest.mark.parametrize("after", [0, 10, 20])
def test_the_first_validateer_is_struck_off(network: Network, after: int, restarts: bool) -> None:
    """At any moment in the life of a payment: it is made once, by the old first one or the new."""
    one, two = network.workers
    unshield(network, 1)
    network.run(after)
    purge(network, 0)
    if restarts:
        for world in network.workers:
            world.restart()
            world.sync()
    network.run(14 * BLOCK_SLOTS)
    assert payments(one) == [(PAYEE, TEER)]
    assert two.core.halted is None
    assert two.core.replica.chain.held == ()


@pytest.mark.parametrize("restarts", [False, True])
def test_what_a_lost_block_gave_back_is_given_back_again(network: Network, restarts: bool) -> None:
    one = network.workers[0]
    before = one.free(ANN)
    unshield(network, 0, DUST)
    network.run(2)
    burned = one.free(ANN)
    assert burned < before
    network.until(lambda: is_sent(network), 100)
    cut(network)
    network.until(lambda: one.free(ANN) == burned + DUST, 60)
    if restarts:
        one.restart()
        one.sync()
    network.down.add(0)
    network.run(14)
    network.down.clear()
    one.sync()
    heal(network)
    assert one.core.replica.reverted > 0
    network.run(4)
    assert [world.free(ANN) for world in network.workers] == [burned + DUST] * 2
    network.run(4 * BLOCK_SLOTS)
    assert [world.free(ANN) for world in network.workers] == [burned + DUST] * 2
    assert payments(one) == []


@pytest.mark.parametrize("restarts", [False, True])
@pytest.mark.parametrize("again", [False, True])
def test_what_a_block_gave_back_that_is_found_again_is_not_given_back_twice(
    network: Network, again: bool, restarts: bool
) -> None:
    """The first validateer gives a block of its own up and comes back to it, as a chain with it wins after all."""
    one = network.workers[0]
    unshield(network, 0, DUST)
    network.run(2)
    burned = one.free(ANN)
    network.until(lambda: is_sent(network), 100)
    cut(network)
    network.until(lambda: one.free(ANN) == burned + DUST, 60)
    block = one.core.replica.chain.tail[-1].signed
    for _ in range(1 + again):
        one.core.replica.revert(block.block.header.block_number - 1, network.now)
        assert one.free(ANN) == burned
        if restarts:
            one.restart()
            one.sync()
        one.core.receive_blocks([block], network.now)
        assert one.core.latest_header.hash() == block.hash()
        assert one.free(ANN) == burned + DUST
    if restarts:
        one.restart()
        one.sync()
    heal(network)
    network.run(4 * BLOCK_SLOTS)
    assert [world.free(ANN) for world in network.workers] == [burned + DUST] * 2


def test_a_burn_in_a_lost_block_is_not_paid(network: Network) -> None:
    """Only the second validateer hears of the call; its side loses, and it is gone with the call's sender's wish."""
    one, two = network.workers
    network.run(3)
    cut(network)
    hash = unshield(network, 1)
    network.run(4)
    assert two.status(hash)[-1] == "InSidechainBlock"
    network.down.add(1)
    spent = LEDGER.call("balance_transfer", ANN.public, BEN.public, one.free(ANN) - TEER // 2)
    nonce = one.runtime.system.nonce(ANN.public)
    one.submit(one.signed(ANN, spent, nonce))
    network.run(12)
    network.down.clear()
    two.sync()
    heal(network)
    assert two.status(hash)[-1] in ("Invalid", "Dropped")
    network.run(8 * BLOCK_SLOTS)
    assert payments(one) == []
    assert [world.core.replica.chain.held for world in network.workers] == [(), ()]


@pytest.mark.parametrize("hears", ["at once", "late"])
def test_a_deposit_beside_a_payment_alarms_nobody(network: Network, hears: str) -> None:
    """The vault is examined when a deposit arrives: what the first validateer has paid meanwhile is not owed any more,
    although the second one has not heard of the block that says so."""
    one, two = network.workers
    unshield(network, 1, 20 * TEER)
    network.until(lambda: is_sent(network), 100)
    if hears == "late":
        cut(network)
    one.shield(BEN, 7 * TEER)
    network.run(4 * BLOCK_SLOTS)
    assert payments(one) == [(PAYEE, 20 * TEER)]
    assert [world.core.halted for world in network.workers] == [None, None]
    heal(network)
    assert one.free(BEN) == two.free(BEN) > 100 * TEER
    network.run(4 * BLOCK_SLOTS)
    assert [world.core.halted for world in network.workers] == [None, None]


def test_payments_go_on_when_the_second_is_gone_for_good(network: Network) -> None:
    """What waits for a confirmation is the only validateer's to pay at once."""
    one = network.workers[0]
    network.run(2)
    unshield(network, 1)
    network.run(1)
    network.down.add(1)
    purge(network, 1)
    network.run(3 * BLOCK_SLOTS)
    assert one.core.consensus.is_alone
    unshield(network, 0, 2 * TEER)
    network.run(4 * BLOCK_SLOTS)
    assert sorted(payments(one)) == [(PAYEE, TEER), (PAYEE, 2 * TEER)]
    assert one.core.replica.chain.held == ()
    assert not one.core.replica.chain.tail
    network.down.clear()
    network.workers[1].sync()
    network.run(8 * BLOCK_SLOTS)
    network.until(lambda: len(network.heads()) == 1, 60)
    assert len(payments(one)) == 2


def test_the_second_is_left_alone_on_a_fork_without_the_confirmed_block(network: Network) -> None:
    """It must neither make blocks nor pay: the first one's chain is the confirmed one."""
    two = network.workers[1]
    network.run(3)
    cut(network)
    unshield(network, 0)
    nonce = two.runtime.system.nonce(ANN.public)
    two.submit(two.signed(ANN, LEDGER.call("balance_unshield", ANN.public, PAYEE, 2 * TEER, two.shard), nonce))
    network.run(6 * BLOCK_SLOTS)
    assert two.core.consensus.lacks_confirmed
    network.down.add(0)
    for _ in range(3):  # what it had under way puts it on the list again
        purge(network, 0)
        network.run(2 * BLOCK_SLOTS)
    assert two.core.consensus.is_alone
    made = len(two.blocks)
    network.run(2 * BLOCK_SLOTS)
    assert len(two.blocks) == made
    assert not is_sent(network, 1)


@pytest.mark.parametrize("target", [ParentchainId.TargetA, ParentchainId.TargetB])
def test_the_vault_is_on_another_chain(target: ParentchainId) -> None:
    """Who comes later pays there as well, once it is the first: deposits and payments are counted once."""
    first = world_on(target)
    network = Network(first)
    first.shield(ANN, 100 * TEER)
    first.settle()
    deposited = first.free(ANN)
    two = network.join()
    unshield(network, 0)
    network.run(8 * BLOCK_SLOTS)
    purge(network, 0)
    first.shield(BEN, 50 * TEER)
    unshield(network, 1, 2 * TEER)
    network.run(12 * BLOCK_SLOTS)
    assert two.core.consensus.is_primary
    assert sorted(payments(first)) == [(PAYEE, TEER), (PAYEE, 2 * TEER)]
    assert len(network.heads()) == 1
    assert two.free(ANN) == first.free(ANN) < deposited - 3 * TEER
    assert two.free(BEN) == first.free(BEN)
    assert two.core.links.vault.outbox.next_nonce > 0
    assert [world.core.halted for world in network.workers] == [None, None]
    network.check()
    network.close()
