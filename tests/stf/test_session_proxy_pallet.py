"""pallet SessionProxy: keys that act for an account, their deposits and allowances."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from integritee.crypto import blake2_128, blake2_128_concat, twox_128
from integritee.errors import IntegriteeError
from integritee.frame.errors import ConsumerRemaining, DispatchError, DispatchFailure, Module, ModuleError
from integritee.scale import decode, encode
from integritee.stf.errors import AllowanceExceeded
from integritee.stf.types import (
    AnyRole,
    NonTransfer,
    ReadAny,
    ReadBalance,
    SessionProxyCredentials,
    SessionProxyRole,
    TransferAllowance,
)

from ..invariants import assert_invariants
from .small_ledger import ALICE, BOB, CHARLIE, ED, SmallLedger, fresh, names

DEPOSIT = 1_000
FUNDS = 100_000
KEYS = [bytes([i]) * 32 for i in range(1, 12)]


def credentials(
    role: SessionProxyRole | None = None, expiry: int | None = None, seed: int = 9
) -> SessionProxyCredentials:
    return SessionProxyCredentials(role or AnyRole(), expiry, bytes([seed]) * 32)


def funded() -> SmallLedger:
    ledger = fresh()
    ledger.balances.mint(ALICE, FUNDS)
    ledger.events.clear()
    return ledger


def funds(ledger: SmallLedger, who: bytes = ALICE) -> tuple[int, int]:
    """Free and reserved."""
    data = ledger.balances.data(who)
    return data.free, data.reserved


def module(index: int) -> DispatchError:
    return Module(ModuleError(41, bytes([index, 0, 0, 0])))


def refused(ledger: SmallLedger, act: Callable[[], object]) -> IntegriteeError:
    """The reason; nothing has changed."""
    before, deposited = ledger.state.changes(), len(ledger.events)
    with pytest.raises(IntegriteeError) as caught, ledger.transaction():
        act()
    assert ledger.state.changes() == before
    assert len(ledger.events) == deposited
    return caught.value


# -- bytes


@pytest.mark.parametrize(
    ("role", "raw"),
    [
        (ReadBalance(), "00"),
        (ReadAny(), "01"),
        (NonTransfer(), "02"),
        (AnyRole(), "03"),
        (TransferAllowance(258), "0402010000000000000000000000000000"),
    ],
)
@pytest.mark.parametrize(("expiry", "expires"), [(None, "00"), (5, "010500000000000000")])
def test_what_is_stored_where(role: SessionProxyRole, raw: str, expiry: int | None, expires: str) -> None:
    ledger = funded()
    ledger.session_proxy.add_proxy(ALICE, BOB, credentials(role, expiry), DEPOSIT)
    key = bytes.fromhex("98e15371ff3a80a596b7e1a3a353b2a8") + twox_128(b"SessionProxies")
    key += blake2_128_concat(ALICE) + blake2_128_concat(BOB)
    assert key == ledger.session_proxy.session_proxies.key_of(ALICE, BOB)
    value = ledger.state.get(key)
    assert value is not None
    assert value.hex() == raw + expires + "09" * 32 + "e8030000000000000000000000000000"
    assert decode(SessionProxyCredentials, value[:-16]) == ledger.session_proxy.get(ALICE, BOB)
    assert encode(SessionProxyCredentials, credentials(role, expiry)) == value[:-16]


# -- adding


def test_adding_reserves_the_deposit() -> None:
    ledger = funded()
    ledger.session_proxy.add_proxy(ALICE, BOB, credentials(), DEPOSIT)
    assert ledger.session_proxy.get(ALICE, BOB) == credentials()
    assert ledger.session_proxy.get(BOB, ALICE) is None
    assert funds(ledger) == (FUNDS - DEPOSIT, DEPOSIT)
    assert list(ledger.session_proxy.deposits()) == [(ALICE, DEPOSIT)]
    assert ledger.system.account.get(ALICE).consumers == 1
    assert names(ledger) == ("Reserved",)
    assert_invariants(ledger)


@pytest.mark.parametrize(
    ("deposit", "events"),
    [(DEPOSIT, ()), (DEPOSIT + 5, ("Reserved",)), (DEPOSIT - 5, ("Unreserved",)), (0, ("Unreserved",))],
)
def test_adding_again_overwrites_and_adjusts_the_deposit(deposit: int, events: tuple[str, ...]) -> None:
    ledger = funded()
    ledger.session_proxy.add_proxy(ALICE, BOB, credentials(), DEPOSIT)
    ledger.events.clear()
    ledger.session_proxy.add_proxy(ALICE, BOB, credentials(ReadAny(), 7), deposit)
    assert ledger.session_proxy.credentials_of(ALICE) == [credentials(ReadAny(), 7)]
    assert funds(ledger) == (FUNDS - deposit, deposit)
    assert list(ledger.session_proxy.deposits()) == [(ALICE, deposit)]
    assert names(ledger) == events


def test_ten_session_proxies_are_enough() -> None:
    ledger = funded()
    proxies = ledger.session_proxy
    for key in KEYS[:10]:
        proxies.add_proxy(ALICE, key, credentials(), DEPOSIT)
    failure = refused(ledger, lambda: proxies.add_proxy(ALICE, KEYS[10], credentials(), DEPOSIT))
    assert isinstance(failure, DispatchFailure)
    assert (failure.error, failure.code) == (module(1), "session_proxy.too_many_proxies")
    proxies.add_proxy(ALICE, KEYS[0], credentials(ReadAny()), DEPOSIT)
    proxies.remove_proxy(ALICE, KEYS[1])
    proxies.add_proxy(ALICE, KEYS[10], credentials(), DEPOSIT)
    assert funds(ledger) == (FUNDS - 10 * DEPOSIT, 10 * DEPOSIT)
    ledger.balances.mint(CHARLIE, FUNDS)
    proxies.add_proxy(CHARLIE, KEYS[0], credentials(), DEPOSIT)


@pytest.mark.parametrize(
    ("delegate", "deposit", "error", "code"),
    [
        (ALICE, DEPOSIT, module(0), "session_proxy.self_proxy_forbidden"),
        (BOB, FUNDS + 1, Module(ModuleError(2, b"\x02\0\0\0")), "balances.insufficient_balance"),
        (BOB, FUNDS - ED + 1, ConsumerRemaining(), "dispatch.consumer_remaining"),
    ],
)
def test_what_cannot_be_added(delegate: bytes, deposit: int, error: DispatchError, code: str) -> None:
    ledger = funded()
    failure = refused(ledger, lambda: ledger.session_proxy.add_proxy(ALICE, delegate, credentials(), deposit))
    assert isinstance(failure, DispatchFailure)
    assert (failure.error, failure.code) == (error, code)


def test_an_unaffordable_higher_deposit_leaves_the_old_proxy() -> None:
    ledger = funded()
    ledger.session_proxy.add_proxy(ALICE, BOB, credentials(ReadAny()), DEPOSIT)
    refused(ledger, lambda: ledger.session_proxy.add_proxy(ALICE, BOB, credentials(), FUNDS + DEPOSIT))
    assert ledger.session_proxy.get(ALICE, BOB) == credentials(ReadAny())


def test_credentials_are_listed_by_storage_key() -> None:
    ledger = funded()
    for i, key in enumerate(KEYS[:8]):
        ledger.session_proxy.add_proxy(ALICE, key, credentials(seed=i), DEPOSIT)
    by_key = sorted(range(8), key=lambda i: blake2_128(KEYS[i]))
    assert by_key != list(range(8))
    assert [c.seed[0] for c in ledger.session_proxy.credentials_of(ALICE)] == by_key
    assert ledger.session_proxy.credentials_of(BOB) == []


# -- removing


def test_removing_returns_the_deposit() -> None:
    ledger = funded()
    ledger.session_proxy.add_proxy(ALICE, BOB, credentials(), DEPOSIT)
    ledger.session_proxy.add_proxy(ALICE, CHARLIE, credentials(), 2 * DEPOSIT)
    ledger.events.clear()
    ledger.session_proxy.remove_proxy(ALICE, BOB)
    assert ledger.session_proxy.get(ALICE, BOB) is None
    assert ledger.session_proxy.get(ALICE, CHARLIE) is not None
    assert funds(ledger) == (FUNDS - 2 * DEPOSIT, 2 * DEPOSIT)
    assert names(ledger) == ("Unreserved",)


@pytest.mark.parametrize(("delegator", "delegate"), [(ALICE, CHARLIE), (BOB, ALICE), (ALICE, ALICE)])
def test_removing_what_is_no_proxy(delegator: bytes, delegate: bytes) -> None:
    ledger = funded()
    ledger.session_proxy.add_proxy(ALICE, BOB, credentials(), DEPOSIT)
    failure = refused(ledger, lambda: ledger.session_proxy.remove_proxy(delegator, delegate))
    assert isinstance(failure, DispatchFailure)
    assert (failure.error, failure.code) == (module(2), "session_proxy.not_proxy")


def test_releasing_all_deposits() -> None:
    ledger = funded()
    for key in KEYS[:10]:
        ledger.session_proxy.add_proxy(ALICE, key, credentials(), DEPOSIT)
    ledger.balances.mint(CHARLIE, FUNDS)
    ledger.session_proxy.add_proxy(CHARLIE, BOB, credentials(), DEPOSIT)
    ledger.session_proxy.release_deposits(ALICE)
    ledger.session_proxy.release_deposits(BOB)
    assert ledger.session_proxy.credentials_of(ALICE) == []
    assert funds(ledger) == (FUNDS, 0)
    assert ledger.system.account.get(ALICE).consumers == 0
    assert funds(ledger, CHARLIE) == (FUNDS - DEPOSIT, DEPOSIT)


# -- allowances


def test_an_allowance_is_spent_bit_by_bit() -> None:
    ledger = funded()
    proxies = ledger.session_proxy
    proxies.add_proxy(ALICE, BOB, credentials(TransferAllowance(100), 7), DEPOSIT)
    for amount, left in ((0, 100), (30, 70), (70, 0), (0, 0)):
        proxies.spend(ALICE, BOB, amount)
        assert proxies.get(ALICE, BOB) == credentials(TransferAllowance(left), 7)
    assert funds(ledger) == (FUNDS - DEPOSIT, DEPOSIT)


def test_spending_beyond_an_allowance() -> None:
    ledger = funded()
    ledger.session_proxy.add_proxy(ALICE, BOB, credentials(TransferAllowance(100)), DEPOSIT)
    ledger.session_proxy.spend(ALICE, BOB, 40)
    failure = refused(ledger, lambda: ledger.session_proxy.spend(ALICE, BOB, 61))
    assert isinstance(failure, AllowanceExceeded)
    assert (failure.delegate, failure.needed, failure.remaining) == (BOB, "61", "60")
    assert failure.code == "stf.allowance_exceeded"


@pytest.mark.parametrize("role", [ReadBalance(), ReadAny(), NonTransfer(), AnyRole()])
def test_other_roles_have_no_allowance(role: SessionProxyRole) -> None:
    ledger = funded()
    ledger.session_proxy.add_proxy(ALICE, BOB, credentials(role), DEPOSIT)
    failure = refused(ledger, lambda: ledger.session_proxy.spend(ALICE, BOB, 0))
    assert failure.code == "session_proxy.no_allowance"


def test_strangers_have_no_allowance() -> None:
    ledger = funded()
    failure = refused(ledger, lambda: ledger.session_proxy.spend(ALICE, BOB, 0))
    assert failure.code == "session_proxy.not_proxy"


# -- laws

PEOPLE = [ALICE, BOB, CHARLIE]
WHO = st.sampled_from(PEOPLE)
KEY = st.sampled_from([*KEYS, *PEOPLE])
AMOUNT = st.sampled_from([0, 1, ED - 1, ED, DEPOSIT, 7 * DEPOSIT]) | st.integers(0, FUNDS)
ROLE = st.sampled_from([ReadBalance(), ReadAny(), NonTransfer(), AnyRole()]) | AMOUNT.map(TransferAllowance)


class SessionProxyMachine(RuleBasedStateMachine):
    """Deposits are what is reserved, whatever comes and goes; what fails changes nothing."""

    @initialize()
    def begin(self) -> None:
        self.ledger = fresh()
        self.known: dict[tuple[bytes, bytes], tuple[SessionProxyCredentials, int]] = {}

    def attempt(self, act: Callable[[], object]) -> bool:
        before = self.ledger.state.changes()
        try:
            with self.ledger.transaction():
                act()
        except IntegriteeError:
            assert self.ledger.state.changes() == before
            return False
        return True

    @rule(who=WHO, amount=AMOUNT)
    def mint(self, who: bytes, amount: int) -> None:
        self.ledger.balances.mint(who, amount)

    @rule(who=WHO, to=WHO, amount=AMOUNT)
    def pay(self, who: bytes, to: bytes, amount: int) -> None:
        self.attempt(lambda: self.ledger.balances.transfer(who, to, amount))

    @rule(who=WHO, key=KEY, role=ROLE, deposit=AMOUNT)
    def add(self, who: bytes, key: bytes, role: SessionProxyRole, deposit: int) -> None:
        new = credentials(role)
        if self.attempt(lambda: self.ledger.session_proxy.add_proxy(who, key, new, deposit)):
            assert who != key
            self.known[who, key] = new, deposit

    @rule(who=WHO, key=KEY)
    def remove(self, who: bytes, key: bytes) -> None:
        removed = self.attempt(lambda: self.ledger.session_proxy.remove_proxy(who, key))
        assert removed is ((who, key) in self.known)
        self.known.pop((who, key), None)

    @rule(who=WHO)
    def release_deposits(self, who: bytes) -> None:
        self.ledger.session_proxy.release_deposits(who)
        self.known = {pair: entry for pair, entry in self.known.items() if pair[0] != who}

    @rule(who=WHO, key=KEY, amount=AMOUNT)
    def spend(self, who: bytes, key: bytes, amount: int) -> None:
        known = self.known.get((who, key))
        allowance = known[0].role.allowance if known and isinstance(known[0].role, TransferAllowance) else -1
        spent = self.attempt(lambda: self.ledger.session_proxy.spend(who, key, amount))
        assert spent is (amount <= allowance)
        if known and spent:
            self.known[who, key] = credentials(TransferAllowance(allowance - amount)), known[1]

    @invariant()
    def laws(self) -> None:
        if not hasattr(self, "ledger"):
            return
        assert_invariants(self.ledger)
        for who in PEOPLE:
            own = {key: entry for (owner, key), entry in self.known.items() if owner == who}
            assert dict(self.ledger.session_proxy.session_proxies.items_under(who)) == own
            assert len(own) <= 10
            reserved = self.ledger.balances.data(who).reserved
            assert reserved == sum(deposit for _, deposit in own.values())
        deposits = sorted((who, deposit) for (who, _), (_, deposit) in self.known.items())
        assert sorted(self.ledger.session_proxy.deposits()) == deposits


SessionProxyMachine.TestCase.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)
TestSessionProxyMachine = SessionProxyMachine.TestCase
