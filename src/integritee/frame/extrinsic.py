"""Extrinsics: their wire form, transaction extensions and signing payload.

Source: sp_runtime::generic::UncheckedExtrinsic (format 4); extensions of frame_system,
pallet_transaction_payment, pallet_asset_tx_payment, frame_metadata_hash_extension. Order and identifiers are the
integritee runtimes'; asset hubs have the same order with another charge.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar, Final

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
    attributes,
    codec,
    decode_compact,
    encode_compact,
    product,
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
class Part:
    """A datum an extension adds to the extrinsic: the field of `Extra` it is, and whether metadata names it."""

    field: str
    hint: Hint
    named: bool = False


@dataclass(frozen=True)
class Extension:
    """A transaction extension: what it adds to the extrinsic (`parts`) and to the payload (`additional`)."""

    identifier: str
    path: str
    parts: tuple[Part, ...] = ()
    additional: Hint = None


CHARGE_TRANSACTION_PAYMENT: Final = Extension(
    "ChargeTransactionPayment",
    "pallet_transaction_payment::ChargeTransactionPayment",
    (Part("tip", Compact[u128]),),
)
CHARGE_ASSET_TX_PAYMENT: Final = Extension(
    "ChargeAssetTxPayment",
    "pallet_asset_tx_payment::ChargeAssetTxPayment",
    (Part("tip", Compact[u128], named=True), Part("asset_id", u32 | None, named=True)),
)


def extensions_with(charge: Extension) -> tuple[Extension, ...]:
    """The extensions of a runtime in which `charge` takes the fee."""
    system = "frame_system::extensions"
    return (
        Extension("CheckNonZeroSender", f"{system}::check_non_zero_sender::CheckNonZeroSender"),
        Extension("CheckSpecVersion", f"{system}::check_spec_version::CheckSpecVersion", (), u32),
        Extension("CheckTxVersion", f"{system}::check_tx_version::CheckTxVersion", (), u32),
        Extension("CheckGenesis", f"{system}::check_genesis::CheckGenesis", (), H256),
        Extension("CheckMortality", f"{system}::check_mortality::CheckMortality", (Part("era", Era),), H256),
        Extension("CheckNonce", f"{system}::check_nonce::CheckNonce", (Part("nonce", Compact[u32]),)),
        Extension("CheckWeight", f"{system}::check_weight::CheckWeight"),
        charge,
        Extension(
            "CheckMetadataHash",
            "frame_metadata_hash_extension::CheckMetadataHash",
            (Part("mode", MetadataHashMode, named=True),),
            Bytes32 | None,
        ),
    )


SIGNED_EXTENSIONS: Final = extensions_with(CHARGE_TRANSACTION_PAYMENT)
"""Those of runtimes whose fees are paid in the native token."""

ASSET_FEE_EXTENSIONS: Final = extensions_with(CHARGE_ASSET_TX_PAYMENT)
"""Those of runtimes in which an asset may pay the fee."""

EXTENSION_WEIGHT: Final[Weight] = weight(70_000_000, reads=8, writes=3)
"""What the extensions of a signed extrinsic cost together, charged beside its call."""


class Extra(Struct, frozen=True):
    """What a signer states beside the call.

    `tip` and fee are paid in the native token or, where the runtime takes that, in the asset `asset_id`.
    """

    era: Era = Era()
    nonce: int = 0
    tip: int = 0
    mode: int = MetadataHashMode.Disabled
    asset_id: int | None = None


class Signature(Struct, frozen=True):
    """The signed part of an extrinsic."""

    address: MultiAddress
    signature: MultiSignature
    extra: Extra


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


_ADDRESS: Final = codec(MultiAddress)
_SIGNATURE: Final = codec(MultiSignature)


@cache
def extra_codec(extensions: tuple[Extension, ...]) -> Codec:
    """Codec of what the extensions together add to an extrinsic, an `Extra`."""
    parts = [part for extension in extensions for part in extension.parts]
    names = [part.field for part in parts]

    def build(*values: Any) -> Extra:
        return Extra(**dict(zip(names, values, strict=True)))

    codecs = tuple(ERA_CODEC if part.hint is Era else codec(part.hint) for part in parts)
    return product(codecs, build, attributes(names))


def encode_extra(extra: Extra, extensions: tuple[Extension, ...] = SIGNED_EXTENSIONS) -> bytes:
    """What the extensions add to the extrinsic, and to what is signed."""
    return extra_codec(extensions).encode(extra)


def extrinsic_codec(registry: Registry, extensions: tuple[Extension, ...]) -> Codec:
    """Codec of extrinsics as they stand in block bodies: with their length."""

    def read(data: bytes, at: int, depth: int) -> tuple[UncheckedExtrinsic, int]:
        length, start = decode_compact(data, at)
        end = start + length
        if end > len(data):
            raise UnexpectedEnd(start, length, len(data) - start)
        return decode_extrinsic(registry, data[at:end], extensions), end

    return Codec(lambda extrinsic: bytes(extrinsic.raw), read, 2)


def decode_extrinsic(
    registry: Registry, raw: bytes, extensions: tuple[Extension, ...] = SIGNED_EXTENSIONS
) -> UncheckedExtrinsic:
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
        signature, at = _read_signature(raw, at, extensions)
    elif version != BARE:
        raise OutOfRange(at - 1, version, "extrinsic format 4")
    call, end = registry.codec(RuntimeCall).decode_prefix(raw, at)
    if end != len(raw):
        raise TrailingBytes(end, len(raw))
    return UncheckedExtrinsic(signature, call, raw, raw[at:])


def _read_signature(raw: bytes, at: int, extensions: tuple[Extension, ...]) -> tuple[Signature, int]:
    address, at = _ADDRESS.decode_prefix(raw, at)
    signature, at = _SIGNATURE.decode_prefix(raw, at)
    extra, at = extra_codec(extensions).decode_prefix(raw, at)
    return Signature(address, signature, extra), at


def encode_extrinsic(
    call: bytes, signature: Signature | None, extensions: tuple[Extension, ...] = SIGNED_EXTENSIONS
) -> bytes:
    """Extrinsic bytes with length prefix from an encoded call."""
    if signature is None:
        body = bytes([BARE]) + call
    else:
        body = (
            bytes([SIGNED])
            + _ADDRESS.encode(signature.address)
            + _SIGNATURE.encode(signature.signature)
            + encode_extra(signature.extra, extensions)
            + call
        )
    return encode_compact(len(body)) + body


def signing_payload(
    call: bytes,
    extra: bytes,
    spec_version: int,
    transaction_version: int,
    genesis_hash: bytes,
    birth_hash: bytes,
    metadata_hash: bytes | None = None,
) -> bytes:
    """What the signer signs; hashed if longer than MAX_UNHASHED_PAYLOAD bytes. `extra` as `encode_extra` makes it."""
    payload = (
        call
        + extra
        + spec_version.to_bytes(4, "little")
        + transaction_version.to_bytes(4, "little")
        + genesis_hash
        + birth_hash
        + (b"\x00" if metadata_hash is None else b"\x01" + metadata_hash)
    )
    return blake2_256(payload) if len(payload) > MAX_UNHASHED_PAYLOAD else payload
