"""Trusted operations on their way from one enclave of a shard to the others, so that whoever has the next slot knows
them.

    batch       origin ‖ nonce 12 ‖ ciphertext ‖ tag 16, AES-256-GCM
    origin      shard 32 ‖ sender 32 ‖ Unix ms u64
    plaintext   SCALE Vec<Vec<u8>>: encoded operations, then zeros up to a multiple of PADDING bytes
    key         HKDF-SHA256(HKDF-SHA256(state key, info = ROOT_LABEL), salt = origin, info = DOMAIN)
    AAD         DOMAIN ‖ origin

The nonce is random. Each origin has a key of its own, so that only a sender's batches of one millisecond could ever
share a nonce under one key.

Hosts carry batches, and so may lose, delay, alter and repeat them. Only an enclave with the state key can make or
read one; which of them did is told by `sender`, but any could say so. A lost batch is no loss: the enclave that
admitted an operation still has it, and executes it in a slot of its own. A repeated one could cost its receivers a
signature check per operation, though no more than that: operations have nonces. So batches age, and each is opened
once.

    GossipError             gossip
    ├── ForeignBatch        gossip.foreign_shard
    ├── BatchTooOld         gossip.too_old
    ├── BatchTooEarly       gossip.too_early
    ├── BatchReplayed       gossip.replayed
    ├── BatchTampered       gossip.tampered
    ├── TooManyOperations   gossip.too_many_operations
    └── BatchMalformed      gossip.malformed

Time is Unix ms and given by the caller, as is randomness.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass
from typing import Annotated, Final, Protocol

from integritee.boundary.messages import MAX_SEALED_OPERATIONS
from integritee.crypto import aead_open, aead_seal, derive_key
from integritee.crypto.aead import NONCE_LENGTH, TAG_LENGTH
from integritee.crypto.errors import AeadTampered
from integritee.errors import IntegriteeError
from integritee.primitives.ids import AccountId, ShardIdentifier
from integritee.scale import Bounded, DecodeError, Struct, codec, u64
from integritee.scale.errors import TooLong

from .entry import MAX_ENTRY_BYTES, MAX_SLOTS, SLOT_BYTES

DOMAIN: Final = b"integritee/operation-gossip/v1"
ROOT_LABEL: Final = b"integritee/operation-gossip/base-key/v1"

PADDING: Final = 1024
"""A host sees the size of a batch in steps of so many bytes, lest it tells one kind of call from another."""

MAX_BATCH_BYTES: Final = 480 * 1024
"""Longest batch; in hex it fits into one message of the trusted RPC."""

MAX_BATCH_OPERATIONS: Final = 2048
BATCH_DELAY_MS: Final = 20
MAX_BACKLOG_OPERATIONS: Final = MAX_SLOTS
MAX_BACKLOG_BYTES: Final = MAX_SLOTS * SLOT_BYTES
"""Operations that wait are bounded as those of the pool are."""

MAX_AGE_MS: Final = 30_000
MAX_AHEAD_MS: Final = 5_000
MAX_REMEMBERED: Final = 32_768
"""Batches remembered so that each is opened once: twenty enclaves' for as long as one can be opened."""

assert MAX_BATCH_BYTES <= MAX_SEALED_OPERATIONS

_LENGTH_BYTES: Final = 4
"""Of a compact integer below 2^30."""


class GossipError(IntegriteeError):
    """Why a batch of trusted operations from another enclave is not taken."""

    code = "gossip"


class ForeignBatch(GossipError):
    """A batch of operations is of another shard."""

    code = "gossip.foreign_shard"

    def __init__(self, found: bytes, expected: bytes) -> None:
        self.found, self.expected = found, expected
        super().__init__(f"the batch is of shard 0x{found.hex()}")


class BatchTooOld(GossipError):
    """A batch of operations was kept for too long, or its sender's clock is behind; in milliseconds."""

    code = "gossip.too_old"

    def __init__(self, age: int, limit: int) -> None:
        self.age, self.limit = age, limit
        super().__init__(f"the batch is {age} ms old, at most {limit} are allowed")


class BatchTooEarly(GossipError):
    """The clock of a batch's sender is ahead of this enclave's; in milliseconds."""

    code = "gossip.too_early"

    def __init__(self, ahead: int, limit: int) -> None:
        self.ahead, self.limit = ahead, limit
        super().__init__(f"the batch is {ahead} ms ahead of this enclave's clock, at most {limit} are allowed")


class BatchReplayed(GossipError):
    """This enclave has opened this batch of operations before, or made it itself."""

    code = "gossip.replayed"

    def __init__(self, sender: bytes) -> None:
        self.sender = sender
        super().__init__(f"the batch of 0x{sender.hex()} is known here")


class BatchTampered(GossipError):
    """A batch of operations was altered on its way, or sealed under another key."""

    code = "gossip.tampered"

    def __init__(self) -> None:
        super().__init__("the batch was altered, or sealed under another key")


class TooManyOperations(GossipError):
    """A batch holds more operations than any may."""

    code = "gossip.too_many_operations"

    def __init__(self, found: int, limit: int) -> None:
        self.found, self.limit = found, limit
        super().__init__(f"the batch holds {found} operations, at most {limit} are allowed")


class BatchMalformed(GossipError):
    """What came is no batch of operations, or its content is not one."""

    code = "gossip.malformed"

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"not a batch of operations: {reason}")


class Randomness(Protocol):
    """So many unpredictable bytes."""

    def __call__(self, size: int, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class GossipLimits:
    """Bounds of what is sent; what is received has those of the module."""

    batch_bytes: int = MAX_BATCH_BYTES
    batch_operations: int = MAX_BATCH_OPERATIONS
    delay_ms: int = BATCH_DELAY_MS
    """How long an operation waits for others to travel with."""
    backlog_operations: int = MAX_BACKLOG_OPERATIONS
    backlog_bytes: int = MAX_BACKLOG_BYTES


class Origin(Struct, frozen=True):
    """What a batch says in the clear."""

    shard: ShardIdentifier
    sender: AccountId
    sent: u64


_ORIGIN: Final = codec(Origin)
_ORIGIN_LENGTH: Final = len(_ORIGIN.encode(Origin(bytes(32), bytes(32), 0)))
_OVERHEAD: Final = _ORIGIN_LENGTH + NONCE_LENGTH + TAG_LENGTH
_OPERATIONS: Final = codec(Annotated[list[Annotated[bytes, Bounded(MAX_ENTRY_BYTES)]], Bounded(MAX_BATCH_OPERATIONS)])


class OperationGossip:
    """Both directions of one enclave, whose parentchain account is `account`."""

    def __init__(
        self,
        state_key: bytes,
        shard: bytes,
        account: bytes,
        random: Randomness,
        limits: GossipLimits | None = None,
    ) -> None:
        self._root = derive_key(state_key, ROOT_LABEL)
        self._shard, self._account, self._random = shard, account, random
        self.limits = limits or GossipLimits()
        self._backlog: deque[tuple[int, bytes]] = deque()  # time of admission, operation
        self._backlog_bytes = 0
        self._known: OrderedDict[bytes, int] = OrderedDict()  # tag of a batch -> when it was sealed
        self.dropped = 0
        """Operations that were not sent, for want of room."""

    def __len__(self) -> int:
        """Operations that wait to be sent."""
        return len(self._backlog)

    # -- sending

    def add(self, operation: bytes, now: int) -> None:
        """Have an operation travel, encoded in the clear, that a user of this enclave submitted and it admitted.

        If too much waits, the oldest are dropped; so is one that no batch could hold.
        """
        if len(operation) > min(MAX_ENTRY_BYTES, self._room - _LENGTH_BYTES):
            self.dropped += 1
            return
        self._backlog.append((now, operation))
        self._backlog_bytes += len(operation)
        while len(self._backlog) > self.limits.backlog_operations or self._backlog_bytes > self.limits.backlog_bytes:
            self._pop()
            self.dropped += 1

    def due_in(self, now: int) -> int | None:
        """Milliseconds until the next batch is due, 0 if it is; None if nothing waits."""
        if not self._backlog:
            return None
        remaining = self._backlog[0][0] + self.limits.delay_ms - now
        is_due = self._fills_a_batch() or remaining > self.limits.delay_ms  # the latter if the clock was set back
        return 0 if is_due else max(remaining, 0)

    def batch(self, now: int) -> bytes | None:
        """The next sealed batch, the oldest operations first; None if none is due yet.

        To be called until None: more may wait than one batch holds.
        """
        if self.due_in(now) != 0:
            return None
        operations: list[bytes] = []
        room = self._room
        while self._backlog and len(operations) < self.limits.batch_operations:
            room -= len(self._backlog[0][1]) + _LENGTH_BYTES
            if room < 0 and operations:
                break
            operations.append(self._pop())
        return self._seal(operations, now)

    @property
    def _room(self) -> int:
        """Bytes for operations and their lengths in a batch, however much padding it needs."""
        return self.limits.batch_bytes - _OVERHEAD - PADDING - _LENGTH_BYTES

    def _fills_a_batch(self) -> bool:
        weight = self._backlog_bytes + _LENGTH_BYTES * len(self._backlog)
        return len(self._backlog) >= self.limits.batch_operations or weight >= self._room

    def _pop(self) -> bytes:
        _, operation = self._backlog.popleft()
        self._backlog_bytes -= len(operation)
        return operation

    def _seal(self, operations: list[bytes], now: int) -> bytes:
        origin = _ORIGIN.encode(Origin(self._shard, self._account, now))
        nonce = self._random(NONCE_LENGTH)
        plain = _OPERATIONS.encode(operations)
        plain += bytes(-len(plain) % PADDING)
        sealed = aead_seal(self._key(origin), nonce, plain, DOMAIN + origin)
        self._remember(sealed[-TAG_LENGTH:], now, now)
        return origin + nonce + sealed

    # -- receiving

    def open(self, sealed: bytes, now: int) -> list[bytes]:
        """The encoded operations of a batch; each is to be judged as if a user had submitted it.

        Raises BatchMalformed, ForeignBatch, BatchTooOld, BatchTooEarly, BatchReplayed, BatchTampered or
        TooManyOperations.
        """
        if not _OVERHEAD < len(sealed) <= MAX_BATCH_BYTES:
            raise BatchMalformed(
                f"{len(sealed)} bytes, more than {_OVERHEAD} and at most {MAX_BATCH_BYTES} are needed"
            )
        origin, rest = sealed[:_ORIGIN_LENGTH], sealed[_ORIGIN_LENGTH:]
        tag = sealed[-TAG_LENGTH:]
        sent = self._check(_ORIGIN.decode(origin), tag, now)
        try:
            plain = aead_open(self._key(origin), rest[:NONCE_LENGTH], rest[NONCE_LENGTH:], DOMAIN + origin)
        except AeadTampered:
            raise BatchTampered from None
        operations = _read(plain)
        self._remember(tag, sent, now)
        return operations

    def _check(self, origin: Origin, tag: bytes, now: int) -> int:
        """When the batch was sealed, if it is worth opening."""
        if origin.shard != self._shard:
            raise ForeignBatch(found=origin.shard, expected=self._shard)
        if now - origin.sent > MAX_AGE_MS:
            raise BatchTooOld(now - origin.sent, MAX_AGE_MS)
        if origin.sent - now > MAX_AHEAD_MS:
            raise BatchTooEarly(origin.sent - now, MAX_AHEAD_MS)
        if tag in self._known:
            raise BatchReplayed(origin.sender)
        return origin.sent

    def _remember(self, tag: bytes, sent: int, now: int) -> None:
        """Know a batch again, for as long as it is not too old. Only genuine ones get here."""
        self._known[tag] = sent
        while len(self._known) > MAX_REMEMBERED or now - next(iter(self._known.values())) > MAX_AGE_MS:
            self._known.popitem(last=False)

    def _key(self, origin: bytes) -> bytes:
        return derive_key(self._root, DOMAIN, origin)


def _read(plain: bytes) -> list[bytes]:
    """Raises TooManyOperations, BatchMalformed."""
    try:
        operations, end = _OPERATIONS.decode_prefix(plain)
    except TooLong as e:
        if e.at == 0 and e.found > MAX_BATCH_OPERATIONS:
            raise TooManyOperations(e.found, MAX_BATCH_OPERATIONS) from None
        raise BatchMalformed(str(e)) from None
    except DecodeError as e:
        raise BatchMalformed(str(e)) from None
    if len(plain) - end >= PADDING or any(plain[end:]):
        raise BatchMalformed(f"{len(plain) - end} bytes behind the operations")
    found: list[bytes] = operations
    return found
