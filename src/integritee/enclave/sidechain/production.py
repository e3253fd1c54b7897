"""One slot's work: inputs from the parentchain, its calls, those of the pool, a block, and what must follow it.

Works on copies; the enclave adopts state and outbox only when the block is finished. Sans-IO: the driver
calls `step` until the slot's budget is spent.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from integritee.errors import IntegriteeError
from integritee.primitives.header import Header
from integritee.primitives.ids import ParentchainId
from integritee.primitives.sidechain import FINALIZATION_STRIDE, SidechainBlockConfirmation
from integritee.scale import codec
from integritee.stf.effects import Delay, Effect
from integritee.stf.ledger import Ledger
from integritee.stf.operation import TrustedCallSigned
from integritee.trie import Trie

from ..keys import Randomness
from ..parentchain.bridge_calls import MAX_SHIELDED_BLOCKS
from ..parentchain.follower import Follower
from ..parentchain.inbound import InboundBlock
from ..parentchain.onboarding import account_info
from ..parentchain.outbox import (
    MAX_CONFIRMATIONS,
    MAX_ENTRIES,
    ONBOARDING_PERIOD,
    PARENTCHAIN_CONFIRMATION_PERIOD,
    PAYMENT_PERIOD,
    SIDECHAIN_CONFIRMATION_PERIOD,
    Outbox,
    OutboxFull,
    Processed,
)
from ..parentchain.runtimes import proven_version
from ..pool import StatusChanged, TopPool
from .author import Assignment, AuthoredBlock, BlockBuilder
from .invocations import Invocations

CONFIRMATION: Final = codec(SidechainBlockConfirmation)

MAX_INBOUND: Final = 256
"""Parentchain blocks that one sidechain block processes; more wait for the next slot."""

MAX_PAYMENTS: Final = MAX_ENTRIES - 1
"""Of the outbox's places, the last one is for the confirmation of the sidechain block itself."""


INVOCATIONS_PER_STEP: Final = 64
"""Left over when a block is sealed, they are executed in portions of this size."""


def due(inbox: Iterable[InboundBlock]) -> Iterator[InboundBlock]:
    """The parentchain blocks that the next sidechain block processes; there is one at least if any waits."""
    room = MAX_SHIELDED_BLOCKS
    for block in islice(inbox, MAX_INBOUND):
        room -= block.shielded_blocks
        if room < 0:
            return
        yield block


@dataclass(frozen=True)
class Refusal:
    """A call of the pool that failed; `nonce_used` if its fee and nonce were charged."""

    top_hash: bytes
    error: IntegriteeError
    nonce_used: bool


@dataclass
class Production:
    """A block in the making and its outbox. Extrinsics are signed for the time after `anchor`."""

    builder: BlockBuilder
    pool: TopPool[TrustedCallSigned]
    follower: Follower
    outbox: Outbox
    anchor: Header
    inbound: list[InboundBlock] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    queued_before: int = 0
    registers: bool = False
    """Whether the enclave asks to be put on record again."""
    invocations: Invocations = field(init=False)
    _stalled: set[bytes] = field(default_factory=set)
    """Senders whose earlier call failed without using its nonce: their later ones wait for another slot."""

    def __post_init__(self) -> None:
        self.invocations = Invocations(self.builder)

    @classmethod
    def begin(
        cls,
        assignment: Assignment,
        ledger: Ledger,
        state: Trie,
        pool: TopPool[TrustedCallSigned],
        follower: Follower,
        outbox: Outbox,
        now: int,
        checked: bool = False,
        registration: bytes | None = None,
    ) -> Production:
        """Start a block at Unix time `now` (ms) and apply the parentchain blocks that wait, oldest first.

        A `registration` that is due goes ahead of all that the parentchain takes from registered enclaves only.
        Raises NonceOvertaken if the outbox cannot be trusted any more.
        """
        builder = BlockBuilder(assignment, ledger, state, now, follower.head.hash(), checked=checked)
        production = cls(builder, pool, follower, outbox.copy(), follower.head, queued_before=pool.ready_count)
        builder.executor.vet = production._vet
        if registration is not None and production.outbox.has_room():
            production.outbox.add(follower.facts, follower.head, registration, ONBOARDING_PERIOD)
            production.registers = True
        for block in due(follower.inbox):
            production._process(block)
        builder.begin_calls()
        production.outbox.renew_void(
            follower.facts, production._processed(), production.anchor, follower.runtimes.translated
        )
        return production

    def _processed(self) -> Processed:
        """How far the parentchain is known to this block."""
        current = self.follower.facts.spec_version
        if not self.inbound:
            return Processed(self.follower.head.number, current)
        last = self.inbound[-1]
        return Processed(last.header.number, proven_version(last.values) or current)

    def _process(self, block: InboundBlock) -> None:
        mirror = self.builder.runtime.parentchain(ParentchainId.Integritee)
        self.inbound.append(block)
        known = mirror.number.get()
        if block.header.number < (mirror.creation_block_number.get() or 0) or (
            known is not None and block.header.number <= known
        ):
            return
        keys = self.follower.contract.watched
        finished = self.outbox.on_block(block)
        self.outbox.check_nonce(account_info(block.values.get(keys.enclave_account)).nonce)
        self.builder.apply_parentchain(block, keys, finished)
        calls = self.invocations.read(block)
        if not self.outbox.has_room(MAX_CONFIRMATIONS):
            return
        call = self.follower.contract.confirm_parentchain_block(
            block.hash(), block.header.number, block.trusted_calls_root(calls)
        )
        self.outbox.add(self.follower.facts, self.anchor, call, PARENTCHAIN_CONFIRMATION_PERIOD)

    def _vet(self, effects: Sequence[Effect]) -> None:
        """Raises OutboxFull, and what the parentchain's contract raises, unless all effects of a call can be had."""
        extrinsics = [effect for effect in effects if not isinstance(effect, Delay)]
        for effect in extrinsics:
            self.follower.contract.check(effect)
        wanted = len(self.outbox.entries) + len(self.builder.effects) + len(extrinsics)
        if extrinsics and wanted > MAX_PAYMENTS:
            raise OutboxFull(wanted, MAX_PAYMENTS)

    def step(self, limit: int) -> bool:
        """Execute up to `limit` calls, those of the parentchain before those of the pool.

        False when there are none left, or no room for what they cause.
        """
        if self.invocations.execute(limit):
            return True
        taken = self.pool.take_ready(limit)
        for entry in taken:
            if not self.outbox.has_room(MAX_PAYMENTS, len(self.builder.effects)):
                return False
            if entry.sender in self._stalled:
                continue
            outcome = self.builder.execute(entry.hash, entry.payload)
            if outcome.error is not None:
                self.refusals.append(Refusal(entry.hash, outcome.error, outcome.charged))
                if not outcome.charged:
                    self._stalled.add(entry.sender)
        return bool(taken)

    def seal(self, now: int, random: Randomness) -> AuthoredBlock:
        """Finish the block and queue the extrinsics that follow from it.

        Calls of the parentchain are part of it even if the slot's time is over: their block is processed.
        """
        while self.invocations.execute(INVOCATIONS_PER_STEP):
            pass
        block = self.builder.seal(now, random)
        contract, facts = self.follower.contract, self.follower.facts
        for effect, payment in block.effects:
            self.outbox.add(facts, self.anchor, contract.call_of(effect), PAYMENT_PERIOD, payment)
        header = block.header
        if header.block_number == header.next_finalization_block_number and self.outbox.has_room():
            raw = self.follower.values.get(contract.watched.confirmation)
            ancestor = CONFIRMATION.decode(raw) if raw else None
            number = header.next_finalization_block_number + FINALIZATION_STRIDE
            candidate = SidechainBlockConfirmation(number, header.hash())
            call = contract.confirm_sidechain_block(ancestor, candidate)
            self.outbox.add(facts, self.anchor, call, SIDECHAIN_CONFIRMATION_PERIOD)
        return block

    def settle(self, block: AuthoredBlock, now: int) -> list[StatusChanged]:
        """Tell the pool what the adopted block did; statuses for the submitters."""
        statuses = self.pool.confirm_included(block.executed, block.header.hash())
        for caller in self.invocations.callers:
            nonce = self.builder.runtime.system.nonce(caller)
            statuses += self.pool.on_nonce_changed(caller, nonce, now)
        for refusal in self.refusals:
            statuses += self.pool.reject(refusal.top_hash, refusal.error, now, nonce_used=refusal.nonce_used)
        statuses += self.pool.release(now)
        for _ in self.inbound:
            self.follower.inbox.popleft()
        return statuses

    def abandon(self, now: int) -> list[StatusChanged]:
        """Give the block up; its calls are ready again."""
        return self.pool.release(now)

    def resumption(self) -> InboundBlock | None:
        """The block from which on the light client resumes after this one; None if that stays as it was.

        It may be a little before the last block processed, of which only some carry the client's state.
        """
        return next((block for block in reversed(self.inbound) if block.light_client), None)
