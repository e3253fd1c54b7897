"""Credits on a bench: money, the pallet, and people to hand points to."""

from __future__ import annotations

from collections import Counter

from integritee.apps.credits.pallet import CreditsPallet
from integritee.crypto import blake2_256
from integritee.frame.pallets.balances import Balances
from integritee.frame.pallets.system import RuntimeVersion, System
from integritee.frame.runtime import Runtime, use
from integritee.stf.retirement import HoldsDeposits

from ...invariants import assert_invariants

ED = 500
DEPOSIT = 10_000
NOW = 1_700_000_000_000
SHOP, CAFE, ALICE, BOB = (blake2_256(name) for name in (b"shop", b"cafe", b"alice", b"bob"))
SECRET = b"\x5e" * 32
VOUCHER = blake2_256(SECRET)
CLASS = 9

Batches = list[tuple[int, int | None]]
"""Amounts and expiries in ms from NOW."""


class CreditsRuntime(Runtime):
    name = "credits"
    system = use(0, System, version=RuntimeVersion("credits", "credits", 1, 1, 1, [], 1, 0), retain_nonce=True)
    balances = use(2, Balances, existential_deposit=ED)
    credits = use(51, CreditsPallet)


def credits(*holdings: tuple[bytes, Batches], classes: tuple[int, ...] = (CLASS,)) -> CreditsRuntime:
    """Classes of the SHOP, and who holds what of class 9."""
    runtime = CreditsRuntime()
    for who in (SHOP, CAFE):
        runtime.balances.mint(who, 100 * DEPOSIT)
    for class_id in classes:
        runtime.credits.create_class(SHOP, class_id, DEPOSIT)
    for who, batches in holdings:
        for amount, expiry in batches:
            runtime.credits.mint(SHOP, CLASS, who, amount, None if expiry is None else NOW + expiry, NOW)
    return runtime


def held(runtime: CreditsRuntime, who: bytes, after: int = 0, class_id: int = CLASS) -> Batches:
    """What an account could redeem `after` ms."""
    answer = runtime.credits.held(who, class_id, NOW + after)
    assert answer is not None
    assert answer.balance == sum(batch.amount for batch in answer.batches)
    return [(b.amount, None if b.expiry is None else b.expiry - NOW) for b in answer.batches]


def totals(runtime: CreditsRuntime, class_id: int = CLASS) -> tuple[int, int, int, int]:
    """Of a class: (outstanding, minted, redeemed, expired)."""
    class_ = runtime.credits.classes.get(class_id)
    assert class_ is not None
    return class_.outstanding, class_.minted, class_.redeemed, class_.expired


def assert_credits_laws(runtime: Runtime) -> None:
    """What holds in every state of credits; call it at the end of any test."""
    assert_invariants(runtime)
    runtime.pallet(CreditsPallet).check_laws()
    deposits: Counter[bytes] = Counter()
    for holding in runtime.pallets.values():
        if isinstance(holding, HoldsDeposits):
            for owner, deposit in holding.deposits():
                deposits[owner] += deposit
    for who, info in runtime.pallet(System).account.items():
        assert info.data.reserved == deposits.pop(who, 0)
    assert deposits.total() == 0
