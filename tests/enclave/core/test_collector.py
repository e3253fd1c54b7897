"""The garbage collector rests while a state comes into memory, and only then."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import suppress

import pytest

from integritee.enclave.collector import collector_paused


@pytest.fixture(params=[True, False], ids=["on", "off"])
def before(request: pytest.FixtureRequest) -> Iterator[bool]:
    """Whether the collector was on."""
    was = gc.isenabled()
    (gc.enable if request.param else gc.disable)()
    yield request.param
    (gc.enable if was else gc.disable)()


def test_it_is_as_before_afterwards(before: bool) -> None:
    with collector_paused():
        assert not gc.isenabled()
        with collector_paused():
            pass
        assert not gc.isenabled()
    assert gc.isenabled() is before


def test_after_a_failure_too(before: bool) -> None:
    with suppress(MemoryError), collector_paused():
        raise MemoryError
    assert gc.isenabled() is before
