"""A shard is retired on the parentchain's word: its users are paid out of the vault, to the last unit."""

from __future__ import annotations

from dataclasses import replace

import pytest

from integritee.crypto import Ed25519Pair, blake2_256
from integritee.errors import IntegriteeError
from integritee.node.runtime.runtime import TEER
from integritee.primitives.enclave_bridge import ShardConfig
from integritee.stf import runtime as runtimes
from integritee.stf.chain_specs import UNKNOWN
from integritee.stf.runtime import ENCLAVE_ENDOWMENT
from integritee.stf.types import AnyRole, SessionProxyCredentials, ShardMode

from .harness import ANN, BEN, LEDGER, MRENCLAVE, World, ledger_pair, payments
from .parentchain import ALICE, metadata

FEE = TEER // 100
DELAY = 4
"""Parentchain blocks from maintenance to retirement in these tests."""

PEOPLE = [Ed25519Pair.from_seed(blake2_256(b"user %d" % i)) for i in range(23)]


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtimes, "spec_of", lambda genesis, development: replace(UNKNOWN, retirement_delay=DELAY))


@pytest.fixture
def crowded(world: World) -> World:
    """ANN and 23 people without accounts on the parentchain; the first has a session proxy, the last is poor."""
    world.shield(ANN, 200 * TEER)
    world.block()
    world.slot()
    for i, who in enumerate(PEOPLE):
        world.transfer(ANN, who, 2 * FEE if who is PEOPLE[-1] else TEER + i)
    world.slot()
    credentials = SessionProxyCredentials(AnyRole(), None, bytes(32))
    call = LEDGER.call("add_session_proxy", PEOPLE[0].public, BEN.public, credentials)
    world.submit(world.signed(PEOPLE[0], call))
    world.slot()
    return world


def configure(world: World, maintenance: bool) -> None:
    """The shard's configuration changes on the parentchain, and the enclave hears of it."""
    config = ShardConfig(MRENCLAVE, maintenance_mode=maintenance)
    args = {"shard": world.shard, "shard_config": config, "enactment_delay": 0}
    call = metadata().call("EnclaveBridge", "update_shard_config", args)
    world.chain.submit(world.chain.sign(ALICE, "Sudo", "sudo", {"call": call}), world.now)
    world.block()
    world.slot()


def mode(world: World) -> ShardMode:
    return world.runtime.shard_management.mode.get()


def issued(world: World) -> int:
    return world.runtime.balances.total_issuance.get()


def alive(world: World) -> set[bytes]:
    return {who for who, info in world.runtime.system.account.items() if info.exists()}


def test_everybody_is_paid_out_and_every_unit_accounted_for(crowded: World) -> None:
    world, enclave = crowded, ledger_pair(crowded)
    balances = {who.public: world.runtime.balances.total(who.public) for who in (ANN, *PEOPLE)}
    before, pot = issued(world), world.free(enclave)
    configure(world, True)
    assert mode(world) is ShardMode.MaintenanceOngoing
    with pytest.raises(IntegriteeError) as refused:
        world.transfer(ANN, BEN, TEER)
    assert refused.value.data() == {"mode": "MaintenanceOngoing"}
    world.block(DELAY - 1)
    world.slot()
    assert (mode(world), issued(world)) == (ShardMode.MaintenanceOngoing, before)
    world.block()
    remaining = []
    for _ in range(4):
        world.slot()
        remaining.append(len(alive(world) & balances.keys()))
    assert remaining == [14, 4, 0, 0]
    assert mode(world) is ShardMode.Retired
    paid = {who: held - 3 * FEE for who, held in balances.items() if held > 3 * FEE}
    assert issued(world) == before - sum(paid.values()) == world.free(enclave)
    assert world.free(enclave) == pot + 3 * FEE * len(paid) + 2 * FEE
    world.settle()
    assert sorted(payments(world)) == sorted(paid.items())
    world.settle()
    assert len(payments(world)) == len(paid)
    assert issued(world) - ENCLAVE_ENDOWMENT <= world.chain.free(world.vault)


def test_maintenance_may_end_before(crowded: World) -> None:
    world = crowded
    configure(world, True)
    world.block(DELAY - 2)
    configure(world, False)
    assert mode(world) is ShardMode.Normal
    world.block(DELAY)
    hash = world.transfer(ANN, BEN, TEER)
    world.slot()
    assert world.status(hash)[-1] == "InSidechainBlock"
    assert payments(world) == []


def test_retirement_is_for_good_and_late_deposits_go_back(crowded: World) -> None:
    world = crowded
    configure(world, True)
    world.block(DELAY)
    world.settle()
    configure(world, False)
    assert mode(world) is ShardMode.Retired
    with pytest.raises(IntegriteeError) as refused:
        world.transfer(ANN, BEN, TEER)
    assert refused.value.data() == {"mode": "Retired"}
    count = len(payments(world))
    world.shield(BEN, 7 * TEER)
    world.block()
    world.settle()
    assert payments(world)[count:] == [(BEN.public, 7 * TEER - 7 * TEER // 571 - 3 * FEE)]
    assert world.free(BEN) == 0


def test_calls_that_wait_when_maintenance_begins_are_refused_at_no_cost(crowded: World) -> None:
    world = crowded
    free = world.free(ANN)
    hash = world.transfer(ANN, BEN, TEER)
    configure(world, True)
    assert (world.status(hash)[-1], world.reason(hash)) == ("Invalid", "stf.filtered")
    assert (world.free(ANN), world.free(BEN)) == (free, 0)


def test_a_restart_goes_on_where_retirement_was(crowded: World) -> None:
    """Nobody is forgotten and nobody paid twice."""
    world = crowded
    configure(world, True)
    world.block(DELAY)
    for _ in range(5):
        world.slot()
        world.restart()
        world.block()
    world.settle()
    paid = [payee for payee, _ in payments(world)]
    assert len(paid) == len(set(paid)) == len(PEOPLE)
    assert alive(world) == {ledger_pair(world).public}


def test_the_enclaves_own_accounts_are_exempt(crowded: World) -> None:
    """The account that collects fees here, and the one that signs on the parentchain if it has funds here."""
    world = crowded
    signer = Ed25519Pair.from_seed(world.core.keys.signing.seed)
    world.transfer(ANN, signer, TEER)
    world.slot()
    configure(world, True)
    world.block(DELAY)
    world.settle()
    assert alive(world) == {ledger_pair(world).public, signer.public}
    assert world.free(signer) == TEER


def test_what_retirement_did_is_listed_in_its_blocks(crowded: World) -> None:
    """By the hashes of the enclave's own calls: there is no hash of zeros for work that nobody signed."""
    world = crowded
    configure(world, True)
    nonce = world.runtime.system.nonce(ledger_pair(world).public)
    before = len(world.blocks)
    world.block(DELAY)
    world.settle()
    hashes = [hash for signed in world.blocks[before:] for hash in signed.block.block_data.signed_top_hashes]
    assert bytes(32) not in hashes
    assert len(hashes) == len(set(hashes)) == world.runtime.system.nonce(ledger_pair(world).public) - nonce
    assert len(hashes) >= len(PEOPLE) + 1
