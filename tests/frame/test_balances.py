"""pallet Balances: a table of what each call does, to the last base unit and event."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from msgspec.structs import replace

from integritee.frame.errors import (
    Arithmetic,
    ArithmeticError_,
    BadOrigin,
    CannotLookup,
    ConsumerRemaining,
    DispatchError,
    DispatchFailure,
    Module,
    ModuleError,
    Token,
    TokenError,
)
from integritee.frame.origin import Origin, Root, Signed, Unsigned
from integritee.frame.pallets.balances import AdjustmentDirection
from integritee.frame.pallets.system import AccountData, AccountInfo, System
from integritee.frame.runtime import use
from integritee.primitives.ids import Address20, Id, Index, Raw
from integritee.scale import decode, encode

from .demo_runtime import ALICE, BOB, CHARLIE, DemoRuntime

ED = 500
NOBODY = bytes([9]) * 32


def funded() -> DemoRuntime:
    """Alice 10,000; Bob exactly the existential deposit; Charlie 2,000 free and 1,000 reserved."""
    runtime = DemoRuntime()
    for who, free in ((ALICE, 10_000), (BOB, ED), (CHARLIE, 3_000)):
        runtime.balances.mint(who, free)
    runtime.balances.reserve(CHARLIE, 1_000)
    runtime.events.clear()
    assert_invariants(runtime)
    return runtime


def assert_invariants(runtime: DemoRuntime) -> None:
    """What holds after every call, whatever came before."""
    total = 0
    for _, info in runtime.system.account.items():
        data = info.data
        total += data.free + data.reserved
        assert info.providers == (data.free >= ED)
        assert info.consumers == (data.reserved > 0 or data.frozen > 0)
        assert info.exists()
        assert data.free >= ED
    assert runtime.balances.total_issuance.get() == total


@dataclass
class Case:
    name: str
    call: str
    args: tuple[Any, ...]
    origin: Origin = Signed(ALICE)  # noqa: RUF009  # frozen
    error: DispatchError | None = None
    events: tuple[str, ...] = ()
    free: dict[bytes, int] | None = None
    issued: int = 13_500


def token(error: TokenError) -> DispatchError:
    return Token(error)


def module(index: int) -> DispatchError:
    return Module(ModuleError(4, bytes([index, 0, 0, 0])))


CASES = [
    Case("transfer", "transfer_allow_death", (Id(BOB), 700), events=("Transfer",), free={ALICE: 9_300, BOB: 1_200}),
    Case(
        "to a new account",
        "transfer_allow_death",
        (Id(NOBODY), ED),
        events=("NewAccount", "Endowed", "Transfer"),
        free={ALICE: 9_500, NOBODY: ED},
    ),
    Case(
        "too little for a new account",
        "transfer_allow_death",
        (Id(NOBODY), 499),
        error=token(TokenError.BelowMinimum),
    ),
    Case("nothing", "transfer_allow_death", (Id(NOBODY), 0), events=("Transfer",), free={ALICE: 10_000, NOBODY: 0}),
    Case("to oneself", "transfer_allow_death", (Id(ALICE), 10_000), free={ALICE: 10_000}),
    Case("more than there is", "transfer_allow_death", (Id(BOB), 10_001), error=token(TokenError.FundsUnavailable)),
    Case(
        "more than was ever issued",
        "transfer_allow_death",
        (Id(BOB), 13_501),
        error=Arithmetic(ArithmeticError_.Underflow),
    ),
    Case(
        "everything",
        "transfer_allow_death",
        (Id(BOB), 10_000),
        events=("KilledAccount", "Transfer"),
        free={ALICE: 0, BOB: 10_500},
    ),
    Case(
        "all but dust",
        "transfer_allow_death",
        (Id(BOB), 9_501),
        events=("KilledAccount", "DustLost", "Transfer"),
        free={ALICE: 0, BOB: 10_001},
        issued=13_001,
    ),
    Case(
        "down to the deposit, staying alive",
        "transfer_keep_alive",
        (Id(BOB), 9_500),
        events=("Transfer",),
        free={ALICE: ED, BOB: 10_000},
    ),
    Case("below it, staying alive", "transfer_keep_alive", (Id(BOB), 9_501), error=token(TokenError.NotExpendable)),
    Case(
        "while reserves need a provider",
        "transfer_allow_death",
        (Id(ALICE), 1_501),
        Signed(CHARLIE),
        token(TokenError.Frozen),
    ),
    Case(
        "all that reserves allow",
        "transfer_allow_death",
        (Id(ALICE), 1_500),
        Signed(CHARLIE),
        events=("Transfer",),
        free={CHARLIE: 500, ALICE: 11_500},
    ),
    Case(
        "transfer all",
        "transfer_all",
        (Id(BOB), False),
        events=("KilledAccount", "Transfer"),
        free={ALICE: 0, BOB: 10_500},
    ),
    Case(
        "transfer all, staying alive",
        "transfer_all",
        (Id(BOB), True),
        events=("Transfer",),
        free={ALICE: ED, BOB: 10_000},
    ),
    Case(
        "transfer all above reserves",
        "transfer_all",
        (Id(BOB), False),
        Signed(CHARLIE),
        events=("Transfer",),
        free={CHARLIE: ED, BOB: 2_000},
    ),
    Case("no such address", "transfer_allow_death", (Index(None), 1), error=CannotLookup()),
    Case("no such address", "transfer_keep_alive", (Raw(b"x"), 1), error=CannotLookup()),
    Case("no such address", "transfer_all", (Address20(bytes(20)), True), error=CannotLookup()),
    Case("not signed", "transfer_allow_death", (Id(BOB), 1), Root(), BadOrigin()),
    Case("not signed", "transfer_keep_alive", (Id(BOB), 1), Unsigned(), BadOrigin()),
    Case(
        "force",
        "force_transfer",
        (Id(ALICE), Id(BOB), 1),
        Root(),
        events=("Transfer",),
        free={ALICE: 9_999, BOB: 501},
    ),
    Case("force, not root", "force_transfer", (Id(ALICE), Id(BOB), 1), error=BadOrigin()),
    Case("unreserve", "force_unreserve", (Id(CHARLIE), 400), Root(), events=("Unreserved",), free={CHARLIE: 2_400}),
    Case(
        "unreserve more",
        "force_unreserve",
        (Id(CHARLIE), 4_000),
        Root(),
        events=("Unreserved",),
        free={CHARLIE: 3_000},
    ),
    Case("unreserve nothing", "force_unreserve", (Id(ALICE), 4_000), Root(), free={ALICE: 10_000}),
    Case("unreserve, not root", "force_unreserve", (Id(CHARLIE), 400), error=BadOrigin()),
    Case("nothing to upgrade", "upgrade_accounts", ([ALICE, NOBODY],)),
    Case(
        "set", "force_set_balance", (Id(ALICE), 600), Root(), events=("BalanceSet",), free={ALICE: 600}, issued=4_100
    ),
    Case(
        "set higher",
        "force_set_balance",
        (Id(BOB), 5_000),
        Root(),
        events=("BalanceSet",),
        free={BOB: 5_000},
        issued=18_000,
    ),
    Case(
        "set below the deposit",
        "force_set_balance",
        (Id(ALICE), 499),
        Root(),
        events=("KilledAccount", "BalanceSet"),
        free={ALICE: 0},
        issued=3_500,
    ),
    Case("set under reserves", "force_set_balance", (Id(CHARLIE), 0), Root(), ConsumerRemaining()),
    Case("set, not root", "force_set_balance", (Id(ALICE), 600), error=BadOrigin()),
    Case("burn", "burn", (400, False), events=("Burned",), free={ALICE: 9_600}, issued=13_100),
    Case(
        "burn to dust",
        "burn",
        (9_501, False),
        events=("KilledAccount", "DustLost", "Burned"),
        free={ALICE: 0},
        issued=3_500,
    ),
    Case("burn, staying alive", "burn", (9_501, True), error=token(TokenError.NotExpendable)),
    Case("burn too much", "burn", (10_001, False), error=token(TokenError.FundsUnavailable)),
    Case("burn what is reserved", "burn", (2_000, False), Signed(CHARLIE), token(TokenError.Frozen)),
]


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c.call}: {c.name}")
def test_calls(case: Case) -> None:
    runtime = funded()
    call = runtime.call("Balances", case.call, *case.args)
    if case.error is not None:
        with pytest.raises(DispatchFailure) as caught:
            runtime.dispatch(call, case.origin)
        assert caught.value.error == case.error
        assert runtime.events == []
    else:
        runtime.dispatch(call, case.origin)
        assert tuple(record.event.name for record in runtime.system.events()) == case.events
    for who, free in (case.free or {}).items():
        assert runtime.balances.free(who) == free
    assert runtime.balances.total_issuance.get() == case.issued
    assert_invariants(runtime)


def test_event_fields() -> None:
    runtime = funded()
    runtime.dispatch(runtime.call("Balances", "transfer_allow_death", Id(NOBODY), 9_600), Signed(ALICE))
    assert [record.event.values for record in runtime.system.events()] == [
        (ALICE,),
        (ALICE, 400),
        (NOBODY,),
        (NOBODY, 9_600),
        (ALICE, NOBODY, 9_600),
    ]


@pytest.mark.parametrize(
    ("direction", "delta", "issued", "error"),
    [
        (AdjustmentDirection.Increase, 5, 13_505, None),
        (AdjustmentDirection.Decrease, 5, 13_495, None),
        (AdjustmentDirection.Decrease, 50_000, 0, None),
        (AdjustmentDirection.Increase, 0, 13_500, module(11)),
    ],
)
def test_correcting_the_issuance(
    direction: AdjustmentDirection, delta: int, issued: int, error: DispatchError | None
) -> None:
    runtime = funded()
    call = runtime.call("Balances", "force_adjust_total_issuance", direction, delta)
    outcome = runtime.try_dispatch(call, Root())
    assert getattr(outcome, "error", None) == error
    assert runtime.balances.total_issuance.get() == issued


def test_issuance_cannot_fall_below_what_is_inactive() -> None:
    runtime = funded()
    runtime.balances.inactive_issuance.put(13_000)
    call = runtime.call("Balances", "force_adjust_total_issuance", AdjustmentDirection.Decrease, 501)
    assert runtime.try_dispatch(call, Root()).error == module(10)  # type: ignore[union-attr]


def test_reserving() -> None:
    runtime = funded()
    runtime.balances.reserve(ALICE, 9_500)
    assert runtime.balances.data(ALICE) == AccountData(500, 9_500)
    assert runtime.system.account.get(ALICE).consumers == 1
    assert runtime.balances.unreserve(ALICE, 10_000) == 500
    assert runtime.system.account.get(ALICE).consumers == 0
    assert [r.event.name for r in runtime.system.events()] == ["Reserved", "Unreserved"]
    assert_invariants(runtime)


@pytest.mark.parametrize(
    ("value", "frozen", "error"),
    [
        (10_001, 0, module(2)),
        (1_000, 9_001, module(1)),
        (9_501, 0, ConsumerRemaining()),
    ],
)
def test_what_cannot_be_reserved(value: int, frozen: int, error: DispatchError) -> None:
    runtime = funded()
    if frozen:
        runtime.balances.change(ALICE, lambda d: replace(d, frozen=frozen))
    with pytest.raises(DispatchFailure) as caught, runtime.transaction():
        runtime.balances.reserve(ALICE, value)
    assert caught.value.error == error
    assert runtime.balances.data(ALICE).reserved == 0


def test_frozen_funds_stay() -> None:
    runtime = funded()
    runtime.balances.change(ALICE, lambda d: replace(d, frozen=9_000))
    over = runtime.call("Balances", "transfer_allow_death", Id(BOB), 1_001)
    assert runtime.try_dispatch(over, Signed(ALICE)).error == token(TokenError.Frozen)  # type: ignore[union-attr]
    runtime.dispatch(runtime.call("Balances", "transfer_allow_death", Id(BOB), 1_000), Signed(ALICE))
    assert runtime.balances.free(ALICE) == 9_000


def test_minting_needs_enough_for_a_living_account() -> None:
    runtime = funded()
    assert not runtime.balances.mint(NOBODY, 499)
    assert not runtime.balances.mint(ALICE, 0)
    assert runtime.balances.mint(NOBODY, 500)
    assert runtime.balances.mint(BOB, 1)
    assert_invariants(runtime)


def test_overflow_is_an_error() -> None:
    runtime = funded()
    with pytest.raises(DispatchFailure) as caught, runtime.transaction():
        runtime.balances.mint(ALICE, (1 << 128) - 1)
    assert caught.value.error == Arithmetic(ArithmeticError_.Overflow)
    assert_invariants(runtime)


def test_fees_leave_the_account_alive() -> None:
    runtime = funded()
    runtime.balances.withdraw(ALICE, 9_500)
    assert [r.event.name for r in runtime.system.events()] == ["Withdraw"]
    with pytest.raises(DispatchFailure) as caught:
        runtime.balances.withdraw(ALICE, 1)
    assert caught.value.error == token(TokenError.NotExpendable)
    assert_invariants(runtime)


def test_an_account_takes_eighty_bytes() -> None:
    info = AccountInfo(7, 1, 1, 0, AccountData(1_234_567_890_123, 5))
    hexed = (
        "07000000"
        "01000000"
        "01000000"
        "00000000"
        "cb04fb711f0100000000000000000000"
        "05000000000000000000000000000000" + "00" * 16 + "00" * 15 + "80"
    )
    assert encode(AccountInfo, info).hex() == hexed
    assert decode(AccountInfo, bytes.fromhex(hexed)) == info


def test_accounts_that_die_may_keep_their_nonce() -> None:
    """Without mortality in transactions, a nonce that starts over would let old ones run again."""

    class Remembering(DemoRuntime):
        system = use(0, System, retain_nonce=True)

    runtime = Remembering()
    runtime.balances.mint(ALICE, 1_000)
    runtime.system.increment_nonce(ALICE)
    runtime.balances.set_free(ALICE, 0)
    assert runtime.system.account.get(ALICE) == AccountInfo(nonce=1)
    assert [r.event.name for r in runtime.system.events()][-2:] == ["KilledAccount", "BalanceSet"]
    runtime.balances.mint(ALICE, 1_000)
    assert runtime.system.nonce(ALICE) == 1
    assert [r.event.name for r in runtime.system.events()][-2:] == ["NewAccount", "Endowed"]
