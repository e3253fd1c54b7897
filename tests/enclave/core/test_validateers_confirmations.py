"""Confirmations of sidechain blocks with several validateers: whose, how many, and what if one does not count."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

import pytest
from msgspec.structs import replace

from integritee.enclave.parentchain.bridge import BridgeContract
from integritee.node.runtime.runtime import TEER
from integritee.primitives.sidechain import FINALIZATION_STRIDE, SidechainBlockConfirmation

from .harness import World, payments
from .test_validateers_money import PAYEE, is_sent, purge, unshield
from .validateers import BLOCK_SLOTS, Network


def under_way(world: World) -> list[bytes]:
    """Confirmations of sidechain blocks that an enclave has signed and not seen included."""
    link = world.core.integritee
    bridge = link.connected.bridge
    return [entry.call for entry in link.outbox.entries.values() if bridge.is_confirmation(entry.call)]


def confirmed(network: Network) -> list[int]:
    """Numbers of the blocks that the parentchain confirmed, in order."""
    found = network.workers[0].chain.all_events("Sidechain.FinalizedSidechainBlock")
    return [fields["block_number"] - FINALIZATION_STRIDE for fields in found]


def test_the_first_one_confirms_one_after_the_other(network: Network) -> None:
    one, two = network.workers
    seen, numbers = set(), len(confirmed(network))
    for number in range(14 * BLOCK_SLOTS):
        if number % 9 == 0:
            unshield(network, number % 2)
        network.slot()
        seen |= {len(under_way(one))}
        assert under_way(two) == []
    assert seen == {0, 1}
    assert len(confirmed(network)) > numbers + 2
    assert confirmed(network) == sorted(set(confirmed(network)))
    assert one.core.integritee.refused == 0


def test_without_payments_only_every_fiftieth_block_or_so_is_confirmed(network: Network) -> None:
    network.run(4)
    begun, before = network.workers[0].core.latest_header.block_number, len(confirmed(network))
    network.run(2 * FINALIZATION_STRIDE)
    made = network.workers[0].core.latest_header.block_number - begun
    assert made == 2 * FINALIZATION_STRIDE
    assert 1 <= len(confirmed(network)) - before <= 5


def test_one_that_is_lost_is_signed_again_when_it_has_expired(network: Network) -> None:
    one = network.workers[0]
    network.run(3 * BLOCK_SLOTS)
    network.until(lambda: under_way(one) == [])
    one.drops = lambda extrinsic: True
    unshield(network, 1)
    network.run(4)
    (call,) = under_way(one)
    network.run(20 * BLOCK_SLOTS)
    assert under_way(one) == [call]
    assert payments(one) == []
    one.drops = lambda extrinsic: False
    network.run(12 * BLOCK_SLOTS)
    assert payments(one) == [(PAYEE, TEER)]


@contextmanager
def wrong_ancestor() -> Iterator[None]:
    """The enclave believes that another block was confirmed last; the parentchain refuses what builds on that."""

    def confirm(
        self: BridgeContract, ancestor: SidechainBlockConfirmation | None, candidate: SidechainBlockConfirmation
    ) -> bytes:
        assert ancestor is not None
        return original(self, replace(ancestor, block_header_hash=b"?" * 32), candidate)

    original = BridgeContract.confirm_sidechain_block
    with patch.object(BridgeContract, "confirm_sidechain_block", confirm):
        yield


def test_after_one_that_is_refused_there_is_another(network: Network) -> None:
    one = network.workers[0]
    network.run(3 * BLOCK_SLOTS)
    network.until(lambda: under_way(one) == [])
    unshield(network, 1)
    with wrong_ancestor():
        network.until(lambda: under_way(one) != [], 20)
    network.until(lambda: one.core.integritee.refused == 1, 6 * BLOCK_SLOTS)
    assert payments(one) == []
    network.until(lambda: is_sent(network), 12 * BLOCK_SLOTS)
    network.run(4 * BLOCK_SLOTS)
    assert payments(one) == [(PAYEE, TEER)]


@pytest.mark.parametrize("lost", [False, True])
def test_the_next_first_one_goes_on_from_what_is_confirmed(network: Network, lost: bool) -> None:
    """Although one of the old first one's is under way, or was lost; that one confirms no more."""
    one, two = network.workers
    network.run(3 * BLOCK_SLOTS)
    if lost:
        one.drops = lambda extrinsic: True
    unshield(network, 0)
    network.run(3)
    purge(network, 0)
    one.drops = lambda extrinsic: False
    network.run(4 * BLOCK_SLOTS)
    assert two.core.consensus.is_primary
    before = len(confirmed(network))
    unshield(network, 0, 2 * TEER)
    network.run(12 * BLOCK_SLOTS)
    assert len(confirmed(network)) > before
    assert sorted(payments(one)) == [(PAYEE, TEER), (PAYEE, 2 * TEER)]
    assert [world.core.halted for world in network.workers] == [None, None]
