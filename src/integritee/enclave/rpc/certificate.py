"""The certificate of the trusted RPC: self-signed with the enclave's Ed25519 key (RFC 8410).

Form: integritee-worker `core/tls-websocket-server/src/certificate_generation.rs`. It proves nothing but the
key; clients compare that key with the enclave's account in the on-chain registry.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
)

ORGANISATION: Final = "Integritee"
DNS_NAME: Final = "Enclave"
NOT_AFTER: Final = datetime(4096, 1, 1, tzinfo=UTC)

_NAME: Final = x509.Name([x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, ORGANISATION)])


def certificate_pem(seed: bytes, now: int) -> bytes:
    """The certificate of an Ed25519 seed (32 bytes), valid from 00:00 UTC of the day of `now` (unix ms)."""
    key = Ed25519PrivateKey.from_private_bytes(seed)
    today = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=now // 86_400_000)
    return (
        x509.CertificateBuilder()
        .subject_name(_NAME)
        .issuer_name(_NAME)
        .public_key(key.public_key())
        .serial_number(serial_number(key.public_key().public_bytes_raw()))
        .not_valid_before(today)
        .not_valid_after(NOT_AFTER)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(DNS_NAME)]), critical=False)
        .sign(key, algorithm=None)
        .public_bytes(Encoding.PEM)
    )


def serial_number(public: bytes) -> int:
    """Serial of the certificate of an Ed25519 public key: the first 8 bytes of its SHA-256, little-endian."""
    return int.from_bytes(hashlib.sha256(public).digest()[:8], "little")


def encrypted_key_pem(seed: bytes, password: bytes) -> bytes:
    """The private key of a seed as PKCS#8, encrypted."""
    key = Ed25519PrivateKey.from_private_bytes(seed)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(password))
