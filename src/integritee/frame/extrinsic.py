"""Extrinsics: their wire form, transaction extensions and signing payload.

Source: sp_runtime::generic::UncheckedExtrinsic (format 4), frame_system and pallet_transaction_payment
extensions, frame_metadata_hash_extension. Order and identifiers are the integritee runtimes'.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import ClassVar, Final

from integritee.crypto import blake2_256
from integritee.primitives.era import ERA_CODEC, Era
from integritee.primitives.header import Header
from integritee.primitives.ids import H256, MultiAddress
from integritee.primitives.signature import MultiSignature
from integritee.scale import (
    Bytes32,
    Codec,
    Compact,
    Registry,
    Struct,
    codec,
    decode_compact,
    encode_compact,
    u32,
    u128,
)
from integritee.scale.errors import OutOfRange, TrailingBytes, UnexpectedEnd
from integritee.scale.shape import Hint, Placeholder

from .outer import RuntimeCall
from .weights import Weight, weight

SIGNED: Final = 0x84
BARE: Final = 0x04
MAX_UNHASHED_PAYLOAD: Final = 256
"""Longer signing payloads are hashed with blake2_256 before signing."""


class MetadataHashMode(enum.IntEnum):
    """Whether the signature covers a hash of the metadata."""

    scale_path = enum.nonmember("frame_metadata_hash_extension::Mode")
    Disabled = 0
    Enabled = 1


@dataclass(frozen=True)
class Extension:
    """A transaction extension: what it adds to the extrinsic (`extra`) and to the payload (`additional`).

    `field` is the name of the extension's field that holds `extra`, if it has one.
    """

    identifier: str
    path: str
    extra: Hint | None
    additional: Hint
    field: str | None = None


SIGNED_EXTENSIONS: Final = (
    Extension(
        "CheckNonZeroSender",
        "frame_system::extensions::check_non_zero_sender::CheckNonZeroSender",
        None,
        None,
    ),
    Extension("CheckSpecVersion", "frame_system::extensions::check_spec_version::CheckSpecVersion", None, u32),
    Extension("CheckTxVersion", "frame_system::extensions::check_tx_version::CheckTxVersion", None, u32),
    Extension("CheckGenesis", "frame_system::extensions::check_genesis::CheckGenesis", None, H256),
    Extension("CheckMortality", "frame_system::extensions::check_mortality::CheckMortality", Era, H256),
    Extension("CheckNonce", "frame_system::extensions::check_nonce::CheckNonce", Compact[u32], None),
    Extension("CheckWeight", "frame_system::extensions::check_weight::CheckWeight", None, None),
    Extension(
        "ChargeTransactionPayment",
        "pallet_transaction_payment::ChargeTransactionPayment",
        Compact[u128],
        None,
    ),
    Extension(
        "CheckMetadataHash",
        "frame_metadata_hash_extension::CheckMetadataHash",
        MetadataHashMode,
        Bytes32 | None,
        "mode",
    ),
)

EXTENSION_WEIGHT: Final[Weight] = weight(70_000_000, reads=8, writes=3)
"""What the extensions of a signed extrinsic cost together, charged beside its call."""


class Signature(Struct, frozen=True):
    """The signed part of an extrinsic. `mode` is CheckMetadataHash's (0 disabled)."""

    address: MultiAddress
    signature: MultiSignature
    era: Era
    nonce: int
    tip: int
    mode: int = 0


@dataclass(frozen=True, slots=True)
class UncheckedExtrinsic:
    """A decoded extrinsic; `signature` is None for bare ones (inherents)."""

    signature: Signature | None
    call: RuntimeCall
    raw: bytes
    """The whole extrinsic with its length prefix."""
    call_data: bytes = b""
    """The encoded call."""

    @classmethod
    def scale_shape(cls) -> Placeholder:
        return Placeholder(cls)

    def hash(self) -> bytes:
        return blake2_256(self.raw)


class Block(Struct, frozen=True):
    """A header and the extrinsics of its block (sp_runtime::generic::Block)."""

    scale_path: ClassVar[str] = "sp_runtime::generic::block::Block"
    header: Header
    extrinsics: list[UncheckedExtrinsic]


_NONCE: Final = codec(Compact[u32])
_TIP: Final = codec(Compact[u128])
_ADDRESS: Final = codec(MultiAddress)
_SIGNATURE: Final = codec(MultiSignature)


def extrinsic_codec(registry: Registry) -> Codec:
    """Codec of extrinsics as they stand in block bodies: with their length."""

    def read(data: bytes, at: int, depth: int) -> tuple[UncheckedExtrinsic, int]:
        length, start = decode_compact(data, at)
        end = start + length
        if end > len(data):
            raise UnexpectedEnd(start, length, len(data) - start)
        return decode_extrinsic(registry, data[at:end]), end

    return Codec(lambda extrinsic: bytes(extrinsic.raw), read, 2)


def decode_extrinsic(registry: Registry, raw: bytes) -> UncheckedExtrinsic:
    """Decode an extrinsic with its length prefix; strict. Raises DecodeError."""
    length, at = decode_compact(raw)
    if length < len(raw) - at:
        raise TrailingBytes(at + length, len(raw))
    if length > len(raw) - at:
        raise UnexpectedEnd(at, length, len(raw) - at)
    if at >= len(raw):
        raise UnexpectedEnd(at, 1, 0)
    version, at = raw[at], at + 1
    signature = None
    if version == SIGNED:
        signature, at = _read_signature(raw, at)
    elif version != BARE:
        raise OutOfRange(at - 1, version, "extrinsic format 4")
    call, end = registry.codec(RuntimeCall).decode_prefix(raw, at)
    if end != len(raw):
        raise TrailingBytes(end, len(raw))
    return UncheckedExtrinsic(signature, call, raw, raw[at:])


def _read_signature(raw: bytes, at: int) -> tuple[Signature, int]:
    address, at = _ADDRESS.decode_prefix(raw, at)
    signature, at = _SIGNATURE.decode_prefix(raw, at)
    era, at = ERA_CODEC.decode_prefix(raw, at)
    nonce, at = _NONCE.decode_prefix(raw, at)
    tip, at = _TIP.decode_prefix(raw, at)
    if at >= len(raw):
        raise UnexpectedEnd(at, 1, 0)
    if raw[at] > 1:
        raise OutOfRange(at, raw[at], "a metadata hash mode (0 or 1)")
    return Signature(address, signature, era, nonce, tip, raw[at]), at + 1


def encode_extrinsic(call: bytes, signature: Signature | None) -> bytes:
    """Extrinsic bytes with length prefix from an encoded call."""
    if signature is None:
        body = bytes([BARE]) + call
    else:
        body = (
            bytes([SIGNED])
            + _ADDRESS.encode(signature.address)
            + _SIGNATURE.encode(signature.signature)
            + extra(signature.era, signature.nonce, signature.tip, signature.mode)
            + call
        )
    return encode_compact(len(body)) + body


def extra(era: Era, nonce: int, tip: int, mode: int = 0) -> bytes:
    """What the extensions add to the extrinsic."""
    return ERA_CODEC.encode(era) + _NONCE.encode(nonce) + _TIP.encode(tip) + bytes([mode])


def signing_payload(
    call: bytes,
    extra_: bytes,
    spec_version: int,
    transaction_version: int,
    genesis_hash: bytes,
    birth_hash: bytes,
    metadata_hash: bytes | None = None,
) -> bytes:
    """What the signer signs; hashed if longer than MAX_UNHASHED_PAYLOAD bytes."""
    payload = (
        call
        + extra_
        + spec_version.to_bytes(4, "little")
        + transaction_version.to_bytes(4, "little")
        + genesis_hash
        + birth_hash
        + (b"\x00" if metadata_hash is None else b"\x01" + metadata_hash)
    )
    return blake2_256(payload) if len(payload) > MAX_UNHASHED_PAYLOAD else payload
