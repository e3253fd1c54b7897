"""Certificate chains and revocation lists of the SGX public-key infrastructure.

Source: Intel SGX PCK Certificate and CRL Profile Specification. All keys are P-256, all signatures ECDSA
with SHA-256, chains have a fixed length and go from leaf to root. The root counts for its key only, which
is pinned. `cryptography.x509` takes a while to import: only `verify` imports this module, on first use.
"""

from __future__ import annotations

import enum
import re
from base64 import b64decode
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import ExtensionOID, NameOID, ObjectIdentifier, SignatureAlgorithmOID

from .anchors import TrustAnchor
from .collateral import MAX_CHAIN_LENGTH, MAX_REVOCATION_LIST_LENGTH
from .errors import (
    CertificateMalformed,
    CertificateNameUnexpected,
    CertificateNotCurrent,
    CertificateNotIssued,
    CertificateRevoked,
    CertificateUsageForbidden,
    ChainLengthUnexpected,
    RevocationListNotCurrent,
    RevocationListUnusable,
    RootNotTrusted,
)
from .p256 import point_of
from .pck import SGX_EXTENSION


class Role(enum.StrEnum):
    """What a certificate is used as."""

    PCK = "PCK certificate"
    PCK_AUTHORITY = "PCK authority"
    TCB_SIGNING = "TCB signing certificate"
    ROOT = "root certificate"

    @property
    def is_authority(self) -> bool:
        return self in (Role.PCK_AUTHORITY, Role.ROOT)


PCK_CHAIN: Final = (Role.PCK, Role.PCK_AUTHORITY, Role.ROOT)
TCB_SIGNING_CHAIN: Final = (Role.TCB_SIGNING, Role.ROOT)

_COMMON_NAMES: Final = {
    Role.PCK: ("SGX PCK Certificate",),
    Role.PCK_AUTHORITY: ("SGX PCK Processor CA", "SGX PCK Platform CA"),
    Role.TCB_SIGNING: ("SGX TCB Signing",),
    Role.ROOT: ("SGX Root CA",),
}
_UNDERSTOOD: Final = (ExtensionOID.BASIC_CONSTRAINTS, ExtensionOID.KEY_USAGE)
"""Extensions that may be critical."""

_PEM: Final = re.compile(rb"-----BEGIN CERTIFICATE-----\r?\n([A-Za-z0-9+/=\r\n]+)-----END CERTIFICATE-----(?:\r?\n)?")
_LIBRARY_ERRORS: Final = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)
"""What the library raises for certificates it cannot read."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """One certificate with the facts that matter, times in unix seconds."""

    role: Role
    common_name: str
    organization: str
    not_before: int
    not_after: int
    serial: int
    public_key: EllipticCurvePublicKey
    may_sign_certificates: bool
    may_sign_lists: bool
    may_sign_documents: bool
    sgx_extension: bytes | None
    """Value of the SGX extension, if there is one."""
    source: x509.Certificate = field(repr=False)

    @property
    def point(self) -> bytes:
        """The public key as x ‖ y, 64 bytes."""
        return point_of(self.public_key)


def load_chain(pem: bytes, roles: Sequence[Role]) -> list[Certificate]:
    """Read a PEM chain with one certificate per role; a NUL may follow, nothing else may.

    Raises `ChainLengthUnexpected` or `CertificateMalformed`. Nothing is verified.
    """
    if len(pem) > MAX_CHAIN_LENGTH:
        raise CertificateMalformed("chain", f"longer than {MAX_CHAIN_LENGTH} bytes")
    bodies = []
    at = 0
    while match := _PEM.match(pem, at):
        bodies.append(match[1])
        at = match.end()
    if pem[at:] not in (b"", b"\0"):
        raise CertificateMalformed("chain", "not PEM")
    if len(bodies) != len(roles):
        raise ChainLengthUnexpected(expected=len(roles), found=len(bodies))
    return [_load(body, role) for body, role in zip(bodies, roles, strict=True)]


def check_chain(chain: Sequence[Certificate], anchor: TrustAnchor, now: int) -> None:
    """Verify a chain from leaf to root at `now` (unix seconds). Raises a `ChainError`."""
    root = chain[-1]
    found = b"\x04" + root.point
    if found != anchor.public_key:
        raise RootNotTrusted(expected=anchor.public_key, found=found)
    for certificate, issuer in pairwise((*chain, root)):
        _check_issued(certificate, issuer)
        _check_name(certificate, anchor)
        _check_usage(certificate)
        if not certificate.not_before <= now <= certificate.not_after:
            raise CertificateNotCurrent(
                certificate.role,
                not_before=certificate.not_before,
                not_after=certificate.not_after,
                now=now,
            )


def check_not_revoked(subjects: Sequence[Certificate], data: bytes, issuer: Certificate, now: int) -> int:
    """Verify that a DER revocation list of `issuer`, current at `now`, names none of `subjects`.

    Returns when the list expires, unix seconds. Raises `RevocationListUnusable`, `RevocationListNotCurrent`
    or `CertificateRevoked`.
    """
    crl, this_update, next_update = _load_revocation_list(data, issuer)
    if not this_update <= now <= next_update:
        raise RevocationListNotCurrent(issuer.role, this_update=this_update, next_update=next_update, now=now)
    for subject in subjects:
        if crl.get_revoked_certificate_by_serial_number(subject.serial) is not None:
            raise CertificateRevoked(subject.role, serial=subject.serial)
    return next_update


def _load(body: bytes, role: Role) -> Certificate:
    try:
        source = x509.load_der_x509_certificate(b64decode(b"".join(body.split()), validate=True))
        key = source.public_key()
        if not isinstance(key, EllipticCurvePublicKey) or not isinstance(key.curve, SECP256R1):
            raise ValueError("not a P-256 key")
        if source.version is not x509.Version.v3:
            raise ValueError("not version 3")
        return _facts(source, key, role)
    except _LIBRARY_ERRORS as error:
        raise CertificateMalformed(role, str(error)) from None


def _facts(source: x509.Certificate, key: EllipticCurvePublicKey, role: Role) -> Certificate:
    extensions = source.extensions
    for extension in extensions:
        if extension.critical and extension.oid not in _UNDERSTOOD:
            raise ValueError(f"unknown critical extension {extension.oid.dotted_string}")
    authority, usage = _constraints(extensions)
    return Certificate(
        role=role,
        common_name=_single(source.subject, NameOID.COMMON_NAME),
        organization=_single(source.subject, NameOID.ORGANIZATION_NAME),
        not_before=_seconds(source.not_valid_before_utc),
        not_after=_seconds(source.not_valid_after_utc),
        serial=source.serial_number,
        public_key=key,
        may_sign_certificates=authority and usage.key_cert_sign,
        may_sign_lists=authority and usage.crl_sign,
        may_sign_documents=not authority and usage.digital_signature,
        sgx_extension=_sgx_extension(extensions),
        source=source,
    )


def _constraints(extensions: x509.Extensions) -> tuple[bool, x509.KeyUsage]:
    """Is it an authority, and what may its key be used for?"""
    try:
        basic = extensions.get_extension_for_class(x509.BasicConstraints).value
        usage = extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        raise ValueError("basic constraints or key usage are missing") from None
    return basic.ca, usage


def _sgx_extension(extensions: x509.Extensions) -> bytes | None:
    for extension in extensions:
        if extension.oid.dotted_string == SGX_EXTENSION:
            value = extension.value
            return value.value if isinstance(value, x509.UnrecognizedExtension) else value.public_bytes()
    return None


def _single(name: x509.Name, oid: ObjectIdentifier) -> str:
    attributes = name.get_attributes_for_oid(oid)
    if len(attributes) != 1 or not isinstance(attributes[0].value, str):
        raise ValueError("subject without a single common name and organization")
    return attributes[0].value


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())


def _check_issued(certificate: Certificate, issuer: Certificate) -> None:
    if certificate.source.signature_algorithm_oid != SignatureAlgorithmOID.ECDSA_WITH_SHA256:
        raise CertificateNotIssued(certificate.role)
    try:
        certificate.source.verify_directly_issued_by(issuer.source)
    except (*_LIBRARY_ERRORS, InvalidSignature):
        raise CertificateNotIssued(certificate.role) from None


def _check_name(certificate: Certificate, anchor: TrustAnchor) -> None:
    expected = [f"{anchor.prefix} {name}" for name in _COMMON_NAMES[certificate.role]]
    if certificate.common_name not in expected:
        raise CertificateNameUnexpected(certificate.role, found=certificate.common_name)
    if certificate.organization != anchor.organization:
        raise CertificateNameUnexpected(certificate.role, found=certificate.organization)


def _check_usage(certificate: Certificate) -> None:
    if certificate.role.is_authority:
        allowed = certificate.may_sign_certificates and certificate.may_sign_lists
    else:
        allowed = certificate.may_sign_documents
    if not allowed:
        raise CertificateUsageForbidden(certificate.role)


def _load_revocation_list(data: bytes, issuer: Certificate) -> tuple[x509.CertificateRevocationList, int, int]:
    """The list, its thisUpdate and nextUpdate, after checking that `issuer` signed it as a complete one."""
    if len(data) > MAX_REVOCATION_LIST_LENGTH:
        raise RevocationListUnusable(issuer.role, f"longer than {MAX_REVOCATION_LIST_LENGTH} bytes")
    try:
        crl = x509.load_der_x509_crl(data)
        # A partial list (delta, or of one distribution point) says so in a critical extension.
        if any(extension.critical for extension in crl.extensions):
            raise ValueError("critical extension")
        if crl.next_update_utc is None:
            raise ValueError("no next update")
        if crl.issuer != issuer.source.subject:
            raise ValueError("other issuer")
        if not isinstance(crl.signature_hash_algorithm, SHA256):
            raise ValueError("other signature algorithm")
        if not crl.is_signature_valid(issuer.public_key):
            raise ValueError("bad signature")
        return crl, _seconds(crl.last_update_utc), _seconds(crl.next_update_utc)
    except _LIBRARY_ERRORS as error:
        raise RevocationListUnusable(issuer.role, str(error)) from None
