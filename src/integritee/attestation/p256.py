"""ECDSA over NIST P-256 with SHA-256 in the raw form of SGX quotes: point x ‖ y, signature r ‖ s, big-endian.

Signing uses RFC 6979 nonces: it needs no randomness and gives the same bytes every time.
"""

from __future__ import annotations

from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
    derive_private_key,
)
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

POINT_LENGTH: Final = 64
SIGNATURE_LENGTH: Final = 64
SCALAR_LENGTH: Final = 32

_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_VERIFY: Final = ECDSA(SHA256())


def verify(point: bytes, signature: bytes, message: bytes) -> bool:
    """Does `signature` (64 bytes) over `message` belong to `point` (64 bytes)? False if off the curve."""
    if len(point) != POINT_LENGTH or len(signature) != SIGNATURE_LENGTH:
        return False
    r = int.from_bytes(signature[:SCALAR_LENGTH], "big")
    s = int.from_bytes(signature[SCALAR_LENGTH:], "big")
    try:
        key = EllipticCurvePublicKey.from_encoded_point(SECP256R1(), b"\x04" + point)
        key.verify(encode_dss_signature(r, s), message, _VERIFY)
    except (ValueError, InvalidSignature):
        return False
    return True


def key_from_seed(seed: bytes) -> EllipticCurvePrivateKey:
    """The private key whose scalar is `seed` (at least 40 bytes, so that the bias is negligible)."""
    return derive_private_key(int.from_bytes(seed, "big") % (_ORDER - 1) + 1, SECP256R1())


def point_of(key: EllipticCurvePublicKey) -> bytes:
    """The public key as x ‖ y."""
    numbers = key.public_numbers()
    return numbers.x.to_bytes(SCALAR_LENGTH, "big") + numbers.y.to_bytes(SCALAR_LENGTH, "big")


def sign_der(key: EllipticCurvePrivateKey, message: bytes) -> bytes:
    """The signature as X.509 carries it: a DER sequence of r and s."""
    return key.sign(message, ECDSA(SHA256(), deterministic_signing=True))


def sign(key: EllipticCurvePrivateKey, message: bytes) -> bytes:
    """The signature as quotes and collateral carry it: r ‖ s, 64 bytes."""
    r, s = decode_dss_signature(sign_der(key, message))
    return r.to_bytes(SCALAR_LENGTH, "big") + s.to_bytes(SCALAR_LENGTH, "big")
