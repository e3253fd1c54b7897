from __future__ import annotations

from collections.abc import Iterator

import pytest

from .harness import World


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
