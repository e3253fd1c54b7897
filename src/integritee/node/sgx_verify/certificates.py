"""Certificates as the parentchain reads them: PEM chains, paths to a root, the SGX extension.

Source: `sgx_verify` (`extract_certs`, `verify_certificate_chain`, `extract_tcb_info`); the rules of paths are those
of rustls' `webpki` for client certificates: version 3, no unknown critical extension, in its time, authorities only
above the first certificate, extended key usage not to the contrary. Names of subjects, key usage and revocation do
not count.
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import SignatureAlgorithmOID

from integritee.attestation import der
from integritee.attestation.p256 import point_of, verify
from integritee.attestation.pck import SGX_EXTENSION

from .errors import Refused, SgxVerifyError

MAX_AUTHORITIES: Final = 6
"""Authorities between the first certificate of a path and the root (`webpki`)."""
MAX_CERTIFICATES: Final = 100
"""Certificates of a chain that are looked at; Intel's have three."""


def arcs(dotted: str) -> bytes:
    """The content of an object identifier."""
    return der.read_one(der.object_identifier(dotted), der.OBJECT_IDENTIFIER)


CLIENT_AUTH: Final = arcs("1.3.6.1.5.5.7.3.2")
SERVER_AUTH: Final = arcs("1.3.6.1.5.5.7.3.1")

SGX: Final = arcs(SGX_EXTENSION)
BASIC_CONSTRAINTS: Final = arcs("2.5.29.19")
EXTENDED_KEY_USAGE: Final = arcs("2.5.29.37")
NO_MATTER: Final = frozenset(map(arcs, ("2.5.29.15", "2.5.29.17", "2.5.29.30", "2.5.29.31")))
"""Key usage, alternative names, name constraints, revocation lists: critical or not, they change nothing."""

_EXTENSIONS: Final = 0xA3
_BEGIN: Final = b"-----BEGIN CERTIFICATE-----"
_END: Final = b"-----END CERTIFICATE-----"
_UNREADABLE: Final = (ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion)


@dataclass(frozen=True, slots=True)
class Certificate:
    """One certificate. Times in unix seconds, both inclusive."""

    not_before: int
    not_after: int
    authority: bool
    path_length: int | None
    """Authorities that may stand below this one; None if any number."""
    usages: frozenset[bytes] | None
    """Extended key usages as contents of object identifiers; None if any."""
    extensions: tuple[tuple[bytes, bytes], ...]
    """Identifiers (as above) and values."""
    source: x509.Certificate = field(repr=False)

    def signed(self, signature: bytes, message: bytes) -> bool:
        """Does a signature r ‖ s (64 bytes) over `message` belong to the key, and is that one on P-256?"""
        key = self.source.public_key()
        return (
            isinstance(key, EllipticCurvePublicKey)
            and isinstance(key.curve, SECP256R1)
            and verify(point_of(key), signature, message)
        )

    def sgx_extension(self) -> bytes:
        """The value of the one SGX extension. Raises `Refused`."""
        found = [value for identifier, value in self.extensions if identifier == SGX]
        if len(found) != 1:
            raise Refused(SgxVerifyError.IntelExtensionAmbiguity)
        return found[0]


def split_pem(text: bytes) -> list[bytes]:
    """The DER of the certificates in a PEM text. What is not base64 is passed over."""
    found = []
    for part in text.replace(b"\n", b"").replace(_BEGIN, b"").split(_END):
        try:
            certificate = b64decode(part, validate=True)
        except binascii.Error:
            continue
        if certificate:
            found.append(certificate)
    return found


def load(data: bytes) -> Certificate:
    """Read a DER certificate. Raises `ValueError` if `webpki` would not take it either."""
    try:
        source = x509.load_der_x509_certificate(data)
        if source.version is not x509.Version.v3:
            raise ValueError("not version 3")
        source.public_key()
    except _UNREADABLE as error:
        raise ValueError(str(error)) from None
    (_, to_be_signed), _, (_, signature) = der.read_all(der.read_one(data, der.SEQUENCE))
    if signature[:1] != b"\0":
        raise ValueError("a signature of broken bytes")
    extensions = _extensions(to_be_signed)
    for identifier, critical, _ in extensions:
        if critical and identifier not in {BASIC_CONSTRAINTS, EXTENDED_KEY_USAGE, *NO_MATTER}:
            raise ValueError("unknown critical extension")
    values = {identifier: value for identifier, _, value in extensions}
    authority, path_length = _constraints(values.get(BASIC_CONSTRAINTS))
    return Certificate(
        not_before=int(source.not_valid_before_utc.timestamp()),
        not_after=int(source.not_valid_after_utc.timestamp()),
        authority=authority,
        path_length=path_length,
        usages=_usages(values.get(EXTENDED_KEY_USAGE)),
        extensions=tuple((identifier, value) for identifier, _, value in extensions),
        source=source,
    )


def load_chain(text: bytes, root: bytes, now: int) -> Certificate:
    """The first certificate of a PEM text, if a path leads from it to `root` at `now` (unix seconds).

    `root` is a public key, an uncompressed point. The other certificates may stand in any order. Raises `Refused`.
    """
    chain = split_pem(text)[:MAX_CERTIFICATES]
    if len(chain) < 2:
        raise Refused(SgxVerifyError.CertificateChainIsTooShort)
    try:
        leaf = load(chain[0])
    except ValueError:
        raise Refused(SgxVerifyError.LeafCertificateParsingError) from None
    if leaf.authority or not _leads_to(root, leaf, _authorities(chain[1:]), now):
        raise Refused(SgxVerifyError.CertificateChainIsInvalid)
    return leaf


def _leads_to(root: bytes, certificate: Certificate, authorities: Sequence[Certificate], now: int) -> bool:
    """Follow issuers upwards. Of several that fit, the first is followed: none of Intel's has a second."""
    for below in range(MAX_AUTHORITIES + 1):
        if not _may_serve(certificate, CLIENT_AUTH, now):
            return False
        if _issued_by_key(certificate.source, root):
            return True
        issuer = next((a for a in authorities if _issued(certificate.source, a.source)), None)
        if issuer is None or (issuer.path_length is not None and issuer.path_length < below):
            return False
        certificate, authorities = issuer, [a for a in authorities if a is not issuer]
    return False


def _may_serve(certificate: Certificate, usage: bytes, now: int) -> bool:
    in_time = certificate.not_before <= now <= certificate.not_after
    return in_time and (certificate.usages is None or usage in certificate.usages)


def may_serve_servers(certificate: Certificate, now: int) -> bool:
    """Is the certificate in its time at `now` (unix seconds), no authority, and may it authenticate servers?"""
    return not certificate.authority and _may_serve(certificate, SERVER_AUTH, now)


def _authorities(others: Sequence[bytes]) -> list[Certificate]:
    found = []
    for data in others:
        try:
            certificate = load(data)
        except ValueError:
            continue
        if certificate.authority:
            found.append(certificate)
    return found


def _issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    if certificate.signature_algorithm_oid != SignatureAlgorithmOID.ECDSA_WITH_SHA256:
        return False
    try:
        certificate.verify_directly_issued_by(issuer)
    except (*_UNREADABLE, InvalidSignature):
        return False
    return True


def _issued_by_key(certificate: x509.Certificate, root: bytes) -> bool:
    if certificate.signature_algorithm_oid != SignatureAlgorithmOID.ECDSA_WITH_SHA256:
        return False
    key = EllipticCurvePublicKey.from_encoded_point(SECP256R1(), root)
    try:
        key.verify(certificate.signature, certificate.tbs_certificate_bytes, ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True


# -- extensions ------------------------------------------------------------------------------------------


def _extensions(to_be_signed: bytes) -> list[tuple[bytes, bool, bytes]]:
    """Identifier, critical or not, and value; repetitions included, at which the library gives up."""
    found = []
    for tag, content in der.read_all(to_be_signed):
        if tag == _EXTENSIONS:
            for _, extension in der.read_all(der.read_one(content, der.SEQUENCE)):
                (_, identifier), *flag, (_, value) = der.read_all(extension)
                found.append((identifier, flag == [(der.BOOLEAN, b"\xff")], value))
    return found


def _constraints(value: bytes | None) -> tuple[bool, int | None]:
    """Is it an authority, and how many of them may stand below it?"""
    members = dict(der.read_all(der.read_one(value, der.SEQUENCE))) if value is not None else {}
    length = members.get(der.INTEGER)
    return members.get(der.BOOLEAN) == b"\xff", None if length is None else der.read_unsigned(length)


def _usages(value: bytes | None) -> frozenset[bytes] | None:
    if value is None:
        return None
    return frozenset(content for _, content in der.read_all(der.read_one(value, der.SEQUENCE)))
