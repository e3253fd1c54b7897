"""One slot's work: inputs from the parentchains, their calls, those of the pool, a block, and what must follow it.

Works on copies; the enclave adopts state and outboxes only when the block is finished. Sans-IO: the driver
calls `step` until the slot's budget is spent.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from integritee.crypto import blake2_256
from integritee.errors import IntegriteeError
from integritee.primitives.ids import ParentchainId
from integritee.primitives.sidechain import FINALIZATION_STRIDE, SidechainBlockConfirmation
from integritee.stf.asset_map import AssetId
from integritee.stf.effects import Delay, Effect, any_effects, chain_of
from integritee.stf.ledger import Ledger
from integritee.stf.operation import TrustedCallSigned
from integritee.trie import Trie

from ..errors import VaultShort
from ..keys import Randomness
from ..parentchain.contract import ContractError, EffectElsewhere
from ..parentchain.inbound import InboundBlock
from ..parentchain.link import Link
from ..parentchain.onboarding import account_info
from ..parentchain.outbox import (
    MAX_CONFIRMATIONS,
    MAX_ENTRIES,
    ONBOARDING_PERIOD,
    PARENTCHAIN_CONFIRMATION_PERIOD,
    PAYMENT_PERIOD,
    SIDECHAIN_CONFIRMATION_PERIOD,
)
from ..pool import StatusChanged, TopPool
from .author import Assignment, AuthoredBlock, BlockBuilder
from .errors import SlotMissed
from .invocations import Invocations
from .lane import Lane, due
from .payload import Planned, Refused

MAX_PAYMENTS: Final = MAX_ENTRIES - 1
"""Of an outbox's places, the last one is for the confirmation of the sidechain block itself."""

MAX_CALLS: Final = 2048
"""Calls of the pool that one block executes, or so: what it does has to fit into one message to peers."""

MAX_LATE_SLOTS: Final = 1
"""How long after its slot a block may be finished: by then the next authors have gone on without it, and a block that
came even later would only undo theirs."""

INVOCATIONS_PER_STEP: Final = 8
"""Left over when a block takes no more calls, they are executed in portions of this size (about 1 ms)."""

CHANGES_PER_STEP: Final = 32
"""Changes of the state are committed in portions of this size (about half a millisecond)."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Refusal:
    """A call of the pool that failed; `nonce_used` if its fee and nonce were charged."""

    top_hash: bytes
    error: IntegriteeError
    nonce_used: bool


@dataclass(frozen=True)
class Role:
    """What the author is to the shard, as proven. `due` is what it has to have done on parentchains now, `open` what
    may become so when blocks are final; `taken` are keys of what of this it has taken upon itself already."""

    is_alone: bool = True
    """The only validateer: its blocks are final at once."""
    is_primary: bool = True
    """The first one: it confirms blocks, and pays."""
    due: tuple[Planned, ...] = ()
    open: tuple[Planned, ...] = ()
    taken: frozenset[bytes] = frozenset()
    confirmed: int = 0
    """Number of the last block that is confirmed."""

    @property
    def held(self) -> int:
        """Extrinsics that are to be sent, for blocks so far."""
        return len(self.due) + len(self.open)


ALONE: Final = Role()


@dataclass
class Production:
    """A block in the making, and what it does to each parentchain's outbox."""

    builder: BlockBuilder
    pool: TopPool[TrustedCallSigned]
    lanes: dict[ParentchainId, Lane]
    """One for each parentchain that is connected, Integritee first."""
    refusals: list[Refusal] = field(default_factory=list)
    queued_before: int = 0
    registers: bool = False
    """Whether the enclave asks to be put on record again."""
    role: Role = ALONE
    confirms: bool = False
    """Whether the parentchain is asked to confirm this block."""
    block: AuthoredBlock | None = None
    """The block, once it is sealed."""
    invocations: Invocations = field(init=False)
    _stalled: set[bytes] = field(default_factory=set)
    """Senders whose earlier call failed without using its nonce: their later ones wait for another slot."""

    def __post_init__(self) -> None:
        self.invocations = Invocations(self.builder)

    @property
    def integritee(self) -> Lane:
        return self.lanes[ParentchainId.Integritee]

    @property
    def _vaults_lane(self) -> Lane | None:
        """That of the chain that funds come from, if it is connected."""
        return next((lane for lane in self.lanes.values() if lane.follower.contract.vault is not None), None)

    @classmethod
    def begin(
        cls,
        assignment: Assignment,
        ledger: Ledger,
        state: Trie,
        pool: TopPool[TrustedCallSigned],
        links: Iterable[Link],
        now: int,
        checked: bool = False,
        registration: bytes | None = None,
        admitted: Iterable[bytes] = (),
        role: Role = ALONE,
        end: int | None = None,
    ) -> Production:
        """Start a block at Unix time `now` (ms) and apply the parentchain blocks that wait, oldest first.

        `links` are the parentchains of which blocks are proven, Integritee first. A `registration` that is due goes
        ahead of all that the parentchain takes from registered enclaves only. `admitted` accounts become proxies of
        the vault. The slot is over at `end` (Unix ms). Raises NonceOvertaken if an outbox cannot be trusted any more,
        VaultShort if the ledger cannot.
        """
        lanes = {link.id: Lane.of(link) for link in links}
        anchor = lanes[ParentchainId.Integritee].anchor.hash()
        builder = BlockBuilder(assignment, ledger, state, now, anchor, checked=checked, end=end)
        production = cls(builder, pool, lanes, queued_before=pool.ready_count, role=role)
        builder.executor.vet = production._vet
        if registration is not None:
            production._register(registration)
        for account in admitted:
            production._admit(account)
        for lane in lanes.values():
            production._give_back(lane)
            for block in due(lane.follower.inbox):
                if production._comes_between(lane, block):
                    break
                production._process(lane, block)
        builder.begin_calls()
        for lane in lanes.values():
            lane.renew_void()
        return production

    def _register(self, call: bytes) -> None:
        key, lane = _key(b"register", call), self.integritee
        if lane.outbox.has_room() and not lane.outbox.is_queued(key):
            lane.send(key, call, ONBOARDING_PERIOD)
            self.registers = True

    def _admit(self, account: bytes) -> None:
        """Make an account a proxy of the vault, if its chain is connected and that is not under way."""
        key = _key(b"vault proxy", account)
        lane = self._vaults_lane
        if lane is None or not lane.outbox.has_room() or lane.outbox.is_queued(key):
            return
        vault = lane.follower.contract.vault
        assert vault is not None
        lane.send(key, vault.as_vault(vault.add_proxy(account)), ONBOARDING_PERIOD)

    # -- from parentchains ---------------------------------------------------------------------------

    def _comes_between(self, lane: Lane, block: InboundBlock) -> bool:
        """Whether a block changes what apps know of the parentchain while calls of earlier blocks wait: they are
        executed first, with what they were sent under, and the block enters with the next sidechain block."""
        if not self.invocations.waiting:
            return False
        mirror = self.builder.runtime.parentchain(lane.id).mirror
        return any(block.values.get(key) != mirror.get(key) for key in lane.follower.contract.wanted_by_apps)

    def _process(self, lane: Lane, block: InboundBlock) -> None:
        if not lane.take(block, self.builder.runtime.parentchain(lane.id)):
            return
        self.builder.apply_parentchain(lane.follower.contract, block)
        refunded = self._give_back(lane)
        self._expect_backed(lane, block, refunded | {deposit.asset for deposit in block.deposits})
        if lane is self.integritee:
            self._confirm(lane, block, self.invocations.read(block))

    def _give_back(self, lane: Lane) -> set[AssetId | None]:
        """Return what was burned for payments that the chain refused; of which assets that was."""
        refunds = lane.outbox.take_refunds()
        for payment in refunds:
            self.builder.refund(payment)
        return {payment.asset for payment in refunds}

    def _expect_backed(self, lane: Lane, block: InboundBlock, issued_of: set[AssetId | None]) -> None:
        """Raises VaultShort unless the vault, as proven at this block, holds what the ledger issued and still owes of
        all that the block had it issue: for deposits, or to give back what was not paid.

        Metadata that makes something else look like a deposit, or like a payment that failed, is found out here:
        balances are proven, events are read as the host's metadata says.
        """
        runtime, vault = self.builder.runtime, lane.follower.contract.vault
        if vault is None or not issued_of:
            return
        owed = Counter[AssetId | None]()
        waiting = [entry.payment for entry in lane.outbox.entries.values()]
        for payment in (*waiting, *(planned.payment for planned in (*self.role.due, *self.role.open))):
            if payment is not None:
                owed[payment.asset] += payment.amount
        for asset in issued_of:
            if asset is None:
                held = account_info(block.values.get(vault.keys.account)).data.free
                issued = runtime.balances.total_issuance.get() - runtime.shard_management.unbacked.get()
            else:
                held, issued = vault.holding(asset, block.values), runtime.assets.supply(asset)
                if runtime.development:  # which begins with assets that no vault holds
                    continue
            if held < issued + owed[asset]:
                raise VaultShort(asset.symbol if asset else "native", held, issued + owed[asset])

    def _confirm(self, lane: Lane, block: InboundBlock, calls: list[bytes]) -> None:
        """Tell the chain that the enclave has done what was asked of it in a block."""
        key = _key(b"parentchain block", block.hash())
        if not lane.outbox.has_room(MAX_CONFIRMATIONS) or lane.outbox.is_queued(key):
            return
        call = lane.follower.bridge.confirm_parentchain_block(
            block.hash(), block.header.number, block.trusted_calls_root(calls)
        )
        lane.send(key, call, PARENTCHAIN_CONFIRMATION_PERIOD)

    # -- calls ---------------------------------------------------------------------------------------

    def _vet(self, effects: Sequence[Effect]) -> None:
        """Raises EffectElsewhere, and as `Lane.vet`, unless all effects of a call can be had."""
        extrinsics = [effect for effect in effects if not isinstance(effect, Delay)]
        for id in {chain_of(effect) for effect in extrinsics}:
            lane = self.lanes.get(id)
            if lane is None:
                raise EffectElsewhere(id.name)
            here = [effect for effect in extrinsics if chain_of(effect) is id]
            lane.vet(here, self.builder.planned[id] + self.role.held, MAX_PAYMENTS, self.role.is_primary)

    def _has_room(self) -> bool:
        """Whether a call may still cause a payment. What goes to other chains than the vault's does not keep all from
        going on; it is refused when they take no more."""
        lane = self._vaults_lane
        return lane is None or lane.outbox.has_room(MAX_PAYMENTS, self.builder.planned[lane.id] + self.role.held)

    def step(self, limit: int) -> bool:
        """Execute up to `limit` calls, those of the parentchain before those of the pool.

        False when there are none left, or no room for what they cause.
        """
        if self.builder.commitment is not None:
            return False
        if self.invocations.execute(limit):
            return True
        if len(self.builder.executed) + len(self.refusals) >= MAX_CALLS:
            return False
        taken = self.pool.take_ready(limit)
        for entry in taken:
            if not self._has_room():
                return False
            if entry.sender in self._stalled:
                continue
            outcome = self.builder.execute(entry.hash, entry.payload)
            if outcome.error is not None:
                self.refusals.append(Refusal(entry.hash, outcome.error, outcome.charged))
                self.builder.refused.append(Refused.of(entry.hash, outcome.error, outcome.charged))
                if not outcome.charged:
                    self._stalled.add(entry.sender)
        return bool(taken)

    def expect_in_time(self, now: int, slot_ms: int) -> None:
        """Raises SlotMissed if the slot was over `MAX_LATE_SLOTS` slots before Unix time `now` (ms)."""
        end = self.builder.end
        if end is not None and now >= end + MAX_LATE_SLOTS * slot_ms:
            raise SlotMissed(end, now)

    # -- the finished block --------------------------------------------------------------------------

    def wind_up(self) -> bool:
        """Do a portion of what is left before the block can be sealed, which takes no more calls of the pool; False
        if nothing was. Raises InvariantBroken.

        Calls of the parentchain are part of it even if the slot's time is over: their block is processed.
        """
        return self.invocations.execute(INVOCATIONS_PER_STEP) or self.builder.close().step(CHANGES_PER_STEP)

    def seal(self, now: int, random: Randomness) -> AuthoredBlock:
        """The finished block; queues the extrinsics that follow from it. Raises InvariantBroken."""
        if self.block is not None:
            return self.block
        while self.wind_up():
            pass
        self._carry_out(self.role.due)
        if self.role.is_alone:
            self._carry_out(self.builder.effects)
        elif self.role.is_primary:
            self._take([*self.role.open, *self.builder.effects])
        block = self.builder.seal(now, random)
        if self.role.is_primary:
            self._confirm_own(block)
        self.block = block
        return block

    def _carry_out(self, effects: Iterable[Planned]) -> None:
        """Send what final blocks want sent, as far as their chains are connected and take it now. What a chain takes
        no more, since its runtime changed, is given back to who burned for it."""
        for planned in effects:
            lane = self.lanes.get(planned.parentchain)
            if lane is None or not lane.outbox.has_room(MAX_PAYMENTS):
                continue
            try:
                if not lane.outbox.is_queued(planned.key):
                    lane.carry_out(planned.effect, planned.key, PAYMENT_PERIOD, planned.payment)
            except ContractError as impossible:
                log.warning("an effect on %s cannot be had any more: %s", lane.id.name, impossible.code)
                lane.outbox.refunds += [planned.payment] if planned.payment else []
            self.builder.released.append(planned.key)

    def _take(self, effects: Iterable[Planned]) -> None:
        """Say that this enclave sends these once the block is final, as far as their chains are connected."""
        new = [planned for planned in effects if planned.key not in self.role.taken]
        self.builder.taken += [planned.key for planned in new if planned.parentchain in self.lanes]

    def _confirm_own(self, block: AuthoredBlock) -> None:
        """Have the parentchain confirm this block and those before it: every 50 blocks; with others in the shard also
        as soon as something waits for it. One confirmation at a time, for each names the one before."""
        header, lane = block.header, self.integritee
        is_stride = header.block_number == header.next_finalization_block_number
        if not self.role.is_alone:
            is_late = header.block_number - self.role.confirmed >= FINALIZATION_STRIDE
            waits = any(planned.parentchain in self.lanes for planned in (*self.role.open, *block.effects))
            if lane.awaits_confirmation or not (is_stride or is_late or waits):
                return
        elif not is_stride:
            return
        if not lane.outbox.has_room():
            return
        ancestor = lane.follower.bridge.confirmation(lane.follower.values)
        candidate = SidechainBlockConfirmation(header.block_number + FINALIZATION_STRIDE, header.hash())
        call = lane.follower.bridge.confirm_sidechain_block(ancestor, candidate)
        lane.send(confirmation_key(header.hash()), call, SIDECHAIN_CONFIRMATION_PERIOD)
        self.confirms = True

    def settle(self, block: AuthoredBlock, now: int) -> list[StatusChanged]:
        """Tell the pool what the adopted block did; statuses for the submitters."""
        statuses = self.pool.confirm_included(block.executed, block.header.hash())
        for caller in self.invocations.callers:
            nonce = self.builder.runtime.system.nonce(caller)
            statuses += self.pool.on_nonce_changed(caller, nonce, now)
        for refusal in self.refusals:
            statuses += self.pool.reject(refusal.top_hash, refusal.error, now, nonce_used=refusal.nonce_used)
        statuses += self.pool.release(now)
        return statuses

    def abandon(self, now: int) -> list[StatusChanged]:
        """Give the block up; its calls are ready again."""
        return self.pool.release(now)

    def end(self) -> None:
        """Let go of the state; what the block did can still be told."""
        self.builder.executor.vet = any_effects
        self.builder.runtime.dissolve()


def confirmation_key(block_hash: bytes) -> bytes:
    """The outbox key of the confirmation of a sidechain block."""
    return _key(b"sidechain block", block_hash)


def _key(purpose: bytes, what: bytes) -> bytes:
    """The outbox key of an extrinsic of the enclave's own."""
    return blake2_256(purpose + what)
