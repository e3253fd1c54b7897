"""The encrypted state diff of a sidechain block.

Plaintext: state root before ‖ state root after ‖ changed entries (None = removed), SCALE. Sealed with
AES-256-GCM under the shard's state key: ``nonce (12) ‖ ciphertext ‖ tag``; the block's position (parent hash,
number, shard) is associated data, so a diff cannot be moved to another block.
"""

from __future__ import annotations

from typing import Final

from integritee.crypto import aead_open, aead_seal
from integritee.primitives.ids import H256
from integritee.scale import Struct, codec

NONCE_SIZE: Final = 12


class StatePayload(Struct, frozen=True):
    """A block's effect on the state. Roots are those of the state trie (layout V0)."""

    root_before: H256
    root_after: H256
    changes: list[tuple[bytes, bytes | None]]


PAYLOAD: Final = codec(StatePayload)


def position(parent_hash: bytes, number: int, shard: bytes) -> bytes:
    """Associated data of a block's diff."""
    return b"integritee/state-diff/v1" + parent_hash + number.to_bytes(8, "little") + shard


def encrypt(payload: StatePayload, state_key: bytes, nonce: bytes, where: bytes) -> bytes:
    """`nonce` must be 12 fresh random bytes."""
    return nonce + aead_seal(state_key, nonce, PAYLOAD.encode(payload), where)


def decrypt(sealed: bytes, state_key: bytes, where: bytes) -> StatePayload:
    """Raises AeadTampered for another key, block or altered bytes; DecodeError for a malformed payload."""
    plain = aead_open(state_key, sealed[:NONCE_SIZE], sealed[NONCE_SIZE:], where)
    payload: StatePayload = PAYLOAD.decode(plain)
    return payload
