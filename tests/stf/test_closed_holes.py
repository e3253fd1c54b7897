"""What is known to be wrong with the original's ledger, and that it is not wrong here: a test for each hole.

The list for readers, with what was kept as it is, is `docs/deviations.md`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from integritee.apps.guess_the_number.pallet import POT
from integritee.crypto import blake2_256
from integritee.errors import IntegriteeError
from integritee.frame.pallets.system import AccountInfo
from integritee.primitives.enclave_bridge import ShardConfig, ShardSignerStatus, ShardStatus, UpgradableShardConfig
from integritee.primitives.ids import ParentchainId
from integritee.primitives.signature import Ecdsa
from integritee.primitives.storage import blake2_map_key, storage_prefix
from integritee.scale import DecodeError, encode
from integritee.stf.asset_map import AssetId
from integritee.stf.effects import BridgePayment, VaultPayment
from integritee.stf.executor import Executor
from integritee.stf.operation import Trusted, TrustedCall, TrustedCallSigned, TrustedGetterSigned
from integritee.stf.retirement import begin_retirement, next_retirees
from integritee.stf.runtime import ENCLAVE_ENDOWMENT
from integritee.stf.types import AnyRole, SessionProxyCredentials, ShardMode

from .kit import (
    BOB,
    CHARLIE,
    DEVELOPMENT_LEDGER,
    ENCLAVE,
    EVE,
    FEE,
    LEDGER,
    LOCAL_ASSET_HUB,
    MRENCLAVE,
    NOW,
    ONE,
    SHARD,
    VAULT,
    Bench,
    code,
)

HERE, ELSEWHERE = ParentchainId.Integritee, ParentchainId.TargetB
USDC = AssetId.USDC


@pytest.fixture
def bench() -> Bench:
    bench = Bench({CHARLIE: 10 * ONE}, genesis_hash=LOCAL_ASSET_HUB)
    bench.hold(CHARLIE, USDC, 1000)
    return bench


def configure(bench: Bench, config: UpgradableShardConfig, parentchain_block: int) -> None:
    bench.runtime.shard_management.set_config(config, parentchain_block)


MAINTENANCE = UpgradableShardConfig(ShardConfig(MRENCLAVE, maintenance_mode=True))
NORMAL = UpgradableShardConfig(ShardConfig(MRENCLAVE))


# -- failures


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("balance_transfer_with_note", (BOB.public, ONE, b"x" * 417)),
        ("assets_transfer_with_note", (BOB.public, USDC, 10, b"x" * 416)),
        ("guess_the_number.guess", (7,)),
        ("balance_unshield", (BOB.public, ONE, bytes(32))),
    ],
)
def test_failed_calls_are_undone(bench: Bench, name: str, args: tuple[Any, ...]) -> None:
    """The original has no transactions: what a call did before it failed stays, e.g. a transfer whose note is too
    long. Here only fee and nonce stay."""
    twin = Bench({CHARLIE: 10 * ONE}, genesis_hash=LOCAL_ASSET_HUB)
    twin.hold(CHARLIE, USDC, 1000)
    outcome = bench.run(CHARLIE, name, *args)
    assert outcome.error is not None
    assert outcome.effects == ()
    fee = bench.call(name, CHARLIE.public, *args).definition.fee(ONE, (CHARLIE.public, *args))
    twin.runtime.balances.transfer(CHARLIE.public, ENCLAVE.public, fee)
    twin.runtime.system.increment_nonce(CHARLIE.public)
    assert bench.root() == twin.root()
    bench.check()


def test_unshielding_more_of_an_asset_than_one_holds(bench: Bench) -> None:
    """The original burns what there is and has the vault pay what was asked for. Here nothing happens."""
    outcome = bench.run(CHARLIE, "assets_unshield", EVE.public, USDC, 1001, SHARD)
    assert (code(outcome), outcome.effects, bench.held(CHARLIE, USDC)) == ("stf.missing_assets", (), 1000)
    bench.check()


@pytest.mark.parametrize(
    ("pair", "name", "args"),
    [
        (CHARLIE, "balance_unshield", (EVE.public, ONE, SHARD)),
        (CHARLIE, "assets_unshield", (EVE.public, USDC, 10, SHARD)),
        (ENCLAVE, "balance_shield", (EVE.public, ONE, HERE)),
        (ENCLAVE, "assets_shield", (EVE.public, USDC, 1000, HERE)),
    ],
)
def test_notes_of_what_comes_and_goes(bench: Bench, pair: Any, name: str, args: tuple[Any, ...]) -> None:
    """The original passes over a note that fails for native funds, but for assets burns and then pays nothing; some
    calls note before they act, some after. Here a note is part of its call, for all of them."""
    issued, supply = bench.issued(), bench.runtime.assets.supply(USDC)
    bench.runtime.notes.max_note_size = 40  # type: ignore[assignment]
    outcome = bench.run(pair, name, *args)
    assert (code(outcome), outcome.effects) == ("notes.note_too_long", ())
    assert (bench.issued(), bench.runtime.assets.supply(USDC)) == (issued, supply)
    bench.check()


# -- replays


def test_two_equal_payments_through_the_bridge_are_two_payments() -> None:
    """The original's call hash leaves the nonce out: pallet EnclaveBridge takes a second payment of the same amount
    to the same account for the first, while its funds are burned. Here each has a hash of its own."""
    bench = Bench({CHARLIE: 10 * ONE}, vault=False)
    args = (EVE.public, ONE, SHARD)
    payments = []
    for _ in range(2):
        outcome = bench.run(CHARLIE, "balance_unshield_through_enclave_bridge_pallet", *args)
        payments += outcome.effects
    assert [(p.beneficiary, p.amount) for p in payments if isinstance(p, BridgePayment)] == [(EVE.public, ONE)] * 2
    assert len({payment.call_hash for payment in payments}) == 2
    assert bench.free(CHARLIE) == 8 * ONE - 6 * FEE
    bench.check()


@pytest.mark.parametrize("asset", [None, USDC])
def test_nonces_of_the_dead(asset: AssetId | None) -> None:
    """In the original an account that dies loses its nonce, and all it ever signed may run again when it comes back;
    by its last fee as by its last transfer. Here the nonce stays."""
    bench = Bench(genesis_hash=LOCAL_ASSET_HUB)
    fee = FEE if asset is None else 10_000
    for nonce in range(2):
        if asset is None:
            bench.runtime.balances.mint(CHARLIE.public, fee)
        else:
            bench.hold(CHARLIE, asset, fee)
        signed = bench.signed(CHARLIE, bench.call("noop", CHARLIE.public), nonce)
        assert bench.execute(signed).error is None
        assert bench.runtime.system.account.get(CHARLIE.public) == AccountInfo(nonce=nonce + 1)
    bench.runtime.balances.mint(CHARLIE.public, ONE)
    for nonce in range(2):
        assert (
            code(bench.execute(bench.signed(CHARLIE, bench.call("noop", CHARLIE.public), nonce)))
            == "stf.invalid_nonce"
        )
    bench.check()


def test_ecdsa_signatures() -> None:
    """The original recovers 33 zero bytes from any ECDSA signature: whoever wants to may sign for the account that is
    their hash. Here no such signature counts, neither for calls nor for getters."""
    anyones = bytes.fromhex("d8908c165dee785924e7421a0fd0418a19d5daeec395fd505a92a0fd3117e428")
    assert anyones == blake2_256(bytes(33))
    bench = Bench()
    bench.runtime.balances.mint(anyones, ONE)
    for signature in (Ecdsa(bytes(65)), Ecdsa(b"\x01" * 65)):
        call = TrustedCallSigned(bench.call("noop", anyones), 0, None, signature)
        assert code(bench.execute(call)) == "stf.invalid_signature"
        getter = TrustedGetterSigned(bench.ledger.trusted_getter("account_info", anyones), None, signature)
        with pytest.raises(IntegriteeError) as refused:
            bench.executor.query(Trusted(getter), NOW)
        assert refused.value.code == "stf.invalid_signature"
    bench.check()


def test_what_a_getters_signature_binds(bench: Bench) -> None:
    """Like in the original neither shard nor nonce nor enclave: clients sign it that way. So it opens the same account
    in another shard, for the same signer; but never another account, another question, or more than the signer may
    read then."""
    bench.run(CHARLIE, "add_session_proxy", BOB.public, SessionProxyCredentials(AnyRole(), None, bytes(32)))
    getter = bench.ledger.trusted_getter("account_info", CHARLIE.public)
    owners, proxys = (bench.ledger.sign_getter(getter, pair) for pair in (CHARLIE, BOB))
    elsewhere = Executor(bench.ledger, bench.runtime, bytes(32), bytes(32))
    assert elsewhere.query(Trusted(owners), NOW) == bench.executor.query(Trusted(owners), NOW)
    for other in (
        ("account_info", EVE.public),
        ("account_essentials", CHARLIE.public),
        ("notes_for", CHARLIE.public, 0),
    ):
        asked = bench.ledger.trusted_getter(*other)
        with pytest.raises(IntegriteeError) as refused:
            bench.executor.query(Trusted(TrustedGetterSigned(asked, None, owners.signature)), NOW)
        assert refused.value.code == "stf.invalid_signature"
    assert bench.executor.query(Trusted(proxys), NOW) is not None
    bench.run(CHARLIE, "remove_session_proxy", BOB.public)
    with pytest.raises(IntegriteeError) as refused:
        bench.executor.query(Trusted(proxys), NOW)
    assert refused.value.code == "stf.missing_privileges"
    bench.check()


# -- fees


def test_calls_that_maintenance_forbids_cost_nothing(bench: Bench) -> None:
    """The original takes fee and nonce before it looks at the shard's mode."""
    configure(bench, MAINTENANCE, 100)
    before = bench.root()
    outcome = bench.run(CHARLIE, "noop")
    assert (code(outcome), outcome.charged) == ("stf.filtered", False)
    assert bench.root() == before
    bench.check()


@pytest.mark.parametrize(
    ("asset", "fee"),
    [(USDC, 100_000), (AssetId.ETH, 5 * 10**13), (AssetId.WBTC_E, 142), (AssetId.PEPE_E, 111 * 10**20)],
)
def test_a_guess_costs_as_much_in_every_asset(asset: AssetId, fee: int) -> None:
    """The original takes a tenth of the native token's base units, whatever the asset: 100,000 dollars in USDC, next to
    nothing in ETH. Here it is a tenth of the asset's unit, converted like every other fee."""
    bench = Bench(genesis_hash=LOCAL_ASSET_HUB)
    bench.runtime.run_hooks(1, NOW)
    bench.hold(CHARLIE, asset, fee + 1)
    assert bench.run(CHARLIE, "guess_the_number.guess", 7).error is None
    assert (bench.held(CHARLIE, asset), bench.held(ENCLAVE, asset)) == (1, fee)
    bench.check()


# -- session proxies


def test_session_proxies_expire_spend_and_can_be_removed(bench: Bench) -> None:
    """In the original they never expire, allowances open nothing, and nothing takes a proxy away. Roles, expiry and
    allowances are tested at length elsewhere."""
    bench.run(CHARLIE, "add_session_proxy", BOB.public, SessionProxyCredentials(AnyRole(), NOW + 1, bytes(32)))
    noop = bench.call("noop", CHARLIE.public)
    assert bench.act(BOB, noop).error is None
    assert code(bench.act(BOB, noop, NOW + 1)) == "stf.session_proxy_expired"
    assert bench.run(CHARLIE, "remove_session_proxy", BOB.public).error is None
    assert bench.free(CHARLIE) == 10 * ONE - 3 * FEE
    bench.check()


def test_deposits_are_paid_out_at_retirement(bench: Bench) -> None:
    """The original reads the free balance before it releases deposits, and burns them with the account."""
    bench.run(CHARLIE, "add_session_proxy", BOB.public, SessionProxyCredentials(AnyRole(), None, bytes(32)))
    outcome = bench.run(ENCLAVE, "force_unshield_all", CHARLIE.public, None)
    assert outcome.effects == (VaultPayment(HERE, CHARLIE.public, 10 * ONE - FEE - 3 * FEE),)
    bench.check()


# -- what vanishes


@pytest.mark.parametrize("amount", [1, 499])
def test_deposits_too_small_to_live_on(bench: Bench, amount: int) -> None:
    """The original credits nothing and forgets them; here they go to the enclave account."""
    issued = bench.issued()
    assert bench.run(ENCLAVE, "balance_shield", EVE.public, amount, HERE).error is None
    assert (bench.free(ENCLAVE), bench.issued()) == (ENCLAVE_ENDOWMENT + amount, issued + amount)
    bench.check()


@pytest.mark.parametrize("held", [500, 3 * FEE, ONE])
def test_nothing_is_burned_at_retirement_but_what_is_paid(held: int) -> None:
    """The original burns the fee, and what is too little to be paid out."""
    bench = Bench({EVE: held})
    outcome = bench.run(ENCLAVE, "force_unshield_all", EVE.public, None)
    paid = sum(effect.amount for effect in outcome.effects if isinstance(effect, VaultPayment))
    assert bench.issued() == ENCLAVE_ENDOWMENT + held - paid == bench.free(ENCLAVE)
    bench.check()


def test_the_games_pot_is_not_sent_to_nobody(bench: Bench) -> None:
    """The original pays it out, to an account on the parentchain that nobody has a key to."""
    bench.runtime.balances.mint(POT, ONE)
    configure(bench, MAINTENANCE, 100)
    assert begin_retirement(bench.runtime, 120)
    assert POT not in {who for who, _ in next_retirees(bench.runtime, ())}
    assert bench.free(ENCLAVE) == ENCLAVE_ENDOWMENT + ONE
    bench.check()


# -- maintenance


def test_filter_and_retirement_see_the_same_configuration(bench: Bench) -> None:
    """In the original a due upgrade counts for retirement but not for the filter of calls. Here there is one mode."""
    pending = UpgradableShardConfig(ShardConfig(MRENCLAVE), ShardConfig(MRENCLAVE, maintenance_mode=True), 100)
    configure(bench, pending, 99)
    assert bench.run(CHARLIE, "noop").error is None
    configure(bench, pending, 100)
    assert code(bench.run(CHARLIE, "noop")) == "stf.filtered"
    assert bench.read("shard_info").mode is ShardMode.MaintenanceOngoing
    assert not begin_retirement(bench.runtime, 119)
    assert begin_retirement(bench.runtime, 120)
    bench.check()


def test_maintenance_can_be_left(bench: Bench) -> None:
    """The original says `MaintenanceOngoing` ever after, and counts the age of whatever changed last."""
    configure(bench, MAINTENANCE, 100)
    configure(bench, NORMAL, 105)
    assert bench.read("shard_info").mode is ShardMode.Normal
    configure(bench, MAINTENANCE, 110)
    configure(bench, UpgradableShardConfig(ShardConfig(MRENCLAVE, 3, maintenance_mode=True)), 120)
    assert not begin_retirement(bench.runtime, 129)
    assert begin_retirement(bench.runtime, 130)
    bench.check()


# -- parentchains


@pytest.mark.parametrize("vault", [HERE, ELSEWHERE])
def test_only_the_vaults_chain_fills_it(vault: ParentchainId) -> None:
    """In the original a transfer to the same account id on any other chain makes a call that fails. Here nobody makes
    it, see the enclave's tests; if somebody did it would be refused."""
    bench = Bench(vault=False)
    bench.runtime.parentchain(vault).set_vault(VAULT)
    for chain in ParentchainId:
        outcome = bench.run(ENCLAVE, "balance_shield", EVE.public, ONE, chain)
        assert code(outcome) == (None if chain is vault else "stf.wrong_parentchain_for_vault")
    assert bench.free(EVE) == ONE - ONE // 571
    bench.check()


# -- names, kept where clients look


def test_what_clients_find_in_storage_is_where_it_was() -> None:
    """Odd as they are: the enclave account under `Sudo`, assets as single bytes. What nobody reads is not copied:
    the ledger's block number has four bytes like any other, and mirrors of parentchains are storage maps."""
    bench = Bench(genesis_hash=LOCAL_ASSET_HUB)
    state = bench.runtime.state
    assert state.get(storage_prefix("Sudo", "Enclave_Account_Key")) == ENCLAVE.public
    assert state.get(storage_prefix("System", "Number")) == b"\x01\0\0\0"
    assert all(encode(AssetId, asset) == bytes([asset]) for asset in AssetId)
    bench.runtime.integritee.mirror.put(b"key", b"value")
    assert bench.runtime.integritee.mirror.key_of(b"key").startswith(
        storage_prefix("ParentchainIntegritee", "Mirror")
    )
    assert state.get(b"L1MirrorForIntegriteekey") is None


def test_the_sudo_key_and_its_call_are_for_development_only() -> None:
    """As in the original, where it takes another build; here it takes another ledger, which is measured."""
    call = DEVELOPMENT_LEDGER.call("balance_set_balance", CHARLIE.public, CHARLIE.public, ONE, 0)
    raw = DEVELOPMENT_LEDGER.encode_call(call)
    assert raw[0] == 255
    with pytest.raises(DecodeError):
        LEDGER.codec(TrustedCall).decode(raw)
    assert Bench().runtime.enclave_account.key.get() is None


def test_what_parentchains_and_shard_say_of_themselves(bench: Bench) -> None:
    """The original never dates the shard on other chains than Integritee, and never tells who serves it."""
    for chain in ParentchainId:
        bench.run(ENCLAVE, "timestamp_set", NOW, chain)
    info = bench.read("parentchains_info")
    created = [info.integritee.creation_timestamp, info.target_a.creation_timestamp, info.target_b.creation_timestamp]
    assert created == [NOW, NOW, NOW]
    assert bench.read("shard_info").status is None
    status = [ShardSignerStatus(ENCLAVE.public, MRENCLAVE, 7)]
    key = blake2_map_key("EnclaveBridge", "ShardStatus", SHARD)
    bench.runtime.integritee.mirror.put(b"\0" * 80, b"something else")
    bench.runtime.integritee.mirror.put(key, encode(ShardStatus, status))
    assert bench.read("shard_info").status == status
    bench.check()


def test_private_notes_have_a_flat_fee(bench: Bench) -> None:
    """Kept: bytes cost only where a note travels with money."""
    for note in (b"", b"x" * 432):
        free = bench.free(CHARLIE)
        assert bench.run(CHARLIE, "send_note", BOB.public, note).error is None
        assert free - bench.free(CHARLIE) == FEE
    bench.check()


# -- the list for readers


def test_every_test_in_the_list_exists() -> None:
    root = Path(__file__).parents[2]
    listed = re.findall(r"`(?:([\w/]+\.py)::)?(test_\w+)`", (root / "docs" / "deviations.md").read_text())
    assert len(listed) > 30
    for file, name in listed:
        path = root / file if "/" in file else Path(__file__).with_name(file or "test_closed_holes.py")
        assert f"def {name}(" in path.read_text(), (file, name)
