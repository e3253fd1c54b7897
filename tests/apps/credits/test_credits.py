"""Minting, claiming, redeeming and expiring: every rule and every refusal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from integritee.frame.pallets.balances import MAX_BALANCE

from .kit import (
    ALICE,
    BOB,
    CLASS,
    NOW,
    SECRET,
    SHOP,
    VOUCHER,
    Batches,
    assert_credits_laws,
    credits,
    held,
    totals,
)
from .test_classes import refused

# -- minting


@pytest.mark.parametrize(
    ("minted", "found"),
    [
        pytest.param([(5, None)], [(5, None)], id="for good"),
        pytest.param([(5, 10)], [(5, 10)], id="for a while"),
        pytest.param([(5, 10), (7, 10)], [(12, 10)], id="equal expiries are one batch"),
        pytest.param([(5, None), (7, None)], [(12, None)], id="so are those without"),
        pytest.param([(1, None), (2, 30), (3, 10)], [(3, 10), (2, 30), (1, None)], id="the earliest comes first"),
        pytest.param([(MAX_BALANCE, None)], [(MAX_BALANCE, None)], id="all there can be"),
        pytest.param([(1, (1 << 64) - 1 - NOW)], [(1, (1 << 64) - 1 - NOW)], id="until the end of time"),
    ],
)
def test_minting(minted: Batches, found: Batches) -> None:
    runtime = credits((ALICE, minted))
    assert held(runtime, ALICE) == found
    assert held(runtime, BOB) == []
    amount = sum(amount for amount, _ in minted)
    assert totals(runtime) == (amount, amount, 0, 0)
    assert_credits_laws(runtime)


def test_owners_may_mint_to_themselves() -> None:
    runtime = credits((SHOP, [(5, None)]))
    runtime.credits.redeem(SHOP, CLASS, 5, NOW)
    assert totals(runtime) == (0, 5, 5, 0)


@pytest.mark.parametrize(
    ("amount", "expiry", "code", "facts"),
    [
        (0, None, "no_amount", {}),
        (1, NOW, "expiry_passed", {"expiry": NOW, "now": NOW}),
        (1, 0, "expiry_passed", {"expiry": 0, "now": NOW}),
        (
            MAX_BALANCE - 9,
            None,
            "supply_exhausted",
            {"class_id": CLASS, "found": str(MAX_BALANCE + 1), "limit": str(MAX_BALANCE)},
        ),
    ],
)
def test_refused_mints(amount: int, expiry: int | None, code: str, facts: dict[str, Any]) -> None:
    runtime = credits((BOB, [(10, None)]))
    refused(runtime, lambda: runtime.credits.mint(SHOP, CLASS, ALICE, amount, expiry, NOW), code, **facts)


def test_all_credits_ever_minted_count() -> None:
    runtime = credits((ALICE, [(MAX_BALANCE, None)]))
    runtime.credits.redeem(ALICE, CLASS, MAX_BALANCE, NOW)
    facts = {"class_id": CLASS, "found": str(MAX_BALANCE + 1), "limit": str(MAX_BALANCE)}
    refused(runtime, lambda: runtime.credits.mint(SHOP, CLASS, BOB, 1, None, NOW), "supply_exhausted", **facts)


def test_sixteen_expiries() -> None:
    runtime = credits((ALICE, [(1, i) for i in range(1, 16)]), (ALICE, [(1, None)]))
    facts = {"holder": "0x" + ALICE.hex(), "found": 17, "limit": 16}
    refused(runtime, lambda: runtime.credits.mint(SHOP, CLASS, ALICE, 1, NOW + 16, NOW), "too_many_batches", **facts)
    runtime.credits.mint(SHOP, CLASS, ALICE, 1, NOW + 15, NOW)
    runtime.credits.mint(SHOP, CLASS, ALICE, 1, NOW + 16, NOW + 1)
    assert held(runtime, ALICE, 1) == [*[(1, i) for i in range(2, 15)], (2, 15), (1, 16), (1, None)]
    assert totals(runtime) == (17, 18, 0, 1)
    assert_credits_laws(runtime)


# -- claiming


@pytest.mark.parametrize(
    ("own", "voucher", "after", "found"),
    [
        pytest.param([], [(5, None)], 0, [(5, None)], id="a first voucher"),
        pytest.param([], [(5, 10), (7, None)], 0, [(5, 10), (7, None)], id="all that is in it"),
        pytest.param([(1, None)], [(5, 10)], 0, [(5, 10), (1, None)], id="beside own credits"),
        pytest.param([(1, 10)], [(5, 10)], 0, [(6, 10)], id="equal expiries are one batch"),
        pytest.param([(1, 8)], [(5, 10)], 8, [(5, 10)], id="own expired credits go"),
        pytest.param([(1, 20)], [(5, 10), (7, 11)], 10, [(7, 11), (1, 20)], id="expired ones of the voucher go"),
    ],
)
def test_claiming(own: Batches, voucher: Batches, after: int, found: Batches) -> None:
    runtime = credits((ALICE, own), (VOUCHER, voucher))
    runtime.credits.claim(ALICE, CLASS, SECRET, NOW + after)
    assert held(runtime, ALICE, after) == found
    assert not runtime.credits.holdings.contains(CLASS, VOUCHER)
    minted = sum(amount for amount, _ in own + voucher)
    outstanding = sum(amount for amount, _ in found)
    assert totals(runtime) == (outstanding, minted, 0, minted - outstanding)
    assert_credits_laws(runtime)


@pytest.mark.parametrize(
    ("secret", "after", "claimed"),
    [
        pytest.param(bytes(32), 0, False, id="a wrong secret"),
        pytest.param(VOUCHER, 0, False, id="the voucher's account is not the secret"),
        pytest.param(SECRET, 10, False, id="the voucher has expired"),
        pytest.param(SECRET, 9, True, id="claimed before"),
    ],
)
def test_nothing_to_claim(secret: bytes, after: int, claimed: bool) -> None:
    runtime = credits((VOUCHER, [(5, 10)]))
    if claimed:
        runtime.credits.claim(ALICE, CLASS, SECRET, NOW)
    refused(
        runtime, lambda: runtime.credits.claim(BOB, CLASS, secret, NOW + after), "nothing_to_claim", class_id=CLASS
    )


def test_one_secret_opens_one_class_at_a_time() -> None:
    runtime = credits((VOUCHER, [(5, None)]), classes=(CLASS, 10))
    runtime.credits.mint(SHOP, 10, VOUCHER, 7, None, NOW)
    runtime.credits.claim(ALICE, 10, SECRET, NOW)
    assert (held(runtime, ALICE), held(runtime, ALICE, class_id=10)) == ([], [(7, None)])
    runtime.credits.claim(BOB, CLASS, SECRET, NOW)
    assert held(runtime, BOB) == [(5, None)]
    assert_credits_laws(runtime)


def test_a_voucher_may_be_filled_again() -> None:
    runtime = credits((VOUCHER, [(5, None)]))
    runtime.credits.claim(ALICE, CLASS, SECRET, NOW)
    runtime.credits.mint(SHOP, CLASS, VOUCHER, 7, None, NOW)
    runtime.credits.claim(ALICE, CLASS, SECRET, NOW)
    assert held(runtime, ALICE) == [(12, None)]


def test_a_voucher_too_many() -> None:
    runtime = credits((ALICE, [(1, i) for i in range(1, 13)]), (VOUCHER, [(1, i) for i in range(11, 20)]))
    facts = {"holder": "0x" + ALICE.hex(), "found": 19, "limit": 16}
    refused(runtime, lambda: runtime.credits.claim(ALICE, CLASS, SECRET, NOW), "too_many_batches", **facts)
    runtime.credits.redeem(ALICE, CLASS, 3, NOW)
    runtime.credits.claim(ALICE, CLASS, SECRET, NOW)
    assert len(held(runtime, ALICE)) == 16


# -- redeeming


@pytest.mark.parametrize(
    ("own", "amount", "after", "left"),
    [
        pytest.param([(5, None)], 1, 0, [(4, None)], id="some"),
        pytest.param([(5, None)], 5, 0, [], id="all"),
        pytest.param([(5, 10), (7, 20), (9, None)], 6, 0, [(6, 20), (9, None)], id="what expires first goes first"),
        pytest.param([(5, 10), (7, 20), (9, None)], 6, 10, [(1, 20), (9, None)], id="expired credits are not spent"),
        pytest.param([(5, 10), (7, 20)], 7, 10, [], id="expired credits go with the last"),
    ],
)
def test_redeeming(own: Batches, amount: int, after: int, left: Batches) -> None:
    runtime = credits((ALICE, own), (BOB, [(100, None)]))
    runtime.credits.redeem(ALICE, CLASS, amount, NOW + after)
    assert held(runtime, ALICE, after) == left
    assert runtime.credits.holdings.contains(CLASS, ALICE) is (left != [])
    assert held(runtime, BOB) == [(100, None)]
    minted, outstanding = 100 + sum(a for a, _ in own), 100 + sum(a for a, _ in left)
    assert totals(runtime) == (outstanding, minted, amount, minted - outstanding - amount)
    assert_credits_laws(runtime)


@pytest.mark.parametrize(
    ("who", "amount", "after", "available"),
    [(ALICE, 13, 0, 12), (ALICE, 8, 10, 7), (ALICE, 1, 20, 0), (BOB, 1, 0, 0), (ALICE, MAX_BALANCE, 0, 12)],
)
def test_too_few_credits(who: bytes, amount: int, after: int, available: int) -> None:
    runtime = credits((ALICE, [(5, 10), (7, 20)]), (VOUCHER, [(100, None)]), (SHOP, [(100, None)]))
    facts = {"class_id": CLASS, "needed": str(amount), "available": str(available)}
    refused(runtime, lambda: runtime.credits.redeem(who, CLASS, amount, NOW + after), "insufficient", **facts)


def test_redeeming_nothing() -> None:
    runtime = credits((ALICE, [(5, 10)]))
    refused(runtime, lambda: runtime.credits.redeem(ALICE, CLASS, 0, NOW), "no_amount")


# -- expiring


@pytest.mark.parametrize(
    "touch",
    [
        lambda c: c.mint(SHOP, CLASS, ALICE, 1, None, NOW + 10),
        lambda c: c.claim(ALICE, CLASS, SECRET, NOW + 10),
        lambda c: c.redeem(ALICE, CLASS, 1, NOW + 10),
    ],
    ids=["mint", "claim", "redeem"],
)
def test_expired_credits_go_when_their_holder_is_touched(touch: Callable[[Any], None]) -> None:
    runtime = credits((ALICE, [(5, 10), (7, 20)]), (BOB, [(3, 10)]), (VOUCHER, [(1, None)]))
    assert held(runtime, ALICE, 10) == [(7, 20)]
    assert totals(runtime) == (16, 16, 0, 0), "asking changes nothing"
    touch(runtime.credits)
    outstanding, minted, redeemed, expired = totals(runtime)
    assert expired == 5, "BOB's are still there"
    assert minted == outstanding + redeemed + expired
    assert_credits_laws(runtime)
