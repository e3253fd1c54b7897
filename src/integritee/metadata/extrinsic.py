"""Extrinsics of any Substrate chain: signing, and reading them back (sp-runtime `UncheckedExtrinsic`).

    signed, format 4     compact length ‖ 0x84 ‖ address ‖ signature ‖ extensions ‖ call
    bare, format 4 or 5  compact length ‖ 0x04 or 0x05 ‖ call
    general, format 5    compact length ‖ 0x45 ‖ extension version ‖ extensions ‖ call

The signature covers call ‖ extensions ‖ additional data, or the BLAKE2b-256 hash of that if it is longer than
256 bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from integritee.crypto import KeyPair, blake2_256
from integritee.primitives.era import Era
from integritee.scale import EncodeError, decode_compact, encode_compact
from integritee.scale.errors import DecodeError, TrailingBytes, UnexpectedEnd

from .errors import InputTooLarge, InvalidMetadata, UnsupportedExtrinsic, UnsupportedSigner
from .extensions import TransactionParameters, encode_extensions, read_extensions
from .registry import MAX_VALUE_SIZE
from .runtime import RuntimeMetadata
from .values import DecodedCall, Variant

SIGNED_V4: Final = 0x84
BARE_V4: Final = 0x04
BARE_V5: Final = 0x05
GENERAL_V5: Final = 0x45

MAX_SIGNED_PAYLOAD: Final = 256
"""Longest payload in bytes that is signed as it is."""

SCHEMES: Final = {"ed25519": "Ed25519", "sr25519": "Sr25519"}
"""Variant of MultiSignature by signature scheme."""

Scheme: TypeAlias = Literal["ed25519", "sr25519"]

NO_HASH: Final = bytes(32)
IMMORTAL: Final = Era()


@dataclass(frozen=True, slots=True)
class DecodedExtrinsic:
    """An extrinsic as found in a block.

    `signer` is the account (32 bytes, 20 on some chains), or None if unsigned or not given by account id.
    `signature` names its scheme where the chain knows several. `era`, `nonce` and `tip` (base units) are None
    where the extrinsic carries none; `extensions` holds the values of all signed extensions by identifier.
    `hash` is the BLAKE2b-256 hash of the whole, length prefix included.
    """

    signer: bytes | None
    signature: Variant | bytes | None
    era: Era | None
    nonce: int | None
    tip: int | None
    extensions: Mapping[str, Any]
    call: DecodedCall
    call_bytes: bytes
    hash: bytes

    @property
    def is_signed(self) -> bool:
        return self.signature is not None


@dataclass(frozen=True, slots=True)
class UndecodableExtrinsic:
    """An extrinsic that the metadata does not explain, whole in `raw`, with its `hash` as above.

    `code` and `reason` are those of the error that decoding it raises.
    """

    raw: bytes
    hash: bytes
    code: str
    reason: str


def sign_extrinsic(
    metadata: RuntimeMetadata,
    call: bytes,
    pair: KeyPair,
    *,
    nonce: int,
    era: Era,
    birth_hash: bytes,
    genesis_hash: bytes,
    spec_version: int,
    transaction_version: int,
    tip: int = 0,
    asset: Any = None,
    metadata_hash: bytes | None = None,
) -> bytes:
    """`call` as a signed extrinsic, with its length prefix. For the arguments see `TransactionParameters`.

    Raises ExtrinsicError: UnknownExtension, ExtensionValueRefused, MissingExtension, UnsupportedSigner or
    UnsupportedExtrinsic.
    """
    parameters = TransactionParameters(
        nonce, era, birth_hash, genesis_hash, spec_version, transaction_version, tip, asset, metadata_hash
    )
    signature = pair.sign(message_to_sign(signing_payload(metadata, call, parameters)))
    return signed_extrinsic(metadata, call, pair.public, pair.scheme, signature, parameters)


def dummy_signed_extrinsic(
    metadata: RuntimeMetadata,
    call: bytes,
    signer: bytes,
    *,
    scheme: Scheme = "sr25519",
    nonce: int = 0,
    era: Era = IMMORTAL,
    tip: int = 0,
    asset: Any = None,
) -> bytes:
    """As `sign_extrinsic` with a signature of zeros: right in length and content for a fee query."""
    parameters = TransactionParameters(nonce, era, NO_HASH, NO_HASH, 0, 0, tip, asset)
    return signed_extrinsic(metadata, call, signer, scheme, bytes(64), parameters)


def signing_payload(metadata: RuntimeMetadata, call: bytes, parameters: TransactionParameters) -> bytes:
    """What a signer agrees to: call ‖ extensions ‖ additional data.

    Raises UnknownExtension, ExtensionValueRefused, MissingExtension.
    """
    extra, additional = encode_extensions(metadata, parameters)
    return call + extra + additional


def message_to_sign(payload: bytes) -> bytes:
    """What the signature is made over: the payload, or its BLAKE2b-256 hash if it is long."""
    return blake2_256(payload) if len(payload) > MAX_SIGNED_PAYLOAD else payload


def signed_extrinsic(
    metadata: RuntimeMetadata,
    call: bytes,
    signer: bytes,
    scheme: Scheme,
    signature: bytes,
    parameters: TransactionParameters,
) -> bytes:
    """The extrinsic with a signature made elsewhere over `message_to_sign`. Raises as `sign_extrinsic`."""
    if metadata.extrinsic_version != 4:
        raise UnsupportedExtrinsic(metadata.extrinsic_version, "4")
    extra, _ = encode_extensions(metadata, parameters)
    body = b"".join(
        (
            bytes((SIGNED_V4,)),
            metadata.encode_type(metadata.address_type, signer),
            _encode_signature(metadata, scheme, signature),
            extra,
            call,
        )
    )
    return encode_compact(len(body)) + body


def _encode_signature(metadata: RuntimeMetadata, scheme: Scheme, signature: bytes) -> bytes:
    try:
        return metadata.encode_type(metadata.signature_type, Variant(SCHEMES[scheme], signature))
    except (KeyError, EncodeError):
        raise UnsupportedSigner(scheme) from None


def decode_extrinsic(metadata: RuntimeMetadata, raw: bytes) -> DecodedExtrinsic:
    """An extrinsic, length prefix included.

    Raises DecodeError, InputTooLarge, UnsupportedExtrinsic, InvalidMetadata.
    """
    if len(raw) > MAX_VALUE_SIZE:
        raise InputTooLarge(len(raw), MAX_VALUE_SIZE)
    raw = bytes(raw)
    start = _after_length(raw)
    form, at = raw[start], start + 1
    signer: bytes | None = None
    signature: Variant | bytes | None = None
    extensions: dict[str, Any] = {}
    if form == SIGNED_V4:
        address, at = metadata.types.codec(metadata.address_type).decode_prefix(raw, at)
        signature, at = metadata.types.codec(metadata.signature_type).decode_prefix(raw, at)
        extensions, at = read_extensions(metadata, raw, at)
        signer = _account(address)
    elif form == GENERAL_V5:
        if at >= len(raw):
            raise UnexpectedEnd(at, 1, 0)
        extensions, at = read_extensions(metadata, raw, at + 1, version=raw[at])
    elif form not in (BARE_V4, BARE_V5):
        raise UnsupportedExtrinsic(form, "0x84, 0x45, 0x05 or 0x04")
    return DecodedExtrinsic(
        signer,
        signature,
        extensions.get("CheckMortality", extensions.get("CheckEra")),
        extensions.get("CheckNonce"),
        _tip(extensions),
        extensions,
        metadata.decode_call(raw[at:]),
        raw[at:],
        blake2_256(raw),
    )


def read_extrinsic(metadata: RuntimeMetadata, raw: bytes) -> DecodedExtrinsic | UndecodableExtrinsic:
    """As `decode_extrinsic`, but what cannot be decoded is an item as well: a block is read to its end.

    Raises nothing: the boundaries of extrinsics are known without decoding them.
    """
    try:
        return decode_extrinsic(metadata, raw)
    except (DecodeError, InputTooLarge, UnsupportedExtrinsic, InvalidMetadata) as error:
        return UndecodableExtrinsic(bytes(raw), blake2_256(raw), error.code, str(error))


def _after_length(raw: bytes) -> int:
    """Offset of the first byte that the length prefix counts, of which there is one at least."""
    length, start = decode_compact(raw)
    if length < len(raw) - start:
        raise TrailingBytes(start + length, len(raw))
    if length > len(raw) - start or not length:
        raise UnexpectedEnd(start, max(length, 1), len(raw) - start)
    return start


def _account(address: Any) -> bytes | None:
    """The account of MultiAddress::Id, or the address itself where the chain uses plain accounts."""
    if isinstance(address, Variant):
        return address.value if address.name == "Id" else None
    return address if isinstance(address, bytes) else None


def _tip(extensions: Mapping[str, Any]) -> int | None:
    in_asset = extensions.get("ChargeAssetTxPayment")
    if isinstance(in_asset, Mapping):
        return in_asset.get("tip")
    return extensions.get("ChargeTransactionPayment")
