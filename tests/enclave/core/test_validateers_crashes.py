"""Power is lost at every disk operation while a fork is resolved: what was burned is paid once, and all agree."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from integritee.node.runtime.runtime import TEER

from ..store.faulty_directory import Everything, Nothing, PowerFailure, Survival, Zeros
from .harness import ANN, BEN, LEDGER, World, payments
from .validateers import BLOCK_SLOTS, Network

CUT = frozenset((0, 1))
PAYEE = bytes([7]) * 32
SURVIVALS = [Nothing(), Everything(), Zeros()]


class Story:
    """Ann transfers and pays out on one side of a cut, which loses: its enclave, `which`, gives its blocks up."""

    def __init__(self, template: World, which: int) -> None:
        self.network = Network(template.fork())
        first = self.network.workers[0]
        first.shield(ANN, 100 * TEER)
        first.settle()
        self.network.join()
        self.world = self.network.workers[which]
        self.which = which
        self.nonce, self.free = first.runtime.system.nonce(ANN.public), first.free(BEN)

    def fork(self, has_snapshot: bool) -> None:
        """Until both hear each other again; maybe with a snapshot of a state that is going to be lost."""
        network = self.network
        network.cut.add(CUT)
        self.call("balance_transfer", BEN.public, TEER)
        self.call("balance_unshield", PAYEE, 3 * TEER, self.world.shard)
        network.run(4)
        if has_snapshot:
            self.world.store.snapshot(self.world.core.state.items(), self.world.core.snapshot_meta())
        network.down.add(self.which)
        network.run(12)
        network.down.clear()
        network.cut.clear()

    def call(self, name: str, *args: object) -> None:
        world = self.world
        self.network.spread(self.which, world.signed(ANN, LEDGER.call(name, ANN.public, *args)))

    def meet(self, survival: Survival) -> None:
        """Everything after; the enclave starts again whenever its power is lost."""
        network = self.network
        self.safely(self.world.sync, survival)
        for number in range(12 * BLOCK_SLOTS):
            self.safely(network.slot, survival)
            if number % BLOCK_SLOTS == 0:
                network.check()
        network.until(lambda: len(network.heads()) == 1, 20)

    def safely(self, step: Callable[[], object], survival: Survival) -> None:
        try:
            step()
        except PowerFailure:
            self.world.restart(survival)

    def check_end(self) -> int:
        """How many of Ann's calls are in the chain after all: a crash may have lost them, as they were of a block
        that was given up. What is in the chain is paid once, what is not is not paid."""
        network = self.network
        executed = network.workers[0].runtime.system.nonce(ANN.public) - self.nonce
        assert {world.free(BEN) for world in network.workers} == {self.free + TEER * min(executed, 1)}
        assert payments(network.workers[0]) == [(PAYEE, 3 * TEER)] * (executed == 2)
        for world in network.workers:
            assert world.core.halted is None
            assert world.core.replica.chain.held == ()
        return executed


@pytest.mark.parametrize("offset", [0, 1])
def test_power_failure_at_every_disk_operation_of_a_reversal(template: World, offset: int) -> None:
    operation, failed, endings = offset, True, set()
    while failed and operation < 18:
        story = Story(template, 1)
        story.fork(has_snapshot=bool(operation // 2 % 2))
        assert story.world.core.replica.reverted == 0
        story.world.directory.fail_at = operation
        survival = story.world.directory.survival = SURVIVALS[operation % 3]
        story.meet(survival)
        failed = story.world.directory.fail_at is None
        endings.add(story.check_end())
        story.network.close()
        operation += 2
    assert operation > 12
    assert 2 in endings


@pytest.mark.parametrize("has_snapshot", [False, True])
def test_restart_behind_a_reversal(template: World, has_snapshot: bool) -> None:
    """The journal holds blocks, their reversal, the others' blocks; what is replayed is what was."""
    story = Story(template, 1)
    network, world = story.network, story.world
    story.fork(has_snapshot)
    world.sync()
    network.until(lambda: len(network.heads()) == 1, 20)
    assert world.core.replica.reverted > 0
    chain = world.core.replica.chain
    before = chain.state.root(), chain.state_bytes, chain.head, chain.held, chain.final, chain.tip
    world.restart()
    chain = world.core.replica.chain
    assert (chain.state.root(), chain.state_bytes, chain.head, chain.held, chain.final, chain.tip) == before
    world.sync()
    network.run(14 * BLOCK_SLOTS)
    network.until(lambda: len(network.heads()) == 1, 20)
    assert story.check_end() == 0, "calls do not survive a restart"
    network.close()


def test_a_start_from_a_snapshot_of_what_is_lost(template: World) -> None:
    """The tail is in the snapshot: the chain can still go back behind it."""
    story = Story(template, 1)
    story.fork(has_snapshot=True)
    chain = story.world.core.replica.chain
    before = [(b.hash, b.before.root(), b.before_bytes, b.held_before, b.refunds, b.released) for b in chain.tail]
    story.world.restart()
    chain = story.world.core.replica.chain
    assert [
        (b.hash, b.before.root(), b.before_bytes, b.held_before, b.refunds, b.released) for b in chain.tail
    ] == before
    story.world.sync()
    story.network.until(lambda: len(story.network.heads()) == 1, 20)
    assert story.world.core.replica.reverted > 0
    story.network.check()
    story.network.close()
