"""The collector looks at what stays once."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from integritee.enclave.collector import FULL, collector_paused, keep_survivors


@pytest.fixture
def kept() -> Iterator[None]:
    gc.callbacks.append(keep_survivors)
    yield
    gc.callbacks.remove(keep_survivors)


@pytest.mark.usefixtures("kept")
def test_survivors_of_a_full_collection_are_left_alone() -> None:
    stays = [[number] for number in range(1000)]
    frozen = gc.get_freeze_count()
    gc.collect(FULL - 1)
    assert gc.get_freeze_count() <= frozen, "what was left alone may still end"
    gc.collect()
    assert gc.get_freeze_count() >= frozen + len(stays)
    assert not any(each is stays for each in gc.get_objects())


def test_it_rests_for_a_while() -> None:
    with collector_paused():
        assert not gc.isenabled()
    assert gc.isenabled()
