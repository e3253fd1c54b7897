"""Transfer allowances: how far they reach, what counts against them, and what they never open."""

from __future__ import annotations

import pytest

from integritee.stf.asset_map import AssetId
from integritee.stf.types import SessionProxyCredentials, TransferAllowance

from .delegation import DEPOSIT, HER, ME, YOU, as_proxy, credentials, facts, grant, rich
from .kit import CHARLIE, EVE, FEE, NOW, ONE, Bench, code


@pytest.fixture
def bench() -> Bench:
    return rich()


def allowance(bench: Bench) -> int:
    found = bench.runtime.session_proxy.get(ME, YOU)
    assert found is not None and isinstance(found.role, TransferAllowance)
    return found.role.allowance


def test_an_allowance_falls_by_what_is_sent_and_what_it_costs(bench: Bench) -> None:
    grant(bench, TransferAllowance(10 * ONE))
    assert as_proxy(bench, "balance_transfer", HER, 3 * ONE).error is None
    assert allowance(bench) == 7 * ONE - FEE
    assert as_proxy(bench, "balance_transfer_with_note", HER, ONE, b"x" * 100).error is None
    assert allowance(bench) == 6 * ONE - 2 * FEE - ONE * 100 // 10_000
    assert bench.free(EVE) == 4 * ONE
    bench.check()


@pytest.mark.parametrize("over", [0, 1, 10**6])
def test_an_allowance_is_spent_to_the_last_unit_and_not_beyond(bench: Bench, over: int) -> None:
    grant(bench, TransferAllowance(2 * ONE + FEE))
    before = bench.root()
    outcome = as_proxy(bench, "balance_transfer", HER, 2 * ONE + over)
    if over:
        assert (code(outcome), outcome.charged) == ("stf.allowance_exceeded", False)
        needed, remaining = str(2 * ONE + over + FEE), str(2 * ONE + FEE)
        assert facts(outcome) == {"delegate": "0x" + YOU.hex(), "needed": needed, "remaining": remaining}
        assert bench.root() == before
    else:
        assert outcome.error is None
        assert allowance(bench) == 0
        assert code(as_proxy(bench, "balance_transfer", HER, 0)) == "stf.allowance_exceeded"
    bench.check()


def test_the_fee_of_a_failed_transfer_counts(bench: Bench) -> None:
    grant(bench, TransferAllowance(10 * ONE))
    outcome = as_proxy(bench, "balance_transfer", HER, 499)
    assert (code(outcome), outcome.charged) == ("token.below_minimum", True)
    assert allowance(bench) == 10 * ONE - FEE
    bench.check()


def test_an_account_that_cannot_pay_spends_no_allowance() -> None:
    bench = Bench({CHARLIE: FEE + DEPOSIT + 500})
    grant(bench, TransferAllowance(10 * ONE))
    outcome = as_proxy(bench, "balance_transfer", HER, ONE)
    assert (code(outcome), outcome.charged) == ("stf.missing_funds", False)
    assert allowance(bench) == 10 * ONE
    bench.check()


def test_a_fee_paid_in_an_asset_counts_as_the_native_one(bench: Bench) -> None:
    """The account's native funds are all tied up; its USDC pays, and nothing is left to be sent."""
    assert bench.run(CHARLIE, "balance_transfer", HER, 99 * ONE).error is None
    grant(bench, TransferAllowance(10 * ONE))
    assert bench.run(CHARLIE, "balance_transfer", HER, bench.free(CHARLIE) - FEE - 600).error is None
    held = bench.held(CHARLIE, AssetId.USDC)
    assert as_proxy(bench, "balance_transfer", HER, 50).error is None
    assert bench.held(CHARLIE, AssetId.USDC) == held - 10_000
    assert allowance(bench) == 10 * ONE - FEE - 50
    bench.check()


def test_what_the_owner_spends_is_no_matter_of_the_allowance(bench: Bench) -> None:
    grant(bench, TransferAllowance(10 * ONE))
    assert bench.run(CHARLIE, "balance_transfer", HER, 20 * ONE).error is None
    assert allowance(bench) == 10 * ONE
    bench.check()


def test_each_proxy_has_its_own_allowance(bench: Bench) -> None:
    grant(bench, TransferAllowance(10 * ONE))
    other = credentials(TransferAllowance(5 * ONE), NOW + 9)
    assert bench.run(CHARLIE, "add_session_proxy", HER, other).error is None
    assert bench.act(EVE, bench.call("balance_transfer", ME, HER, ONE)).error is None
    assert allowance(bench) == 10 * ONE
    rest = SessionProxyCredentials(TransferAllowance(4 * ONE - FEE), NOW + 9, other.seed)
    assert bench.runtime.session_proxy.get(ME, HER) == rest
    bench.check()


def test_an_expired_allowance_is_worth_nothing(bench: Bench) -> None:
    grant(bench, TransferAllowance(10 * ONE), NOW)
    assert code(as_proxy(bench, "balance_transfer", HER, ONE)) == "stf.session_proxy_expired"
    assert allowance(bench) == 10 * ONE
    bench.check()
