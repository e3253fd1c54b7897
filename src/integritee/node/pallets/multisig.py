"""pallet Multisig: accounts that several others control together.

Source: pallet-multisig 40 (polkadot-sdk stable2503).

Such an account needs no creation: its id follows from its signatories and how many of them must agree. The first to
approve a call reserves a deposit for the record of approvals; the last, who makes the call, returns it.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Annotated, ClassVar, Final

import msgspec

from integritee.crypto import blake2_256
from integritee.frame.declare import Constant, Errors, Events, call, constant, error, event
from integritee.frame.errors import DispatchError, DispatchFailure, DispatchResult
from integritee.frame.origin import Origin, Signed, ensure_signed
from integritee.frame.outer import RuntimeCall
from integritee.frame.pallet import Pallet
from integritee.frame.pallets.balances import Balances
from integritee.frame.pallets.system import System
from integritee.frame.storage_items import Blake2_128Concat, StorageDoubleMap, Twox64Concat
from integritee.frame.weights import DispatchClass, Pays, PostInfo, Weight, weight
from integritee.primitives.ids import AccountId, Balance, BlockNumber
from integritee.scale import Bounded, Bytes32, Err, Ok, Struct, encode, u16, u32

from .deposits import storage_deposit

MAX_SIGNATORIES: Final = 10


class Timepoint(Struct, frozen=True):
    """The extrinsic `index` of block `height`."""

    scale_path: ClassVar[str] = "pallet_multisig::Timepoint"
    height: BlockNumber
    index: u32


class Operation(Struct, frozen=True):
    """A call that some signatories approved, first in `when`; approvals are sorted."""

    scale_path: ClassVar[str] = "pallet_multisig::Multisig"
    when: Timepoint
    deposit: Balance
    depositor: AccountId
    approvals: Annotated[list[AccountId], Bounded(MAX_SIGNATORIES, "BoundedVec")]


def multisig_account(signatories: list[bytes], threshold: int) -> bytes:
    """Account id that `threshold` (u16) of the signatories control together."""
    return blake2_256(b"modlpy/utilisuba" + encode(tuple[list[AccountId], u16], (sorted(signatories), threshold)))


def _create_weight(others: int, size: int) -> Weight:
    return weight(26_836_209 + 366_532 * others + 1_207 * size, 1, 1)


def _approve_weight(others: int, size: int) -> Weight:
    return weight(3_232_711 + 1_215_063 * others + 2_500 * size, 1, 1)


def _complete_weight(others: int, size: int) -> Weight:
    return weight(27_781_118 + 446_201 * others + 1_355 * size, 2, 2)


ALONE: Final = weight(8_153_031)


def _as_multi_weight(
    pallet: Multisig, threshold: int, others: list[bytes], when: object, call: RuntimeCall, max_weight: Weight
) -> Weight:
    """The costliest of what can happen."""
    size = len(pallet.encoded(call))
    steps = (step(len(others), size) for step in (_create_weight, _approve_weight, _complete_weight))
    return max(steps, key=lambda w: w.ref_time) + max_weight


def _approve_as_multi_weight(
    pallet: Multisig, threshold: int, others: list[bytes], when: object, call_hash: bytes, max_weight: Weight
) -> Weight:
    count = len(others)
    return weight(max(26_118_754 + 381_048 * count, 13_758_044 + 215_883 * count), 1, 1) + max_weight


def _per_other(base: int, each: int) -> Callable[..., Weight]:
    """One record changed; cost grows with the number of other signatories."""
    return lambda pallet, threshold, others, *_: weight(base + each * len(others), 1, 1)


def _class_of_inner(pallet: Multisig, others: list[bytes], call: RuntimeCall) -> DispatchClass:
    return pallet.runtime.info_of(call).class_


class Multisig(Pallet):
    """Approvals of calls by the signatories of an account."""

    path = "pallet_multisig"
    storage_version: ClassVar[int | None] = 1
    system: System
    balances: Balances

    multisigs: StorageDoubleMap[Twox64Concat[AccountId], Blake2_128Concat[Bytes32], Operation | None]

    deposit_base: Constant[Balance] = constant(storage_deposit(1, 88))
    deposit_factor: Constant[Balance] = constant(storage_deposit(0, 32))
    max_signatories: Constant[u32] = constant(MAX_SIGNATORIES)

    class Event(Events):
        NewMultisig = event(0, approving=AccountId, multisig=AccountId, call_hash=Bytes32)
        MultisigApproval = event(1, approving=AccountId, timepoint=Timepoint, multisig=AccountId, call_hash=Bytes32)
        MultisigExecuted = event(
            2,
            approving=AccountId,
            timepoint=Timepoint,
            multisig=AccountId,
            call_hash=Bytes32,
            result=DispatchResult,
        )
        MultisigCancelled = event(3, cancelling=AccountId, timepoint=Timepoint, multisig=AccountId, call_hash=Bytes32)
        DepositPoked = event(4, who=AccountId, call_hash=Bytes32, old_deposit=Balance, new_deposit=Balance)

    class Error(Errors):
        MinimumThreshold = error("the threshold must be 2 or more")
        AlreadyApproved = error("the sender approved the call already")
        NoApprovalsNeeded = error("the call needs no more approvals")
        TooFewSignatories = error("there are too few signatories")
        TooManySignatories = error("there are too many signatories")
        SignatoriesOutOfOrder = error("the other signatories must be in ascending order")
        SenderInSignatories = error("the sender must not be among the other signatories")
        NotFound = error("nobody approved the call yet")
        NotOwner = error("only the first to approve may do this")
        NoTimepoint = error("the call is under way: its timepoint must be given")
        WrongTimepoint = error("the call is under way since another timepoint")
        UnexpectedTimepoint = error("the call is not under way: no timepoint must be given")
        MaxWeightTooLow = error("the call weighs more than max_weight")
        AlreadyStored = error("the call is stored already")

    # -- making calls --------------------------------------------------------------------------------

    @call(
        0,
        weight=lambda pallet, _, call: ALONE + weight(0, 1, 1) + pallet.runtime.info_of(call).weight,
        dispatch_class=_class_of_inner,
    )
    def as_multi_threshold_1(self, origin: Origin, other_signatories: list[AccountId], call: RuntimeCall) -> PostInfo:
        """Make a call from an account that each of its signatories controls."""
        signatories = self._signatories(ensure_signed(origin), other_signatories)
        post = self.runtime.dispatch(call, Signed(multisig_account(signatories, 1)))
        return _on_top_of(ALONE, post)

    @call(1, weight=_as_multi_weight)
    def as_multi(
        self,
        origin: Origin,
        threshold: u16,
        other_signatories: list[AccountId],
        maybe_timepoint: Timepoint | None,
        call: RuntimeCall,
        max_weight: Weight,
    ) -> PostInfo:
        """Approve a call; make it if enough signatories have."""
        who = ensure_signed(origin)
        account = self._account(who, threshold, other_signatories)
        encoded = self.encoded(call)
        call_hash, others, size = blake2_256(encoded), len(other_signatories), len(encoded)
        operation = self._under_way(account, call_hash, maybe_timepoint)
        if operation is None:
            self._start(who, account, call_hash, threshold)
            return PostInfo(_create_weight(others, size))
        if len({*operation.approvals, who}) < threshold:
            self._approve(who, account, call_hash, operation, threshold)
            return PostInfo(_approve_weight(others, size))
        if self.runtime.info_of(call).weight.exceeds(max_weight):
            raise self.Error.MaxWeightTooLow()
        self.multisigs.remove(account, call_hash)
        self.balances.unreserve(operation.depositor, operation.deposit)
        result: Ok[None] | Err[DispatchError] = Ok(None)
        post = PostInfo()
        try:
            post = self.runtime.dispatch(call, Signed(account))
        except DispatchFailure as failure:
            result = Err(failure.error)
        self.deposit(self.Event.MultisigExecuted(who, operation.when, account, call_hash, result))
        return _on_top_of(_complete_weight(others, size), post)

    @call(2, weight=_approve_as_multi_weight)
    def approve_as_multi(
        self,
        origin: Origin,
        threshold: u16,
        other_signatories: list[AccountId],
        maybe_timepoint: Timepoint | None,
        call_hash: Bytes32,
        max_weight: Weight,
    ) -> PostInfo:
        """Approve a call known by its hash only; it takes an `as_multi` to make it."""
        who = ensure_signed(origin)
        account = self._account(who, threshold, other_signatories)
        operation = self._under_way(account, call_hash, maybe_timepoint)
        if operation is None:
            self._start(who, account, call_hash, threshold)
            return PostInfo(_create_weight(len(other_signatories), 0))
        self._approve(who, account, call_hash, operation, threshold)
        return PostInfo(_approve_weight(len(other_signatories), 0))

    def _start(self, who: bytes, account: bytes, call_hash: bytes, threshold: int) -> None:
        price = self.deposit_base + self.deposit_factor * threshold
        self.balances.reserve(who, price)
        now = Timepoint(self.system.number.get(), self.runtime.current_extrinsic())
        self.multisigs.put(account, call_hash, Operation(now, price, who, [who]))
        self.deposit(self.Event.NewMultisig(who, account, call_hash))

    def _approve(self, who: bytes, account: bytes, call_hash: bytes, operation: Operation, threshold: int) -> None:
        """Raises AlreadyApproved if the approval is not needed, or given already."""
        if who in operation.approvals or len(operation.approvals) >= threshold:
            raise self.Error.AlreadyApproved()
        approvals = sorted([*operation.approvals, who])
        self.multisigs.put(account, call_hash, msgspec.structs.replace(operation, approvals=approvals))
        self.deposit(self.Event.MultisigApproval(who, operation.when, account, call_hash))

    # -- the record of a call ------------------------------------------------------------------------

    @call(3, weight=_per_other(26_522_830, 316_901))
    def cancel_as_multi(
        self,
        origin: Origin,
        threshold: u16,
        other_signatories: list[AccountId],
        timepoint: Timepoint,
        call_hash: Bytes32,
    ) -> None:
        """Drop a call's approvals and return the deposit (its depositor)."""
        who = ensure_signed(origin)
        account = self._account(who, threshold, other_signatories)
        operation = self._recorded(account, call_hash)
        if operation.when != timepoint:
            raise self.Error.WrongTimepoint()
        if operation.depositor != who:
            raise self.Error.NotOwner()
        self.balances.unreserve(who, operation.deposit)
        self.multisigs.remove(account, call_hash)
        self.deposit(self.Event.MultisigCancelled(who, timepoint, account, call_hash))

    @call(4, weight=_per_other(25_474_316, 319_511))
    def poke_deposit(
        self, origin: Origin, threshold: u16, other_signatories: list[AccountId], call_hash: Bytes32
    ) -> PostInfo:
        """Bring the deposit to today's price (its depositor); free if that changed anything."""
        who = ensure_signed(origin)
        account = self._account(who, threshold, other_signatories)
        operation = self._recorded(account, call_hash)
        if operation.depositor != who:
            raise self.Error.NotOwner()
        held, price = operation.deposit, self.deposit_base + self.deposit_factor * threshold
        if price == held:
            return PostInfo()
        if price > held:
            self.balances.reserve(who, price - held)
        else:
            self.balances.unreserve(who, held - price)
        self.multisigs.put(account, call_hash, msgspec.structs.replace(operation, deposit=price))
        self.deposit(self.Event.DepositPoked(who, call_hash, held, price))
        return PostInfo(pays_fee=Pays.No)

    def _recorded(self, account: bytes, call_hash: bytes) -> Operation:
        operation = self.multisigs.get(account, call_hash)
        if operation is None:
            raise self.Error.NotFound()
        return operation

    def _under_way(self, account: bytes, call_hash: bytes, timepoint: Timepoint | None) -> Operation | None:
        """The record of a call, if it is under way. Raises if the sender does not know which it is."""
        operation = self.multisigs.get(account, call_hash)
        if operation is None:
            if timepoint is not None:
                raise self.Error.UnexpectedTimepoint()
        elif timepoint is None:
            raise self.Error.NoTimepoint()
        elif operation.when != timepoint:
            raise self.Error.WrongTimepoint()
        return operation

    def _account(self, who: bytes, threshold: int, others: list[bytes]) -> bytes:
        """The account that `who` and the others control."""
        if threshold < 2:
            raise self.Error.MinimumThreshold()
        return multisig_account(self._signatories(who, others), threshold)

    def _signatories(self, who: bytes, others: list[bytes]) -> list[bytes]:
        if not others:
            raise self.Error.TooFewSignatories()
        if len(others) >= self.max_signatories:
            raise self.Error.TooManySignatories()
        if any(a >= b for a, b in pairwise(others)):
            raise self.Error.SignatoriesOutOfOrder()
        if who in others:
            raise self.Error.SenderInSignatories()
        return [*others, who]

    def encoded(self, call: RuntimeCall) -> bytes:
        """A call as it is hashed and counted."""
        return self.runtime.codec(RuntimeCall).encode(call)


def _on_top_of(base: Weight, post: PostInfo) -> PostInfo:
    """What a call that makes another one reports, if the inner one reports its weight."""
    return PostInfo(None if post.actual_weight is None else base + post.actual_weight)
