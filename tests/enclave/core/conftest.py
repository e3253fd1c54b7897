from __future__ import annotations

from collections.abc import Iterator

import pytest

from integritee.node.runtime.runtime import TEER

from .harness import ANN, BEN, World
from .validateers import Network


@pytest.fixture
def fresh() -> Iterator[World]:
    """A worker that has just started on a fresh chain, not connected yet."""
    world = World()
    yield world
    world.close()


@pytest.fixture(scope="session")
def template() -> Iterator[World]:
    world = World()
    world.run()
    yield world
    world.close()


@pytest.fixture
def world(template: World) -> Iterator[World]:
    """A worker whose shard runs; its laws are checked at the end of the test."""
    world = template.fork()
    yield world
    world.check()
    world.close()


@pytest.fixture
def network(template: World) -> Iterator[Network]:
    """Two validateers, and 100 TEER in the ledger for Ann and Ben each; all keep their laws."""
    network = Network(template.fork())
    first = network.workers[0]
    first.shield(ANN, 100 * TEER)
    first.shield(BEN, 100 * TEER)
    first.settle()
    network.join()
    yield network
    network.check()
    network.close()
