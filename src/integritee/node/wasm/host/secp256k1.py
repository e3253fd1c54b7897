"""Public keys from secp256k1 signatures of 65 bytes: r ‖ s ‖ recovery id.

Rules: `ecdsa` and `secp256k1_ecdsa_recover` of sp-core and sp-io over libsecp256k1; curve: SEC 2.
"""

from __future__ import annotations

from typing import Final

from eth_keys.datatypes import Signature
from eth_keys.exceptions import BadSignature as UnrecoverableSignature

ORDER: Final = 0xFFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFE_BAAEDCE6_AF48A03B_BFD25E8C_D0364141
"""Number of points of the curve."""

ETHEREUM_OFFSET: Final = 27
"""What Ethereum adds to the recovery id."""

MAX_RECOVERY_ID: Final = 3


class BadSignature(Exception):
    """No key has made the signature. `variant` is that of sp-io's `EcdsaVerifyError`."""

    variant = 2


class BadRS(BadSignature):
    """r or s is not a number below the order."""

    variant = 0


class BadV(BadSignature):
    """There is no such recovery id."""

    variant = 1


def recover(signature: bytes, digest: bytes, *, is_strict: bool) -> bytes:
    """x ‖ y (64 bytes) of the key that signed the 32-byte digest. Raises BadSignature.

    Unless `is_strict`, r and s are reduced to the order, as libsecp256k1's early port to Rust did. Recovery ids 2 and
    3 (r beyond the order, one signature in 2^127) recover nothing.
    """
    id = signature[64] - ETHEREUM_OFFSET if signature[64] >= ETHEREUM_OFFSET else signature[64]
    if id > MAX_RECOVERY_ID:
        raise BadV
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:64], "big")
    if is_strict and (r >= ORDER or s >= ORDER):
        raise BadRS
    r, s = r % ORDER, s % ORDER
    if id > 1 or r == 0 or s == 0:
        raise BadSignature
    try:
        return Signature(vrs=(id, r, s)).recover_public_key_from_msg_hash(digest).to_bytes()
    except UnrecoverableSignature:
        raise BadSignature from None


def compressed(public: bytes) -> bytes:
    """33 bytes: parity of y, x."""
    return bytes((2 + (public[63] & 1),)) + public[:32]
