"""Building one sidechain block: parentchain inputs first, then trusted calls, then the seal.

Sans-IO and interruptible: the driver pushes calls in small portions and decides when the slot's budget is
spent. The committed state is untouched until the finished block is adopted.
"""

from __future__ import annotations

import logging
import traceback
from collections import Counter
from dataclasses import dataclass, field
from typing import Protocol

from integritee.crypto import Ed25519Pair, blake2_256
from integritee.frame.overlay import Overlay
from integritee.primitives.enclave_bridge import ShardStatus
from integritee.primitives.ids import ParentchainId
from integritee.primitives.sidechain import (
    BlockData,
    SidechainBlock,
    SidechainHeader,
    SignedBlock,
    next_finalization,
)
from integritee.primitives.storage import blake2_map_key
from integritee.scale import codec
from integritee.stf.declare import Authority
from integritee.stf.development import ENDOWMENTS
from integritee.stf.effects import BridgePayment, Delay, Remark, VaultPayment, Vet, any_effects, chain_of
from integritee.stf.errors import CallCrashed
from integritee.stf.executor import Executor, Outcome
from integritee.stf.invariants import check_invariants
from integritee.stf.ledger import Ledger
from integritee.stf.mirror import tell
from integritee.stf.operation import IndirectCall, TrustedCallSigned
from integritee.stf.retirement import begin_retirement, next_retirees
from integritee.trie import Trie

from ..parentchain.contract import ParentchainContract
from ..parentchain.inbound import InboundBlock
from ..parentchain.outbox import Payment
from .commitment import Change, Commitment
from .payload import MAX_REFUSALS, Planned, Refused, StatePayload, encrypt, position

SHARD_STATUS = codec(ShardStatus)

log = logging.getLogger(__name__)


class Decipher(Protocol):
    """What was shielded for the enclave; None if it was not."""

    def __call__(self, shielded: bytes, /) -> bytes | None: ...


def _without_key(shielded: bytes) -> None:
    """A builder without the shielding key takes everything for garbage."""


@dataclass(frozen=True)
class Assignment:
    """Who builds on what: the shard, its keys and the block before (None for the first)."""

    shard: bytes
    mrenclave: bytes
    signing: Ed25519Pair
    ledger_pair: Ed25519Pair
    state_key: bytes = field(repr=False)
    parent: SidechainHeader | None
    decipher: Decipher = field(default=_without_key, repr=False)

    def entropy(self, number: int) -> bytes:
        """32 bytes for the randomness of block `number`: the same whoever executes it, known to enclaves only."""
        parent_hash = self.parent.hash() if self.parent else bytes(32)
        return blake2_256(b"integritee/entropy/v1" + self.state_key + parent_hash + number.to_bytes(8, "little"))


def lasting_secret(state_key: bytes) -> bytes:
    """32 bytes for randomness that outlives blocks."""
    return blake2_256(b"integritee/lasting-secret/v1" + state_key)


@dataclass(frozen=True)
class AuthoredBlock:
    """A finished block, the state behind it and what must follow from it. `changes` are by ascending key; they grow
    the state by `growth` bytes of keys and values."""

    signed: SignedBlock
    state: Trie
    changes: list[Change]
    growth: int
    effects: list[Planned]
    executed: list[bytes]
    failed: int

    @property
    def header(self) -> SidechainHeader:
        return self.signed.block.header


class Nonces(Protocol):
    def __call__(self, size: int, /) -> bytes: ...


@dataclass
class BlockBuilder:
    """One block in the making at Unix time `now` (ms) over `state`."""

    assignment: Assignment
    ledger: Ledger
    state: Trie
    now: int
    layer_one_head: bytes
    """Hash of the last parentchain block whose effects are in the state; see `begin_calls`."""
    vet: Vet = any_effects
    checked: bool = False
    """Whether the laws of the ledger are checked before the block is sealed."""
    executed: list[bytes] = field(default_factory=list)
    failed: int = 0
    effects: list[Planned] = field(default_factory=list)
    planned: Counter[ParentchainId] = field(default_factory=Counter)
    """Effects so far, by the chain they happen on."""
    delay_ms: int = 0
    """How long the author was asked to do nothing."""
    end: int | None = None
    """When the slot is over (Unix ms): the block's timestamp is before that, whenever it is finished."""
    refused: list[Refused] = field(default_factory=list)
    """Calls of the pool that failed."""
    released: list[bytes] = field(default_factory=list)
    """Keys of what is under way with this block."""
    taken: list[bytes] = field(default_factory=list)
    """Keys of what is done once this block is final."""
    refunded: list[Payment] = field(default_factory=list)
    """What was given back."""
    commitment: Commitment | None = None
    """What the block changed, once it takes no more calls."""

    def __post_init__(self) -> None:
        assignment = self.assignment
        self.runtime = self.ledger.runtime(Overlay(self.state))
        self.executor = Executor(self.ledger, self.runtime, assignment.mrenclave, assignment.shard, self.vet)
        self.number = assignment.parent.block_number + 1 if assignment.parent else 1
        self.runtime.begin_block(self.number, self.now, assignment.entropy(self.number))
        self.runtime.secret = lasting_secret(assignment.state_key)

    # -- inputs from the parentchains ----------------------------------------------------------------

    def apply_parentchain(self, contract: ParentchainContract, block: InboundBlock) -> None:
        """Adopt a proven parentchain block: time, mirror, deposits; then apps hear of it."""
        which = contract.id
        mirrored = {key: block.values.get(key) for key in contract.mirrored}
        self.runtime.parentchain(which).set_block(block.header, mirrored)
        if contract.bridge is not None:
            config = contract.bridge.config(mirrored)
            if config is not None:
                self.runtime.shard_management.set_config(config, block.header.number)
        enclave = self.assignment.ledger_pair.public
        if block.now is not None:
            self._as_enclave("timestamp_set", enclave, block.now, which)
        for deposit in block.deposits:
            if deposit.asset is None:
                self._as_enclave("balance_shield", enclave, deposit.sender, deposit.amount, which)
            else:
                self._as_enclave("assets_shield", enclave, deposit.sender, deposit.asset, deposit.amount, which)
        if contract.bridge is not None:
            tell(self.runtime, block.header.number, block.values)

    def refund(self, payment: Payment) -> None:
        """Give back what the payer burned; what cannot bring a dead account to life goes to the enclave's."""
        self.refunded.append(payment)
        if payment.asset is not None:
            self.runtime.assets.mint_into(payment.asset, payment.payer, payment.amount)
            return
        balances = self.runtime.balances
        if not balances.mint(payment.payer, payment.amount):
            balances.mint(self.assignment.ledger_pair.public, payment.amount)

    def _as_enclave(self, name: str, *args: object) -> None:
        """Run a call of the enclave itself, as an indirect call that the block lists like any other."""
        pair = self.assignment.ledger_pair
        nonce = self.runtime.system.nonce(pair.public)
        call = self.ledger.call(name, *args)
        signed = self.ledger.sign_call(call, nonce, pair, self.assignment.mrenclave, self.assignment.shard)
        outcome = self._run(signed)
        if outcome.error is not None:
            log.error("a %s of the enclave itself failed: %s", name, outcome.error.code)
        self._settle(self.ledger.top_hash(IndirectCall(signed)), signed, outcome)

    def shield_through_bridge(self, who: bytes, amount: int) -> None:
        """Credit `amount` base units that arrived at the bridge. Only for shards without a vault."""
        enclave = self.assignment.ledger_pair.public
        self._as_enclave("balance_shield_through_enclave_bridge_pallet", enclave, who, amount)

    def begin_calls(self) -> None:
        """Close the parentchain part: hooks that want its time and configuration run here."""
        mirror = self.runtime.parentchain(ParentchainId.Integritee)
        self.layer_one_head = mirror.block_hash.get() or self.layer_one_head
        self.runtime.run_hooks(self.number, self.now)
        if begin_retirement(self.runtime, mirror.number.get() or 0):
            self._retire()

    def _retire(self) -> None:
        """Pay out the accounts whose turn it is."""
        enclave = self.assignment.ledger_pair.public
        for who, asset in next_retirees(self.runtime, self._exempt_from_retirement()):
            self._as_enclave("force_unshield_all", enclave, who, asset)

    def _exempt_from_retirement(self) -> set[bytes]:
        """The enclave's own accounts, on both ledgers; and who is rich for development only."""
        mirror = self.runtime.parentchain(ParentchainId.Integritee).mirror
        raw = mirror.get(blake2_map_key("EnclaveBridge", "ShardStatus", self.assignment.shard))
        signers = {status.signer for status in SHARD_STATUS.decode(raw)} if raw else set()
        endowed = ENDOWMENTS.keys() if self.runtime.development else ()
        return {self.assignment.ledger_pair.public, *signers, *endowed}

    # -- trusted calls -------------------------------------------------------------------------------

    def execute(self, top_hash: bytes, signed: TrustedCallSigned, *, verified: bool = True) -> Outcome:
        """Run a call. `verified` says its signature was checked, as it is on admission to the pool."""
        try:
            outcome = self._run(signed, verified)
        except Exception as broken:  # a defect of an app must not keep the shard from making blocks
            outcome = self._crashed(signed, broken)
        self._settle(top_hash, signed, outcome)
        return outcome

    def _crashed(self, signed: TrustedCallSigned, broken: Exception) -> Outcome:
        """The executor has undone what the call did. The log tells the host where, not with which values."""
        name = self.ledger.names[signed.call.definition]
        place = traceback.extract_tb(broken.__traceback__)[-1]
        log.error("%s broke with %s in %s, line %d", name, type(broken).__name__, place.name, place.lineno)
        charged = self.runtime.system.nonce(signed.call.sender) > signed.nonce
        return Outcome(error=CallCrashed(name, type(broken).__name__), charged=charged)

    def _run(self, signed: TrustedCallSigned, verified: bool = True) -> Outcome:
        return self.executor.execute(signed, self.now, verified)

    def _settle(self, top_hash: bytes, signed: TrustedCallSigned, outcome: Outcome) -> None:
        if outcome.error is not None:
            self.failed += 1
            return
        self.executed.append(top_hash)
        for index, effect in enumerate(outcome.effects):
            if isinstance(effect, Delay):
                self.delay_ms += effect.milliseconds
            else:
                key = blake2_256(b"effect" + top_hash + index.to_bytes(4, "little"))
                self.effects.append(Planned.of(effect, key, _payment(effect, signed)))
                self.planned[chain_of(effect)] += 1

    # -- the finished block --------------------------------------------------------------------------

    def close(self) -> Commitment:
        """Take no more calls: from here on what they changed is committed. Raises InvariantBroken."""
        if self.commitment is None:
            self.runtime.system.write_events()
            if self.checked:
                check_invariants(self.runtime)
            self.commitment = Commitment(self.state, self.runtime.state.changes())
        return self.commitment

    def seal(self, now: int, random: Nonces) -> AuthoredBlock:
        """Commit what is not committed yet, compose, encrypt and sign at Unix time `now` (ms). The builder is spent.
        Raises InvariantBroken."""
        commitment = self.close()
        while commitment.step(len(commitment.changes)):
            pass
        parent, shard = self.assignment.parent, self.assignment.shard
        parent_hash = parent.hash() if parent else bytes(32)
        payload = StatePayload(
            self.state.root(),
            commitment.after.root(),
            commitment.changes,
            [planned for planned in self.effects if planned.key not in self.released],
            self.refused[:MAX_REFUSALS],
            self.released,
            self.taken,
            self.refunded,
        )
        where = position(parent_hash, self.number, shard)
        data = BlockData(
            timestamp=max(now if self.end is None else min(now, self.end - 1), self.now),
            layer_one_head=self.layer_one_head,
            block_author=self.assignment.signing.public,
            signed_top_hashes=self.executed,
            encrypted_state_diff=encrypt(payload, self.assignment.state_key, random(12), where),
        )
        header = SidechainHeader(
            parent_hash,
            self.number,
            shard,
            data.hash(),
            next_finalization(self.number, parent.next_finalization_block_number if parent else 1),
        )
        signed = SidechainBlock(header, data).signed_by(self.assignment.signing)
        return AuthoredBlock(
            signed,
            commitment.after,
            commitment.changes,
            commitment.growth,
            self.effects,
            self.executed,
            self.failed,
        )


def _payment(effect: VaultPayment | BridgePayment | Remark, signed: TrustedCallSigned) -> Payment | None:
    """Who burned what for an effect; a retired account's funds are its own, not the enclave's that signed."""
    match effect:
        case VaultPayment(beneficiary=beneficiary, amount=amount, asset=asset):
            by_enclave = signed.call.definition.authority is Authority.ENCLAVE
            return Payment(beneficiary if by_enclave else signed.call.sender, amount, asset)
        case BridgePayment(amount=amount):
            return Payment(signed.call.sender, amount, None)
    return None
