from __future__ import annotations

from collections.abc import Iterator

import pytest

from ..enclave.core.harness import World
from .hostile_host import besieged, council_chain


@pytest.fixture(scope="module")
def template() -> Iterator[World]:
    world = World(council_chain())
    world.run()
    yield world
    world.close()


@pytest.fixture
def world(template: World) -> Iterator[World]:
    """A worker whose host holds four finalized blocks that the enclave has not seen."""
    world = besieged(template)
    yield world
    world.check()
    world.close()
