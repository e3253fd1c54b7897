"""Fees in an asset: how much, who is refused, what is given back, which events tell of it."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from integritee.frame.extrinsic import EXTENSION_WEIGHT
from integritee.frame.limits import BASE_EXTRINSIC
from integritee.frame.outer import RuntimeCall
from integritee.frame.pallets.asset_tx_payment import ASSET_CHARGE_WEIGHT
from integritee.frame.validity import Invalid, Payment
from integritee.frame.weights import Pays
from integritee.node.runtime.target_b import EXISTENTIAL_DEPOSIT, TargetBRuntime
from integritee.primitives.ids import Id
from integritee.scale import Err, Ok

from .chain_kit import ALICE, BOB, CHARLIE, DAVE, Chain, apply

USDT, USDC, COUPON, NONE = 1984, 1337, 7, 99
LEAST = 10_000
"""Least holding of USDT and USDC."""
HELD = 10_000 * 10**6
UNKNOWN_ASSET = Err(Invalid(Payment()))


@pytest.fixture
def chain() -> Chain:
    return Chain(TargetBRuntime)


def remark(chain: Chain) -> RuntimeCall:
    return chain.call("System", "remark", b"")


REMARK_WEIGHT = 1_979_000


def native_fee(extrinsic: bytes, weight: int = REMARK_WEIGHT) -> int:
    extensions = EXTENSION_WEIGHT.ref_time + ASSET_CHARGE_WEIGHT.ref_time
    return BASE_EXTRINSIC.ref_time + len(extrinsic) * 10**6 + weight + extensions


def price(native: int, least: int = LEAST) -> int:
    return native * least // EXISTENTIAL_DEPOSIT


def units(chain: Chain, who: Any = ALICE, asset: int = USDT) -> int:
    return int(chain.runtime().assets.balance(asset, who.public))


def sudo(chain: Chain, pallet: str, function: str, *args: Any) -> None:
    assert chain.make(chain.sign(chain.call("Sudo", "sudo", chain.call(pallet, function, *args)))) == [Ok(Ok(None))]


# -- amounts


def test_a_fee_in_units_of_an_asset(chain: Chain) -> None:
    before = chain.runtime().balances.free(ALICE.public)
    extrinsic = chain.sign(remark(chain), asset=USDT)
    assert chain.make(extrinsic) == [Ok(Ok(None))]
    fee = price(native_fee(extrinsic))
    assert fee > 0
    assert units(chain) == HELD - fee
    assert chain.runtime().balances.free(ALICE.public) == before
    assert chain.names(1) == ["Assets.Withdrawn", "AssetTxPayment.AssetTxFeePaid", "System.ExtrinsicSuccess"]
    withdrawn, paid, _ = (record.event.values for record in chain.events(1))
    assert withdrawn == (USDT, ALICE.public, fee)
    assert paid == (ALICE.public, fee, 0, USDT)


def test_fees_in_assets_are_burned(chain: Chain) -> None:
    chain.make(chain.sign(remark(chain), asset=USDT))
    assert chain.runtime().assets.supply(USDT) == units(chain) + units(chain, BOB)


def test_a_tip_is_part_of_it(chain: Chain) -> None:
    extrinsic = chain.sign(remark(chain), asset=USDT, tip=5 * EXISTENTIAL_DEPOSIT)
    chain.make(extrinsic)
    paid = chain.events(1)[1].event.values
    assert paid == (ALICE.public, price(native_fee(extrinsic) + 5 * EXISTENTIAL_DEPOSIT), 5 * LEAST, USDT)


def test_no_asset_means_the_native_token(chain: Chain) -> None:
    chain.make(chain.sign(remark(chain)))
    assert units(chain) == HELD
    assert chain.names(1)[-2:] == ["TransactionPayment.TransactionFeePaid", "System.ExtrinsicSuccess"]


def test_the_rate_is_that_of_the_least_holding(chain: Chain) -> None:
    sudo(chain, "Assets", "force_create", COUPON, Id(ALICE.public), True, 3 * LEAST)
    chain.make(chain.sign(chain.call("Assets", "mint", COUPON, Id(ALICE.public), HELD)))
    extrinsic = chain.sign(remark(chain), asset=COUPON)
    chain.make(extrinsic)
    assert units(chain, asset=COUPON) == HELD - price(native_fee(extrinsic), 3 * LEAST)


@pytest.mark.parametrize(
    ("fee", "least", "cost"),
    [
        (0, LEAST, 0),
        (1, LEAST, 1),
        (EXISTENTIAL_DEPOSIT, 1, 1),
        (10**9 + 10**5 - 1, LEAST, LEAST),
        (10**40, 1 << 100, (1 << 128) - 1),
    ],
)
def test_conversion(chain: Chain, fee: int, least: int, cost: int) -> None:
    """Rounded down, yet never to nothing, and never beyond what there can be."""
    runtime = chain.runtime()
    details = runtime.assets.asset.get(USDT)
    runtime.assets.asset.put(USDT, replace(details, min_balance=least))
    assert runtime.asset_tx_payment.in_asset(USDT).price(fee) == cost


# -- what is given back


def test_what_a_call_does_not_need_is_given_back(chain: Chain) -> None:
    extrinsic = chain.sign(chain.call("Sudo", "sudo", remark(chain)), asset=USDT)
    chain.make(extrinsic)
    assert units(chain) == HELD
    assert chain.names(1) == [
        "Assets.Withdrawn",
        "Sudo.Sudid",
        "Assets.Deposited",
        "AssetTxPayment.AssetTxFeePaid",
        "System.ExtrinsicSuccess",
    ]
    assert chain.events(1)[3].event.values == (ALICE.public, 0, 0, USDT)
    assert chain.events(1)[4].event.values[0].pays_fee is Pays.No
    assert chain.runtime().assets.supply(USDT) == 2 * HELD


def test_a_failing_call_pays(chain: Chain) -> None:
    extrinsic = chain.sign(chain.call("Assets", "transfer", USDT, Id(BOB.public), 2 * HELD), asset=USDT)
    (outcome,) = chain.make(extrinsic)
    assert isinstance(outcome.value, Err)
    assert chain.names(1) == ["Assets.Withdrawn", "AssetTxPayment.AssetTxFeePaid", "System.ExtrinsicFailed"]
    assert units(chain) < HELD


def test_a_holding_that_the_call_closed_gets_no_change(chain: Chain) -> None:
    """The change alone is less than a holding may be."""
    everything = chain.call("Assets", "transfer_all", USDT, Id(BOB.public), False)
    extrinsic = chain.sign(
        chain.call("Utility", "batch", [everything, chain.call("Sudo", "sudo", remark(chain))]), asset=USDT
    )
    assert chain.make(extrinsic) == [Ok(Ok(None))]
    assert "Assets.Deposited" not in chain.names(1)
    runtime = chain.runtime()
    assert units(chain) == 0
    assert runtime.assets.supply(USDT) == units(chain, BOB)


# -- who can pay


def refuses(chain: Chain, extrinsic: bytes) -> None:
    """By the pool as in blocks, without a trace."""
    assert chain.validate(extrinsic) == UNKNOWN_ASSET
    overlay, _ = chain.open()
    before = overlay.changes()
    assert apply(overlay, extrinsic) == UNKNOWN_ASSET
    assert overlay.changes() == before


@pytest.mark.parametrize(
    ("who", "asset"),
    [(ALICE, NONE), (CHARLIE, USDT), (DAVE, USDT)],
    ids=["no such asset", "none held", "no such account"],
)
def test_refusals(chain: Chain, who: Any, asset: int) -> None:
    refuses(chain, chain.sign(remark(chain), who, asset=asset))


def test_an_asset_that_does_not_suffice_says_nothing_of_its_worth(chain: Chain) -> None:
    sudo(chain, "Assets", "force_create", COUPON, Id(ALICE.public), False, LEAST)
    chain.make(chain.sign(chain.call("Assets", "mint", COUPON, Id(ALICE.public), HELD)))
    refuses(chain, chain.sign(remark(chain), asset=COUPON))


@pytest.mark.parametrize("freeze", [("freeze", USDT, Id(ALICE.public)), ("freeze_asset", USDT)], ids=lambda f: f[0])
def test_what_is_frozen_pays_nothing(chain: Chain, freeze: tuple[Any, ...]) -> None:
    chain.make(chain.sign(chain.call("Assets", *freeze)))
    refuses(chain, chain.sign(remark(chain), asset=USDT))


@pytest.mark.parametrize("spare", [0, -1])
def test_the_least_holding_must_be_left(chain: Chain, spare: int) -> None:
    probe = chain.sign(remark(chain), CHARLIE, asset=USDT)
    fee = price(native_fee(probe))
    chain.make(chain.sign(chain.call("Assets", "transfer", USDT, Id(CHARLIE.public), fee + LEAST + spare)))
    if spare < 0:
        refuses(chain, probe)
    else:
        assert chain.make(probe) == [Ok(Ok(None))]
        assert units(chain, CHARLIE) == LEAST


def test_an_account_without_native_funds_lives_and_pays_in_assets(chain: Chain) -> None:
    chain.make(chain.sign(chain.call("Assets", "transfer", USDT, Id(DAVE.public), 10**6)))
    assert chain.runtime().balances.free(DAVE.public) == 0
    back = chain.call("Assets", "transfer_keep_alive", USDT, Id(ALICE.public), 5 * 10**5)
    assert chain.validate(chain.sign(back, DAVE)) == UNKNOWN_ASSET  # with no native funds
    assert chain.make(chain.sign(back, DAVE, asset=USDT)) == [Ok(Ok(None))]
    assert LEAST <= units(chain, DAVE) < 5 * 10**5


def test_one_holding_pays_for_each_in_turn(chain: Chain) -> None:
    extrinsics = [chain.sign(remark(chain), nonce=nonce, asset=(USDT, USDC)[nonce % 2]) for nonce in range(4)]
    assert chain.make(*extrinsics) == [Ok(Ok(None))] * 4
    assert units(chain) == units(chain, asset=USDC) == HELD - 2 * price(native_fee(extrinsics[0]))
    chain.execute(chain.block())
