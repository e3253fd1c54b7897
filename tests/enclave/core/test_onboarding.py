"""From an empty disk to a running shard: every step, every restart, every way in which the host can delay it."""

from __future__ import annotations

import pytest

from integritee.enclave import core
from integritee.enclave.errors import ForeignGenesis, NotReady
from integritee.enclave.parentchain.onboarding import Phase
from integritee.metadata import decode_extrinsic
from integritee.node.runtime.runtime import TEER
from integritee.primitives.ids import ParentchainId
from integritee.primitives.sidechain import SidechainHeader
from integritee.stf.runtime import ENCLAVE_ENDOWMENT

from .harness import ANN, MRENCLAVE, URL, World
from .parentchain import Parentchain, metadata, raw_genesis, runtime_update

STEPS = ["registering", "claiming_shard", "funding_vault", "adding_vault_proxy", "running"]


def called(world: World) -> list[str]:
    """Calls of the enclave account that are in blocks."""
    decoded = [decode_extrinsic(metadata(), raw).call for raw in world.chain.signed_by(world.account)]
    return [str(call) for call in decoded]


def until(world: World, phase: Phase, limit: int = 200) -> None:
    for _ in range(limit):
        if world.core.phase is phase:
            return
        world.block()
    raise AssertionError(f"stuck in {world.core.phase}")


def test_steps_in_order(fresh: World) -> None:
    assert fresh.core.phase is Phase.CONNECTING
    fresh.connect()
    assert fresh.core.phase is Phase.UNFUNDED
    fresh.block()
    assert fresh.core.integritee.needed_funds == 60 * TEER
    fresh.fund_enclave()
    until(fresh, Phase.RUNNING)
    assert fresh.phases == ["unfunded", *STEPS]
    assert called(fresh) == [
        "Teerex.register_sgx_enclave",
        "EnclaveBridge.update_shard_config",
        "Balances.transfer_keep_alive",
    ]


def test_what_is_on_chain_in_the_end(world: World) -> None:
    registered = world.chain.all_events("Teerex.AddedSgxEnclave")
    assert [e["registered_by"] for e in registered] == [world.account]
    assert registered[0]["worker_url"] == URL.encode()
    assert world.shard == MRENCLAVE
    assert len(world.chain.all_events("EnclaveBridge.ShardConfigUpdated")) == 1
    proxies = world.chain.all_events("Proxy.ProxyAdded")
    assert [(e["delegator"], e["delegatee"]) for e in proxies] == [(world.vault, world.account)]


def test_the_shard_begins_with_the_registration(world: World) -> None:
    mirror = world.runtime.integritee
    registered = next(
        number
        for number in range(1, world.chain.height)
        if any(e.name == "AddedSgxEnclave" for e in world.chain.events(number))
    )
    assert mirror.creation_block_number.get() == registered
    assert mirror.parentchain_genesis_hash.get() == world.chain.chain.genesis_hash
    assert world.runtime.vault() == (world.vault, ParentchainId.Integritee)
    assert world.runtime.balances.total_issuance.get() == ENCLAVE_ENDOWMENT


def test_funds_sent_to_the_vault_before_the_shard_runs_are_credited(fresh: World) -> None:
    fresh.connect()
    fresh.fund_enclave()
    until(fresh, Phase.CLAIMING_SHARD)
    fresh.shield(ANN, 5 * TEER)
    until(fresh, Phase.RUNNING)
    fresh.slot()
    assert fresh.free(ANN) == 5 * TEER - 5 * TEER // 571
    fresh.check()


@pytest.mark.parametrize("phase", [*STEPS, "unfunded"])
@pytest.mark.parametrize("in_flight", [True, False], ids=["node_keeps_its_pool", "node_forgets_its_pool"])
def test_restart_at_every_step(fresh: World, phase: str, in_flight: bool) -> None:
    fresh.connect()
    if phase != "unfunded":
        fresh.fund_enclave()
    fresh.block()
    until(fresh, Phase(phase))
    if not in_flight:
        fresh.drops = lambda extrinsic: True
        for extrinsic in fresh.submitted:
            fresh.chain.pool.remove_invalid([_hash(extrinsic)], 0)
        fresh.drops = lambda extrinsic: False
    fresh.restart()
    if phase == "unfunded":
        fresh.fund_enclave()
    until(fresh, Phase.RUNNING)
    fresh.slot()
    fresh.settle()
    assert fresh.core.latest_header.block_number >= 3
    assert len(fresh.chain.all_events("Teerex.AddedSgxEnclave")) == 1
    fresh.check()


def _hash(extrinsic: bytes) -> bytes:
    return decode_extrinsic(metadata(), extrinsic).hash


@pytest.mark.parametrize("period", [2, 3, 5])
def test_a_host_that_drops_extrinsics_only_delays(fresh: World, period: int) -> None:
    heard = 0

    def drops(extrinsic: bytes) -> bool:
        nonlocal heard
        heard += 1
        return heard % period != 0

    fresh.drops = drops
    fresh.connect()
    fresh.fund_enclave()
    until(fresh, Phase.RUNNING)
    assert called(fresh) == [
        "Teerex.register_sgx_enclave",
        "EnclaveBridge.update_shard_config",
        "Balances.transfer_keep_alive",
    ]


@pytest.mark.parametrize("batch", [1, 3, 8, 64])
def test_steps_are_repeated_whatever_the_batches_of_blocks(fresh: World, batch: int) -> None:
    fresh.drops = lambda extrinsic: True
    fresh.connect()
    fresh.fund_enclave()
    fresh.block()
    assert len(fresh.submitted) == 1
    for _ in range(8):
        fresh.grow(batch)
        fresh.sync()
    assert len(fresh.submitted) == 1 + (8 * batch + 1) // 4 if batch < 4 else 9


@pytest.mark.parametrize("amount", [500, 5 * TEER, 30 * TEER], ids=["dust", "some", "more_than_needed"])
@pytest.mark.parametrize("phase", ["connecting", "registering", "claiming_shard", "funding_vault"])
def test_money_of_others_does_not_stand_in_for_the_enclaves_own(fresh: World, phase: str, amount: int) -> None:
    """A stranger's transfer must neither end onboarding early nor be spent on the vault's proxy deposit."""
    early = phase == "connecting"
    if not early:
        fresh.connect()
        fresh.fund_enclave()
        until(fresh, Phase(phase))
    fresh.shield(ANN, amount)
    if early:
        fresh.grow()
        fresh.connect()
        fresh.fund_enclave()
    until(fresh, Phase.RUNNING)
    fresh.settle()
    credited = fresh.runtime.balances.total_issuance.get() - ENCLAVE_ENDOWMENT
    assert credited == (0 if early else amount)  # the shard begins with the registration
    own = fresh.chain.account(fresh.vault).data
    assert own.free + own.reserved >= (25 * TEER * 9 // 10) + credited
    fresh.check()


def test_a_long_wait_keeps_a_bounded_number_of_blocks(fresh: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(core, "MAX_EARLY_BLOCKS", 20)
    fresh.connect()
    fresh.fund_enclave()
    until(fresh, Phase.CLAIMING_SHARD)
    fresh.drops = lambda extrinsic: True
    fresh.restart()
    fresh.grow(90)
    fresh.sync()
    assert fresh.core.integritee.follower is not None
    assert len(fresh.core.integritee.follower.inbox) == 20
    fresh.drops = lambda extrinsic: False
    until(fresh, Phase.RUNNING)
    while fresh.runtime.integritee.number.get() != fresh.chain.height:
        fresh.slot()
    assert fresh.core.halted is None
    fresh.check()


def test_another_chain_is_refused_before_the_shard_runs(fresh: World) -> None:
    fresh.connect()
    fresh.fund_enclave()
    fresh.grow(130)
    fresh.sync()
    until(fresh, Phase.RUNNING)
    fresh.directory.reboot()
    fresh.boot()
    fresh.chain.close()
    fresh.chain = Parentchain(storage={**raw_genesis(), b":code": b"another runtime"})
    with pytest.raises(ForeignGenesis) as caught:
        fresh.connect()
    assert caught.value.found == fresh.chain.chain.genesis_hash


def test_another_chain_is_refused_while_only_the_light_client_knows(fresh: World) -> None:
    fresh.connect()
    fresh.grow(65)
    fresh.sync()
    assert not fresh.core.is_running
    fresh.restart()
    assert fresh.core.sync_state().number == 64
    fresh.directory.reboot()
    fresh.boot()
    fresh.chain.close()
    fresh.chain = Parentchain(storage={**raw_genesis(), b":code": b"another runtime"})
    with pytest.raises(ForeignGenesis):
        fresh.connect()
    assert fresh.core.integritee.follower is None


def test_a_running_enclave_cannot_be_moved_to_another_chain(world: World) -> None:
    other = Parentchain(storage={**raw_genesis(), b":code": b"another runtime"})
    try:
        with pytest.raises(ForeignGenesis):
            world.core.connect(other.params())
    finally:
        other.close()


def test_nothing_is_asked_of_an_unconnected_enclave(fresh: World) -> None:
    with pytest.raises(NotReady):
        fresh.core.sync_state()
    with pytest.raises(NotReady):
        fresh.core.set_runtime(runtime_update(fresh.chain.facts()))
    assert fresh.begin() is None
    assert fresh.core.confirmed_number() == 0
    assert fresh.core.latest_header == SidechainHeader(bytes(32), 0, bytes(32), bytes(32), 0)


def test_no_slot_before_the_shard_runs(fresh: World) -> None:
    fresh.connect()
    fresh.fund_enclave()
    for phase in STEPS[:-1]:
        until(fresh, Phase(phase))
        assert fresh.begin() is None


def test_the_host_is_told_when_the_account_runs_dry(world: World) -> None:
    world.block()
    assert world.core.integritee.needed_funds == 0
    world.core.connect(world.chain.params(required_funds=10_000 * TEER))
    world.block()
    free = world.chain.free(world.account)
    assert world.core.integritee.needed_funds == 10_000 * TEER - 25 * TEER - free  # the vault has its share already
