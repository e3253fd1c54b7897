"""Maintenance and retirement of a shard with several validateers, on the parentchain's word."""

from __future__ import annotations

from dataclasses import replace

import pytest

from integritee.crypto import Ed25519Pair, blake2_256
from integritee.errors import IntegriteeError
from integritee.node.runtime.runtime import TEER
from integritee.primitives.enclave_bridge import ShardConfig
from integritee.stf import runtime as runtimes
from integritee.stf.chain_specs import UNKNOWN
from integritee.stf.types import ShardMode

from .harness import ANN, BEN, LEDGER, MRENCLAVE, ledger_pair, payments
from .parentchain import ALICE, metadata
from .validateers import BLOCK_SLOTS, Network

FEE = TEER // 100
DELAY = 4
"""Parentchain blocks from maintenance to retirement in these tests."""

PEOPLE = [Ed25519Pair.from_seed(blake2_256(b"one of many %d" % i)) for i in range(23)]


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtimes, "spec_of", lambda genesis, development: replace(UNKNOWN, retirement_delay=DELAY))


def configure(network: Network, maintenance: bool) -> None:
    chain, shard = network.workers[0].chain, network.workers[0].shard
    args = {
        "shard": shard,
        "shard_config": ShardConfig(MRENCLAVE, maintenance_mode=maintenance),
        "enactment_delay": 0,
    }
    call = metadata().call("EnclaveBridge", "update_shard_config", args)
    chain.submit(chain.sign(ALICE, "Sudo", "sudo", {"call": call}), network.now)


def modes(network: Network) -> set[ShardMode]:
    return {world.runtime.shard_management.mode.get() for world in network.workers}


def test_maintenance_is_the_same_for_all(network: Network) -> None:
    configure(network, True)
    network.until(lambda: modes(network) == {ShardMode.MaintenanceOngoing})
    for world in network.workers:
        with pytest.raises(IntegriteeError, match="MaintenanceOngoing"):
            world.transfer(ANN, BEN, TEER)
    configure(network, False)
    network.until(lambda: modes(network) == {ShardMode.Normal})
    call = LEDGER.call("balance_transfer", ANN.public, BEN.public, TEER)
    hash = network.spread(1, network.workers[1].signed(ANN, call))
    network.run(4)
    assert {world.status(hash)[-1] for world in network.workers} == {"InSidechainBlock"}


@pytest.mark.parametrize("is_cut", [False, True], ids=["together", "apart for a while"])
def test_everybody_is_paid_out_once(network: Network, is_cut: bool) -> None:
    """Whoever makes the blocks that do it."""
    one, two = network.workers
    for i, who in enumerate(PEOPLE):
        call = LEDGER.call("balance_transfer", ANN.public, who.public, TEER + i)
        network.spread(i % 2, network.workers[i % 2].signed(ANN, call))
    network.run(4)
    balances = {who.public: one.runtime.balances.total(who.public) for who in (ANN, BEN, *PEOPLE)}
    enclaves, paid = ledger_pair(one), len(payments(one))
    configure(network, True)
    network.until(lambda: one.runtime.shard_management.mode.get() is ShardMode.Retired, (DELAY + 4) * BLOCK_SLOTS)
    if is_cut:
        network.cut.add(frozenset((0, 1)))
        network.run(8)
        network.cut.clear()
    network.run(12 * BLOCK_SLOTS)
    assert modes(network) == {ShardMode.Retired}
    assert len(network.heads()) == 1
    assert sorted(payments(one)[paid:]) == sorted((who, held - 3 * FEE) for who, held in balances.items())
    assert [two.free(who) for who in (ANN, BEN, *PEOPLE)] == [0] * (len(PEOPLE) + 2)
    assert two.runtime.balances.total_issuance.get() == two.free(enclaves)
