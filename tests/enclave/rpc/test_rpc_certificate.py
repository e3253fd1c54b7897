"""The certificate, field by field."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from integritee.enclave.rpc.certificate import certificate_pem, encrypted_key_pem, serial_number

SEED = bytes(range(32))
NOW = 1_700_000_000_000  # 2023-11-14 22:13:20 UTC


@pytest.fixture(scope="module")
def certificate() -> x509.Certificate:
    return x509.load_pem_x509_certificate(certificate_pem(SEED, NOW))


@pytest.fixture(scope="module")
def public() -> bytes:
    return Ed25519PrivateKey.from_private_bytes(SEED).public_key().public_bytes_raw()


def test_names_are_the_organisation_only(certificate: x509.Certificate) -> None:
    assert certificate.subject.rfc4514_string() == "O=Integritee"
    assert certificate.issuer == certificate.subject


def test_the_only_extension_names_the_enclave(certificate: x509.Certificate) -> None:
    assert len(certificate.extensions) == 1
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert list(names) == [x509.DNSName("Enclave")]


def test_validity_is_from_midnight_to_4096(certificate: x509.Certificate) -> None:
    assert certificate.not_valid_before_utc == datetime(2023, 11, 14, tzinfo=UTC)
    assert certificate.not_valid_after_utc == datetime(4096, 1, 1, tzinfo=UTC)


def test_the_serial_follows_from_the_key(certificate: x509.Certificate, public: bytes) -> None:
    assert certificate.serial_number == serial_number(public)
    assert certificate.serial_number == int.from_bytes(hashlib.sha256(public).digest()[7::-1], "big")


def test_the_key_is_the_enclaves_and_signs_itself(certificate: x509.Certificate, public: bytes) -> None:
    key = certificate.public_key()
    assert isinstance(key, Ed25519PublicKey)
    assert key.public_bytes_raw() == public
    certificate.verify_directly_issued_by(certificate)
    assert certificate.version is x509.Version.v3
    assert certificate.signature_algorithm_oid.dotted_string == "1.3.101.112"


def test_the_same_day_gives_the_same_certificate() -> None:
    assert certificate_pem(SEED, NOW) == certificate_pem(SEED, NOW + 1000)


def test_the_private_key_leaves_encrypted_only() -> None:
    pem = encrypted_key_pem(SEED, b"password")
    assert b"ENCRYPTED" in pem
    key = load_pem_private_key(pem, b"password")
    assert isinstance(key, Ed25519PrivateKey)
    assert key.private_bytes_raw() == SEED
