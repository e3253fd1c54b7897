"""Balances under arbitrary calls: nothing is created or lost, and a failing call changes nothing."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from msgspec.structs import replace

from integritee.frame.errors import DispatchFailure
from integritee.frame.origin import Origin, Root, Signed
from integritee.frame.outer import RuntimeCall
from integritee.primitives.ids import Id
from integritee.scale import Ok

from .demo_runtime import DemoRuntime
from .test_balances import ED, assert_invariants

accounts = st.sampled_from([bytes([i]) * 32 for i in range(1, 6)])
amounts = st.integers(0, 3 * ED) | st.sampled_from([ED - 1, ED, ED + 1, 10_000, 1 << 64])


class BalancesMachine(RuleBasedStateMachine):
    @initialize(endowed=st.lists(st.tuples(accounts, amounts), min_size=1, max_size=5))
    def begin(self, endowed: list[tuple[bytes, int]]) -> None:
        self.runtime = DemoRuntime()
        for who, value in endowed:
            self.runtime.balances.mint(who, value)
        self.runtime.events.clear()

    def run_call(self, call: RuntimeCall, origin: Origin) -> None:
        before, deposited = self.runtime.state.changes(), len(self.runtime.events)
        issued = self.runtime.balances.total_issuance.get()
        outcome = self.runtime.try_dispatch(call, origin)
        if outcome != Ok(None):
            assert self.runtime.state.changes() == before
            assert len(self.runtime.events) == deposited
        elif "transfer" in call.function:
            lost = sum(r.event.values[1] for r in self.runtime.system.events() if r.event.name == "DustLost")
            assert self.runtime.balances.total_issuance.get() == issued - lost
        self.runtime.system.reset_events()

    @rule(source=accounts, dest=accounts, value=amounts, keep_alive=st.booleans())
    def transfer(self, source: bytes, dest: bytes, value: int, keep_alive: bool) -> None:
        name = "transfer_keep_alive" if keep_alive else "transfer_allow_death"
        self.run_call(self.runtime.call("Balances", name, Id(dest), value), Signed(source))

    @rule(source=accounts, dest=accounts, keep_alive=st.booleans())
    def transfer_all(self, source: bytes, dest: bytes, keep_alive: bool) -> None:
        self.run_call(self.runtime.call("Balances", "transfer_all", Id(dest), keep_alive), Signed(source))

    @rule(who=accounts, value=amounts)
    def set_balance(self, who: bytes, value: int) -> None:
        self.run_call(self.runtime.call("Balances", "force_set_balance", Id(who), value), Root())

    @rule(who=accounts, value=amounts)
    def unreserve(self, who: bytes, value: int) -> None:
        self.run_call(self.runtime.call("Balances", "force_unreserve", Id(who), value), Root())

    @rule(who=accounts, value=amounts, keep_alive=st.booleans())
    def burn(self, who: bytes, value: int, keep_alive: bool) -> None:
        self.run_call(self.runtime.call("Balances", "burn", value, keep_alive), Signed(who))

    @rule(who=accounts, value=amounts)
    def reserve(self, who: bytes, value: int) -> None:
        self.attempt(lambda: self.runtime.balances.reserve(who, value))

    @rule(who=accounts, value=amounts)
    def freeze(self, who: bytes, value: int) -> None:
        if self.runtime.system.account.get(who).exists():
            self.attempt(lambda: self.runtime.balances.change(who, lambda d: replace(d, frozen=value)))

    @rule(who=accounts, value=amounts)
    def pay(self, who: bytes, value: int) -> None:
        self.attempt(lambda: self.runtime.balances.withdraw(who, value))

    @rule(who=accounts, value=amounts)
    def mint(self, who: bytes, value: int) -> None:
        self.attempt(lambda: self.runtime.balances.mint(who, value))

    def attempt(self, act: Callable[[], object]) -> None:
        before = self.runtime.state.changes()
        try:
            with self.runtime.transaction():
                act()
        except DispatchFailure:
            assert self.runtime.state.changes() == before
        self.runtime.system.reset_events()

    @invariant()
    def invariants(self) -> None:
        if hasattr(self, "runtime"):
            assert_invariants(self.runtime)


BalancesMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestBalancesMachine = BalancesMachine.TestCase
