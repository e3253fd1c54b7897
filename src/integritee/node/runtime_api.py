"""The runtime API functions that the node calls, typed.

Each takes the engine and the overlay to run on; what a call writes stays in the overlay. All raise what
`RuntimeEngine.call` raises, and DecodeError if the runtime answers nonsense.

Sources: sp-api (Core), sp-block-builder, sp-transaction-pool, sp-consensus-aura, sp-consensus-grandpa,
frame-system-rpc-runtime-api; sp-version for RuntimeVersion.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final

from integritee.crypto.hashing import blake2_64
from integritee.frame.overlay import Overlay
from integritee.frame.pallets import system
from integritee.frame.validity import (
    TransactionSource,
    TransactionValidity,
    TransactionValidityError,
    ValidTransaction,
)
from integritee.primitives.grandpa import Authority
from integritee.primitives.header import Header
from integritee.primitives.ids import H256, AccountId
from integritee.scale import Bytes8, Bytes32, Err, Ok, codec, decode, encode, u8, u32, u64
from integritee.scale.errors import UnexpectedEnd, UnknownVariant

from .block import decode_body
from .engine import RuntimeEngine


class RuntimeVersion(system.RuntimeVersion, frozen=True):
    """Identity of a runtime, with its JSON form."""

    def to_rpc(self) -> dict[str, object]:
        """The JSON form of `state_getRuntimeVersion`; `stateVersion` is the old name of `systemVersion`."""
        return {
            "specName": self.spec_name,
            "implName": self.impl_name,
            "authoringVersion": self.authoring_version,
            "specVersion": self.spec_version,
            "implVersion": self.impl_version,
            "apis": [["0x" + name.hex(), version] for name, version in self.apis],
            "transactionVersion": self.transaction_version,
            "systemVersion": self.system_version,
            "stateVersion": self.system_version,
        }


class ExtrinsicInclusionMode(enum.IntEnum):
    """What a block admits besides inherents (sp_runtime)."""

    AllExtrinsics = 0
    OnlyInherents = 1


@dataclass(frozen=True, slots=True)
class Dispatched:
    """The extrinsic is part of the block. `error` is the SCALE DispatchError if its call failed."""

    error: bytes | None = None


TRANSACTION_QUEUE: Final = blake2_64(b"TaggedTransactionQueue")
"""Identifier of the API; before its version 3 a transaction was validated without naming a block."""


def core_version(engine: RuntimeEngine, state: Overlay) -> RuntimeVersion:
    return decode_version(engine.call("Core_version", state, b""))


def decode_version(data: bytes) -> RuntimeVersion:
    """A SCALE RuntimeVersion. Raises DecodeError.

    Runtimes with a Core API before version 3 have no transaction version (1 is meant), before version 4 no state
    version (0).
    """
    _, end = _VERSION_HEAD.decode_prefix(data)
    if end == len(data):
        data += encode(u32, 1)
    if end + 4 == len(data):
        data += encode(u8, 0)
    version: RuntimeVersion = decode(RuntimeVersion, data)
    return version


_VERSION_HEAD: Final = codec(tuple[str, str, u32, u32, u32, list[tuple[Bytes8, u32]]])
"""What every runtime version begins with."""


def initialize_block(engine: RuntimeEngine, state: Overlay, header: Header) -> ExtrinsicInclusionMode:
    """Begin a block; of the header, the parent, the number and the digest count."""
    answer = engine.call("Core_initialize_block", state, header.encoded())
    # Before version 5 of the Core API the function returned nothing.
    return ExtrinsicInclusionMode(answer[0]) if answer else ExtrinsicInclusionMode.AllExtrinsics


def inherent_extrinsics(engine: RuntimeEngine, state: Overlay, inherent_data: bytes) -> tuple[bytes, ...]:
    """The extrinsics that carry the inherent data (SCALE InherentData)."""
    return decode_body(engine.call("BlockBuilder_inherent_extrinsics", state, inherent_data))


def apply_extrinsic(engine: RuntimeEngine, state: Overlay, extrinsic: bytes) -> Dispatched | TransactionValidityError:
    """Add an extrinsic to the block, or learn why it must stay out.

    ApplyExtrinsicResult is Result<Result<(), DispatchError>, TransactionValidityError>.
    """
    answer = engine.call("BlockBuilder_apply_extrinsic", state, extrinsic)
    if len(answer) < 2:
        raise UnexpectedEnd(len(answer), 2, 0)
    match answer[0], answer[1]:
        case 0, 0:
            return Dispatched()
        case 0, 1:
            return Dispatched(answer[2:])
        case 1, _:
            refused: TransactionValidityError = decode(TransactionValidityError, answer[1:])
            return refused
    raise UnknownVariant(0, answer[0], "ApplyExtrinsicResult")


def finalize_block(engine: RuntimeEngine, state: Overlay) -> Header:
    """End the block; its header without seal."""
    header: Header = decode(Header, engine.call("BlockBuilder_finalize_block", state, b""))
    return header


def validate_transaction(
    engine: RuntimeEngine, state: Overlay, source: TransactionSource, extrinsic: bytes, at: bytes
) -> ValidTransaction | TransactionValidityError:
    """Whether the extrinsic could be in the next block on top of block `at` (hash), whose state this is."""
    args = bytes([source]) + extrinsic
    if dict(core_version(engine, state).apis).get(TRANSACTION_QUEUE, 3) >= 3:
        args += encode(H256, at)
    match decode(TransactionValidity, engine.call("TaggedTransactionQueue_validate_transaction", state, args)):
        case Ok(value=ValidTransaction() as valid):
            return valid
        case Err(error=TransactionValidityError() as error):
            return error
    raise TypeError("a decoded result is Ok or Err")


def aura_slot_duration(engine: RuntimeEngine, state: Overlay) -> int:
    """Milliseconds."""
    duration: int = decode(u64, engine.call("AuraApi_slot_duration", state, b""))
    return duration


def aura_authorities(engine: RuntimeEngine, state: Overlay) -> list[bytes]:
    """sr25519 public keys; slot n belongs to number n modulo their count."""
    keys: list[bytes] = decode(list[Bytes32], engine.call("AuraApi_authorities", state, b""))
    return keys


def grandpa_authorities(engine: RuntimeEngine, state: Overlay) -> list[Authority]:
    """(ed25519 public key, weight) of each."""
    found: list[Authority] = decode(list[Authority], engine.call("GrandpaApi_grandpa_authorities", state, b""))
    return found


def grandpa_current_set_id(engine: RuntimeEngine, state: Overlay) -> int:
    set_id: int = decode(u64, engine.call("GrandpaApi_current_set_id", state, b""))
    return set_id


def account_nonce(engine: RuntimeEngine, state: Overlay, account: bytes) -> int:
    """Nonce of the account's next extrinsic, extrinsics in the pool not counted."""
    nonce: int = decode(u32, engine.call("AccountNonceApi_account_nonce", state, encode(AccountId, account)))
    return nonce
