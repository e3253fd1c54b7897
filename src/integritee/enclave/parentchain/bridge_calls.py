"""Calls of pallet EnclaveBridge by which users reach the enclave through the parentchain.

`invoke` carries a shielded trusted operation, `shield_funds` a shielded beneficiary. Only what took effect
counts, and that is what the block's events say. They follow the calls: a wrapper tells the result of a call
inside after the events of that call. So the events of an extrinsic, read backwards, say for each wrapper how
it ended before anything inside is looked at, and batches within batches cannot be confused.

Source: worker `app-libs/parentchain-interface`, `core/parentchain/indirect-calls-executor`, which reads calls
at the top of an extrinsic only.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from integritee.crypto import blake2_256
from integritee.crypto.shielding import BLOCK_LENGTH, MAX_CIPHERTEXT_LENGTH
from integritee.errors import IntegriteeError
from integritee.metadata import DecodedCall, EventRecord, RuntimeMetadata, decode_extrinsic
from integritee.primitives.enclave_bridge import Request
from integritee.scale import Bytes32, Err, Struct, encode, u128

MAX_SHIELDED_BLOCKS: Final = 256
"""RSA blocks of 384 bytes that a parentchain block may have the enclave decipher: 0.2 s of one core. An ordinary
trusted call is one. What goes beyond is refused, not put off: a block is processed as a whole."""

INVOKED: Final = "EnclaveBridge.IndirectInvocationRegistered"
SHIELDED: Final = "EnclaveBridge.ShieldFunds"
ITEM_DONE, ITEM_FAILED = "Utility.ItemCompleted", "Utility.ItemFailed"
BATCH_DONE, BATCH_STOPPED = "Utility.BatchCompleted", "Utility.BatchInterrupted"
BATCH_DONE_IN_PART: Final = "Utility.BatchCompletedWithErrors"
PROXIED: Final = "Proxy.ProxyExecuted"
EXECUTED: Final = "Multisig.MultisigExecuted"
NOT_YET: Final = ("Multisig.NewMultisig", "Multisig.MultisigApproval")

log = logging.getLogger(__name__)


class ShieldFunds(Struct, frozen=True):
    """Arguments of `EnclaveBridge.shield_funds`, as the hash of the call covers them."""

    shard: Bytes32
    incognito_account_encrypted: bytes
    amount: u128


@dataclass(frozen=True)
class BridgeCall:
    """A call that took effect. `amount` (base units) is that of `shield_funds`, None for `invoke`."""

    hash: bytes
    """BLAKE2b-256 of the worker's `IndirectCall`, a leaf of the confirmed Merkle root."""
    shard: bytes
    shielded: bytes | None = field(repr=False)
    """None if it is not for this enclave to read: another shard's invocation, or one above the block's limit."""
    amount: int | None = None

    @property
    def shielded_blocks(self) -> int:
        """RSA blocks to decipher."""
        return _blocks(self.shielded) if self.shielded is not None else 0


def read_calls(
    metadata: RuntimeMetadata, shard: bytes, extrinsics: list[bytes], events: Iterable[EventRecord]
) -> tuple[BridgeCall, ...]:
    """Calls that took effect in a block, in the order of their execution, as the enclave of `shard` needs them.

    An extrinsic that cannot be read, and a call in a wrapper that is not known here, are logged and skipped.
    """
    by_extrinsic: dict[int, list[EventRecord]] = {}
    for event in events:
        if event.extrinsic_index is not None:
            by_extrinsic.setdefault(event.extrinsic_index, []).append(event)
    found = [
        call
        for index, raw in enumerate(extrinsics)
        for call in _of_extrinsic(metadata, index, raw, by_extrinsic.get(index, []))
    ]
    return tuple(_limited(found, shard))


def _of_extrinsic(metadata: RuntimeMetadata, index: int, raw: bytes, events: list[EventRecord]) -> list[BridgeCall]:
    registered = sum(str(event) in (INVOKED, SHIELDED) for event in events)
    if not registered or any(str(event) == "System.ExtrinsicFailed" for event in events):
        return []
    try:
        call = decode_extrinsic(metadata, raw).call
    except IntegriteeError as unreadable:
        log.warning("extrinsic %d with %d indirect calls is unreadable: %s", index, registered, unreadable.code)
        return []
    found = [_bridge_call(inner) for inner in _took_effect(call, _Backwards(events))][::-1]
    if len(found) < registered:
        log.warning("extrinsic %d has %d indirect calls where none are looked for", index, registered - len(found))
    return found


class _Backwards:
    """The events of an extrinsic from the last to the first."""

    def __init__(self, events: list[EventRecord]) -> None:
        self._left = list(events)

    def to(self, *names: str) -> EventRecord | None:
        """Pass events until one of these; None if there is none left."""
        while self._left:
            event = self._left.pop()
            if str(event) in names:
                return event
        return None

    def is_next(self, wanted: str, *others: str) -> bool:
        """Whether, of these, `wanted` is what happened last."""
        event = self.to(wanted, *others)
        return event is not None and str(event) == wanted

    def is_success(self, wanted: str, *others: str) -> bool:
        """Whether, of these, `wanted` is what happened last, and its result is no error."""
        event = self.to(wanted, *others)
        return event is not None and str(event) == wanted and not isinstance(event.fields["result"], Err)


def _took_effect(call: DecodedCall, events: _Backwards) -> Iterator[DecodedCall]:
    """Calls to the bridge that a successful call made, the last one first."""
    match str(call):
        case "EnclaveBridge.invoke":
            if events.is_next(INVOKED):
                yield call
        case "EnclaveBridge.shield_funds":
            if events.is_next(SHIELDED):
                yield call
        case "Utility.batch" | "Utility.batch_all" | "Utility.force_batch":
            yield from _of_batch(call.args["calls"], events)
        case "Utility.as_derivative" | "Multisig.as_multi_threshold_1":
            yield from _took_effect(call.args["call"], events)
        case "Proxy.proxy" | "Proxy.proxy_announced":
            if events.is_success(PROXIED):
                yield from _took_effect(call.args["call"], events)
        case "Multisig.as_multi":
            if events.is_success(EXECUTED, *NOT_YET):
                yield from _took_effect(call.args["call"], events)


def _of_batch(calls: list[DecodedCall], events: _Backwards) -> Iterator[DecodedCall]:
    """Of a batch of any kind: it was completed, perhaps with failures, or stopped at its first failure."""
    end = events.to(BATCH_DONE, BATCH_DONE_IN_PART, BATCH_STOPPED)
    if end is None:
        return
    made = calls[: end.fields["index"]] if str(end) == BATCH_STOPPED else calls
    for call in reversed(made):
        if events.is_next(ITEM_DONE, ITEM_FAILED):
            yield from _took_effect(call, events)


def _bridge_call(call: DecodedCall) -> BridgeCall:
    """The worker's `IndirectCall` has `ShieldFunds` as variant 0 and `Invoke` as variant 1."""
    if call.call == "invoke":
        request = Request(**call.args["request"])
        return BridgeCall(blake2_256(b"\x01" + encode(Request, request)), request.shard, request.cyphertext)
    funds = ShieldFunds(**call.args)
    hash = blake2_256(b"\x00" + encode(ShieldFunds, funds))
    return BridgeCall(hash, funds.shard, funds.incognito_account_encrypted, funds.amount)


def _limited(calls: list[BridgeCall], shard: bytes) -> Iterator[BridgeCall]:
    """Calls of other shards take none of this one's room."""
    room = MAX_SHIELDED_BLOCKS
    for call in calls:
        is_foreign = call.amount is None and call.shard != shard
        room -= 0 if is_foreign else call.shielded_blocks
        yield replace(call, shielded=None) if is_foreign or room < 0 else call


def _blocks(shielded: bytes) -> int:
    """What is longer than the limit of the shielding key is not deciphered at all."""
    return -(-min(len(shielded), MAX_CIPHERTEXT_LENGTH) // BLOCK_LENGTH)
