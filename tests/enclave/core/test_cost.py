"""What a block costs does not depend on how many accounts there are. Counted in steps, not in seconds."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from types import FrameType
from typing import Any

import pytest

from integritee.crypto import blake2_256
from integritee.frame.pallets.system import AccountData, AccountInfo
from integritee.node.runtime.runtime import TEER
from integritee.scale import codec

from .harness import ANN, BEN, World


def steps(action: Callable[[], object]) -> int:
    """Calls of functions, Python's and C's, that an action makes."""
    count = 0

    def counted(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(counted)
    try:
        action()
    finally:
        sys.setprofile(None)
    return count


def populate(world: World, accounts: int) -> None:
    """Put so many accounts, without funds to keep the laws, into the committed state."""
    encode = codec(AccountInfo).encode
    key_of = world.runtime.system.account.key_of
    changes = {
        key_of(blake2_256(i.to_bytes(4, "little"))): encode(AccountInfo(nonce=i + 1, data=AccountData()))
        for i in range(accounts)
    }
    core = world.core
    chain = core.replica.chain
    chain.state, growth = chain.state.grow(changes)
    chain.state_bytes += growth
    core.replica.show_state()
    core.state.root()


@pytest.fixture
def rich(world: World) -> World:
    world.shield(ANN, 100 * TEER)
    world.block()
    world.slot()
    world.core.config = replace(world.core.config, check_invariants=False)  # which reads all of the state
    return world


def test_empty_blocks(rich: World) -> None:
    small = steps(rich.slot)
    populate(rich, 10_000)
    rich.slot()
    large = steps(rich.slot)
    assert large <= 1.1 * small


def test_transfers(rich: World) -> None:
    def transfer() -> None:
        rich.transfer(ANN, BEN, TEER)
        rich.slot()

    transfer()
    small = steps(transfer)
    populate(rich, 10_000)
    transfer()
    large = steps(transfer)
    assert large <= 1.3 * small
