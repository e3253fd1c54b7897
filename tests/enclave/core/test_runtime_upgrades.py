"""The parentchain's runtime changes under the enclave: what it reads, what it signs, and what it has signed before."""

from __future__ import annotations

import pytest

from integritee.boundary.messages import RuntimeFacts
from integritee.enclave.errors import MetadataChanged, SpecVersionUnproven
from integritee.enclave.parentchain.contract import Place
from integritee.enclave.parentchain.runtimes import MAX_RUNTIMES, Runtimes, proven_version
from integritee.metadata import decode_extrinsic
from integritee.node.runtime.runtime import TEER
from integritee.primitives.ids import ParentchainId

from .harness import ANN, BEN, CAT, World, payments
from .parentchain import metadata, raw_metadata, runtime_update

NEXT = RuntimeFacts(raw_metadata(411), 411, 9)
PLACE = Place(ParentchainId.Integritee, bytes(32), bytes(32), bytes(32))
HERE = RuntimeFacts(raw_metadata(410), 410, 8)


@pytest.fixture
def rich(world: World) -> World:
    world.shield(ANN, 100 * TEER)
    world.block()
    world.settle()
    return world


def upgrade(world: World) -> None:
    """The chain is upgraded; the host says so before any such block is final."""
    world.chain.upgrade()
    world.core.set_runtime(runtime_update(world.chain.facts()))


def test_indexes_differ() -> None:
    """The test's own premise: an old call is another one, or none, in the next version."""
    call = metadata(410).call_index("Proxy", "proxy")
    assert metadata(411).call_index("Proxy", "proxy") != call
    assert metadata(411).call_index("Utility", "batch")[0] == call[0]


def test_life_goes_on(rich: World) -> None:
    upgrade(rich)
    assert rich.core.integritee.follower is not None
    assert rich.core.integritee.follower.facts.spec_version == 410
    rich.block()
    assert rich.core.integritee.follower.facts.spec_version == 411
    rich.shield(BEN, 3 * TEER)
    rich.unshield(ANN, CAT.public, TEER)
    rich.settle(4)
    assert rich.free(BEN) == 3 * TEER - 3 * TEER // 571
    assert payments(rich) == [(CAT.public, TEER)]
    assert rich.core.halted is None


def test_what_was_signed_before_is_signed_again_at_once(rich: World) -> None:
    """And means the same: the call is rewritten with the new indexes."""
    rich.drops = lambda extrinsic: True
    rich.unshield(ANN, CAT.public, TEER)
    rich.slot()
    before = {e.id: e for e in rich.core.integritee.outbox.entries.values()}
    assert len(before) == 2
    upgrade(rich)
    rich.block()
    rich.slot()
    for id, old in before.items():
        new = rich.core.integritee.outbox.entries[id]
        assert (new.nonce, new.period, new.payment) == (old.nonce, old.period, old.payment)
        assert (new.spec_version, new.transaction_version) == (411, 9)
        was, now = metadata(410).decode_call(old.call), metadata(411).decode_call(new.call)
        assert str(was) == str(now)
        assert decode_extrinsic(metadata(411), new.extrinsic).nonce == old.nonce
    for old in before.values():
        rich.chain.submit(old.extrinsic, rich.now)
    rich.block()
    assert payments(rich) == []
    rich.drops = lambda extrinsic: False
    rich.block(4)
    rich.settle()
    assert payments(rich) == [(CAT.public, TEER)]
    assert rich.core.halted is None


def test_blocks_of_both_versions_in_one_batch(rich: World) -> None:
    rich.shield(BEN, 3 * TEER)
    rich.grow(2)
    rich.chain.upgrade()
    rich.grow()
    rich.shield(BEN, 4 * TEER)
    rich.grow(2)
    rich.core.set_runtime(runtime_update(rich.chain.facts()))
    rich.sync()
    rich.slot()
    assert rich.free(BEN) == 3 * TEER - 3 * TEER // 571 + 4 * TEER - 4 * TEER // 571
    rich.settle()
    assert rich.core.halted is None


def test_a_host_that_comes_back_late_catches_up(rich: World) -> None:
    """The connection is made anew after the upgrade, as a worker does whose session broke."""
    rich.grow(2)
    rich.chain.upgrade()
    rich.grow(3)
    with pytest.raises(SpecVersionUnproven) as caught:
        rich.sync()
    assert caught.value.data() == {"found": 410, "expected": 411}
    rich.connect()
    rich.sync()
    rich.settle()
    assert rich.core.halted is None


def test_restart_across_an_upgrade(rich: World) -> None:
    """The node only has the new metadata; blocks before the upgrade need the old, which the enclave remembers."""
    rich.unshield(ANN, CAT.public, TEER)
    rich.drops = lambda extrinsic: True
    rich.slot()
    rich.shield(BEN, 3 * TEER)
    rich.grow(2)
    rich.chain.upgrade()
    rich.grow(3)
    rich.restart()
    rich.sync()
    rich.drops = lambda extrinsic: False
    rich.settle(4)
    assert rich.free(BEN) == 3 * TEER - 3 * TEER // 571
    assert payments(rich) == [(CAT.public, TEER)]
    rich.restart()
    rich.block()
    rich.settle()
    assert rich.core.halted is None


def test_restart_between_upgrade_and_slot(rich: World) -> None:
    upgrade(rich)
    rich.block()
    rich.restart()
    rich.block()
    rich.unshield(ANN, CAT.public, TEER)
    rich.settle()
    assert payments(rich) == [(CAT.public, TEER)]
    assert rich.core.halted is None


def test_metadata_of_a_known_version_cannot_change(world: World) -> None:
    forged = RuntimeFacts(HERE.metadata.replace(b"Sidechain", b"Sidechaim"), 410, 8)
    with pytest.raises(MetadataChanged):
        world.core.set_runtime(runtime_update(forged))
    world.restart()
    with pytest.raises(MetadataChanged):
        world.core.set_runtime(runtime_update(forged))


def test_an_earlier_version_does_not_come_back(world: World) -> None:
    with pytest.raises(SpecVersionUnproven) as caught:
        world.core.set_runtime(runtime_update(RuntimeFacts(HERE.metadata, 409, 8)))
    assert caught.value.data() == {"found": 409, "expected": 410}


def test_an_offer_changes_nothing_before_it_is_proven(world: World) -> None:
    """A host may be mistaken about the next version as long as no block has run it."""
    follower = world.core.integritee.follower
    assert follower is not None
    before = (follower.facts, follower.pins)
    mistaken = RuntimeFacts(NEXT.metadata.replace(b"Sidechain", b"Sidechaim"), 411, 9)
    with pytest.raises(Exception) as caught:
        world.core.set_runtime(runtime_update(mistaken))
    assert caught.value.code == "parentchain.missing_call"  # type: ignore[attr-defined]
    world.core.set_runtime(runtime_update(RuntimeFacts(NEXT.metadata.replace(b"Teeracle", b"Teeracla"), 411, 9)))
    world.core.set_runtime(runtime_update(RuntimeFacts(NEXT.metadata, 412, 9)))
    world.block()
    assert (follower.facts, follower.pins) == before
    upgrade(world)
    world.block()
    assert follower.facts.spec_version == 411
    assert sorted(follower.pins) == [410, 411]
    world.settle()
    assert world.core.halted is None


def test_few_versions_are_kept() -> None:
    runtimes = Runtimes(bytes(32), PLACE, (), {}, HERE)
    for version in range(411, 411 + 2 * MAX_RUNTIMES):
        runtimes.offer(RuntimeFacts(NEXT.metadata, version, 9))
    kept = [v for v in range(400, 430) if runtimes.stated(v)]
    assert len(kept) == MAX_RUNTIMES
    assert 410 in kept
    assert kept[-1] == 410 + 2 * MAX_RUNTIMES
    assert runtimes.of({}) is runtimes.current
    assert proven_version({}) is None


def test_calls_of_a_forgotten_version_are_not_guessed() -> None:
    runtimes = Runtimes(bytes(32), PLACE, (), {}, NEXT)
    call = metadata(410).call("System", "remark", {"remark": b"x"})
    assert runtimes.translated(call, 410, 9) == call
    with pytest.raises(SpecVersionUnproven):
        runtimes.translated(call, 410, 8)
