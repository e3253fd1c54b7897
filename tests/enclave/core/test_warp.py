"""An enclave that meets a chain whose voters have changed: it leaps, unless it has been there before."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from integritee.boundary.messages import Leap
from integritee.enclave.parentchain.errors import WarpedTooFar
from integritee.node.runtime.runtime import TEER

from ...security.hostile_host import council_chain
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


def leap(world: World, first: int = FIRST, last: int = LAST) -> Leap:
    blocks = [world.chain.block(number, []) for number in range(first, last + 1)]
    assert blocks[-1].justification is not None
    return Leap([block.header for block in blocks], blocks[-1].justification)


def connect_by(world: World, *leaps: Leap) -> None:
    world.core.connect(replace(world.chain.params(), leaps=list(leaps)))


def test_it_begins_where_the_leaps_end_and_runs(late: World) -> None:
    connect_by(late, leap(late))
    assert late.core.sync_state().number == LAST
    late.run()
    late.shield(ANN, 5 * TEER)
    late.block()
    late.settle()
    assert late.free(ANN) == 5 * TEER - 5 * TEER // 571
    assert late.core.halted is None


def test_what_it_resumes_is_not_leapt_over(late: World) -> None:
    connect_by(late, leap(late))
    late.run()
    number = late.core.sync_state().number
    late.directory.reboot()
    late.boot()
    connect_by(late, leap(late))
    assert LAST < late.core.sync_state().number <= number
    late.block()
    late.settle()
    assert late.core.halted is None


def test_an_enclave_that_has_acted_reads_all() -> None:
    """It lost what it knew of the chain before its shard began; leaps could hide deposits from it."""
    world = World(council_chain(announced=12))
    try:
        world.connect()
        world.fund_enclave()
        world.block(2)
        assert world.phases[-1] == "claiming_shard"
        world.grow(15 - world.chain.height)
        world.directory.reboot()
        world.boot()
        connect_by(world, leap(world, 12, 13))
        before = world.core.state.root()
        with pytest.raises(WarpedTooFar) as caught:
            world.sync()
        assert caught.value.data() == {"number": 14, "nonce": 2}
        assert world.core.state.root() == before
        assert world.core.sync_state().number == 0
        world.sync()
        world.run()
        assert world.core.is_running
    finally:
        world.close()
