"""A host that meddles with what the enclave sends out and with its disk: nobody is paid wrongly, nothing starts on
what was touched. Lies about the parentchain are in `test_hostile_host`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from integritee.enclave.selftest.damage import flipped
from integritee.errors import IntegriteeError
from integritee.node.runtime.runtime import TEER

from ..enclave.core.harness import ANN, CAT, DAN, World, payments
from ..enclave.store.machine import counting_random
from .hostile_host import STRANGER, assert_recovers

# -- extrinsics of the enclave


def test_altered_extrinsics_reach_nobody(world: World) -> None:
    world.sync()
    world.slot()
    world.drops = lambda extrinsic: True
    world.unshield(ANN, CAT.public, TEER)
    world.slot()
    payment = next(e for e in world.core.integritee.outbox.entries.values() if e.payment)
    before = world.chain.free(DAN.public)
    for extrinsic in (
        payment.extrinsic.replace(CAT.public, DAN.public),
        flipped(payment.extrinsic, -1),
        payment.extrinsic.replace(world.account, STRANGER.public),
    ):
        assert extrinsic != payment.extrinsic
        world.chain.submit(extrinsic, world.now)
    world.block()
    assert payments(world) == []
    assert world.chain.free(DAN.public) == before
    world.drops = lambda extrinsic: False
    world.block(5)
    world.settle()
    assert payments(world) == [(CAT.public, TEER)]


def test_replayed_and_reordered_extrinsics_pay_once_each(world: World) -> None:
    world.sync()
    world.slot()
    world.drops = lambda extrinsic: True
    nonce = world.nonce(ANN)
    for i in range(3):
        world.unshield(ANN, CAT.public, TEER + i, nonce + i)
    world.slot()
    for _ in range(3):
        for extrinsic in reversed(world.core.integritee.outbox.pending()):
            world.chain.submit(extrinsic, world.now)
        world.grow()
    world.sync()
    world.drops = lambda extrinsic: False
    world.settle()
    assert payments(world) == [(CAT.public, TEER + i) for i in range(3)]


# -- the disk


def journal(contents: dict[str, bytes]) -> str:
    return next(name for name in sorted(contents) if name.startswith("journal"))


def touched(contents: dict[str, bytes], name: str, at: int) -> dict[str, bytes]:
    return {**contents, name: flipped(contents[name], at)}


DISK: list[Any] = [
    ("flipper_of_records", lambda c, _: touched(c, journal(c), len(c[journal(c)]) // 2)),
    ("flipper_of_headers", lambda c, _: touched(c, journal(c), 0)),
    ("eraser_of_the_journals_beginning", lambda c, _: {**c, journal(c): c[journal(c)][100:]}),
    ("thief_of_a_journal", lambda c, _: {n: d for n, d in c.items() if n != journal(c)}),
    ("thief_of_a_key", lambda c, _: {n: d for n, d in c.items() if n != "secret-state-key"}),
    ("spoiler_of_a_key", lambda c, _: touched(c, "secret-signing-key", 80)),
    ("swapper_of_keys", lambda c, _: {**c, "secret-signing-key": c["secret-state-key"]}),
    ("smuggler_of_anothers_key", lambda c, o: {**c, "secret-signing-key": o["secret-signing-key"]}),
    ("smuggler_of_anothers_journal", lambda c, o: {**c, journal(c): o[journal(o)]}),
]


@pytest.mark.parametrize("meddle", [m for _, m in DISK], ids=[n for n, _ in DISK])
def test_meddling_with_the_disk(world: World, meddle: Callable[..., dict[str, bytes]]) -> None:
    """No enclave starts from a directory the host has touched; untouched, it starts."""
    contents = world.directory.contents()
    draw = counting_random()
    other = World(random=lambda size: draw(size)[::-1])
    other.run()
    others = other.directory.contents()
    other.close()
    meddled = meddle(contents, others)
    assert meddled != contents
    world.directory.reboot()
    world.directory.put_back(meddled)
    with pytest.raises(IntegriteeError) as caught:
        world.boot()
    assert caught.value.code.startswith("store.")
    assert not world.directory._locked
    world.directory.reboot()
    world.directory.put_back(contents)
    world.boot()
    world.connect()
    world.sync()
    assert_recovers(world)
