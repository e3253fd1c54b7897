"""A host that puts an old disk back, or runs two enclaves from one disk: noticed, and never paid twice."""

from __future__ import annotations

import pytest

from integritee.enclave.errors import StateRolledBack
from integritee.enclave.parentchain.outbox import NonceOvertaken
from integritee.node.runtime.runtime import TEER

from .harness import ANN, BEN, CAT, World, payments, public_getter


@pytest.fixture
def rich(world: World) -> World:
    world.shield(ANN, 100 * TEER)
    world.block()
    world.slot()
    world.settle()
    return world


def put_back(world: World, contents: dict[str, bytes]) -> None:
    world.directory.reboot()
    world.directory.put_back(contents)
    world._nonces.clear()
    world.boot()
    world.connect()


def test_state_older_than_the_parentchains_confirmation(rich: World) -> None:
    old = rich.directory.contents()
    reached = rich.core.latest_header.block_number
    while rich.core.latest_header.block_number < 52:
        rich.slot()
    rich.settle(1)
    put_back(rich, old)
    rich.sync()
    with pytest.raises(StateRolledBack) as caught:
        rich.slot()
    assert caught.value.data() == {"found": reached, "confirmed": 51}
    assert rich.core.halted is caught.value
    assert rich.slot() is None
    assert rich.core.view.query(public_getter("some_value"), 0) == b"\x2a\0\0\0"


def test_state_older_than_the_extrinsics_it_sent(rich: World) -> None:
    old = rich.directory.contents()
    rich.unshield(ANN, CAT.public, TEER)
    rich.settle()
    assert payments(rich) == [(CAT.public, TEER)]
    put_back(rich, old)
    rich.sync()
    assert rich.nonce(ANN) == 0
    rich.unshield(ANN, CAT.public, TEER)
    submitted = len(rich.submitted)
    with pytest.raises(NonceOvertaken) as caught:
        rich.slot()
    assert caught.value.found > caught.value.expected
    assert rich.core.halted is caught.value
    assert len(rich.submitted) == submitted
    rich.block(3)
    assert payments(rich) == [(CAT.public, TEER)]
    assert len(rich.core.pool) == 1  # it waits for an operator who knows what happened


def test_two_lives_share_one_set_of_nonces(rich: World) -> None:
    """The host withholds the first life's blocks from the second: both pay, the chain takes one."""
    old = rich.directory.contents()
    rich.block()
    rich.unshield(ANN, CAT.public, TEER)
    first = rich.slot()
    put_back(rich, old)
    rich.sync()
    rich.unshield(ANN, BEN.public, 2 * TEER)
    second = rich.slot()
    assert first is not None
    assert second is not None
    assert first.submit != second.submit
    before = rich.chain.free(BEN.public)
    rich.grow(3)
    assert payments(rich) == [(CAT.public, TEER)]
    assert rich.chain.free(BEN.public) == before
    rich.sync()
    with pytest.raises(NonceOvertaken):
        rich.slot()


def test_a_restart_is_no_rollback(rich: World) -> None:
    while rich.core.latest_header.block_number < 120:
        rich.slot()
        if rich.core.latest_header.block_number % 25 == 0:
            rich.block()
            rich.restart()
            rich.block()
    rich.settle()
    assert rich.core.halted is None
    assert rich.core.confirmed_number() == 151
