"""The pool against a naive model, under arbitrary histories with small limits."""

from __future__ import annotations

import hypothesis.strategies as st
import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from integritee.crypto import blake2_256
from integritee.enclave.pool import PoolEntry, PoolError, PoolLimits, StatusChanged, TooLowPriority, TopPool
from integritee.primitives.rpc import Future, Ready, TrustedOperationStatus

from .pool_model import Entry, PoolModel

LIMITS = PoolLimits(
    slots=12,
    slot_bytes=100,
    future_slots=5,
    sender_slots=9,
    nonce_gap=4,
    entry_bytes=350,
    future_ms=50,
    ban_ms=30,
    bans=1000,
)
SENDERS = st.sampled_from([b"a", b"b", b"c"])


class PoolMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.pool: TopPool[None] = TopPool(LIMITS)
        self.model = PoolModel(LIMITS)
        self.status: dict[bytes, TrustedOperationStatus] = {}
        self.now = 1_000

    def note(self, events: list[StatusChanged]) -> None:
        for event in events:
            self.status[event.hash] = event.status

    def entry(self, sender: bytes, nonce: int, size: int, salt: int) -> Entry:
        return PoolEntry(blake2_256(repr((sender, nonce, size, salt)).encode()), sender, nonce, size, None)

    @rule(
        sender=SENDERS,
        ahead=st.integers(-1, 6),
        size=st.sampled_from([1, 100, 101, 300, 400]),
        salt=st.integers(0, 1),
        continues=st.booleans(),
    )
    def submit(self, sender: bytes, ahead: int, size: int, salt: int, continues: bool) -> None:
        account = self.model.account.get(sender, 0)
        start = self.model.next_nonce(sender) if continues else account
        entry = self.entry(sender, max(0, start + ahead), size, salt)
        refusal = self.model.refusal(entry, self.now)
        if refusal is not None:
            before = (list(self.pool.ready()), len(self.pool), self.pool.used_slots)
            with pytest.raises(PoolError) as caught:
                self.pool.submit(entry, account, self.now)
            assert type(caught.value) is refusal
            assert (list(self.pool.ready()), len(self.pool), self.pool.used_slots) == before
            return
        self.note(self.pool.submit(entry, account, self.now))
        self.model.submit(entry, self.now)

    @precondition(lambda self: not self.model.taken)
    @rule(count=st.integers(1, 8))
    def take(self, count: int) -> None:
        taken = self.pool.take_ready(count)
        assert taken == self.model.order[:count]
        self.model.taken, self.model.order = taken, self.model.order[count:]

    @precondition(lambda self: self.model.taken)
    @rule(data=st.data())
    def settle(self, data: st.DataObject) -> None:
        """Each taken entry was executed, failed, or was not reached; then the block is confirmed."""
        model, stopped, included = self.model, set(), []
        untouched: list[Entry] = []
        for entry in list(model.taken):
            outcomes = ["untouched"] if entry.sender in stopped else ["ok", "failed", "refused", "untouched"]
            outcome = data.draw(st.sampled_from(outcomes))
            if outcome in ("ok", "failed"):
                model.account[entry.sender] = entry.nonce + 1
            else:
                stopped.add(entry.sender)
            if outcome == "ok":
                included.append(entry.hash)
            elif outcome == "untouched":
                untouched.append(entry)
                continue
            else:
                used = outcome == "failed"
                self.note(self.pool.reject(entry.hash, TooLowPriority(0, b""), self.now, nonce_used=used))
                if not used:
                    model.banned[entry.hash] = self.now + LIMITS.ban_ms
            model.remove(entry)
        self.note(self.pool.confirm_included(included, b"block"))
        self.note(self.pool.release(self.now))
        model.taken = []
        model.order = untouched + model.order
        model.refresh(self.now)

    @precondition(lambda self: not self.model.taken)
    @rule(sender=SENDERS, steps=st.integers(1, 3), known=st.booleans())
    def account_moves_on(self, sender: bytes, steps: int, known: bool) -> None:
        """A peer's block executed some nonces, with our operations or with others."""
        nonce = self.model.account.get(sender, 0) + steps
        if known:
            ours = [e for n, e in self.model.held.get(sender, {}).items() if n < nonce]
            self.note(self.pool.confirm_included([e.hash for e in ours], b"peer"))
        self.note(self.pool.on_nonce_changed(sender, nonce, self.now))
        self.model.advance(sender, nonce, self.now)

    @precondition(lambda self: not self.model.taken)
    @rule(sender=SENDERS, steps=st.integers(1, 2))
    def account_moves_back(self, sender: bytes, steps: int) -> None:
        nonce = max(0, self.model.account.get(sender, 0) - steps)
        self.note(self.pool.on_nonce_changed(sender, nonce, self.now))
        self.model.account[sender] = nonce
        self.model.refresh(self.now)

    @rule(ms=st.integers(1, 30))
    def time_passes(self, ms: int) -> None:
        self.now += ms
        self.note(self.pool.expire(self.now))
        self.model.expire(self.now)

    @invariant()
    def same_contents(self) -> None:
        assert list(self.pool.ready()) == self.model.taken + self.model.order
        assert self.pool.ready_count == len(self.model.ready())
        assert self.pool.future_count == len(self.model.future())
        assert len(self.pool) == len(self.model.all())
        assert self.pool.used_slots == self.model.slots(self.model.all()) <= LIMITS.slots
        for sender in (b"a", b"b", b"c"):
            account = self.model.account.get(sender, 0)
            assert self.pool.next_nonce(sender, account) == self.model.next_nonce(sender)

    @invariant()
    def statuses_tell_the_truth(self) -> None:
        ready = {e.hash for e in self.model.ready()}
        future = {e.hash for e in self.model.future()}
        for hash, status in self.status.items():
            assert isinstance(status, Ready) == (hash in ready)
            assert isinstance(status, Future) == (hash in future)

    @invariant()
    def nonces_in_order(self) -> None:
        last: dict[bytes, int] = {}
        for entry in self.pool.ready():
            assert entry.nonce > last.get(entry.sender, -1)
            last[entry.sender] = entry.nonce


PoolMachine.TestCase.settings = settings(max_examples=120, stateful_step_count=40, deadline=None)
TestTopPoolAgainstModel = PoolMachine.TestCase
