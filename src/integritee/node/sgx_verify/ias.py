"""Reports of Intel's Attestation Service about EPID quotes, as the parentchain verifies them.

Source: `sgx_verify::verify_ias_report`. The service ended in 2025; its signatures hold on.

Evidence is a certificate of the enclave's that carries report, signature and signing certificate in a Netscape
comment. Only the comment counts: it is searched for as bytes, and nothing else of the certificate is looked at. The
signing certificate must be valid at a fixed instant in 2019, not now.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512
from cryptography.x509.oid import SignatureAlgorithmOID

from integritee.attestation.quote import REPORT_BODY_LENGTH, ReportBody
from integritee.primitives.teerex import SgxStatus

from .certificates import Certificate, load, may_serve_servers
from .errors import Refused, SgxVerifyError
from .quote import VerifiedReport, read_length

VERIFICATION_TIME: Final = 1_573_419_050
"""Unix seconds at which certificates must be valid: 2019-11-10T20:50:50Z."""

COMMENT: Final = bytes.fromhex("06096086480186f842010d")
"""The object identifier 2.16.840.1.113730.1.13 (netscape-comment) in DER."""
SEPARATOR: Final = b"|"

MIN_KEY_BITS: Final = 2048
MAX_KEY_BITS: Final = 8192

STATUS: Final[Mapping[str, SgxStatus]] = {
    "OK": SgxStatus.Ok,
    "GROUP_OUT_OF_DATE": SgxStatus.GroupOutOfDate,
    "GROUP_REVOKED": SgxStatus.GroupRevoked,
    "CONFIGURATION_NEEDED": SgxStatus.ConfigurationNeeded,
}
"""What the record of an enclave says; any other status of a quote is Invalid."""


class ReportAuthority(msgspec.Struct, frozen=True):
    """Who certifies the keys that sign reports: modulus and exponent of an RSA key."""

    modulus: int
    exponent: int = 65_537

    def has_issued(self, certificate: Certificate) -> bool:
        digest = _DIGESTS.get(certificate.source.signature_algorithm_oid)
        if digest is None:
            return False
        key = RSAPublicNumbers(self.exponent, self.modulus).public_key()
        try:
            key.verify(certificate.source.signature, certificate.source.tbs_certificate_bytes, PKCS1v15(), digest)
        except InvalidSignature:
            return False
        return True


INTEL_REPORT_AUTHORITY: Final = ReportAuthority(
    int(
        "9f3c647eb5773cbb512d2732c0d7415ebb55a0fa9ede2e649199e6821db910d53177370977466a6a5e4786ccd2ddebd4"
        "149d6a2f6325529dd10cc98737b0779c1a07e29c47a1ae004948476c489f45a5a15d7ac8ecc6acc645adb43d87679df5"
        "9c093bc5a2e9696c5478541b979e754b573914be55d32ff4c09ddf27219934cd990527b3f92ed78fbf29246abecb7124"
        "0ef39c2d7107b447545a7ffb10eb060a68a98580219e36910952683892d6a5e2a80803193e407531404e36b315623799"
        "aa825074409754a2dfe8f5afd5fe631e1fc2af3808906f28a790d9dd9fe060939b125790c5805d037df56a99531b96de"
        "69de33ed226cc1207d1042b5c9ab7f404fc711c0fe4769fb9578b1dc0ec469ea1a25e0ff9914886ef2699b235bb4847d"
        "d6ff40b606e6170793c2fb98b314587f9cfd257362dfeab10b3bd2d97673a1a4bd44c453aaf47fc1f2d3d0f384f74a06"
        "f89c089f0da6cdb7fceee8c9821a8e54f25c0416d18c46839a5f8012fbdd3dc74d256279adc2c0d55aff6f0622425d1b",
        16,
    )
)
"""Intel SGX Attestation Report Signing CA, certificate of 2016, serial d107765d32a3b094."""

_DIGESTS: Final[Mapping[Any, SHA256 | SHA384 | SHA512]] = {
    SignatureAlgorithmOID.RSA_WITH_SHA256: SHA256(),
    SignatureAlgorithmOID.RSA_WITH_SHA384: SHA384(),
    SignatureAlgorithmOID.RSA_WITH_SHA512: SHA512(),
}
_QUOTE_HEADER_LENGTH: Final = 48
_TIMESTAMP: Final = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.\d+)?", re.ASCII)


class IasReport(msgspec.Struct, frozen=True):
    """A verified report, the quote's status in it and when it was made (unix ms, whole seconds)."""

    report: VerifiedReport
    status: SgxStatus
    timestamp: int


def verify_ias_report(certificate: bytes, authority: ReportAuthority = INTEL_REPORT_AUTHORITY) -> IasReport:
    """The report inside an enclave's certificate. Raises `Refused`."""
    text, signature, signer = _comment(certificate)
    try:
        signing = load(signer)
    except ValueError:
        raise Refused(SgxVerifyError.NetscapeDerError) from None
    if not _has_signed(signing, signature, text):
        raise Refused(SgxVerifyError.RsaSignatureIsInvalid)
    if not may_serve_servers(signing, VERIFICATION_TIME) or not authority.has_issued(signing):
        raise Refused(SgxVerifyError.CaVerificationFailed)
    return parse_report(text)


def parse_report(text: bytes) -> IasReport:
    """Read the JSON of a report. Raises `Refused`."""
    try:
        report = msgspec.json.decode(text)
    except (ValueError, RecursionError):
        raise Refused(SgxVerifyError.SgxReportParsingError) from None
    timestamp = _unix_ms(_text(report, "timestamp", SgxVerifyError.TimestampIsMissing))
    status = _text(report, "isvEnclaveQuoteStatus", SgxVerifyError.QuoteStatusMissing)
    encoded = _text(report, "isvEnclaveQuoteBody", SgxVerifyError.QuoteBodyMissing)
    try:
        quote = b64decode(encoded, validate=True)
    except ValueError:
        raise Refused(SgxVerifyError.QuoteBodyDecodingError) from None
    body = quote[_QUOTE_HEADER_LENGTH:][:REPORT_BODY_LENGTH]
    if len(body) < REPORT_BODY_LENGTH:
        raise Refused(SgxVerifyError.QuoteBodyIsInvalid)
    return IasReport(VerifiedReport.of(ReportBody.read(body)), STATUS.get(status, SgxStatus.Invalid), timestamp)


def _comment(certificate: bytes) -> tuple[bytes, bytes, bytes]:
    """Report, signature and signing certificate (DER)."""
    try:
        length, rest = read_length(certificate[certificate.index(COMMENT) + len(COMMENT) + 1 :])
        if length > len(rest):
            raise ValueError("comment ends early")
        text, signature, signer = rest[:length].split(SEPARATOR)
        return text, b64decode(signature, validate=True), b64decode(signer, validate=True)
    except (ValueError, binascii.Error):
        raise Refused(SgxVerifyError.NetscapeDecodingError) from None


def _has_signed(certificate: Certificate, signature: bytes, text: bytes) -> bool:
    key = certificate.source.public_key()
    if not isinstance(key, RSAPublicKey) or not MIN_KEY_BITS <= key.key_size <= MAX_KEY_BITS:
        return False
    try:
        key.verify(signature, text, PKCS1v15(), SHA256())
    except InvalidSignature:
        return False
    return True


def _text(report: object, member: str, missing: SgxVerifyError) -> str:
    value = report.get(member) if isinstance(report, dict) else None
    if not isinstance(value, str):
        raise Refused(missing)
    return value


def _unix_ms(timestamp: str) -> int:
    found = _TIMESTAMP.fullmatch(timestamp)
    try:
        if found is None:
            raise ValueError("another form")
        year, month, day, hour, minute, second = map(int, found.groups())
        seconds = int(datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp())
    except ValueError:
        raise Refused(SgxVerifyError.TimestampIsInvalid) from None
    if seconds < 0:
        raise Refused(SgxVerifyError.TimestampIsInvalid)
    return 1000 * seconds
