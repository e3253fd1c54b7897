"""Credit classes: who owns them, what is reserved for them, and when they may go."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from integritee.apps.credits import pallet as module
from integritee.apps.credits.errors import CreditsOutstanding, TooManyClasses
from integritee.apps.credits.types import CreditBatch, CreditClassInfo
from integritee.crypto import blake2_256
from integritee.errors import IntegriteeError
from integritee.primitives.storage import storage_prefix
from integritee.stf.errors import InvariantBroken

from .kit import (
    ALICE,
    BOB,
    CAFE,
    CLASS,
    DEPOSIT,
    ED,
    NOW,
    SHOP,
    VOUCHER,
    Batches,
    CreditsRuntime,
    assert_credits_laws,
    credits,
    totals,
)


def test_where_it_is_kept() -> None:
    pallet = credits().credits
    assert pallet.classes.prefix == storage_prefix("Credits", "Classes")
    assert pallet.holdings.prefix == storage_prefix("Credits", "Holdings")
    assert pallet.class_deposits.prefix == storage_prefix("Credits", "ClassDeposits")
    assert pallet.index == 51


def test_a_new_class() -> None:
    runtime = credits(classes=())
    assert runtime.credits.info(CLASS) is None
    assert runtime.credits.held(ALICE, CLASS, NOW) is None
    runtime.credits.create_class(SHOP, CLASS, DEPOSIT)
    assert runtime.credits.info(CLASS) == CreditClassInfo(SHOP, 0, 0, 0, DEPOSIT)
    data = runtime.balances.data(SHOP)
    assert (data.free, data.reserved) == (99 * DEPOSIT, DEPOSIT)
    assert_credits_laws(runtime)


@pytest.mark.parametrize("class_id", [0, CLASS, (1 << 32) - 1])
def test_first_come_first_served(class_id: int) -> None:
    runtime = credits(classes=(class_id,))
    for late in (SHOP, CAFE):
        refused(
            runtime,
            lambda who=late: runtime.credits.create_class(who, class_id, DEPOSIT),
            "class_taken",
            class_id=class_id,
        )
    runtime.credits.destroy_class(SHOP, class_id, NOW)
    runtime.credits.create_class(CAFE, class_id, DEPOSIT)
    info = runtime.credits.info(class_id)
    assert info is not None
    assert info.owner == CAFE
    assert_credits_laws(runtime)


def refused(runtime: CreditsRuntime, act: Callable[[], object], code: str, **facts: Any) -> None:
    """`act` fails with a code and facts, and changes nothing."""
    before = runtime.state.changes()
    with pytest.raises(IntegriteeError) as caught, runtime.transaction():
        act()
    assert caught.value.code == (code if "." in code else f"credits.{code}")
    assert caught.value.data() == facts
    assert runtime.state.changes() == before
    assert_credits_laws(runtime)


@pytest.mark.parametrize("missing", [1, ED, DEPOSIT + ED])
def test_the_deposit_must_be_there(missing: int) -> None:
    runtime = credits()
    funds = DEPOSIT + ED - missing
    runtime.balances.mint(ALICE, funds)
    free = runtime.balances.free(ALICE)
    facts = {"needed": str(DEPOSIT + ED), "available": str(free)}
    refused(runtime, lambda: runtime.credits.create_class(ALICE, 1, DEPOSIT), "stf.missing_funds", **facts)
    runtime.balances.mint(ALICE, DEPOSIT + ED - free)
    runtime.credits.create_class(ALICE, 1, DEPOSIT)
    assert runtime.balances.free(ALICE) == ED
    assert_credits_laws(runtime)


def test_a_hundred_classes() -> None:
    runtime = credits()
    runtime.balances.mint(SHOP, 100 * DEPOSIT)
    for class_id in range(100, 199):
        runtime.credits.create_class(SHOP, class_id, DEPOSIT)
    with pytest.raises(TooManyClasses) as caught:
        runtime.credits.create_class(SHOP, 199, DEPOSIT)
    assert (caught.value.code, caught.value.data()) == ("credits.too_many_classes", {"limit": 100})
    runtime.credits.destroy_class(SHOP, CLASS, NOW)
    runtime.credits.create_class(SHOP, 199, DEPOSIT)
    assert runtime.balances.data(SHOP).reserved == 100 * DEPOSIT
    assert_credits_laws(runtime)


# -- the end of a class


@pytest.mark.parametrize(
    ("holdings", "after", "outstanding"),
    [
        pytest.param([], 0, None, id="never minted"),
        pytest.param([(ALICE, [(5, None)])], 0, 5, id="somebody holds credits"),
        pytest.param([(VOUCHER, [(5, None)])], 0, 5, id="a voucher is open"),
        pytest.param([(ALICE, [(5, 10)])], 9, 5, id="not yet expired"),
        pytest.param([(ALICE, [(5, 10)])], 10, None, id="expired"),
        pytest.param([(ALICE, [(5, 10)]), (BOB, [(1, 11)])], 10, 6, id="one is expired, one is not"),
        pytest.param([(ALICE, [(5, 10), (7, None)])], 10, 12, id="some of one holder's are expired"),
        pytest.param([(ALICE, [(5, 10), (7, 11)]), (BOB, [(1, 11)])], 11, None, id="all are expired"),
    ],
)
def test_when_a_class_may_go(holdings: list[tuple[bytes, Batches]], after: int, outstanding: int | None) -> None:
    runtime = credits(*holdings)

    def destroy() -> None:
        runtime.credits.destroy_class(SHOP, CLASS, NOW + after)

    if outstanding is not None:
        refused(runtime, destroy, "outstanding", class_id=CLASS, outstanding=str(outstanding))
        return
    destroy()
    assert runtime.credits.info(CLASS) is None
    data = runtime.balances.data(SHOP)
    assert (data.free, data.reserved) == (100 * DEPOSIT, 0)
    assert list(runtime.credits.holdings.items_under(CLASS)) == []
    assert_credits_laws(runtime)


def test_what_is_redeemed_does_not_hold_a_class_back() -> None:
    runtime = credits((ALICE, [(5, None)]))
    runtime.credits.redeem(ALICE, CLASS, 5, NOW)
    runtime.credits.destroy_class(SHOP, CLASS, NOW)
    assert runtime.credits.info(CLASS) is None


def test_a_new_class_of_an_old_id_begins_empty() -> None:
    runtime = credits((ALICE, [(5, 10)]))
    runtime.credits.destroy_class(SHOP, CLASS, NOW + 10)
    runtime.credits.create_class(CAFE, CLASS, DEPOSIT)
    held = runtime.credits.held(ALICE, CLASS, NOW)
    assert held is not None
    assert held.batches == []
    assert totals(runtime) == (0, 0, 0, 0)


def test_many_expired_holders_are_cleared_away_in_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SWEPT_PER_CALL", 8)
    runtime = credits(*[(blake2_256(bytes([i])), [(i + 1, 10)]) for i in range(20)])
    left = []
    for _ in range(3):
        assert totals(runtime)[1] == 210
        runtime.credits.destroy_class(SHOP, CLASS, NOW + 10)
        left.append(len(list(runtime.credits.holdings.items_under(CLASS))))
        assert (runtime.credits.info(CLASS) is None) is (left[-1] == 0)
        assert_credits_laws(runtime)
    assert left == [12, 4, 0]
    assert runtime.balances.data(SHOP).reserved == 0


def test_clearing_away_stops_at_credits_that_are_worth_something(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SWEPT_PER_CALL", 4)
    runtime = credits(*[(blake2_256(bytes([i])), [(1, 10 if i % 5 else 20)]) for i in range(20)])
    with pytest.raises(CreditsOutstanding):
        for _ in range(16 // 4 + 1):
            with runtime.transaction():
                runtime.credits.destroy_class(SHOP, CLASS, NOW + 10)
    assert_credits_laws(runtime)
    for i in range(0, 20, 5):
        assert runtime.credits.held(blake2_256(bytes([i])), CLASS, NOW + 10).balance == 1  # type: ignore[union-attr]


@pytest.mark.parametrize("act", ["destroy", "mint"])
def test_only_the_owner(act: str) -> None:
    runtime = credits((ALICE, [(5, None)]))
    for stranger in (ALICE, CAFE, VOUCHER):

        def attempt(who: bytes = stranger) -> None:
            if act == "destroy":
                runtime.credits.destroy_class(who, CLASS, NOW)
            else:
                runtime.credits.mint(who, CLASS, who, 1, None, NOW)

        refused(runtime, attempt, "not_class_owner", class_id=CLASS, sender="0x" + stranger.hex())


@pytest.mark.parametrize(
    "act",
    [
        lambda c: c.destroy_class(SHOP, 1, NOW),
        lambda c: c.mint(SHOP, 1, ALICE, 5, None, NOW),
        lambda c: c.claim(ALICE, 1, bytes(32), NOW),
        lambda c: c.redeem(ALICE, 1, 5, NOW),
    ],
    ids=["destroy", "mint", "claim", "redeem"],
)
def test_a_class_that_is_not_there(act: Callable[[Any], None]) -> None:
    runtime = credits((ALICE, [(5, None)]))
    refused(runtime, lambda: act(runtime.credits), "unknown_class", class_id=1)


# -- deposits


def test_deposits_are_given_back_when_the_shard_retires() -> None:
    runtime = credits((ALICE, [(5, None)]), classes=(CLASS, 10, 11))
    runtime.credits.create_class(CAFE, 12, DEPOSIT)
    assert sorted(runtime.credits.deposits()) == sorted([(SHOP, DEPOSIT)] * 3 + [(CAFE, DEPOSIT)])
    runtime.credits.release_deposits(SHOP)
    assert list(runtime.credits.deposits()) == [(CAFE, DEPOSIT)]
    data = runtime.balances.data(SHOP)
    assert (data.free, data.reserved) == (100 * DEPOSIT, 0)
    assert runtime.credits.info(CLASS) == CreditClassInfo(SHOP, 5, 5, 0, 0)
    runtime.credits.destroy_class(SHOP, 10, NOW)
    assert runtime.balances.free(SHOP) == 100 * DEPOSIT
    assert_credits_laws(runtime)


def test_a_deposit_is_returned_as_it_was_taken() -> None:
    """Even if the price of a class has changed since."""
    runtime = credits()
    runtime.credits.create_class(SHOP, 10, 3 * DEPOSIT)
    runtime.credits.destroy_class(SHOP, CLASS, NOW)
    assert runtime.balances.data(SHOP).reserved == 3 * DEPOSIT


# -- the laws notice


@pytest.mark.parametrize(
    ("law", "break_"),
    [
        (
            "a holding is in order",
            lambda c: c.holdings.put(CLASS, ALICE, [CreditBatch(2, None), CreditBatch(3, NOW)]),
        ),
        ("a holding has credits", lambda c: c.holdings.put(CLASS, BOB, [])),
        ("a holding has credits", lambda c: c.holdings.put(CLASS, BOB, [CreditBatch(0, None)])),
        ("credits of class 9 are held", lambda c: c.holdings.put(CLASS, ALICE, [CreditBatch(4, None)])),
        ("credits of class 9 are accounted for", lambda c: c.classes.put(CLASS, module.CreditClass(SHOP, 5, 6))),
        ("only classes that exist have credits", lambda c: c.holdings.put(8, ALICE, [CreditBatch(1, None)])),
        ("deposits are class owners'", lambda c: c.class_deposits.put(CAFE, CLASS, 0)),
        ("deposits are class owners'", lambda c: c.class_deposits.put(SHOP, 8, 0)),
    ],
)
def test_laws(law: str, break_: Callable[[Any], None]) -> None:
    runtime = credits((ALICE, [(5, None)]))
    runtime.credits.check_laws()
    break_(runtime.credits)
    with pytest.raises(InvariantBroken) as caught:
        runtime.credits.check_laws()
    assert caught.value.law == law
