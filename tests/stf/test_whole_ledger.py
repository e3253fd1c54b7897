"""The ledger with all its apps under arbitrary histories: every call and getter, by whoever, in whatever state.

Hypothesis explores short histories and shrinks what it finds; seeds give volume. `make campaign-stf` runs longer.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any, Final

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, note, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from integritee.enclave.sidechain.author import BlockBuilder
from integritee.frame.overlay import Overlay
from integritee.frame.pallets.balances import Balances
from integritee.frame.pallets.system import System
from integritee.stf import errors
from integritee.stf.authorisation import Authorisation
from integritee.stf.errors import InvariantBroken, StfError
from integritee.stf.executor import Executor
from integritee.stf.native import AssetHoldings
from integritee.stf.pallets.assets import Assets
from integritee.stf.pallets.session_proxy import SessionProxy
from integritee.stf.runtime import LedgerRuntime

from .shard_life import ShardLife, live, whole_ledger
from .step_laws import LawBroken
from .tally import Tally

STEPS: Final = 20_000
STEPS_PER_LIFE: Final = 1_000
MOST_LIVES: Final = 50
RANDOMS: Final = st.randoms(use_true_random=False)

REPOSITORY: Final = Path(__file__).parents[2]


# -- volume ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tally() -> Tally:
    """Of many lives, and of more if those left something out. A failing one says how to see it again."""
    total = Tally()
    for seed in range(MOST_LIVES):
        if total.steps >= STEPS and not any(total.gaps(whole_ledger())):
            break
        total.add(live(seed, STEPS_PER_LIFE))
    return total


def test_laws_hold_in_arbitrary_histories(tally: Tally) -> None:
    assert tally.steps >= STEPS


def test_histories_leave_no_call_and_no_getter_out(tally: Tally) -> None:
    assert list(tally.gaps(whole_ledger())) == []


NEVER_MET: Final = {
    errors.NotACall: "a getter never gets as far as the executor",
    errors.TooManyEffects: "every call of the ledger has a lower limit of its own",
    errors.InvariantBroken: "that is what the histories look for",
    errors.CallCrashed: "and that",
    errors.VaultAlreadySet: "only genesis sets it",
    errors.GenesisAlreadySet: "only genesis sets it",
}
"""Errors no trusted call or getter ends with, and why."""


def leaves(kind: type[StfError]) -> Iterator[type[StfError]]:
    """Errors of `stf.errors` below a kind that are raised themselves."""
    if kind.__module__ == errors.__name__ and kind is not StfError:
        yield kind
    for further in kind.__subclasses__():
        yield from leaves(further)


def test_histories_go_as_far_as_retirement(tally: Tally) -> None:
    assert 0 < tally.retired < tally.lives


def test_calls_and_getters_failed_in_every_way_there_is(tally: Tally) -> None:
    """So what the laws say of failed calls was checked for each code."""
    expected = {kind.code for kind in leaves(StfError) if kind not in NEVER_MET}
    assert expected - tally.failures().keys() == set()


# -- exploration -------------------------------------------------------------------------------------


class WholeLedger(RuleBasedStateMachine):
    """A shard's life whose choices are Hypothesis's, after a beginning from a seed."""

    life: ShardLife

    @initialize(seed=st.integers(0, 99))
    def begin(self, seed: int) -> None:
        self.life = ShardLife(Random(seed))

    @rule(random=RANDOMS)
    def call(self, random: Random) -> None:
        note(self.life.call(random))

    @rule(random=RANDOMS)
    def call_again(self, random: Random) -> None:
        """Twice as often as the rest."""
        note(self.life.call(random))

    @rule(random=RANDOMS)
    def ask(self, random: Random) -> None:
        self.life.ask(random)

    @rule(random=RANDOMS)
    def end_block(self, random: Random) -> None:
        self.life.end_block(random)

    @invariant()
    def laws_hold(self) -> None:
        if hasattr(self, "life"):
            self.life.check()


SHRINKING_S: Final = 600
"""Hypothesis shrinks what it finds for five minutes at most."""

WholeLedger.TestCase.pytestmark = [pytest.mark.timeout(SHRINKING_S)]  # type: ignore[attr-defined]
WholeLedger.TestCase.settings = settings(
    max_examples=50, stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestWholeLedger = WholeLedger.TestCase


# -- the laws can fail -------------------------------------------------------------------------------


def keep_all(self: Overlay) -> None:
    """Commits what is to be undone."""
    self.commit()


def without_dust(self: Balances, who: bytes, info: Any, after: Any) -> None:
    """Loses dust, but not from the issuance."""
    issued = self.total_issuance.get()
    UPDATE(self, who, info, after)
    self.total_issuance.put(issued)


def burn_what_there_is(self: Assets, id: Any, who: bytes, amount: int) -> None:
    self.burn_up_to(id, who, amount)


def refund_twice(self: BlockBuilder, payment: Any) -> None:
    REFUND(self, payment)
    REFUND(self, payment)


def increment_by_none(self: System, who: bytes) -> None:
    """A nonce stays."""


def allow_forever(self: Authorisation, account: bytes, delegate: bytes, now: int) -> Any:
    """Knows no expiry."""
    found = self._runtime.session_proxy.get(account, delegate)
    if found is None:
        raise errors.MissingPrivileges(delegate)
    return found


def nothing(*args: Any) -> None:
    """In place of a check or an effect."""


def any_random(self: LedgerRuntime, purpose: bytes) -> bytes:
    return os.urandom(32)


UPDATE, REFUND = Balances._update, BlockBuilder.refund

DEFECTS: Final[dict[str, tuple[type, str, Callable[..., Any]]]] = {
    "failed calls are not undone": (Overlay, "rollback", keep_all),
    "dust stays in the issuance": (Balances, "_update", without_dust),
    "refused payments are refunded twice": (BlockBuilder, "refund", refund_twice),
    "nonces are not used up": (System, "increment_nonce", increment_by_none),
    "session proxies do not expire": (Authorisation, "_credentials", allow_forever),
    "roles do not matter": (Authorisation, "_check_delegate_of_call", nothing),
    "allowances are not spent": (SessionProxy, "spend", nothing),
    "maintenance stops nobody": (Authorisation, "_check_mode", nothing),
    "anybody acts as anybody": (Authorisation, "_check_authority", nothing),
    "signatures are not checked": (Executor, "verify", nothing),
    "questions are not checked": (Executor, "verify_getter", nothing),
    "blocks depend on chance": (LedgerRuntime, "random", any_random),
    "deposits are not released": (Balances, "unreserve", lambda self, who, value: 0),
}
LIVES_UNTIL_SEEN: Final = 12


@pytest.mark.parametrize("defect", DEFECTS)
def test_laws_notice(defect: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(*DEFECTS[defect])
    with pytest.raises((LawBroken, InvariantBroken)):
        for seed in range(LIVES_UNTIL_SEEN):
            live(seed, STEPS_PER_LIFE)


def test_laws_notice_the_original_s_burn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which destroys what there is and pays out what was asked for."""
    monkeypatch.setattr(Assets, "burn_from", burn_what_there_is)
    monkeypatch.setattr(AssetHoldings, "_expect_assets", nothing)
    with pytest.raises(LawBroken, match="supply"):
        for seed in range(LIVES_UNTIL_SEEN):
            live(seed, STEPS_PER_LIFE)


# -- one seed, one history ---------------------------------------------------------------------------

ONE_LIFE: Final = "from tests.stf.shard_life import root_after; print(root_after(seed=3, steps=600).hex())"


def test_a_seed_is_a_history_in_every_process() -> None:
    """Even where sets and dicts of strings have another order: state never depends on that."""
    roots = {_run(ONE_LIFE, hash_seed) for hash_seed in ("0", "1")}
    assert len(roots) == 1


def _run(script: str, hash_seed: str) -> str:
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    ran = subprocess.run(
        [sys.executable, "-c", script], cwd=REPOSITORY, env=environment, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()
