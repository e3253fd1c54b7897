"""TLS 1.3 between provisioning enclaves: no authority vouches for the server's key, its evidence does.

The server has a fresh P-256 key and a self-signed certificate. The client takes any certificate; TLS makes the
server prove that it has the key, and the evidence of both sides vouches for this very key (`terms.verify_peer`).
"""

from __future__ import annotations

import secrets
import ssl
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    PublicFormat,
)

from .errors import CertificateUnusable

COMMON_NAME: Final = "Integritee ephemeral"
"""As in the original (worker `core-primitives/attestation-handler/src/cert.rs`)."""
VALIDITY: Final = timedelta(days=90)
MAX_CERTIFICATE: Final = 16 * 1024
"""Bytes of a certificate in DER that is looked at."""

_NAME: Final = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, COMMON_NAME)])


class ServerTls(msgspec.Struct, frozen=True):
    """Server side of TLS with its key's public half (DER, SubjectPublicKeyInfo)."""

    context: ssl.SSLContext
    public_key: bytes


def server_tls(now: int) -> ServerTls:
    """A fresh key and its certificate, valid from the day of `now` (unix ms)."""
    key = ec.generate_private_key(ec.SECP256R1())
    today = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=now // 86_400_000)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(_NAME)
        .issuer_name(_NAME)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today)
        .not_valid_after(today + VALIDITY)
        .sign(key, SHA256())
    )
    # Made by hand: `ssl.create_default_context` would write session keys to a file that the host names.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.num_tickets = 0  # every session has a handshake of its own
    # The ssl module reads keys from files only. This one is encrypted under a password nobody else has.
    password = secrets.token_hex(32).encode()
    with tempfile.TemporaryDirectory() as directory:
        certificate_file, key_file = Path(directory, "certificate.pem"), Path(directory, "key.pem")
        certificate_file.write_bytes(certificate.public_bytes(Encoding.PEM))
        key_file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(password)))
        context.load_cert_chain(certificate_file, key_file, password)
    return ServerTls(context, public_key_of(certificate.public_bytes(Encoding.DER)))


def client_tls() -> ssl.SSLContext:
    """Client side; any certificate will do."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def public_key_of(certificate: bytes) -> bytes:
    """SubjectPublicKeyInfo (DER) of a certificate (DER). Raises CertificateUnusable."""
    if len(certificate) > MAX_CERTIFICATE:
        raise CertificateUnusable(f"longer than {MAX_CERTIFICATE} bytes")
    try:
        key = x509.load_der_x509_certificate(certificate).public_key()
    except (ValueError, UnsupportedAlgorithm) as error:
        raise CertificateUnusable(str(error)) from None
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
