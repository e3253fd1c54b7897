"""Arbitrary histories of the ledger: money is conserved, nonces grow, nothing runs twice, failures cost only fees."""

from __future__ import annotations

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, rule

from integritee.crypto import Ed25519Pair, blake2_256
from integritee.primitives.ids import ParentchainId
from integritee.stf.operation import TrustedCallSigned
from integritee.stf.runtime import ENCLAVE_ENDOWMENT

from ..invariants import assert_backed, assert_invariants, assert_nonces_grow, nonces
from .kit import ED, ENCLAVE, FEE, ONE, SHARD, Bench

PEOPLE = [Ed25519Pair.from_seed(blake2_256(bytes([i]))) for i in range(4)]
WHO = st.sampled_from(PEOPLE)
ANYBODY = st.sampled_from([*PEOPLE, ENCLAVE])
AMOUNT = st.one_of(
    st.sampled_from([0, 1, ED - 1, ED, ED + 1, FEE, FEE + ED - 1, FEE + ED, 3 * FEE + ED, ONE, 2**128 - 1]),
    st.integers(0, 3 * ONE),
)


class LedgerMachine(RuleBasedStateMachine):
    """Shields, transfers, unshields, waste and replays by a few people who often live on the edge of dust."""

    executed = Bundle("executed")

    @initialize()
    def begin(self) -> None:
        self.bench = Bench()
        self.vault = 0
        self.seen = nonces(self.bench.runtime)
        self.done: set[tuple[bytes, int]] = set()

    # -- money from outside and back

    @rule(who=ANYBODY, amount=st.integers(0, 5 * ONE))
    def shield(self, who: Ed25519Pair, amount: int) -> None:
        outcome = self.bench.run(ENCLAVE, "balance_shield", who.public, amount, ParentchainId.Integritee)
        assert outcome.error is None
        self.vault += amount

    @rule(target=executed, who=WHO, to=ANYBODY, amount=AMOUNT, rest=st.sampled_from([None, 0, 1, ED - 1, ED]))
    def transfer(self, who: Ed25519Pair, to: Ed25519Pair, amount: int, rest: int | None) -> TrustedCallSigned:
        """`rest`: transfer so much that this is left after the fee."""
        if rest is not None:
            amount = max(self.bench.free(who) - FEE - rest, 0)
        return self.execute(who, "balance_transfer", to.public, amount)

    @rule(target=executed, who=WHO, amount=AMOUNT, all_=st.booleans(), shard=st.sampled_from([SHARD, bytes(32)]))
    def unshield(self, who: Ed25519Pair, amount: int, all_: bool, shard: bytes) -> TrustedCallSigned:
        if all_:
            amount = max(self.bench.free(who) - 3 * FEE, 0)
        return self.execute(who, "balance_unshield", who.public, amount, shard)

    @rule(target=executed, who=WHO)
    def noop(self, who: Ed25519Pair) -> TrustedCallSigned:
        return self.execute(who, "noop")

    def execute(self, who: Ed25519Pair, name: str, *args: object) -> TrustedCallSigned:
        bench = self.bench
        signed = bench.signed(who, bench.call(name, who.public, *args))
        free, nonce, changes = bench.free(who), bench.nonce(who), bench.changes()
        outcome = bench.execute(signed)
        fee = signed.call.definition.fee(ONE, signed.call.args)
        assert outcome.charged is (free >= fee)
        if not outcome.charged:
            assert outcome.error is not None
            assert bench.changes() == changes
            return signed
        assert (who.public, nonce) not in self.done
        self.done.add((who.public, nonce))
        assert bench.nonce(who) == nonce + 1
        if outcome.error is not None:
            assert outcome.effects == ()
            left = free - fee
            assert bench.free(who) == (left if left >= ED else 0)
        self.vault -= sum(effect.amount for effect in outcome.effects)
        return signed

    # -- what was signed once

    @rule(signed=executed)
    def replay(self, signed: TrustedCallSigned) -> None:
        """What has used its nonce never runs again; what has not is as good as new."""
        sender = signed.call.sender
        used = (sender, signed.nonce) in self.done
        before = self.bench.changes()
        if used or signed.nonce != self.bench.nonce(sender):
            outcome = self.bench.execute(signed)
            assert outcome.error is not None
            assert outcome.error.code == "stf.invalid_nonce"
            assert self.bench.changes() == before

    @rule(signed=consumes(executed), other=WHO)
    def forge(self, signed: TrustedCallSigned, other: Ed25519Pair) -> None:
        """Somebody else's signature is worth nothing."""
        if other.public == signed.call.sender:
            return
        before = self.bench.changes()
        theirs = self.bench.signed(other, signed.call, self.bench.nonce(signed.call.sender))
        outcome = self.bench.execute(TrustedCallSigned(theirs.call, theirs.nonce, None, theirs.signature))
        assert outcome.error is not None
        assert outcome.error.code == "stf.invalid_signature"
        assert self.bench.changes() == before

    # -- laws

    @invariant()
    def money_is_conserved(self) -> None:
        if not hasattr(self, "bench"):
            return
        assert_invariants(self.bench.runtime)
        assert_backed(self.bench.issued(), ENCLAVE_ENDOWMENT, [], self.vault)

    @invariant()
    def nonces_grow(self) -> None:
        if not hasattr(self, "bench"):
            return
        now = nonces(self.bench.runtime)
        assert_nonces_grow(self.seen, now)
        self.seen = now

    @invariant()
    def no_transaction_is_left_open(self) -> None:
        if hasattr(self, "bench"):
            assert self.bench.runtime.state.depth == 0


LedgerMachine.TestCase.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)
TestLedgerMachine = LedgerMachine.TestCase
