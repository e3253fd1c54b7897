"""The end of a shard: maintenance, and then everybody is paid out, a few accounts in every block."""

from __future__ import annotations

from collections.abc import Container
from itertools import chain
from typing import Any

import pytest

from integritee.apps.guess_the_number.pallet import POT
from integritee.crypto import blake2_256
from integritee.primitives.enclave_bridge import ShardConfig, UpgradableShardConfig
from integritee.primitives.ids import ParentchainId
from integritee.stf import retirement
from integritee.stf.asset_map import AssetId
from integritee.stf.chain_specs import CHAIN_SPECS
from integritee.stf.effects import VaultPayment
from integritee.stf.retirement import RETIREMENTS_PER_BLOCK, begin_retirement, next_retirees
from integritee.stf.runtime import ENCLAVE_ENDOWMENT, MAINTAINER
from integritee.stf.types import AnyRole, NonTransfer, SessionProxyCredentials, ShardMode

from .kit import BOB, CHARLIE, ENCLAVE, EVE, FEE, LOCAL_ASSET_HUB, MRENCLAVE, NOW, ONE, SHARD, Bench, code

HERE = ParentchainId.Integritee
USDC, USDT = AssetId.USDC, AssetId.USDT
GENESIS = {spec.name: genesis for genesis, spec in CHAIN_SPECS.items()}


def hub(funds: dict[Any, int] | None = None) -> Bench:
    return Bench(funds or {}, genesis_hash=LOCAL_ASSET_HUB)


def configure(bench: Bench, parentchain_block: int, maintenance: bool, instances: int | None = None) -> None:
    """The parentchain states the shard's configuration."""
    config = ShardConfig(MRENCLAVE, instances, maintenance_mode=maintenance)
    bench.runtime.shard_management.set_config(UpgradableShardConfig(config), parentchain_block)


def retire(bench: Bench, exempt: Container[bytes] = (ENCLAVE.public,)) -> list[VaultPayment]:
    """What the next block pays out."""
    paid: list[VaultPayment] = []
    for who, asset in next_retirees(bench.runtime, exempt):
        outcome = bench.run(ENCLAVE, "force_unshield_all", who, asset)
        assert outcome.error is None
        paid += [effect for effect in outcome.effects if isinstance(effect, VaultPayment)]
    bench.check()
    return paid


def people(count: int) -> list[bytes]:
    return [blake2_256(bytes([i])) for i in range(count)]


# -- paying one account out


@pytest.mark.parametrize("held", [500, 3 * FEE - 1, 3 * FEE, 3 * FEE + 1, 3 * FEE + 499, 10 * ONE])
def test_native_funds_are_paid_out_less_the_fee(held: int) -> None:
    """The fee, and what does not cover it, is the enclave's: nothing is burned that is not paid."""
    bench = hub({CHARLIE: held})
    issued = bench.issued()
    outcome = bench.run(ENCLAVE, "force_unshield_all", CHARLIE.public, None)
    assert outcome.error is None
    paid = max(held - 3 * FEE, 0)
    assert outcome.effects == ((VaultPayment(HERE, CHARLIE.public, paid),) if paid else ())
    assert bench.free(ENCLAVE) == ENCLAVE_ENDOWMENT + held - paid
    assert issued - bench.issued() == paid
    assert not bench.runtime.system.account.get(CHARLIE.public).exists()
    assert len(bench.runtime.notes.notes_for(CHARLIE.public, 0)) == 1
    bench.check()


@pytest.mark.parametrize(
    ("asset", "fee"),
    [(USDC, 30_000), (AssetId.ETH, 3 * 10**16), (AssetId.WBTC_E, 3 * 10**6), (AssetId.PEPE_E, 3 * 10**16)],
)
@pytest.mark.parametrize("more", [-1, 0, 1, 10**9])
def test_assets_are_paid_out_less_three_hundredths(asset: AssetId, fee: int, more: int) -> None:
    bench = hub()
    bench.hold(CHARLIE, asset, fee + more)
    outcome = bench.run(ENCLAVE, "force_unshield_all", CHARLIE.public, asset)
    assert outcome.error is None
    paid = max(more, 0)
    assert outcome.effects == ((VaultPayment(HERE, CHARLIE.public, paid, asset),) if paid else ())
    assert (bench.held(CHARLIE, asset), bench.held(ENCLAVE, asset)) == (0, fee + more - paid)
    assert bench.runtime.assets.supply(asset) == fee + more - paid
    bench.check()


@pytest.mark.parametrize("proxies", [1, 10])
def test_deposits_are_released_first_and_paid_out_with_the_rest(proxies: int) -> None:
    bench = hub({CHARLIE: 10 * ONE})
    for delegate in people(proxies):
        credentials = SessionProxyCredentials(AnyRole(), None, bytes(32))
        assert bench.run(CHARLIE, "add_session_proxy", delegate, credentials).error is None
    left = 10 * ONE - proxies * FEE
    assert bench.free(CHARLIE) == left - proxies * ONE // 10
    outcome = bench.run(ENCLAVE, "force_unshield_all", CHARLIE.public, None)
    assert outcome.effects == (VaultPayment(HERE, CHARLIE.public, left - 3 * FEE),)
    assert bench.runtime.session_proxy.credentials_of(CHARLIE.public) == []
    assert not bench.runtime.system.account.get(CHARLIE.public).exists()
    bench.check()


def test_nobody_is_paid_twice() -> None:
    bench = hub({CHARLIE: ONE})
    bench.hold(CHARLIE, USDC, 10**6)
    for asset in (None, USDC):
        assert len(bench.run(ENCLAVE, "force_unshield_all", CHARLIE.public, asset).effects) == 1
        again = bench.run(ENCLAVE, "force_unshield_all", CHARLIE.public, asset)
        assert (again.error, again.effects) == (None, ())
    bench.check()


def test_what_cannot_be_paid_stays() -> None:
    """Without a vault, or for an asset the chain does not offer."""
    bench = Bench({CHARLIE: ONE}, genesis_hash=GENESIS["asset-hub-paseo"])
    bench.hold(CHARLIE, AssetId.ETH, 10**18)
    outcome = bench.run(ENCLAVE, "force_unshield_all", CHARLIE.public, AssetId.ETH)
    assert code(outcome) == "stf.asset_not_shieldable"
    bench.runtime.integritee.shard_vault.kill()
    for asset in (None, USDC):
        assert code(bench.run(ENCLAVE, "force_unshield_all", CHARLIE.public, asset)) in (
            "stf.no_shard_vault",
            "stf.asset_not_shieldable",
        )
    assert (bench.free(CHARLIE), bench.held(CHARLIE, AssetId.ETH)) == (ONE, 10**18)
    bench.check()


# -- when


@pytest.mark.parametrize(
    ("chain", "delay"),
    [
        ("local-test", 20),
        ("local-asset-hub", 20),
        ("integritee-paseo", 300),
        ("asset-hub-paseo", 300),
        ("integritee-kusama", 216_000),
        ("asset-hub-polkadot", 216_000),
        (None, 7200),
    ],
)
def test_a_shard_retires_when_maintenance_has_lasted(chain: str | None, delay: int) -> None:
    bench = Bench(genesis_hash=GENESIS[chain] if chain else bytes(32))
    mode = bench.runtime.shard_management.mode
    assert not begin_retirement(bench.runtime, 10**6)
    configure(bench, 100, True)
    assert not begin_retirement(bench.runtime, 100 + delay - 1)
    assert mode.get() is ShardMode.MaintenanceOngoing
    assert begin_retirement(bench.runtime, 100 + delay)
    assert mode.get() is ShardMode.Retired
    bench.check()


def test_age_counts_from_the_beginning_of_maintenance() -> None:
    """Other changes of the configuration do not put it off."""
    bench = hub()
    configure(bench, 100, True)
    configure(bench, 110, True, instances=2)
    assert not begin_retirement(bench.runtime, 119)
    assert begin_retirement(bench.runtime, 120)
    bench.check()


def test_maintenance_that_ends_in_time_was_only_maintenance() -> None:
    """And when it begins again, so does its age."""
    bench = hub({CHARLIE: ONE})
    configure(bench, 100, True)
    assert code(bench.run(CHARLIE, "noop")) == "stf.filtered"
    configure(bench, 119, False)
    assert not begin_retirement(bench.runtime, 200)
    assert bench.runtime.shard_management.mode.get() is ShardMode.Normal
    assert bench.run(CHARLIE, "noop").error is None
    configure(bench, 200, True)
    assert not begin_retirement(bench.runtime, 219)
    assert begin_retirement(bench.runtime, 220)
    bench.check()


def test_a_retired_shard_stays_retired() -> None:
    bench = hub({CHARLIE: ONE})
    configure(bench, 100, True)
    assert begin_retirement(bench.runtime, 120)
    configure(bench, 121, False)
    assert begin_retirement(bench.runtime, 121)
    assert bench.runtime.shard_management.mode.get() is ShardMode.Retired
    outcome = bench.run(CHARLIE, "noop")
    assert outcome.error is not None
    assert (code(outcome), outcome.error.data(), outcome.charged) == ("stf.filtered", {"mode": "Retired"}, False)
    bench.check()


# -- what is still possible

CALLS: dict[str, tuple[Any, ...]] = {
    "noop": (),
    "balance_transfer": (BOB.public, 1000),
    "balance_transfer_with_note": (BOB.public, 1000, b""),
    "balance_unshield": (BOB.public, 1000, SHARD),
    "send_note": (BOB.public, b""),
    "add_session_proxy": (BOB.public, SessionProxyCredentials(NonTransfer(), None, bytes(32))),
    "remove_session_proxy": (BOB.public,),
    "assets_transfer": (BOB.public, USDC, 1),
    "assets_transfer_with_note": (BOB.public, USDC, 1, b""),
    "assets_unshield": (BOB.public, USDC, 1, SHARD),
    "guess_the_number.guess": (7,),
}
ENCLAVES: dict[str, tuple[Any, ...]] = {
    "timestamp_set": (NOW, HERE),
    "balance_shield": (BOB.public, 1000, HERE),
    "assets_shield": (BOB.public, USDC, 1000, HERE),
    "force_unshield_all": (BOB.public, None),
}


@pytest.mark.parametrize("retired", [False, True], ids=["maintenance", "retired"])
def test_only_the_enclave_acts(retired: bool) -> None:
    """Users and maintainer are refused at no cost; what they sent to the vault meanwhile is still credited."""
    bench = hub({CHARLIE: 10 * ONE})
    bench.hold(CHARLIE, USDC, 10)
    configure(bench, 100, True)
    mode = "Retired" if begin_retirement(bench.runtime, 120 if retired else 119) else "MaintenanceOngoing"
    before = bench.root()
    refused = [bench.run(CHARLIE, name, *args) for name, args in CALLS.items()]
    refused += [bench.order("note_bloat", 1), bench.order("waste_time", 1)]
    for outcome in refused:
        assert outcome.error is not None
        assert (code(outcome), outcome.error.data(), outcome.charged) == ("stf.filtered", {"mode": mode}, False)
    assert bench.root() == before
    assert bench.nonce(MAINTAINER) == 0
    for name, args in ENCLAVES.items():
        assert bench.run(ENCLAVE, name, *args).error is None
    assert bench.ask(CHARLIE, "account_info", CHARLIE.public).data.free == 10 * ONE
    assert bench.read("shard_info").mode.name == mode
    bench.check()


# -- everybody


def test_ten_accounts_in_every_block_until_all_are_paid() -> None:
    """In the order of storage, each once, assets first; in the end only the enclave's account holds anything."""
    bench = hub()
    for i, who in enumerate(people(25)):
        bench.runtime.balances.mint(who, ONE + i)
        for asset in (USDT, USDC)[: i % 3]:
            bench.runtime.assets.ensure(asset, ENCLAVE.public)
            bench.runtime.assets.mint_into(asset, who, 10**6 + i)
    issued = bench.issued()
    supply = {asset: bench.runtime.assets.supply(asset) for asset in (USDC, USDT)}
    order = [who for who, _ in bench.runtime.system.account.items() if who != ENCLAVE.public]
    blocks = [retire(bench) for _ in range(3)]
    payees = [list(dict.fromkeys(payment.beneficiary for payment in block)) for block in blocks]
    assert [len(each) for each in payees] == [RETIREMENTS_PER_BLOCK, RETIREMENTS_PER_BLOCK, 5]
    assert list(chain(*payees)) == order
    paid = list(chain(*blocks))
    expected = []
    for who in order:
        i = people(25).index(who)
        expected += [VaultPayment(HERE, who, 970_000 + i, asset) for asset in (USDT, USDC)[: i % 3]]
        expected.append(VaultPayment(HERE, who, ONE + i - 3 * FEE))
    assert paid == expected
    assert bench.issued() == issued - sum(p.amount for p in paid if p.asset is None) == bench.free(ENCLAVE)
    for asset, before in supply.items():
        burned = sum(p.amount for p in paid if p.asset is asset)
        assert bench.runtime.assets.supply(asset) == before - burned == bench.held(ENCLAVE, asset)
    assert [retire(bench), retire(bench), retire(bench)] == [[], [], []]


def test_who_comes_late_is_paid_in_the_next_round() -> None:
    bench = hub()
    for who in people(12):
        bench.runtime.balances.mint(who, ONE)
    paid = retire(bench)
    late = paid[0].beneficiary
    assert bench.run(ENCLAVE, "balance_shield", late, ONE, HERE).error is None
    for _ in range(3):
        paid += retire(bench)
    assert sorted(payment.beneficiary for payment in paid) == sorted([*people(12), late])
    assert paid[-1] == VaultPayment(HERE, late, ONE - ONE // 571 - 3 * FEE)


def test_exempt_accounts_are_left_alone() -> None:
    bench = hub({CHARLIE: ONE, EVE: ONE})
    bench.hold(EVE, USDC, 10**6)
    assert [p.beneficiary for p in retire(bench, {ENCLAVE.public, EVE.public})] == [CHARLIE.public]
    assert (bench.free(EVE), bench.held(EVE, USDC)) == (ONE, 10**6)


def test_the_dead_are_passed_over_a_bounded_number_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """They own nothing and only leave a nonce behind; the next block goes on behind them, at last from the start."""
    monkeypatch.setattr(retirement, "SCANNED_PER_BLOCK", 4)
    bench = hub({CHARLIE: ONE})
    for who in people(11):
        bench.runtime.system.increment_nonce(who)
    order = [who for who, _ in bench.runtime.system.account.items()]
    blocks, reached = [], []
    for _ in range(5):
        blocks.append(retire(bench))
        reached.append(bench.runtime.shard_management.retired_up_to.get())
    assert reached == [order[3], order[7], order[11], order[12], None]
    assert list(chain(*blocks)) == [VaultPayment(HERE, CHARLIE.public, ONE - 3 * FEE)]
    assert all(bench.nonce(who) == 1 for who in people(11))


def test_an_account_that_lives_on_assets_is_paid_in_assets() -> None:
    bench = hub()
    bench.hold(CHARLIE, USDC, 10**6)
    assert retire(bench) == [VaultPayment(HERE, CHARLIE.public, 970_000, USDC)]
    assert not bench.runtime.system.account.get(CHARLIE.public).exists()


@pytest.mark.parametrize("held", [0, ONE])
def test_pots_are_closed_when_retirement_begins(held: int) -> None:
    """Nobody has a key to the game's pot on the parentchain: what it holds is the enclave's, and no payment."""
    bench = hub()
    bench.runtime.balances.mint(POT, held)
    configure(bench, 100, True)
    assert not begin_retirement(bench.runtime, 119)
    assert bench.free(POT) == held
    assert begin_retirement(bench.runtime, 120)
    assert (bench.free(POT), bench.free(ENCLAVE)) == (0, ENCLAVE_ENDOWMENT + held)
    assert retire(bench) == []
    bench.check()
