"""Signed extensions: what each adds to an extrinsic and to the payload that is signed.

The chain's metadata lists them in order and gives their types; this module knows the values. Sources:
frame-system `extensions/`, pallet-transaction-payment, pallet-asset-tx-payment, frame-metadata-hash-extension.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from integritee.primitives.era import Era

from .errors import UnknownExtension
from .runtime import RuntimeMetadata, SignedExtension


@dataclass(frozen=True, slots=True)
class TransactionParameters:
    """What a signature over a call covers beside the call.

    `nonce` counts the signer's transactions; `era` limits validity in blocks and `birth_hash` is the hash of
    its first block (the genesis hash if immortal); `tip` is in base units. All hashes are 32 bytes.
    """

    nonce: int
    era: Era
    birth_hash: bytes
    genesis_hash: bytes
    spec_version: int
    transaction_version: int
    tip: int = 0


Value = Callable[[TransactionParameters], Any]


def _nothing(parameters: TransactionParameters) -> Any:
    return ()


EXTENSIONS: Final[dict[str, tuple[Value, Value]]] = {
    "CheckSpecVersion": (_nothing, lambda p: p.spec_version),
    "CheckTxVersion": (_nothing, lambda p: p.transaction_version),
    "CheckGenesis": (_nothing, lambda p: p.genesis_hash),
    "CheckMortality": (lambda p: p.era, lambda p: p.birth_hash),
    "CheckEra": (lambda p: p.era, lambda p: p.birth_hash),
    "CheckNonce": (lambda p: p.nonce, _nothing),
    "ChargeTransactionPayment": (lambda p: p.tip, _nothing),
    "ChargeAssetTxPayment": (lambda p: {"tip": p.tip, "asset_id": None}, _nothing),
    "CheckMetadataHash": (lambda p: {"mode": "Disabled"}, lambda p: None),
}
"""By identifier: the value in the extrinsic and the additional value in the signed payload.

Fees are paid in the native token, and the metadata hash is not part of the signature.
"""


def encode_extensions(metadata: RuntimeMetadata, parameters: TransactionParameters) -> tuple[bytes, bytes]:
    """(part of the extrinsic, additional part of the signed payload). Raises UnknownExtension, EncodeError."""
    extra, additional = b"", b""
    for extension in metadata.signed_extensions:
        in_extrinsic, in_payload = _values(metadata, extension)
        extra += metadata.encode_type(extension.type, in_extrinsic(parameters))
        additional += metadata.encode_type(extension.additional, in_payload(parameters))
    return extra, additional


def _values(metadata: RuntimeMetadata, extension: SignedExtension) -> tuple[Value, Value]:
    known = EXTENSIONS.get(extension.identifier)
    if known is not None:
        return known
    types = metadata.types
    if types.is_zero_sized(extension.type) and types.is_zero_sized(extension.additional):
        return _nothing, _nothing
    raise UnknownExtension(extension.identifier)


def read_extensions(metadata: RuntimeMetadata, data: bytes, at: int) -> tuple[dict[str, Any], int]:
    """(values in an extrinsic by identifier, offset behind them). Raises DecodeError."""
    found: dict[str, Any] = {}
    for extension in metadata.signed_extensions:
        value, at = metadata.types.codec(extension.type).decode_prefix(data, at)
        found[extension.identifier] = value
    return found, at
