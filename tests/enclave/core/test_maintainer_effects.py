"""What the maintainer's load tests do to a running worker: remarks on chain, an idle author, a full outbox."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from integritee.crypto import Ed25519Pair, blake2_256
from integritee.enclave.service import EnclaveService
from integritee.enclave.sidechain import production
from integritee.enclave.sidechain.slots import slot_at
from integritee.metadata import decode_extrinsic
from integritee.node.runtime.runtime import TEER
from integritee.primitives.ids import ParentchainId
from integritee.stf import authorisation
from integritee.stf.native.maintenance import REMARK

from .harness import ANN, BEN, LEDGER, SLOT_MS, TEE, World, getter_bytes, public_getter
from .parentchain import metadata

HERE = ParentchainId.Integritee
MAINTAINER = Ed25519Pair.from_seed(blake2_256(b"the maintainer of a test network"))


@pytest.fixture(autouse=True)
def maintained(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A maintainer whose key is known."""
    monkeypatch.setattr(authorisation, "MAINTAINER", MAINTAINER.public)
    yield


def order(world: World, name: str, *args: object) -> bytes:
    return world.submit(world.signed(MAINTAINER, LEDGER.call(name, MAINTAINER.public, *args)))


def remarks(world: World) -> list[bytes]:
    calls = [decode_extrinsic(metadata(), raw).call for raw in world.chain.signed_by(world.account)]
    return [call.args["remark"] for call in calls if str(call) == "System.remark"]


@pytest.mark.parametrize("number", [0, 1, 20])
def test_spam_reaches_the_parentchain(world: World, number: int) -> None:
    hash = order(world, "spam_extrinsics", number, HERE)
    world.settle()
    assert world.status(hash)[-1] == "InSidechainBlock"
    assert remarks(world) == [REMARK] * number


def test_spam_for_a_chain_that_is_not_connected_is_undone(world: World) -> None:
    hash = order(world, "spam_extrinsics", 3, ParentchainId.TargetA)
    world.settle()
    assert (world.status(hash)[-1], world.reason(hash)) == ("Invalid", "parentchain.not_connected")
    assert world.runtime.system.nonce(MAINTAINER.public) == 1
    assert remarks(world) == []


@pytest.mark.parametrize(("wanted", "reason"), [(3, None), (4, "outbox.full"), (256, "outbox.full")])
def test_all_extrinsics_of_a_call_find_room_or_none(
    world: World, monkeypatch: pytest.MonkeyPatch, wanted: int, reason: str | None
) -> None:
    """A call that asks for more than there is room for is undone; the block is made without it."""
    world.slot()
    monkeypatch.setattr(production, "MAX_PAYMENTS", len(world.core.integritee.outbox.entries) + 3)
    number = world.core.latest_header.block_number
    hash = order(world, "spam_extrinsics", wanted, HERE)
    world.slot()
    assert world.core.latest_header.block_number == number + 1
    assert world.reason(hash) == reason
    world.settle()
    assert len(remarks(world)) == (0 if reason else wanted)


def test_calls_after_one_that_took_the_last_room_wait(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.shield(ANN, 10 * TEER)
    world.block()
    world.slot()
    world.slot()
    monkeypatch.setattr(production, "MAX_PAYMENTS", len(world.core.integritee.outbox.entries) + 2)
    order(world, "spam_extrinsics", 2, HERE)
    later = world.transfer(ANN, BEN, TEER)
    world.slot()
    assert world.status(later) == ["Ready"]
    monkeypatch.undo()
    world.settle()
    assert world.status(later)[-1] == "InSidechainBlock"


async def test_the_author_idles_as_long_as_it_is_told_and_answers_meanwhile(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    naps: list[float] = []
    service = EnclaveService(world.core, world.store, TEE, clock=lambda: world.now)
    pause = asyncio.sleep

    async def nap(seconds: float) -> None:
        """Note how long; a getter is answered before it is over."""
        naps.append(seconds)
        if seconds:
            request = getter_bytes(public_getter("some_value"))
            assert service.core.view.query(service._getter_codec.decode(request), world.now) == b"\x2a\0\0\0"
        await pause(0)

    monkeypatch.setattr(asyncio, "sleep", nap)
    for milliseconds in (250, 500):
        order(world, "waste_time", milliseconds)
    number = world.core.latest_header.block_number
    slot = slot_at(world.now - world.now % SLOT_MS + SLOT_MS, SLOT_MS)
    world.now = slot.start
    await service._serve_slot(slot, slot.start)
    assert sum(naps) == 0.75
    assert world.core.latest_header.block_number == number + 1
    service._executor.shutdown()
