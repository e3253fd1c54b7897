"""An enclave that begins at a block its operator vouches for, unless it has been there before."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from integritee.boundary.messages import Checkpoint
from integritee.enclave.parentchain.errors import (
    CheckpointTooLate,
    ForeignCheckpoint,
    InvalidCheckpoint,
    UnknownVoter,
)
from integritee.enclave.parentchain.header_chain import BlockId
from integritee.errors import IntegriteeError
from integritee.node.runtime.runtime import TEER
from integritee.primitives.header import Header

from ...security.hostile_host import NEW_COUNCIL, OLD_COUNCIL, council_chain
from .harness import ANN, World

FIRST, LAST = 2, 3
"""The block that announces new voters and the last of the old ones."""


@pytest.fixture
def late() -> Iterator[World]:
    """A worker on a chain of ten blocks, which it has not met."""
    world = World(council_chain(announced=FIRST))
    world.grow(10)
    yield world
    world.check()
    world.close()


def header(world: World, number: int) -> Header:
    return world.chain.block(number, []).header


def checkpoint(world: World, number: int) -> Checkpoint:
    beyond = number >= LAST
    return Checkpoint(header(world, number), int(beyond), NEW_COUNCIL if beyond else OLD_COUNCIL)


def connect_at(world: World, checkpoint: Checkpoint) -> None:
    world.core.connect(replace(world.chain.params(), checkpoint=checkpoint))


@pytest.mark.parametrize("number", [1, LAST, 7, 10])
def test_it_begins_at_the_checkpoint_and_runs(late: World, number: int) -> None:
    connect_at(late, checkpoint(late, number))
    state = late.core.sync_state()
    assert (state.number, state.hash, state.trust) == (number, header(late, number).hash(), "grandpa")
    if number < LAST:
        late.sync(LAST - number)
    late.run()
    late.shield(ANN, 5 * TEER)
    late.block()
    late.settle()
    assert late.free(ANN) == 5 * TEER - 5 * TEER // 571
    assert late.core.halted is None


def test_it_is_shown(late: World, caplog: pytest.LogCaptureFixture) -> None:
    connect_at(late, checkpoint(late, 7))
    late.sync()
    (status,) = late.core.chain_statuses(late.now)
    assert (status.checkpoint, status.trust) == (header(late, 7).hash(), "grandpa")
    assert f"block 7 0x{header(late, 7).hash().hex()}, on the operator's word" in caplog.text


@pytest.mark.parametrize("number", [None, 1, 5, 9])
def test_later_it_is_ignored_but_remembered(late: World, number: int | None) -> None:
    """Another one behind what is sealed, or none: the enclave goes on from where it is."""
    connect_at(late, checkpoint(late, 5))
    late.run()
    number_before = late.core.sync_state().number
    late.directory.reboot()
    late.boot()
    params = late.chain.params()
    late.core.connect(params if number is None else replace(params, checkpoint=checkpoint(late, number)))
    follower = late.core.integritee.connected
    assert 5 < follower.head.number <= number_before
    assert follower.chain.checkpoint == BlockId.of(header(late, 5))
    late.block()
    late.settle()
    assert late.core.halted is None


def test_what_is_sealed_does_not_jump(late: World) -> None:
    """A checkpoint ahead is on the way, or the chain is not followed there."""
    late.run()
    late.grow(5)
    ahead = checkpoint(late, late.chain.height - 1)
    false = replace(ahead, header=replace(ahead.header, state_root=bytes(32)))
    for configured, error in [(false, ForeignCheckpoint), (ahead, None)]:
        late.directory.reboot()
        late.boot()
        connect_at(late, configured)
        assert late.core.sync_state().number < ahead.header.number
        if error is not None:
            with pytest.raises(error):
                late.sync()
        else:
            late.sync()
            assert late.core.sync_state().number == late.chain.height


@pytest.mark.parametrize(
    ("number", "changes", "error"),
    [
        (0, {}, InvalidCheckpoint),
        (5, {"authorities": OLD_COUNCIL, "set_id": 0}, UnknownVoter),
        (FIRST, {"authorities": NEW_COUNCIL, "set_id": 1}, UnknownVoter),
    ],
    ids=["genesis", "dismissed voters", "voters before their time"],
)
def test_an_operator_who_errs_gets_nowhere(
    late: World, number: int, changes: dict[str, object], error: type[IntegriteeError]
) -> None:
    with pytest.raises(error):
        connect_at(late, replace(checkpoint(late, number), **changes))
        late.sync()
    before = late.core.state.root()
    late.directory.reboot()
    late.boot()
    late.connect()
    late.run()
    assert late.core.is_running
    assert before != late.core.state.root()


def test_an_enclave_that_has_acted_needs_an_earlier_one() -> None:
    """It lost what it knew of the chain before its shard began; the checkpoint could hide deposits from it."""
    world = World(council_chain(announced=40))
    try:
        world.grow(3)
        world.connect()
        world.fund_enclave()
        world.block(2)
        assert world.phases[-1] == "claiming_shard"
        world.grow(5)
        for number, refused in [(9, True), (3, False)]:
            world.directory.reboot()
            world.boot()
            connect_at(world, Checkpoint(header(world, number), 0, OLD_COUNCIL))
            if refused:
                for _ in range(2):
                    with pytest.raises(CheckpointTooLate) as caught:
                        world.sync()
                    assert caught.value.data() == {"number": number + 1, "nonce": 2}
                    assert world.core.sync_state().number == number
        world.sync()
        world.run()
        assert world.core.is_running
    finally:
        world.close()
