"""What goes into the pool, what comes out of it, and how much it may hold."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

import msgspec

from integritee.errors import IntegriteeError
from integritee.primitives.rpc import TrustedOperationStatus

P = TypeVar("P")

MAX_SLOTS: Final = 8192
SLOT_BYTES: Final = 2560
"""With MAX_SLOTS the 20 MiB of the original's ready queue."""

MAX_FUTURE_SLOTS: Final = 512
MAX_SENDER_SLOTS: Final = 1024
MAX_NONCE_GAP: Final = 64
MAX_ENTRY_BYTES: Final = 128 * 1024
FUTURE_LIFETIME_MS: Final = 5 * 60_000
BAN_MS: Final = 30 * 60_000
MAX_BANS: Final = 4096


class Origin(enum.Enum):
    """How an operation reached the enclave."""

    DIRECT = "direct"
    """Over the trusted RPC; its submitter may be watching."""
    INDIRECT = "indirect"
    """As an extrinsic on the parentchain."""


class PoolEntry(msgspec.Struct, Generic[P], frozen=True):
    """A trusted operation as the pool sees it. `hash`: 32 bytes; `size`: encoded bytes; `payload`: opaque."""

    hash: bytes
    sender: bytes
    nonce: int
    size: int
    payload: P
    origin: Origin = Origin.DIRECT


class StatusChanged(msgspec.Struct, frozen=True):
    """An operation has a new status; `reason` says why if it left the pool without being executed."""

    hash: bytes
    status: TrustedOperationStatus
    reason: IntegriteeError | None = None


@dataclass(frozen=True, slots=True)
class PoolLimits:
    """Bounds of one pool.

    Room is counted in slots of `slot_bytes`: an entry takes one slot for each begun `slot_bytes`, so that a
    single number bounds entries and bytes alike and says how much of the pool a sender holds.
    """

    slots: int = MAX_SLOTS
    slot_bytes: int = SLOT_BYTES
    future_slots: int = MAX_FUTURE_SLOTS
    """Of all slots, those that newcomers with a nonce gap may take."""
    sender_slots: int = MAX_SENDER_SLOTS
    nonce_gap: int = MAX_NONCE_GAP
    """Furthest that a nonce may be ahead of the next expected one."""
    entry_bytes: int = MAX_ENTRY_BYTES
    future_ms: int = FUTURE_LIFETIME_MS
    """How long an entry waits for the nonces before it."""
    ban_ms: int = BAN_MS
    bans: int = MAX_BANS

    def slots_of(self, size: int) -> int:
        return max(1, -(-size // self.slot_bytes))
