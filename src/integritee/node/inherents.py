"""What the author tells a block beyond extrinsics: time and slot.

InherentData is Vec<([u8; 8], Vec<u8>)> in key order (sp-inherents); `timstap0` is the timestamp in ms
(sp-timestamp), `auraslot` the slot (sp-consensus-aura), both u64. What a parachain needs besides: `parachain`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from integritee.primitives.storage import storage_prefix
from integritee.scale import Bytes8, encode

from .wasm.blob import is_wasm_code

TIMESTAMP_INHERENT: Final = b"timstap0"
AURA_INHERENT: Final = b"auraslot"

CODE: Final = b":code"


class Readable(Protocol):
    """State, as far as it is needed here."""

    def get(self, key: bytes) -> bytes | None: ...


def encode_inherents(inherents: Mapping[bytes, bytes]) -> bytes:
    """SCALE InherentData."""
    return encode(list[tuple[Bytes8, bytes]], sorted(inherents.items()))


@dataclass(frozen=True, slots=True)
class BlockTime:
    """When a block is made: unix milliseconds, and the Aura slot that contains them."""

    timestamp: int
    slot: int

    @classmethod
    def after(cls, state: Readable, now_ms: int, slot_duration_ms: int, min_advance_ms: int) -> BlockTime:
        """The clock's time, or `min_advance_ms` past the parent's if the clock has not got there yet.

        `state` is that of the parent block. A runtime that allows one block per slot needs an advance of a whole
        slot (see `min_advance_ms`); one that only wants time to move on is content with 1.
        """
        parent = last_timestamp(state)
        timestamp = max(now_ms, parent + min_advance_ms) if parent else now_ms
        return cls(timestamp, timestamp // slot_duration_ms)

    def inherents(self) -> dict[bytes, bytes]:
        """Inherent data of this time, by identifier."""
        return {
            TIMESTAMP_INHERENT: self.timestamp.to_bytes(8, "little"),
            AURA_INHERENT: self.slot.to_bytes(8, "little"),
        }


def min_advance_ms(state: Readable, slot_duration_ms: int) -> int:
    """How far time must move on between two blocks: a whole slot for runtimes in Wasm, which take one block per slot.

    The node's own runtime, whose `:code` is no Wasm, takes several.
    """
    return slot_duration_ms if is_wasm_code(state.get(CODE) or b"") else 1


def last_timestamp(state: Readable) -> int:
    """Timestamp of the block whose state this is, in ms; 0 at genesis. (`Timestamp.Now` of FRAME, u64.)"""
    return int.from_bytes(state.get(storage_prefix("Timestamp", "Now")) or b"", "little")
