"""Power is lost at every disk operation, and between any two steps: nothing acknowledged is lost or doubled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from integritee.apps.catalog import DEFAULT_LEDGER as LEDGER
from integritee.enclave.parentchain.onboarding import Phase
from integritee.enclave.store.errors import DiskFailed, StoreFailed
from integritee.node.runtime.runtime import TEER
from integritee.stf.operation import TrustedCallSigned

from ..store.faulty_directory import Chance, Everything, FaultyDirectory, Nothing, PowerFailure, Survival, Zeros
from .harness import ANN, BEN, CAT, World, payments, trusted_getter

FEE = TEER // 100
SURVIVALS = [Nothing(), Everything(), Zeros(), Chance(1)]


@dataclass
class Story:
    """ANN shields, pays BEN and herself out; clients repeat what was not acknowledged."""

    world: World
    calls: dict[bytes, TrustedCallSigned] = field(default_factory=dict)
    acknowledged: set[bytes] = field(default_factory=set)

    def steps(self) -> list[Callable[[], object]]:
        world = self.world
        grow, sync, slot = world.grow, world.sync, self.slot
        return [
            lambda: world.shield(ANN, 10 * TEER),
            *(grow, sync, slot),
            lambda: self.call("balance_transfer", BEN.public, 2 * TEER, nonce=0),
            lambda: self.call("balance_unshield", CAT.public, 3 * TEER, world.shard, nonce=1),
            slot,
            *(grow, sync, slot),
            lambda: world.shield(ANN, TEER),
            lambda: self.call("balance_unshield", CAT.public, 499, world.shard, nonce=2),
            *(grow, sync, slot),
            *(slot, grow, sync, slot),
            *(grow, sync, slot),
        ]

    def call(self, name: str, *args: object, nonce: int) -> None:
        call = LEDGER.call(name, ANN.public, *args)
        signed = self.world.signed(ANN, call, nonce)
        self.calls[self.world.submit(signed)] = signed

    def slot(self) -> None:
        """A slot, before which clients make sure that their calls are known."""
        world = self.world
        for hash, signed in self.calls.items():
            if signed.nonce >= world.runtime.system.nonce(ANN.public) and hash not in world.core.pool:
                world.submit(signed)
        world.slot()
        self.acknowledged |= {h for h in self.calls if "InSidechainBlock" in world.status(h)}

    def check_acknowledged(self) -> None:
        for hash in self.acknowledged:
            assert self.world.runtime.system.nonce(ANN.public) > self.calls[hash].nonce

    def run(self, survival: Survival, restart_before: int | None = None) -> None:
        """Tell it to its end, starting the enclave again whenever the power is lost."""
        for number, step in enumerate(self.steps()):
            if number == restart_before:
                self.restart(survival)
            while True:
                try:
                    step()
                    break
                except PowerFailure:
                    self.restart(survival)
            self.world.check()

    def restart(self, survival: Survival) -> None:
        self.world.restart(survival)
        self.check_acknowledged()
        self.world.check()

    def check_end(self) -> None:
        world = self.world
        shielded = 10 * TEER - 10 * TEER // 571 + TEER - TEER // 571
        assert world.free(BEN) == 2 * TEER
        assert world.free(ANN) == shielded - 2 * TEER - FEE - 3 * TEER - 6 * FEE - 499
        assert payments(world) == [(CAT.public, 3 * TEER), (CAT.public, 499)]
        assert world.core.halted is None
        assert world.runtime.system.nonce(ANN.public) == 3


def disk_operations(template: World) -> int:
    world = template.fork()
    before = world.directory.operations
    story = Story(world)
    story.run(Nothing())
    story.check_end()
    world.close()
    return world.directory.operations - before


@pytest.mark.parametrize("survival", SURVIVALS, ids=lambda s: type(s).__name__)
def test_power_failure_at_every_disk_operation(template: World, survival: Survival) -> None:
    count = disk_operations(template)
    assert count > 15
    for operation in range(count):
        world = template.fork()
        story = Story(world)
        world.directory.fail_at = operation
        world.directory.survival = survival
        story.run(survival)
        story.check_end()
        world.close()


def test_restart_between_any_two_steps(template: World) -> None:
    for number in range(len(Story(template).steps())):
        world = template.fork()
        story = Story(world)
        story.run(Nothing(), restart_before=number)
        story.check_end()
        world.close()


@pytest.mark.parametrize("survival", [Nothing(), Zeros()], ids=lambda s: type(s).__name__)
def test_power_failure_at_every_disk_operation_of_onboarding(survival: Survival) -> None:
    operation, failed = 0, True
    while failed:
        directory = FaultyDirectory()
        directory.fail_at, directory.survival = operation, survival
        world = onboarded(directory)
        failed = directory.fail_at is None
        assert world.core.phase is Phase.RUNNING
        assert len(world.chain.all_events("Teerex.AddedSgxEnclave")) == 1
        assert len(world.chain.all_events("Proxy.ProxyAdded")) == 1
        world.check()
        world.close()
        operation += 1
    assert operation > 15


def onboarded(directory: FaultyDirectory) -> World:
    """A worker that gets to its first block although its disk may fail, even before it has keys."""
    try:
        world = World(directory=directory)
    except PowerFailure:
        directory.reboot()
        world = World(directory=directory)
    for _ in range(100):
        try:
            if world.core.integritee.follower is None:
                world.connect()
            if world.chain.free(world.account) == 0:
                world.fund_enclave()
            world.block()
            world.slot()
        except PowerFailure:
            world.directory.reboot()
            world.boot()
        if world.core.latest_header.block_number:
            return world
    raise AssertionError(f"stuck in {world.core.phase}")


def test_nothing_is_published_before_it_is_durable(world: World) -> None:
    """The disk dies in the sync behind a block: no status, no block, no extrinsic of it has left."""
    world.shield(ANN, 10 * TEER)
    world.block()
    world.slot()
    hash = world.unshield(ANN, CAT.public, TEER)
    blocks, submitted = len(world.blocks), len(world.submitted)
    head, shown = world.core.latest_header, world.core.view.query(trusted_getter("account_info", ANN), 0)
    world.directory.fail_at = 1  # the append goes well, its sync does not
    with pytest.raises(PowerFailure):
        world.slot()
    assert len(world.blocks) == blocks
    assert len(world.submitted) == submitted
    assert world.status(hash) == ["Ready"]
    assert world.core.head != head
    world.core.show_durable()
    assert world.core.latest_header == head
    assert world.core.view.query(trusted_getter("account_info", ANN), 0) == shown
    world.restart(Nothing())
    assert world.runtime.system.nonce(ANN.public) == 0


def test_a_failing_disk_ends_production_and_keeps_the_calls(world: World) -> None:
    world.shield(ANN, 10 * TEER)
    world.block()
    world.slot()
    state, head = world.core.state, world.core.head
    hash = world.transfer(ANN, BEN, TEER)
    world.directory.breaks_with = DiskFailed
    world.directory.fail_at = 0
    with pytest.raises(DiskFailed):
        world.slot()
    assert world.core.state is state
    assert world.core.head is head
    assert hash in world.core.pool
    assert world.core.pool.ready_count == 1
    assert world.core.halted is not None
    assert world.core.halted.code == "store.disk_failed"
    assert world.slot() is None
    with pytest.raises(StoreFailed):
        world.store.append(1, b"")
    world.directory.breaks_with = PowerFailure
    world.restart()
    world.block()
    world.transfer(ANN, BEN, TEER)
    world.slot()
    assert world.free(BEN) == TEER
