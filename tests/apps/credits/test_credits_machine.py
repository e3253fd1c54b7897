"""Arbitrary histories of credits beside a plain model: same holdings and totals, and refusals change nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from integritee.apps.credits.types import CreditClassInfo
from integritee.crypto import blake2_256
from integritee.errors import IntegriteeError

from .kit import DEPOSIT, ED, NOW, CreditsRuntime, assert_credits_laws

OWNERS = [blake2_256(b"owner" + bytes([i])) for i in range(2)]
SECRETS = [bytes([i]) * 32 for i in range(2)]
HOLDERS = [OWNERS[0], *(blake2_256(b"holder" + bytes([i])) for i in range(2)), *map(blake2_256, SECRETS)]
CLASSES = range(4)
MAX_BATCHES = 4

owners, secrets, holders = st.sampled_from(OWNERS), st.sampled_from(SECRETS), st.sampled_from(HOLDERS)
lifetimes = st.none() | st.sampled_from([-1, 0, 1, 2, 5, 6, 20])
positions = st.integers(0, 3)
mints = st.lists(st.tuples(holders, st.integers(0, 50), lifetimes), min_size=1, max_size=8)

Expiry = int | None


class CreditsMachine(RuleBasedStateMachine):
    """Time is short, batches are few, owners can pay for two classes: every limit is met."""

    runtime: CreditsRuntime | None = None

    @initialize()
    def begin(self) -> None:
        self.runtime = CreditsRuntime()
        self.runtime.credits.max_batches = MAX_BATCHES
        for owner in OWNERS:
            self.runtime.balances.mint(owner, 2 * DEPOSIT + ED)
        self.now = NOW
        self.owners: dict[int, bytes] = {}
        self.held: dict[int, dict[bytes, Counter[Expiry]]] = {}
        self.minted: Counter[int] = Counter()
        self.redeemed: Counter[int] = Counter()
        for class_id, owner in enumerate(OWNERS):
            self.create(owner, class_id)

    def attempt(self, act: Callable[[], object], allowed: bool) -> None:
        assert self.runtime is not None
        before = self.runtime.state.changes()
        try:
            with self.runtime.transaction():
                act()
        except IntegriteeError as refused:
            assert not allowed, refused
            assert self.runtime.state.changes() == before
        else:
            assert allowed

    @property
    def credits(self):  # type: ignore[no-untyped-def]
        assert self.runtime is not None
        return self.runtime.credits

    def worth(self, class_id: int, who: bytes) -> Counter[Expiry]:
        """Credits of an account that have not expired, by expiry."""
        held = self.held.get(class_id, {}).get(who, Counter())
        return Counter({e: a for e, a in held.items() if a and (e is None or self.now < e)})

    @rule(by=st.sampled_from([1, 4, 5, 20]))
    def time_passes(self, by: int) -> None:
        self.now += by

    def class_at(self, position: int) -> int:
        """One of the classes there are; of all if there are none."""
        there = sorted(self.owners or CLASSES)
        return there[position % len(there)]

    @rule(owner=owners, class_id=st.sampled_from(CLASSES))
    def create(self, owner: bytes, class_id: int) -> None:
        allowed = class_id not in self.owners and list(self.owners.values()).count(owner) < 2
        self.attempt(lambda: self.credits.create_class(owner, class_id, DEPOSIT), allowed)
        if allowed:
            self.owners[class_id], self.held[class_id] = owner, {}
            self.minted[class_id] = self.redeemed[class_id] = 0

    @rule(owner=owners, position=positions, unused=st.booleans())
    def destroy(self, owner: bytes, position: int, unused: bool) -> None:
        class_id = self.class_at(position)
        if unused or self.minted[class_id]:
            allowed = self.owners.get(class_id) == owner and not any(self.worth(class_id, who) for who in HOLDERS)
            self.attempt(lambda: self.credits.destroy_class(owner, class_id, self.now), allowed)
            if allowed:
                del self.owners[class_id], self.held[class_id]

    @rule(position=positions, mints=mints)
    def mint(self, position: int, mints: list[tuple[bytes, int, int | None]]) -> None:
        for who, amount, lifetime in mints:
            self.mint_once(self.class_at(position), who, amount, lifetime)

    def mint_once(self, class_id: int, who: bytes, amount: int, lifetime: int | None) -> None:
        owner = self.owners.get(class_id, OWNERS[0])
        expiry = None if lifetime is None else self.now + lifetime
        after = self.worth(class_id, who) + Counter({expiry: amount})
        allowed = class_id in self.owners and amount > 0 and len(after) <= MAX_BATCHES
        allowed = allowed and (lifetime is None or lifetime > 0)
        self.attempt(lambda: self.credits.mint(owner, class_id, who, amount, expiry, self.now), allowed)
        if allowed:
            self.held[class_id][who] = after
            self.minted[class_id] += amount

    @rule(position=positions, who=holders, amount=st.integers(0, 50))
    def mint_what_is_not_ones_own(self, position: int, who: bytes, amount: int) -> None:
        class_id = self.class_at(position)
        if self.owners.get(class_id) != who:
            self.attempt(lambda: self.credits.mint(who, class_id, who, amount, None, self.now), False)

    @rule(who=holders, position=positions, secret=secrets)
    def claim(self, who: bytes, position: int, secret: bytes) -> None:
        class_id, voucher = self.class_at(position), blake2_256(secret)
        found = self.worth(class_id, voucher)
        after = found if who == voucher else found + self.worth(class_id, who)
        allowed = bool(found) and len(after) <= MAX_BATCHES
        self.attempt(lambda: self.credits.claim(who, class_id, secret, self.now), allowed)
        if allowed:
            self.held[class_id].pop(voucher, None)
            self.held[class_id][who] = after

    @rule(who=holders, position=positions, quarters=st.integers(0, 4), more=st.integers(0, 1))
    def redeem(self, who: bytes, position: int, quarters: int, more: int) -> None:
        class_id = self.class_at(position)
        worth = self.worth(class_id, who)
        amount = worth.total() * quarters // 4 + more
        allowed = 0 < amount <= worth.total()
        self.attempt(lambda: self.credits.redeem(who, class_id, amount, self.now), allowed)
        if allowed:
            self.redeemed[class_id] += amount
            for expiry in sorted(worth, key=lambda e: float("inf") if e is None else e):
                spent = min(worth[expiry], amount)
                worth[expiry] -= spent
                amount -= spent
            self.held[class_id][who] = worth

    @invariant()
    def laws(self) -> None:
        if self.runtime is None:
            return
        assert_credits_laws(self.runtime)
        for class_id in CLASSES:
            owner, info = self.owners.get(class_id), self.runtime.credits.info(class_id)
            if owner is None:
                assert info is None
                continue
            assert isinstance(info, CreditClassInfo)
            assert (info.owner, info.deposit) == (owner, DEPOSIT)
            assert (info.minted, info.redeemed) == (self.minted[class_id], self.redeemed[class_id])
            for who in HOLDERS:
                held = self.runtime.credits.held(who, class_id, self.now)
                assert held is not None
                assert Counter({b.expiry: b.amount for b in held.batches}) == self.worth(class_id, who)

    @invariant()
    def nothing_is_spent_but_lent(self) -> None:
        if self.runtime is not None:
            for owner in OWNERS:
                assert self.runtime.balances.total(owner) == 2 * DEPOSIT + ED


CreditsMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=50, deadline=None)
TestCreditsMachine = CreditsMachine.TestCase
