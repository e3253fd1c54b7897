"""Balances of communities: transfers, free calls, and the law that nothing is lost."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from integritee.apps.encointer.balances import LEAST_OPENING, MAX_ISSUANCE, EncointerBalances
from integritee.apps.encointer.errors import EncointerError, IssuanceOverflow
from integritee.apps.encointer.fixed_point import I64F64, ONE
from integritee.apps.encointer.free_calls import BURST, INTERVAL_MS
from integritee.frame.pallets.system import System
from integritee.stf.errors import InvariantBroken
from integritee.stf.executor import Outcome

from ...stf.kit import NOW, code
from .kit import REGISTERING, Community, account

ALICE, BOB, NOBODY = account(0), account(1), account(9)


def rich(amount: int = 10 * ONE) -> Community:
    community = Community()
    community.runtime.pallet(EncointerBalances).issue(community.cid, ALICE.public, amount, 5)
    return community


def transfer(community: Community, amount: int, source=ALICE, to=BOB, now: int = NOW) -> Outcome:
    call = community.bench.call("encointer.balance_transfer", source.public, to.public, community.cid, I64F64(amount))
    return community.bench.act(source, call, now)


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        (ONE, None),
        (10 * ONE, None),
        (LEAST_OPENING, None),
        (10 * ONE + 1, "encointer.balance_too_low"),
        (LEAST_OPENING - 1, "encointer.amount_too_small"),
        (0, "encointer.amount_not_positive"),
        (-ONE, "encointer.amount_not_positive"),
    ],
)
def test_transfers(amount: int, expected: str | None) -> None:
    community = rich()
    before = community.bench.changes()
    assert code(transfer(community, amount)) == expected
    moved = amount if expected is None else 0
    found = [community.ask("balance", pair) for pair in (ALICE, BOB)]
    assert [entry.principal.bits for entry in found] == [10 * ONE - moved, moved]
    assert expected is None or community.bench.changes() == before  # what is refused leaves no trace
    assert expected is not None or found[1].last_update == community.number
    community.bench.check()


def test_dust_is_welcome_where_there_is_a_balance() -> None:
    community = rich()
    transfer(community, ONE)
    assert code(transfer(community, 1)) is None


def test_a_transfer_to_oneself_only_stamps() -> None:
    community = rich()
    assert code(transfer(community, 10 * ONE, to=ALICE)) is None
    entry = community.ask("balance", ALICE)
    assert (entry.principal.bits, entry.last_update) == (10 * ONE, community.number)
    community.bench.check()


def test_an_empty_balance_takes_no_room() -> None:
    community = rich()
    transfer(community, 10 * ONE)
    assert community.runtime.pallet(EncointerBalances).balance.get(community.cid, ALICE.public) is None


def test_both_sides_find_a_receipt() -> None:
    community = rich()
    transfer(community, ONE)
    assert [len(community.bench.ask(pair, "notes_for", pair.public, 0)) for pair in (ALICE, BOB)] == [1, 1]


def test_issuance_has_a_limit() -> None:
    community = rich(MAX_ISSUANCE)
    with pytest.raises(IssuanceOverflow):
        community.runtime.pallet(EncointerBalances).issue(community.cid, BOB.public, 1, 6)
    community.bench.check()


# -- calls are free


def test_calls_cost_nothing_but_are_counted() -> None:
    community = rich()
    outcomes = [code(transfer(community, ONE // 8)) for _ in range(BURST + 1)]
    assert outcomes == [None] * BURST + ["encointer.too_many_free_calls"]
    assert community.bench.nonce(ALICE) == BURST
    late = transfer(community, ONE // 8, now=NOW + INTERVAL_MS - 1)
    assert late.error is not None
    assert late.error.data() == {"limit": BURST, "retry_at": NOW + INTERVAL_MS}
    assert code(transfer(community, ONE // 8, now=NOW + INTERVAL_MS)) is None
    assert code(transfer(community, ONE // 8, now=NOW + INTERVAL_MS)) == "encointer.too_many_free_calls"
    community.enter(REGISTERING)
    assert code(transfer(community, ONE // 8, now=NOW + INTERVAL_MS)) is None


def test_accounts_without_anything_leave_no_trace() -> None:
    """However many keys somebody makes: what they are refused is not kept, and not their nonces either."""
    community = Community()
    before = community.bench.changes()
    accounts = len(list(community.runtime.pallet(System).account.items()))
    for number in range(100, 120):
        pair = account(number)
        transfer(community, ONE, source=pair)
        community.submit(pair, [])
        community.register(pair, community.proof(pair))
        community.bench.run(pair, "encointer.set_community_metadata", community.cid, b"x")
        community.bench.run(pair, "encointer.grant_reputation", community.cid, pair.public)
    assert community.bench.changes() == before
    assert len(list(community.runtime.pallet(System).account.items())) == accounts


# -- the law


class Money(RuleBasedStateMachine):
    """Whatever is issued and moved, each currency's issuance is the sum of its balances."""

    def __init__(self) -> None:
        super().__init__()
        self.runtime = Community().runtime
        self.balances = self.runtime.pallet(EncointerBalances)
        self.expected: dict[tuple[int, int], int] = {}

    @rule(cid=st.integers(0, 1), who=st.integers(0, 3), amount=st.integers(1, 3 * ONE))
    def issue(self, cid: int, who: int, amount: int) -> None:
        self.balances.issue(bytes([cid]) * 32, account(who).public, amount, 5)
        self.expected[cid, who] = self.expected.get((cid, who), 0) + amount

    @rule(
        cid=st.integers(0, 1),
        source=st.integers(0, 3),
        to=st.integers(0, 3),
        amount=st.integers(-1, 2 * ONE) | st.integers(0, LEAST_OPENING),
    )
    def transfer(self, cid: int, source: int, to: int, amount: int) -> None:
        try:
            self.balances.transfer(bytes([cid]) * 32, account(source).public, account(to).public, amount, 6)
        except EncointerError:
            return
        self.expected[cid, source] = self.expected.get((cid, source), 0) - amount
        self.expected[cid, to] = self.expected.get((cid, to), 0) + amount

    @invariant()
    def nothing_is_lost(self) -> None:
        self.balances.check_laws()
        for (cid, who), amount in self.expected.items():
            assert self.balances.entry(bytes([cid]) * 32, account(who).public).principal.bits == amount


TestMoney = Money.TestCase
TestMoney.settings = settings(
    max_examples=25, stateful_step_count=20, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


def test_a_broken_law_is_found() -> None:
    community = rich()
    balances = community.runtime.pallet(EncointerBalances)
    entry = balances.entry(community.cid, ALICE.public)
    balances.balance.put(community.cid, BOB.public, entry)
    with pytest.raises(InvariantBroken):
        balances.check_laws()
