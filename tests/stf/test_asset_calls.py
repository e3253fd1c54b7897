"""Assets of the parentchain in the ledger: in, around and out, fees in them, and what each chain offers."""

from __future__ import annotations

from typing import Any

import pytest

from integritee.crypto import Ed25519Pair
from integritee.primitives.ids import ParentchainId
from integritee.stf.asset_map import AssetId
from integritee.stf.chain_specs import CHAIN_SPECS
from integritee.stf.effects import VaultPayment
from integritee.stf.types import AssetBalance, ReadBalance, SessionProxyCredentials, SuccessfulTrustedCall

from .kit import BOB, CHARLIE, DEVELOPMENT_LEDGER, ENCLAVE, EVE, FEE, ONE, SHARD, Bench, code

HERE, ELSEWHERE = ParentchainId.Integritee, ParentchainId.TargetB
GENESIS = {spec.name: genesis for genesis, spec in CHAIN_SPECS.items()}
USDT, USDC, ETH, WETH, WBTC, PEPE = (
    AssetId.USDT,
    AssetId.USDC,
    AssetId.ETH,
    AssetId.WETH,
    AssetId.WBTC_E,
    AssetId.PEPE_E,
)


def hub(funds: dict[Any, int] | None = None, chain: str = "local-asset-hub") -> Bench:
    """A ledger whose vault lives on an Asset Hub."""
    return Bench(funds or {}, genesis_hash=GENESIS[chain])


@pytest.fixture
def bench() -> Bench:
    """CHARLIE can pay fees and holds 1000 USDC."""
    bench = hub({CHARLIE: 10 * ONE})
    bench.hold(CHARLIE, USDC, 1000 * 10**6)
    return bench


def notes(bench: Bench, who: bytes) -> list[bytes]:
    """Names of the calls an account finds receipts of."""
    kept = bench.runtime.notes.notes_for(who, 0)
    return [note.note.call for note in kept if isinstance(note.note, SuccessfulTrustedCall)]


# -- around


@pytest.mark.parametrize("name", ["assets_transfer", "assets_transfer_with_note"])
@pytest.mark.parametrize("amount", [0, 1, 7 * 10**6, 1000 * 10**6])
def test_transfer(bench: Bench, name: str, amount: int) -> None:
    """Exact, to the last unit; a single unit keeps an account alive."""
    args = (BOB.public, USDC, amount, *([b"thanks"] if "note" in name else []))
    outcome = bench.run(CHARLIE, name, *args)
    assert (outcome.error, outcome.effects) == (None, ())
    assert (bench.held(CHARLIE, USDC), bench.held(BOB, USDC)) == (1000 * 10**6 - amount, amount)
    fee = FEE + (ONE * 6 // 10_000 if "note" in name else 0)
    assert bench.free(CHARLIE) == 10 * ONE - fee
    assert bench.runtime.system.account.get(BOB.public).exists() is (amount > 0)
    receipt = bench.ledger.encode_call(bench.call(name, CHARLIE.public, *args))
    assert notes(bench, CHARLIE.public) == notes(bench, BOB.public) == [receipt]
    bench.check()


def test_transfer_to_oneself(bench: Bench) -> None:
    assert bench.run(CHARLIE, "assets_transfer", CHARLIE.public, USDC, 10**6).error is None
    assert bench.held(CHARLIE, USDC) == 1000 * 10**6
    assert notes(bench, CHARLIE.public)
    bench.check()


@pytest.mark.parametrize(
    ("asset", "amount", "available"),
    [(USDC, 1000 * 10**6 + 1, 1000 * 10**6), (USDC, 2**128 - 1, 1000 * 10**6), (USDT, 1, 0), (AssetId.BTC, 1, 0)],
)
@pytest.mark.parametrize("name", ["assets_transfer", "assets_transfer_with_note"])
def test_too_little_to_transfer(bench: Bench, name: str, asset: AssetId, amount: int, available: int) -> None:
    outcome = bench.run(CHARLIE, name, BOB.public, asset, amount, *([b""] if "note" in name else []))
    assert outcome.error is not None
    assert (code(outcome), outcome.charged) == ("stf.missing_assets", True)
    assert outcome.error.data() == {"asset": asset.symbol, "needed": str(amount), "available": str(available)}
    assert notes(bench, BOB.public) == []
    bench.check()


def test_what_is_held_can_be_transferred_even_if_the_chain_does_not_offer_it() -> None:
    bench = hub({CHARLIE: ONE}, "paseo")
    bench.hold(CHARLIE, USDC, 5)
    bench.runtime.balances.mint(CHARLIE.public, ONE)
    assert bench.run(CHARLIE, "assets_transfer", BOB.public, USDC, 5).error is None
    assert bench.held(BOB, USDC) == 5
    bench.check()


# -- in


@pytest.mark.parametrize(
    ("amount", "user", "enclave"),
    [(0, 0, 0), (1, 1, 0), (570, 570, 0), (571, 570, 1), (571 * 10**6, 570 * 10**6, 10**6)],
)
def test_shield(amount: int, user: int, enclave: int) -> None:
    """The enclave's share is a 571st, rounded down; nothing is too little."""
    bench = hub()
    for times in (1, 2):
        assert bench.run(ENCLAVE, "assets_shield", EVE.public, WETH, amount, HERE).error is None
        assert (bench.held(EVE, WETH), bench.held(ENCLAVE, WETH)) == (times * user, times * enclave)
        assert bench.runtime.assets.supply(WETH) == times * amount
    assert bench.events().count("Assets.ForceCreated") == 1
    assert len(notes(bench, EVE.public)) == 2
    details = bench.runtime.assets.asset.get(WETH)
    assert details is not None
    assert {details.owner, details.issuer, details.admin, details.freezer} == {ENCLAVE.public}
    bench.check()


SHIELDABLE = {
    "local-asset-hub": "USDT USDT.e USDC USDC.e EURC.e WETH ETH WBTC.e PEPE.e",
    "asset-hub-paseo": "USDT USDC WETH",
    "asset-hub-polkadot": "USDT.e USDC.e EURC.e ETH WBTC.e PEPE.e",
    "integritee-paseo": "",
    "integritee-polkadot": "",
    "asset-hub-kusama": "",
}


@pytest.mark.parametrize("chain", SHIELDABLE)
@pytest.mark.parametrize("asset", AssetId)
def test_what_a_chain_offers_can_come_and_go(chain: str, asset: AssetId) -> None:
    bench = hub({CHARLIE: 10 * ONE}, chain)
    shielded = bench.run(ENCLAVE, "assets_shield", CHARLIE.public, asset, 1000, HERE)
    unshielded = bench.run(CHARLIE, "assets_unshield", BOB.public, asset, 10, SHARD)
    if asset.symbol in SHIELDABLE[chain].split():
        assert (shielded.error, unshielded.error) == (None, None)
        assert unshielded.effects == (VaultPayment(HERE, BOB.public, 10, asset),)
    else:
        for outcome in (shielded, unshielded):
            assert outcome.error is not None
            assert (code(outcome), outcome.charged) == ("stf.asset_not_shieldable", True)
            assert outcome.error.data() == {"asset": asset.symbol, "chain": chain}
        assert not bench.runtime.assets.exists(asset)
    bench.check()


@pytest.mark.parametrize("asset", AssetId)
def test_a_development_ledger_takes_every_asset_that_lives_somewhere(asset: AssetId) -> None:
    bench = Bench(ledger=DEVELOPMENT_LEDGER)
    outcome = bench.run(ENCLAVE, "assets_shield", EVE.public, asset, 1000, HERE)
    assert code(outcome) == (None if asset.reserve is not None else "stf.asset_not_shieldable")
    bench.check()


@pytest.mark.parametrize(
    ("vault", "parentchain", "expected"),
    [
        (None, HERE, "stf.no_shard_vault"),
        (HERE, ELSEWHERE, "stf.wrong_parentchain_for_vault"),
        (ELSEWHERE, HERE, "stf.wrong_parentchain_for_vault"),
        (ELSEWHERE, ELSEWHERE, None),
    ],
)
def test_only_the_vaults_chain_brings_assets(
    vault: ParentchainId | None, parentchain: ParentchainId, expected: str | None
) -> None:
    bench = Bench(vault=False, ledger=DEVELOPMENT_LEDGER)
    if vault is not None:
        bench.runtime.parentchain(vault).set_vault(b"\xee" * 32)
    outcome = bench.run(ENCLAVE, "assets_shield", EVE.public, USDC, 1000, parentchain)
    assert code(outcome) == expected
    assert bench.held(EVE, USDC) == (0 if expected else 999)
    bench.check()


# -- out


@pytest.mark.parametrize("amount", [0, 1, 999 * 10**6, 1000 * 10**6])
def test_unshield_pays_exactly_what_was_burned(bench: Bench, amount: int) -> None:
    supply = bench.runtime.assets.supply(USDC)
    outcome = bench.run(CHARLIE, "assets_unshield", EVE.public, USDC, amount, SHARD)
    assert outcome.error is None
    assert outcome.effects == (VaultPayment(HERE, EVE.public, amount, USDC),)
    assert supply - bench.runtime.assets.supply(USDC) == amount
    assert bench.held(CHARLIE, USDC) == 1000 * 10**6 - amount
    assert bench.free(CHARLIE) == 10 * ONE - 3 * FEE
    assert notes(bench, EVE.public) == notes(bench, CHARLIE.public) != []
    bench.check()


def no_vault(bench: Bench) -> None:
    bench.runtime.integritee.shard_vault.kill()


@pytest.mark.parametrize(
    ("asset", "amount", "shard", "arrange", "expected"),
    [
        (USDC, 1000 * 10**6 + 1, SHARD, None, "stf.missing_assets"),
        (USDC, 2**128 - 1, SHARD, None, "stf.missing_assets"),
        (USDT, 1, SHARD, None, "stf.missing_assets"),
        (AssetId.BTC, 1, SHARD, None, "stf.asset_not_shieldable"),
        (USDC, 1, bytes(32), None, "stf.wrong_shard"),
        (USDC, 1, SHARD, no_vault, "stf.no_shard_vault"),
    ],
)
def test_refused_unshielding_burns_nothing(
    bench: Bench, asset: AssetId, amount: int, shard: bytes, arrange: Any, expected: str
) -> None:
    if arrange is not None:
        arrange(bench)
    outcome = bench.run(CHARLIE, "assets_unshield", EVE.public, asset, amount, shard)
    assert (code(outcome), outcome.charged, outcome.effects) == (expected, True, ())
    assert bench.held(CHARLIE, USDC) == bench.runtime.assets.supply(USDC) == 1000 * 10**6
    assert bench.free(CHARLIE) == 10 * ONE - 3 * FEE
    assert notes(bench, CHARLIE.public) == []
    bench.check()


# -- getters


def test_what_wallets_are_told(bench: Bench) -> None:
    bench.hold(CHARLIE, PEPE, 3)
    bench.hold(CHARLIE, USDT, 4)
    bench.hold(BOB, USDC, 5)
    assert bench.ask(CHARLIE, "asset_balance", CHARLIE.public, USDC) == 1000 * 10**6
    assert bench.ask(CHARLIE, "asset_balance", CHARLIE.public, AssetId.BTC) == 0
    essentials = bench.ask(CHARLIE, "account_essentials", CHARLIE.public)
    assert essentials.account_info == bench.ask(CHARLIE, "account_info", CHARLIE.public)
    assert essentials.asset_balances == [
        AssetBalance(USDT, 4),
        AssetBalance(USDC, 1000 * 10**6),
        AssetBalance(PEPE, 3),
    ]
    assert bench.read("asset_total_issuance", USDC) == 1000 * 10**6 + 5
    assert bench.read("asset_total_issuance", AssetId.BTC) == 0
    bench.check()


# -- fees in assets

FEES = {
    AssetId.USDT: (10_000, 20_000, 30_000, 100_000),
    AssetId.USDT_E: (10_000, 20_000, 30_000, 100_000),
    AssetId.USDC: (10_000, 20_000, 30_000, 100_000),
    AssetId.USDC_E: (10_000, 20_000, 30_000, 100_000),
    AssetId.EURC_E: (10_000, 20_000, 30_000, 100_000),
    AssetId.WETH: (5 * 10**12, 10**13, 15 * 10**12, 5 * 10**13),
    AssetId.ETH: (5 * 10**12, 10**13, 15 * 10**12, 5 * 10**13),
    AssetId.WBTC_E: (14, 28, 42, 142),
    AssetId.PEPE_E: (111 * 10**19, 222 * 10**19, 333 * 10**19, 111 * 10**20),
}
"""Base units of each: a plain call, a transfer with a note of 100 bytes, an unshielding, a guess."""

KINDS: list[tuple[str, tuple[Any, ...]]] = [
    ("noop", ()),
    ("balance_transfer_with_note", (EVE.public, 0, b"x" * 100)),
    ("balance_unshield", (EVE.public, 0, SHARD)),
    ("guess_the_number.guess", (7,)),
]


@pytest.mark.parametrize("short", [0, 1])
@pytest.mark.parametrize("kind", range(len(KINDS)))
@pytest.mark.parametrize("asset", FEES)
def test_fees_in_assets(asset: AssetId, kind: int, short: int) -> None:
    """An account without native funds pays from its asset, to the last unit; it lives on if it keeps one."""
    bench, fee = hub(), FEES[asset][kind]
    bench.runtime.run_hooks(1, 1_700_000_000_000)
    bench.hold(CHARLIE, asset, fee - short)
    name, args = KINDS[kind]
    outcome = bench.run(CHARLIE, name, *args)
    if short:
        assert outcome.error is not None
        native = bench.call(name, CHARLIE.public, *args).definition.fee(ONE, (CHARLIE.public, *args))
        assert (code(outcome), outcome.charged) == ("stf.missing_funds", False)
        assert outcome.error.data() == {"needed": str(native), "available": "0"}
        assert bench.held(CHARLIE, asset) == fee - short
    else:
        assert outcome.error is None
        assert (bench.held(CHARLIE, asset), bench.held(ENCLAVE, asset)) == (0, fee)
        assert bench.nonce(CHARLIE) == 1
    bench.check()


@pytest.mark.parametrize(
    ("chain", "order"),
    [
        ("local-asset-hub", "USDT USDT.e USDC USDC.e EURC.e WETH ETH WBTC.e PEPE.e"),
        ("asset-hub-paseo", "USDT USDC WETH"),
        ("asset-hub-polkadot", "USDT.e USDC.e EURC.e ETH WBTC.e PEPE.e"),
    ],
)
def test_the_first_asset_that_suffices_pays(chain: str, order: str) -> None:
    """Each asset is enough for one call. Native funds come first; those an asset short are passed over."""
    bench = hub(chain=chain)
    native = FEE if bench.runtime.chain_spec().decimals == 12 else FEE // 100
    bench.runtime.balances.mint(CHARLIE.public, native)
    for asset, (fee, *_) in FEES.items():
        bench.hold(CHARLIE, asset, fee)
    assert bench.run(CHARLIE, "noop").error is None
    assert bench.free(CHARLIE) == 0
    paid = []
    for _ in order.split():
        held = {asset: bench.held(CHARLIE, asset) for asset in FEES}
        assert bench.run(CHARLIE, "noop").error is None
        paid += [asset.symbol for asset in FEES if bench.held(CHARLIE, asset) != held[asset]]
    assert paid == order.split()
    assert code(bench.run(CHARLIE, "noop")) == "stf.missing_funds"
    bench.check()


def test_fees_are_not_pieced_together() -> None:
    """A little of everything pays nothing."""
    poor = hub({CHARLIE: FEE - 1})
    for asset, (fee, *_) in FEES.items():
        poor.hold(CHARLIE, asset, fee - 1)
    before = poor.root()
    assert code(poor.run(CHARLIE, "noop")) == "stf.missing_funds"
    assert poor.root() == before
    poor.check()


def test_an_asset_pays_where_native_funds_are_tied_up(bench: Bench) -> None:
    """What an account with deposits lives on stays with it."""
    credentials = SessionProxyCredentials(ReadBalance(), None, bytes(32))
    bench.runtime.session_proxy.add_proxy(CHARLIE.public, BOB.public, credentials, 10 * ONE - FEE)
    assert bench.free(CHARLIE) == FEE
    assert bench.run(CHARLIE, "noop").error is None
    assert (bench.free(CHARLIE), bench.held(CHARLIE, USDC)) == (FEE, 1000 * 10**6 - 10_000)
    bench.check()


def test_a_failed_call_keeps_its_fee_in_an_asset_too() -> None:
    bench = hub()
    bench.hold(CHARLIE, USDC, 10**6)
    outcome = bench.run(CHARLIE, "balance_transfer", BOB.public, ONE)
    assert (code(outcome), outcome.charged) == ("stf.missing_funds", True)
    assert (bench.held(CHARLIE, USDC), bench.nonce(CHARLIE)) == (10**6 - 10_000, 1)
    bench.check()


def test_an_account_that_lived_on_an_asset_keeps_its_nonce() -> None:
    bench = hub()
    pair = Ed25519Pair.from_uri("//Holder")
    bench.hold(pair, USDC, 10_000)
    assert bench.run(pair, "noop").error is None
    info = bench.runtime.system.account.get(pair.public)
    assert (info.exists(), info.nonce) == (False, 1)
    bench.hold(pair, USDC, 10_000)
    signed = bench.signed(pair, bench.call("noop", pair.public), 0)
    assert code(bench.execute(signed)) == "stf.invalid_nonce"
    bench.check()
