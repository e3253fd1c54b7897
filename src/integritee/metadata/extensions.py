"""Signed extensions: what each adds to an extrinsic and to the payload that is signed.

The chain's metadata lists them in order and gives their types; this module knows the values. Sources:
frame-system `extensions/`, pallet-transaction-payment, pallet-asset-tx-payment, frame-metadata-hash-extension.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from integritee.primitives.era import Era
from integritee.scale import EncodeError
from integritee.scale.errors import OutOfRange

from .errors import ExtensionValueRefused, MissingExtension, UnknownExtension
from .runtime import RuntimeMetadata, SignedExtension


@dataclass(frozen=True, slots=True)
class TransactionParameters:
    """What a signature over a call covers beside the call.

    `nonce` counts the signer's transactions; `era` limits validity in blocks and `birth_hash` is the hash of
    its first block (the genesis hash if immortal); `tip` is in base units. All hashes are 32 bytes.

    `asset` is what fee and tip are paid in: a value of the chain's own type of asset ids, such as a number or
    a location; None is the native token. `metadata_hash` makes the chain refuse the transaction if its runtime
    is not the one whose metadata has this hash (RFC 78); None leaves that unchecked.
    """

    nonce: int
    era: Era
    birth_hash: bytes
    genesis_hash: bytes
    spec_version: int
    transaction_version: int
    tip: int = 0
    asset: Any = None
    metadata_hash: bytes | None = None


Value = Callable[[TransactionParameters], Any]


def _nothing(parameters: TransactionParameters) -> Any:
    return ()


def _metadata_hash_mode(parameters: TransactionParameters) -> Any:
    return {"mode": "Disabled" if parameters.metadata_hash is None else "Enabled"}


ASSET_PAYMENT: Final = "ChargeAssetTxPayment"
METADATA_HASH: Final = "CheckMetadataHash"

EXTENSIONS: Final[dict[str, tuple[Value, Value]]] = {
    "CheckSpecVersion": (_nothing, lambda p: p.spec_version),
    "CheckTxVersion": (_nothing, lambda p: p.transaction_version),
    "CheckGenesis": (_nothing, lambda p: p.genesis_hash),
    "CheckMortality": (lambda p: p.era, lambda p: p.birth_hash),
    "CheckEra": (lambda p: p.era, lambda p: p.birth_hash),
    "CheckNonce": (lambda p: p.nonce, _nothing),
    "ChargeTransactionPayment": (lambda p: p.tip, _nothing),
    ASSET_PAYMENT: (lambda p: {"tip": p.tip, "asset_id": p.asset}, _nothing),
    METADATA_HASH: (_metadata_hash_mode, lambda p: p.metadata_hash),
}
"""By identifier: the value in the extrinsic and the additional value in the signed payload.

Those that add nothing to either need no entry, known or not: CheckNonZeroSender, CheckWeight,
StorageWeightReclaim, PrevalidateAttests, ….
"""


def encode_extensions(metadata: RuntimeMetadata, parameters: TransactionParameters) -> tuple[bytes, bytes]:
    """(part of the extrinsic, additional part of the signed payload).

    Raises UnknownExtension, ExtensionValueRefused, MissingExtension.
    """
    _check_wishes(metadata, parameters)
    extra, additional = b"", b""
    for extension in metadata.signed_extensions:
        in_extrinsic, in_payload = _values(metadata, extension)
        try:
            extra += metadata.encode_type(extension.type, in_extrinsic(parameters))
            additional += metadata.encode_type(extension.additional, in_payload(parameters))
        except EncodeError as error:
            raise ExtensionValueRefused(extension.identifier, str(error)) from None
    return extra, additional


def _check_wishes(metadata: RuntimeMetadata, parameters: TransactionParameters) -> None:
    """What the caller asks for must not be lost in silence: a fee would be paid in another asset."""
    present = {extension.identifier for extension in metadata.signed_extensions}
    if parameters.asset is not None and ASSET_PAYMENT not in present:
        raise MissingExtension(ASSET_PAYMENT, "a fee in another asset")
    if parameters.metadata_hash is not None and METADATA_HASH not in present:
        raise MissingExtension(METADATA_HASH, "a check of the metadata's hash")


def _values(metadata: RuntimeMetadata, extension: SignedExtension) -> tuple[Value, Value]:
    known = EXTENSIONS.get(extension.identifier)
    if known is not None:
        return known
    types = metadata.types
    if types.is_zero_sized(extension.type) and types.is_zero_sized(extension.additional):
        return _nothing, _nothing
    raise UnknownExtension(extension.identifier)


def read_extensions(
    metadata: RuntimeMetadata, data: bytes, at: int, *, version: int = 0
) -> tuple[dict[str, Any], int]:
    """(values in an extrinsic by identifier, offset behind them) of an extension version.

    Raises DecodeError, also if the runtime has no such version.
    """
    if version not in metadata.extension_versions:
        known = ", ".join(map(str, sorted(metadata.extension_versions)))
        raise OutOfRange(at, version, f"a version of the transaction extensions ({known})")
    found: dict[str, Any] = {}
    for extension in metadata.extension_versions[version]:
        value, at = metadata.types.codec(extension.type).decode_prefix(data, at)
        found[extension.identifier] = value
    return found, at
