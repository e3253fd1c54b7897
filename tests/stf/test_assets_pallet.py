"""pallet Assets of the ledger: holdings keep accounts alive, and nothing is burned that is not there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from integritee.crypto import blake2_128_concat
from integritee.errors import IntegriteeError
from integritee.frame.errors import DispatchFailure, Module
from integritee.frame.outer import EventRecord
from integritee.frame.pallets.system import AccountInfo
from integritee.stf.asset_map import ASSET_HUB_LOCAL, AssetId
from integritee.stf.errors import MissingAssets

from ..invariants import assert_invariants, assert_nonces_grow, nonces
from .small_ledger import ALICE, BOB, CHARLIE, ED, OWNER, SmallLedger, events, fresh, names

USDT, USDC, ETH = AssetId.USDT, AssetId.USDC, AssetId.ETH
MOST = (1 << 128) - 1


def holding() -> SmallLedger:
    """USDT: Alice 1,000, Bob 1. USDC exists, nobody holds it. Alice lives on native funds, Bob does not."""
    ledger = fresh()
    ledger.balances.mint(ALICE, 10 * ED)
    for asset in (USDT, USDC):
        ledger.assets.ensure(asset, OWNER)
    ledger.assets.mint_into(USDT, ALICE, 1_000)
    ledger.assets.mint_into(USDT, BOB, 1)
    ledger.events.clear()
    assert_laws(ledger)
    return ledger


def assert_laws(ledger: SmallLedger) -> None:
    """Supply is what all hold together; holdings are counted, by asset and by account."""
    assert_invariants(ledger)
    held: dict[bytes, int] = {}
    for id, details in ledger.assets.asset.items():
        assert details is not None
        accounts = {who: holding for who, holding in ledger.assets.account.items_under(id) if holding}
        assert details.supply == sum(holding.balance for holding in accounts.values())
        assert details.sufficients == details.accounts == len(accounts)
        assert all(holding.balance > 0 for holding in accounts.values())
        for who in accounts:
            held[who] = held.get(who, 0) + 1
    for who, info in ledger.system.account.items():
        assert info.sufficients == held.pop(who, 0)
    assert held == {}


# -- bytes


def test_storage_layout() -> None:
    ledger = holding()
    prefix = bytes.fromhex("682a59d51ab9e48a8c8cc418ff9708d2")
    asset = prefix + bytes.fromhex("d34371a193a751eea5883e9553457b2e") + blake2_128_concat(b"\x0a")
    account = prefix + bytes.fromhex("b99d880ec681799c0cf30e8886371da9") + blake2_128_concat(b"\x0a")
    details = OWNER * 4 + b"".join(encode_u128(n) for n in (1_001, 0, 1)) + b"\x01" + b"\x02\0\0\0" * 2 + b"\0" * 5
    assert ledger.state.get(asset) == details
    assert len(details) == 190
    assert ledger.state.get(account + blake2_128_concat(ALICE)) == encode_u128(1_000) + b"\x00\x01"
    assert ledger.assets.asset.key_of(USDT) == asset
    assert ledger.assets.account.key_of(USDT, ALICE) == account + blake2_128_concat(ALICE)


def encode_u128(value: int) -> bytes:
    return value.to_bytes(16, "little")


def test_events_on_the_wire() -> None:
    ledger = holding()
    ledger.assets.ensure(ETH, OWNER)
    ledger.assets.mint_into(USDT, ALICE, 5)
    ledger.assets.transfer(USDT, ALICE, BOB, 6)
    ledger.assets.burn_from(USDT, BOB, 4)
    records = [raw[1:-1].hex() for raw in ledger.events]
    assert records == [
        "320e1e" + OWNER.hex(),
        "32010a" + ALICE.hex() + encode_u128(5).hex(),
        "32020a" + ALICE.hex() + BOB.hex() + encode_u128(6).hex(),
        "32030a" + BOB.hex() + encode_u128(4).hex(),
    ]
    assert [ledger.codec(EventRecord).decode(raw).event.pallet for raw in ledger.events] == ["Assets"] * 4


# -- existence


def test_an_asset_comes_into_being_once() -> None:
    ledger = fresh()
    assert not ledger.assets.exists(USDT)
    ledger.assets.ensure(USDT, OWNER)
    ledger.assets.ensure(USDT, ALICE)
    assert ledger.assets.exists(USDT)
    assert events(ledger) == [("ForceCreated", (USDT, OWNER))]
    details = ledger.assets.asset.get(USDT)
    assert details is not None
    assert {details.owner, details.issuer, details.admin, details.freezer} == {OWNER}
    assert (details.is_sufficient, details.min_balance, details.supply) == (True, 1, 0)
    with pytest.raises(DispatchFailure) as caught:
        ledger.assets.establish(USDT, OWNER, True, 1)
    assert caught.value.code == "assets.in_use"


def test_balances_and_supply() -> None:
    assets = holding().assets
    assert [assets.balance(USDT, who) for who in (ALICE, BOB, CHARLIE)] == [1_000, 1, 0]
    assert [assets.supply(id) for id in (USDT, USDC, ETH)] == [1_001, 0, 0]
    assert (assets.balance(USDC, ALICE), assets.balance(ETH, ALICE)) == (0, 0)


@pytest.mark.parametrize("ids", [ASSET_HUB_LOCAL, (ETH, USDT, USDC), (ETH,), ()])
def test_balances_of_an_account_in_the_order_asked_for(ids: tuple[AssetId, ...]) -> None:
    ledger = holding()
    ledger.assets.ensure(ETH, OWNER)
    ledger.assets.mint_into(ETH, ALICE, 7)
    held = {USDT: 1_000, ETH: 7}
    assert ledger.assets.balances_of(ALICE, ids) == [(id, held[id]) for id in ids if id in held]
    assert ledger.assets.balances_of(CHARLIE, ids) == []


# -- what happens: (name, act, events, balances of Alice, Bob and Charlie)

Act = Callable[[SmallLedger], object]

CASES: list[tuple[str, Act, tuple[str, ...], tuple[int, int, int]]] = [
    ("mint", lambda ledger: ledger.assets.mint_into(USDT, ALICE, 5), ("Issued",), (1_005, 1, 0)),
    (
        "mint to a new account",
        lambda ledger: ledger.assets.mint_into(USDT, CHARLIE, 1),
        ("NewAccount", "Issued"),
        (1_000, 1, 1),
    ),
    ("mint nothing", lambda ledger: ledger.assets.mint_into(USDT, CHARLIE, 0), ("Issued",), (1_000, 1, 0)),
    (
        "mint all there can be",
        lambda ledger: ledger.assets.mint_into(USDT, ALICE, MOST - 1_001),
        ("Issued",),
        (MOST - 1, 1, 0),
    ),
    ("burn", lambda ledger: ledger.assets.burn_from(USDT, ALICE, 999), ("Burned",), (1, 1, 0)),
    ("burn everything", lambda ledger: ledger.assets.burn_from(USDT, ALICE, 1_000), ("Burned",), (0, 1, 0)),
    (
        "burn what kept an account alive",
        lambda ledger: ledger.assets.burn_from(USDT, BOB, 1),
        ("KilledAccount", "Burned"),
        (1_000, 0, 0),
    ),
    ("burn nothing", lambda ledger: ledger.assets.burn_from(USDT, CHARLIE, 0), ("Burned",), (1_000, 1, 0)),
    ("transfer", lambda ledger: ledger.assets.transfer(USDT, ALICE, BOB, 1), ("Transferred",), (999, 2, 0)),
    (
        "transfer to a new account",
        lambda ledger: ledger.assets.transfer(USDT, ALICE, CHARLIE, 400),
        ("NewAccount", "Transferred"),
        (600, 1, 400),
    ),
    (
        "transfer everything",
        lambda ledger: ledger.assets.transfer(USDT, ALICE, BOB, 1_000),
        ("Transferred",),
        (0, 1_001, 0),
    ),
    (
        "transfer one's life",
        lambda ledger: ledger.assets.transfer(USDT, BOB, CHARLIE, 1),
        ("NewAccount", "KilledAccount", "Transferred"),
        (1_000, 0, 1),
    ),
    (
        "transfer to oneself",
        lambda ledger: ledger.assets.transfer(USDT, BOB, BOB, 1),
        ("Transferred",),
        (1_000, 1, 0),
    ),
    ("transfer nothing", lambda ledger: ledger.assets.transfer(USDT, BOB, CHARLIE, 0), (), (1_000, 1, 0)),
    ("transfer nothing of nothing", lambda ledger: ledger.assets.transfer(ETH, BOB, CHARLIE, 0), (), (1_000, 1, 0)),
]


@pytest.mark.parametrize(("act", "happened", "balances"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_movements(act: Act, happened: tuple[str, ...], balances: tuple[int, int, int]) -> None:
    ledger = holding()
    act(ledger)
    assert names(ledger) == happened
    assert tuple(ledger.assets.balance(USDT, who) for who in (ALICE, BOB, CHARLIE)) == balances
    assert ledger.assets.supply(USDT) == sum(balances)
    assert_laws(ledger)


def test_what_events_say() -> None:
    ledger = holding()
    ledger.assets.transfer(USDT, BOB, CHARLIE, 1)
    assert events(ledger) == [
        ("NewAccount", (CHARLIE,)),
        ("KilledAccount", (BOB,)),
        ("Transferred", (USDT, BOB, CHARLIE, 1)),
    ]


# -- refusals

REFUSALS: list[tuple[str, Act, str]] = [
    ("mint what does not exist", lambda ledger: ledger.assets.mint_into(ETH, ALICE, 1), "token.unknown_asset"),
    (
        "mint more than there can be",
        lambda ledger: ledger.assets.mint_into(USDT, CHARLIE, MOST - 1_000),
        "arithmetic.overflow",
    ),
    (
        "mint more than one can hold",
        lambda ledger: ledger.assets.mint_into(USDT, ALICE, MOST),
        "arithmetic.overflow",
    ),
    ("burn what does not exist", lambda ledger: ledger.assets.burn_from(ETH, ALICE, 1), "assets.unknown"),
    ("burn nothing of nothing", lambda ledger: ledger.assets.burn_from(ETH, ALICE, 0), "assets.unknown"),
    ("burn too much", lambda ledger: ledger.assets.burn_from(USDT, ALICE, 1_001), "stf.missing_assets"),
    ("burn a stranger's", lambda ledger: ledger.assets.burn_from(USDT, CHARLIE, 1), "stf.missing_assets"),
    ("transfer what does not exist", lambda ledger: ledger.assets.transfer(ETH, ALICE, BOB, 1), "assets.unknown"),
    (
        "transfer what one does not hold",
        lambda ledger: ledger.assets.transfer(USDT, CHARLIE, ALICE, 1),
        "assets.no_account",
    ),
    ("transfer too much", lambda ledger: ledger.assets.transfer(USDT, ALICE, BOB, 1_001), "assets.balance_low"),
    (
        "transfer too much to oneself",
        lambda ledger: ledger.assets.transfer(USDT, BOB, BOB, 2),
        "assets.balance_low",
    ),
]


@pytest.mark.parametrize(("act", "code"), [r[1:] for r in REFUSALS], ids=[r[0] for r in REFUSALS])
def test_refusals(act: Act, code: str) -> None:
    ledger = holding()
    before = ledger.state.changes()
    with pytest.raises(IntegriteeError) as caught, ledger.transaction():
        act(ledger)
    assert caught.value.code == code
    assert ledger.state.changes() == before
    assert ledger.events == []
    if code.startswith("assets."):
        assert isinstance(caught.value, DispatchFailure)
        assert isinstance(caught.value.error, Module)
        assert caught.value.error.module.index == 50


def test_burning_is_exact() -> None:
    """The original burns what there is and has the vault pay the amount asked for."""
    ledger = holding()
    with pytest.raises(MissingAssets) as caught:
        ledger.assets.burn_from(USDT, ALICE, 1_001)
    failure = caught.value
    assert (failure.asset, failure.needed, failure.available) == ("USDT", "1001", "1000")
    assert ledger.assets.supply(USDT) == 1_001


# -- accounts


def test_assets_keep_an_account_alive_without_native_funds() -> None:
    ledger = holding()
    assert ledger.system.account.get(BOB) == AccountInfo(sufficients=1)
    ledger.assets.mint_into(USDC, BOB, 1)
    assert ledger.system.account.get(BOB).sufficients == 2
    ledger.assets.burn_from(USDT, BOB, 1)
    assert names(ledger) == ("Issued", "Burned")
    ledger.balances.mint(BOB, ED)
    ledger.assets.burn_from(USDC, BOB, 1)
    assert names(ledger) == ("Endowed", "Burned")
    assert ledger.system.account.get(BOB).providers == 1
    assert_laws(ledger)


def test_native_funds_may_leave_an_account_that_holds_assets() -> None:
    ledger = holding()
    ledger.balances.transfer(ALICE, CHARLIE, 10 * ED)
    assert ledger.system.account.get(ALICE) == AccountInfo(sufficients=1)
    assert "KilledAccount" not in names(ledger)
    assert_laws(ledger)


def test_reserves_hold_native_funds_back_even_where_assets_would_do() -> None:
    """Else the last asset to leave would take the reserved funds along."""
    ledger = holding()
    ledger.balances.reserve(ALICE, ED)
    with pytest.raises(DispatchFailure) as caught:
        ledger.balances.transfer(ALICE, CHARLIE, 9 * ED)
    assert caught.value.code == "token.frozen"
    with pytest.raises(DispatchFailure) as caught:
        ledger.balances.set_free(ALICE, 0)
    assert caught.value.code == "dispatch.consumer_remaining"
    ledger.assets.transfer(USDT, ALICE, BOB, 1_000)
    assert ledger.balances.data(ALICE).reserved == ED
    assert_laws(ledger)


def test_the_nonce_outlives_an_account_that_lived_on_assets() -> None:
    ledger = holding()
    for _ in range(3):
        ledger.system.increment_nonce(BOB)
    ledger.assets.transfer(USDT, BOB, ALICE, 1)
    assert names(ledger) == ("KilledAccount", "Transferred")
    assert ledger.system.account.get(BOB) == AccountInfo(3)
    ledger.assets.transfer(USDT, ALICE, BOB, 1)
    assert names(ledger) == ("NewAccount", "Transferred")
    assert ledger.system.account.get(BOB) == AccountInfo(3, sufficients=1)


# -- laws

PEOPLE = [ALICE, BOB, CHARLIE, OWNER]
WHO = st.sampled_from(PEOPLE)
ID = st.sampled_from([USDT, USDC, ETH])
AMOUNT = st.sampled_from([0, 1, 2, MOST // 2, MOST - 1, MOST]) | st.integers(0, 50)
NATIVE = st.sampled_from([0, 1, ED - 1, ED, ED + 1, 5 * ED])


class AssetsMachine(RuleBasedStateMachine):
    """Holdings and native funds come and go, on accounts that live on either: supply and references stay true."""

    @initialize()
    def begin(self) -> None:
        self.ledger = fresh()
        self.held: dict[tuple[AssetId, bytes], int] = {}
        self.seen = nonces(self.ledger)

    def attempt(self, act: Callable[..., object], *args: Any) -> bool:
        before = self.ledger.state.changes()
        try:
            with self.ledger.transaction():
                act(*args)
        except IntegriteeError:
            assert self.ledger.state.changes() == before
            return False
        return True

    def of(self, id: AssetId, who: bytes) -> int:
        return self.held.get((id, who), 0)

    def supply(self, id: AssetId) -> int:
        return sum(amount for (held, _), amount in self.held.items() if held is id)

    @rule(id=ID)
    def ensure(self, id: AssetId) -> None:
        self.ledger.assets.ensure(id, OWNER)

    @rule(id=ID, who=WHO, amount=AMOUNT)
    def mint(self, id: AssetId, who: bytes, amount: int) -> None:
        possible = amount == 0 or (self.ledger.assets.exists(id) and self.supply(id) + amount <= MOST)
        assert self.attempt(self.ledger.assets.mint_into, id, who, amount) is possible
        if possible:
            self.held[id, who] = self.of(id, who) + amount

    @rule(id=ID, who=WHO, amount=AMOUNT, all_=st.booleans())
    def burn(self, id: AssetId, who: bytes, amount: int, all_: bool) -> None:
        amount = self.of(id, who) if all_ else amount
        possible = self.ledger.assets.exists(id) and amount <= self.of(id, who)
        assert self.attempt(self.ledger.assets.burn_from, id, who, amount) is possible
        if possible:
            self.held[id, who] = self.of(id, who) - amount

    @rule(id=ID, who=WHO, to=WHO, amount=AMOUNT, all_=st.booleans())
    def transfer(self, id: AssetId, who: bytes, to: bytes, amount: int, all_: bool) -> None:
        amount = self.of(id, who) if all_ else amount
        # A transfer to oneself must fit on top of what is there, as if it came from somebody else.
        possible = amount <= self.of(id, who) and (who != to or self.of(id, who) + amount <= MOST)
        assert self.attempt(self.ledger.assets.transfer, id, who, to, amount) is possible
        if possible:
            self.held[id, who] = self.of(id, who) - amount
            self.held[id, to] = self.of(id, to) + amount

    @rule(who=WHO, amount=NATIVE)
    def mint_native(self, who: bytes, amount: int) -> None:
        self.ledger.balances.mint(who, amount)

    @rule(who=WHO, to=WHO, amount=NATIVE, all_=st.booleans())
    def pay_native(self, who: bytes, to: bytes, amount: int, all_: bool) -> None:
        amount = self.ledger.balances.free(who) if all_ else amount
        self.attempt(self.ledger.balances.transfer, who, to, amount)

    @rule(who=WHO, amount=NATIVE)
    def reserve_native(self, who: bytes, amount: int) -> None:
        self.attempt(self.ledger.balances.reserve, who, amount)

    @rule(who=WHO, amount=NATIVE)
    def unreserve_native(self, who: bytes, amount: int) -> None:
        self.attempt(self.ledger.balances.unreserve, who, amount)

    @rule(who=WHO)
    def sign(self, who: bytes) -> None:
        if self.ledger.system.account.get(who).exists():
            self.ledger.system.increment_nonce(who)

    @invariant()
    def laws(self) -> None:
        if not hasattr(self, "ledger"):
            return
        assert_laws(self.ledger)
        for id in (USDT, USDC, ETH):
            assert self.ledger.assets.supply(id) == self.supply(id)
            for who in PEOPLE:
                assert self.ledger.assets.balance(id, who) == self.of(id, who)

    @invariant()
    def nonces_grow(self) -> None:
        if not hasattr(self, "ledger"):
            return
        now = nonces(self.ledger)
        assert_nonces_grow(self.seen, now)
        self.seen = now


AssetsMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestAssetsMachine = AssetsMachine.TestCase
