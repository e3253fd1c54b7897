"""The encrypted state diff of a sidechain block: all that another enclave needs to follow it.

Plaintext (SCALE): state root before, state root after, changed entries (None = removed), payments that the block
plans, calls that it refused, keys of payments that its author has under way, and of those that it takes upon itself
(`sidechain.chain`), and payments that its author gave back since the parentchain refused them. Sealed with
AES-256-GCM under the shard's state key: ``nonce (12) ‖ ciphertext ‖ tag``; the block's position (parent hash, number,
shard) is associated data, so a diff cannot be moved to another block.
Whoever can make one has the state key, and so proved to an enclave of the shard which code it runs.
"""

from __future__ import annotations

import json
from typing import Final

from integritee.crypto import aead_open, aead_seal
from integritee.errors import IntegriteeError
from integritee.primitives.ids import H256, AccountId, Balance, ParentchainId
from integritee.scale import Struct, codec
from integritee.stf.asset_map import AssetId
from integritee.stf.effects import BridgePayment, Remark, VaultPayment

from ..parentchain.outbox import Payment
from ..pool.errors import MAX_REASON_LENGTH

NONCE_SIZE: Final = 12

MAX_REFUSALS: Final = 2048
"""Refused calls whose reasons a block tells other enclaves; of more, only what they changed."""


class Planned(Struct, frozen=True):
    """What is to happen on a parentchain because of a call, and who burned what for it.

    One of: a payment out of the vault (`parentchain`, `beneficiary`, `amount`, `asset`), one by pallet EnclaveBridge
    (with `call_hash`), a remark. `key` tells it from every other.
    """

    key: H256
    parentchain: ParentchainId
    beneficiary: AccountId | None
    amount: Balance
    asset: AssetId | None
    call_hash: H256 | None
    remark: bytes | None
    payment: Payment | None

    @classmethod
    def of(cls, effect: VaultPayment | BridgePayment | Remark, key: bytes, payment: Payment | None) -> Planned:
        match effect:
            case VaultPayment(chain, beneficiary, amount, asset):
                return cls(key, chain, beneficiary, amount, asset, None, None, payment)
            case BridgePayment(beneficiary, amount, call_hash):
                return cls(key, ParentchainId.Integritee, beneficiary, amount, None, call_hash, None, payment)
            case Remark(chain, remark):
                return cls(key, chain, None, 0, None, None, remark, payment)

    @property
    def effect(self) -> VaultPayment | BridgePayment | Remark:
        if self.beneficiary is None:
            return Remark(self.parentchain, self.remark or b"")
        if self.call_hash is not None:
            return BridgePayment(self.beneficiary, self.amount, self.call_hash)
        return VaultPayment(self.parentchain, self.beneficiary, self.amount, self.asset)


class Refused(Struct, frozen=True):
    """A call that the block's author refused: its hash, the error's code, text and facts (JSON), and whether its
    nonce was used up."""

    top_hash: H256
    code: str
    message: str
    data: str
    nonce_used: bool

    @classmethod
    def of(cls, top_hash: bytes, error: IntegriteeError, nonce_used: bool) -> Refused:
        data = json.dumps(error.data())
        data = data if len(data) <= MAX_REASON_LENGTH else "{}"
        return cls(top_hash, error.code, str(error)[:MAX_REASON_LENGTH], data, nonce_used)


class StatePayload(Struct, frozen=True):
    """A block's effects. Roots are those of the state trie (layout V0)."""

    root_before: H256
    root_after: H256
    changes: list[tuple[bytes, bytes | None]]
    planned: list[Planned] = []
    refused: list[Refused] = []
    released: list[H256] = []
    """Keys of what the author has under way."""
    taken: list[H256] = []
    """Keys of what this block and earlier ones planned and the author does once this block is final."""
    refunded: list[Payment] = []
    """What the author gave back: it is not due any more, if the author gave this block up and comes back to it."""


PAYLOAD: Final = codec(StatePayload)


def position(parent_hash: bytes, number: int, shard: bytes) -> bytes:
    """Associated data of a block's diff."""
    return b"integritee/state-diff/v4" + parent_hash + number.to_bytes(8, "little") + shard


def encrypt(payload: StatePayload, state_key: bytes, nonce: bytes, where: bytes) -> bytes:
    """`nonce` must be 12 fresh random bytes."""
    return nonce + aead_seal(state_key, nonce, PAYLOAD.encode(payload), where)


def decrypt(sealed: bytes, state_key: bytes, where: bytes) -> StatePayload:
    """Raises AeadTampered for another key, block or altered bytes; DecodeError for a malformed payload."""
    plain = aead_open(state_key, sealed[:NONCE_SIZE], sealed[NONCE_SIZE:], where)
    payload: StatePayload = PAYLOAD.decode(plain)
    return payload
