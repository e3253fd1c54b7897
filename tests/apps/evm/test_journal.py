"""The journal against a model that copies everything: frames nest, fail and succeed in any order."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from integritee.apps.evm.journal import Journal

from .state_tests import World

ADDRESSES = [bytes([n]) * 20 for n in range(4)]
SLOTS = range(3)
BEFORE = World(
    {ADDRESSES[0]: 3, ADDRESSES[1]: 1},
    {ADDRESSES[0]: 100, ADDRESSES[2]: 5},
    {ADDRESSES[1]: b"\x5b"},
    {ADDRESSES[1]: {0: 7, 1: 8}},
)

addresses = st.sampled_from(ADDRESSES)
slots = st.sampled_from(SLOTS)
numbers = st.integers(0, 3)


class JournalMachine(RuleBasedStateMachine):
    """`frames` are copies of the model, one per open frame."""

    def __init__(self) -> None:
        super().__init__()
        self.journal = Journal(BEFORE)
        self.model: dict[str, Any] = {
            "accounts": {a: [*BEFORE.account(a), BEFORE.code(a)] for a in ADDRESSES},
            "slots": {(a, s): BEFORE.slot(a, s) for a in ADDRESSES for s in SLOTS},
            "warm": set(),
        }
        self.frames: list[tuple[int, dict[str, Any]]] = []

    @rule()
    def open(self) -> None:
        self.frames.append((self.journal.checkpoint(), copy.deepcopy(self.model)))

    @precondition(lambda self: self.frames)
    @rule()
    def succeed(self) -> None:
        self.frames.pop()

    @precondition(lambda self: self.frames)
    @rule()
    def fail(self) -> None:
        checkpoint, self.model = self.frames.pop()
        self.journal.revert(checkpoint)

    @rule(address=addresses, nonce=numbers)
    def set_nonce(self, address: bytes, nonce: int) -> None:
        self.journal.set_nonce(address, nonce)
        self.model["accounts"][address][0] = nonce

    @rule(address=addresses, balance=numbers)
    def set_balance(self, address: bytes, balance: int) -> None:
        self.journal.set_balance(address, balance)
        self.model["accounts"][address][1] = balance

    @rule(address=addresses, code=st.sampled_from([b"", b"\x00", b"\x5b"]))
    def set_code(self, address: bytes, code: bytes) -> None:
        self.journal.set_code(address, code)
        self.model["accounts"][address][2] = code

    @rule(address=addresses, slot=slots, value=numbers)
    def set_slot(self, address: bytes, slot: int, value: int) -> None:
        self.journal.set_slot(address, slot, value)
        self.model["slots"][address, slot] = value

    @rule(address=addresses)
    def wipe(self, address: bytes) -> None:
        self.journal.wipe(address)
        self._wipe(address)

    @rule(address=addresses)
    def destroy(self, address: bytes) -> None:
        self.journal.destroy(address)
        self.model["accounts"][address] = [0, 0, b""]
        self._wipe(address)

    def _wipe(self, address: bytes) -> None:
        self.model["slots"].update({(address, slot): 0 for slot in SLOTS})

    @rule(what=addresses | st.tuples(addresses, slots))
    def make_warm(self, what: Any) -> None:
        self.journal.make_warm(what)
        self.model["warm"].add(what)

    @rule(address=addresses, slot=slots)
    def read(self, address: bytes, slot: int) -> None:
        """Reading, at whatever depth, changes nothing."""
        nonce, balance, code = self.model["accounts"][address]
        assert (self.journal.nonce(address), self.journal.balance(address)) == (nonce, balance)
        assert self.journal.code(address) == code
        assert self.journal.is_empty(address) == (not (nonce or balance or code))
        assert self.journal.slot(address, slot) == self.model["slots"][address, slot]
        assert self.journal.slot_before(address, slot) == BEFORE.slot(address, slot)

    @invariant()
    def warmth(self) -> None:
        for what in [*ADDRESSES, *((a, s) for a in ADDRESSES for s in SLOTS)]:
            assert self.journal.is_warm(what) == (what in self.model["warm"])

    def teardown(self) -> None:
        """The net changes make the model of what was before."""
        world = copy.deepcopy(BEFORE)
        changes = list(self.journal.changes())
        world.keep(changes)
        for address in ADDRESSES:
            assert [*world.account(address), world.code(address)] == self.model["accounts"][address]
            assert [world.slot(address, s) for s in SLOTS] == [self.model["slots"][address, s] for s in SLOTS]
        assert [change.address for change in changes] == sorted(change.address for change in changes)
        for change in changes:
            assert change.balance_before == BEFORE.account(change.address)[1]


TestJournal = JournalMachine.TestCase
TestJournal.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)
