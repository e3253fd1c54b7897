"""Signatures that name their scheme, and their verification.

Source: sp_runtime::MultiSignature; the `<Bytes>` wrapping is what browser extensions sign
(polkadot-js `signRaw`), accepted by integritee `ita-stf` beside the raw payload.
"""

from __future__ import annotations

from typing import ClassVar

from integritee.crypto import KeyPair, verify_ed25519, verify_sr25519
from integritee.scale import Bytes64, Bytes65, Enum

from .ids import AccountId


class MultiSignature(Enum, frozen=True):
    scale_path: ClassVar[str] = "sp_runtime::MultiSignature"


class Ed25519(MultiSignature, frozen=True):
    index: ClassVar[int] = 0
    signature: Bytes64


class Sr25519(MultiSignature, frozen=True):
    index: ClassVar[int] = 1
    signature: Bytes64


class Ecdsa(MultiSignature, frozen=True):
    index: ClassVar[int] = 2
    signature: Bytes65


def sign(pair: KeyPair, message: bytes) -> MultiSignature:
    """Signature of `message` under the scheme of `pair`."""
    raw = pair.sign(message)
    return Ed25519(raw) if pair.scheme == "ed25519" else Sr25519(raw)


def verify(signature: MultiSignature, message: bytes, account: AccountId) -> bool:
    """True iff `account` signed `message`. ECDSA accounts are hashes of keys and are not supported: False."""
    match signature:
        case Ed25519(signature=raw):
            return verify_ed25519(raw, message, account)
        case Sr25519(signature=raw):
            return verify_sr25519(raw, message, account)
    return False


def verify_wrapped(signature: MultiSignature, message: bytes, account: AccountId) -> bool:
    """As `verify`, also accepting a signature over ``<Bytes>message</Bytes>``."""
    return verify(signature, message, account) or verify(signature, b"<Bytes>" + message + b"</Bytes>", account)
