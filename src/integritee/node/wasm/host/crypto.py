"""``ext_crypto``: signatures (`Crypto` of sp-io). Runtimes verify; keys to sign with belong to the node.

Batches verify each signature at once and only remember whether all were good, as sp-io has done since batching was
given up.
"""

from __future__ import annotations

from integritee.crypto import verify_ed25519, verify_sr25519
from integritee.crypto.hashing import blake2_256

from ..externalities import Externalities
from ..interface import Fixed32, Fixed33, Fixed64, Fixed65, Flag, Interface, Span
from .secp256k1 import BadSignature, compressed, recover

crypto = Interface("crypto")


@crypto.function("ed25519_verify")
def ed25519_verify(host: Externalities, signature: Fixed64, message: Span, public: Fixed32) -> Flag:
    return verify_ed25519(signature, message, public)


@crypto.function("sr25519_verify", version=2)
def sr25519_verify(host: Externalities, signature: Fixed64, message: Span, public: Fixed32) -> Flag:
    return verify_sr25519(signature, message, public)


@crypto.function("sr25519_verify")
def sr25519_verify_deprecated(host: Externalities, signature: Fixed64, message: Span, public: Fixed32) -> Flag:
    """Signatures made before schnorrkel was audited (2019) are not accepted, though they would be by sp-io."""
    return verify_sr25519(signature, message, public)


# --- secp256k1


def _is_signed_by(signature: bytes, digest: bytes, public: bytes, *, is_strict: bool) -> bool:
    try:
        return compressed(recover(signature, digest, is_strict=is_strict)) == public
    except BadSignature:
        return False


@crypto.function("ecdsa_verify")
def ecdsa_verify_deprecated(host: Externalities, signature: Fixed65, message: Span, public: Fixed33) -> Flag:
    return _is_signed_by(signature, blake2_256(message), public, is_strict=False)


@crypto.function("ecdsa_verify", version=2)
def ecdsa_verify(host: Externalities, signature: Fixed65, message: Span, public: Fixed33) -> Flag:
    return _is_signed_by(signature, blake2_256(message), public, is_strict=True)


@crypto.function("ecdsa_verify_prehashed")
def ecdsa_verify_prehashed(host: Externalities, signature: Fixed65, digest: Fixed32, public: Fixed33) -> Flag:
    return _is_signed_by(signature, digest, public, is_strict=True)


def _recovered(signature: bytes, digest: bytes, *, is_strict: bool, is_compressed: bool) -> bytes:
    """SCALE Result<[u8; 64] or [u8; 33], EcdsaVerifyError>."""
    try:
        public = recover(signature, digest, is_strict=is_strict)
    except BadSignature as error:
        return bytes((1, error.variant))
    return b"\0" + (compressed(public) if is_compressed else public)


@crypto.function("secp256k1_ecdsa_recover")
def secp256k1_ecdsa_recover_deprecated(host: Externalities, signature: Fixed65, digest: Fixed32) -> Span:
    return _recovered(signature, digest, is_strict=False, is_compressed=False)


@crypto.function("secp256k1_ecdsa_recover", version=2)
def secp256k1_ecdsa_recover(host: Externalities, signature: Fixed65, digest: Fixed32) -> Span:
    return _recovered(signature, digest, is_strict=True, is_compressed=False)


@crypto.function("secp256k1_ecdsa_recover_compressed")
def secp256k1_ecdsa_recover_compressed_deprecated(host: Externalities, signature: Fixed65, digest: Fixed32) -> Span:
    return _recovered(signature, digest, is_strict=False, is_compressed=True)


@crypto.function("secp256k1_ecdsa_recover_compressed", version=2)
def secp256k1_ecdsa_recover_compressed(host: Externalities, signature: Fixed65, digest: Fixed32) -> Span:
    return _recovered(signature, digest, is_strict=True, is_compressed=True)


# --- batches


@crypto.function("start_batch_verify")
def start_batch_verify(host: Externalities) -> None:
    host.batch = True


@crypto.function("finish_batch_verify")
def finish_batch_verify(host: Externalities) -> Flag:
    result, host.batch = bool(host.batch), None
    return result


def _remembered(host: Externalities, is_valid: bool) -> bool:
    if host.batch is not None:
        host.batch = host.batch and is_valid
    return is_valid


@crypto.function("ed25519_batch_verify")
def ed25519_batch_verify(host: Externalities, signature: Fixed64, message: Span, public: Fixed32) -> Flag:
    return _remembered(host, verify_ed25519(signature, message, public))


@crypto.function("sr25519_batch_verify")
def sr25519_batch_verify(host: Externalities, signature: Fixed64, message: Span, public: Fixed32) -> Flag:
    return _remembered(host, verify_sr25519(signature, message, public))


@crypto.function("ecdsa_batch_verify")
def ecdsa_batch_verify(host: Externalities, signature: Fixed65, message: Span, public: Fixed33) -> Flag:
    return _remembered(host, _is_signed_by(signature, blake2_256(message), public, is_strict=True))
