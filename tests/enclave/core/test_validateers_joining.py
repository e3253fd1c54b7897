"""Who serves a shard: racing for a fresh one, joining, being struck off, losing all, coming back."""

from __future__ import annotations

from contextlib import suppress

import pytest
from msgspec.structs import replace

from integritee.boundary.messages import Checkpoint
from integritee.enclave.adoption import adopt, share
from integritee.enclave.errors import StateTooOld
from integritee.enclave.parentchain.onboarding import Phase
from integritee.enclave.store import erase_history
from integritee.node.runtime.runtime import TEER
from integritee.node.runtime.target_a import TargetARuntime
from integritee.primitives.ids import ParentchainId

from ..store.faulty_directory import Everything, Nothing, PowerFailure, Survival, Zeros
from ..store.machine import counting_random
from .harness import ANN, BEN, LEDGER, World, payments
from .parentchain import Parentchain, target_genesis
from .test_validateers_money import PAYEE, purge, unshield
from .validateers import BLOCK_SLOTS, Network


def wiped(world: World) -> None:
    """The operator starts it with --clean-reset: its keys remain."""
    world.store.close()
    erase_history(world.directory)
    world.boot()
    world.connect()


def pays(network: Network, at: int) -> None:
    """A transfer and a payment submitted at one of them arrive; all agree."""
    one, before = network.workers[0], len(payments(network.workers[0]))
    world = network.workers[at]
    free = one.free(BEN)
    network.spread(at, world.signed(ANN, LEDGER.call("balance_transfer", ANN.public, BEN.public, TEER)))
    unshield(network, at)
    network.until(lambda: len(payments(one)) > before, 20 * BLOCK_SLOTS)
    network.run(4)
    assert len(network.heads()) == 1
    assert {world.free(BEN) for world in network.workers} == {free + TEER}
    assert payments(one)[before:] == [(PAYEE, TEER)]
    assert [world.core.halted for world in network.workers] == [None] * len(network.workers)


def test_two_race_for_a_fresh_shard() -> None:
    """Both claim it in the same parentchain block; the first in the list opens it, the other one joins."""
    first = World()
    draw = counting_random()
    second = World(first.chain, random=lambda size: bytes(byte ^ 1 for byte in draw(size)[::-1]), shard=first.shard)
    network = Network(first)
    network.workers.append(second)
    for world in network.workers:
        world.connect()
        world.fund_enclave()
    for _ in range(30):
        network.run(BLOCK_SLOTS)
        for world in network.workers:
            if not world.core.is_running:
                continue
            network.ask(network.workers.index(world))
    assert [world.core.is_running for world in network.workers] in ([True, False], [False, True])
    leader = [world.core.is_running for world in network.workers].index(True)
    follower = network.workers[1 - leader]
    assert follower.core.phase is Phase.AWAITING_STATE
    assert len(follower.core.consensus.present_authorities()) == 2
    network.provision(follower, leader)
    network.run(2 * BLOCK_SLOTS)
    first.shield(ANN, 50 * TEER)
    network.run(2 * BLOCK_SLOTS)
    pays(network, leader)
    pays(network, 1 - leader)
    network.check()
    network.close()


def test_it_need_not_see_again_what_the_state_has_taken_in(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who waited for state for long would find no room for all blocks since, and none of the others could follow."""
    world = network.new_worker()
    network.workers.append(world)
    network.until(lambda: world.core.shown_phase == "awaiting_state", 40 * BLOCK_SLOTS)
    network.run(10 * BLOCK_SLOTS)
    monkeypatch.setattr("integritee.enclave.parentchain.follower.MAX_INBOX", 4)
    known = network.workers[0].runtime.integritee.number.get() or 0
    network.provision(world)
    assert world.core.integritee.connected.head.number == known
    network.until(lambda: world.account in network.workers[0].core.consensus.present_authorities(), 200)
    network.run(2 * BLOCK_SLOTS)
    pays(network, 2)


def test_a_restart_between_provisioning_and_joining(network: Network) -> None:
    world = network.new_worker()
    network.workers.append(world)
    network.until(lambda: world.core.shown_phase == "awaiting_state", 40 * BLOCK_SLOTS)
    network.run(BLOCK_SLOTS)
    network.provision(world)
    for _ in range(4):
        network.run(3)
        world.restart()
        world.sync()
        network.ask(2)
    network.until(lambda: world.account in network.workers[0].core.consensus.present_authorities(), 200)
    network.run(2 * BLOCK_SLOTS)
    pays(network, 2)


@pytest.mark.parametrize("survival", [Nothing(), Everything(), Zeros()], ids=lambda s: type(s).__name__)
def test_power_failure_at_every_disk_operation_of_an_adoption(network: Network, survival: Survival) -> None:
    """It leaves an enclave without state, which asks again, or one that has it."""
    world = network.new_worker()
    network.workers.append(world)
    network.until(lambda: world.core.shown_phase == "awaiting_state", 40 * BLOCK_SLOTS)
    network.run(BLOCK_SLOTS)
    attempts, provider = 0, network.workers[0].core
    while not world.core.is_running:
        state, meta = share(provider)
        world.directory.fail_at = attempts
        with suppress(PowerFailure):
            adopt(world.core, provider.keys.shielding.private_json(), provider.keys.state, meta, state)
        world.directory.fail_at = None
        world.restart(survival)
        attempts += 1
    assert attempts > 6
    assert world.core.state.root() == provider.state.root()
    provider.admit_validateer(world.account)
    network.ask(2)
    network.until(lambda: world.account in provider.consensus.present_authorities(), 200)
    network.run(2 * BLOCK_SLOTS)
    pays(network, 2)


@pytest.mark.parametrize("restarts", [False, True])
@pytest.mark.parametrize("which", [0, 1])
def test_one_that_was_struck_off_comes_back_as_the_last(network: Network, which: int, restarts: bool) -> None:
    world, other = network.workers[which], network.workers[1 - which]
    if which == 1:
        purge_second(network)
    else:
        purge(network, 0)
    if restarts:
        world.restart()
        world.sync()
        network.ask(which)
    network.until(
        lambda: other.core.consensus.present_authorities() == (other.account, world.account), 40 * BLOCK_SLOTS
    )
    network.run(4 * BLOCK_SLOTS)
    pays(network, which)


def purge_second(network: Network) -> None:
    """While nothing of it is under way, so that it has to join again."""
    world = network.workers[1]
    network.down.add(1)
    network.run(BLOCK_SLOTS)
    purge(network, 1)
    network.until(lambda: world.account not in network.workers[0].core.consensus.present_authorities(), 60)
    network.down.clear()
    world.sync()
    assert world.core.halted is None


@pytest.mark.parametrize("which", [0, 1])
def test_one_that_lost_its_state_gets_it_from_the_others(network: Network, which: int) -> None:
    world = network.workers[which]
    pays(network, 1 - which)
    network.run(BLOCK_SLOTS)
    wiped(world)
    world.sync()
    assert world.core.phase is Phase.AWAITING_STATE
    network.run(3 * BLOCK_SLOTS)
    network.provision(world, 1 - which)
    network.run(4 * BLOCK_SLOTS)
    pays(network, which)


def test_a_chain_is_not_begun_behind_what_the_state_has_taken_in(template: World) -> None:
    """A checkpoint would hide blocks between: deposits in them would be nobody's."""
    world, chain = template.fork(), Parentchain(storage=target_genesis(TargetARuntime))
    for number in range(8):
        chain.produce(world.now + 6000 * number)
    link = world.core.links[ParentchainId.TargetA]
    header = chain.chain.header(chain._hash(6))
    assert header is not None
    params = replace(chain.params(id=ParentchainId.TargetA), checkpoint=Checkpoint(header, 0, [(bytes(32), 1)]))
    with pytest.raises(StateTooOld):
        link.connect(params, processed=5)
    assert link.follower is None
    chain.close()
    world.close()
