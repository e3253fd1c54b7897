"""DCAP quotes, as the parentchain verifies them.

Source: `sgx_verify::verify_dcap_quote`. The checks and their order are the original's, and so is its reading: the
vendor, the reserved bytes and the stated length of the signature data do not count, and the authentication data of
the quoting enclave is taken for 32 bytes long, whatever it says.

    0     version u16 = 3          436    signature of bytes 0..432 by the attestation key
    2     key type u16 = 2         500    attestation public key
    48    report body              564    report body of the quoting enclave
                                   948    signature of that report by the PCK key
                                   1012   length u16, authentication data
                                   …      certification type u16 = 5, length u32, PEM chain
"""

from __future__ import annotations

import hashlib
import struct
from typing import Final

import msgspec

from integritee.attestation import p256
from integritee.attestation.quote import (
    CERTIFICATION_PCK_CHAIN,
    KEY_TYPE_ECDSA_P256,
    REPORT_BODY_LENGTH,
    SIGNED_LENGTH,
    VERSION,
    ReportBody,
)
from integritee.primitives.teerex import SgxBuildMode, SgxQuotingEnclave, TcbStatus, TcbVersionStatus

from .certificates import load_chain
from .errors import Refused, SgxVerifyError

MAX_CERTIFICATION_LENGTH: Final = 65_000
"""Bytes of the PEM chain."""

_QE_REPORT: Final = 564
_AUTHENTICATION: Final = 1014
_AUTHENTICATION_LENGTH: Final = 32

_FIELDS: Final = struct.Struct(f"<HH44x{REPORT_BODY_LENGTH}s4x64s64s{REPORT_BODY_LENGTH}s64sH")
_CERTIFICATION: Final = struct.Struct("<HI")

_OIDS: Final = bytes.fromhex("2a864886f84d010d01")
"""Content of 1.2.840.113741.1.13.1."""
_FMSPC: Final = _OIDS + bytes((4,))
_PCE_SVN: Final = _OIDS + bytes((2, 17))
_CPU_SVN: Final = _OIDS + bytes((2, 18))


class VerifiedReport(msgspec.Struct, frozen=True):
    """What the evidence says about an enclave: 32, 32 and 64 bytes. It is authentic."""

    mr_enclave: bytes
    mr_signer: bytes
    report_data: bytes
    build_mode: SgxBuildMode

    @classmethod
    def of(cls, body: ReportBody) -> VerifiedReport:
        mode = SgxBuildMode.Debug if body.debug else SgxBuildMode.Production
        return cls(body.mr_enclave, body.mr_signer, body.report_data, mode)


class DcapQuote(msgspec.Struct, frozen=True):
    """A quote taken apart; signatures r ‖ s and the key x ‖ y of 64 bytes."""

    version: int
    key_type: int
    body: ReportBody
    signature: bytes
    attestation_key: bytes
    qe_report: ReportBody
    qe_report_signature: bytes
    certification_type: int
    chain: bytes
    length: int
    """Bytes up to the end of the chain."""


def decode(data: bytes) -> DcapQuote:
    """Take a quote apart. Raises `Refused`."""
    try:
        *fixed, authentication_length = _FIELDS.unpack_from(data)
        at = _FIELDS.size + authentication_length
        certification_type, length = _CERTIFICATION.unpack_from(data, at)
    except struct.error:
        raise Refused(SgxVerifyError.DcapQuoteDecodingError) from None
    start = at + _CERTIFICATION.size
    if length > MAX_CERTIFICATION_LENGTH or start + length > len(data):
        raise Refused(SgxVerifyError.DcapQuoteDecodingError)
    version, key_type, body, signature, attestation_key, qe_report, qe_report_signature = fixed
    return DcapQuote(
        version=version,
        key_type=key_type,
        body=ReportBody.read(body),
        signature=signature,
        attestation_key=attestation_key,
        qe_report=ReportBody.read(qe_report),
        qe_report_signature=qe_report_signature,
        certification_type=certification_type,
        chain=data[start : start + length],
        length=start + length,
    )


def verify_dcap_quote(
    data: bytes, quoting_enclave: SgxQuotingEnclave, root: bytes, now: int
) -> tuple[bytes, TcbVersionStatus, VerifiedReport]:
    """FMSPC (6 bytes) and SVNs of the platform, and the report that is attested on it.

    `quoting_enclave` is the registered one, `root` a public key (uncompressed point), `now` in unix ms. The status
    of the SVNs is left open, see `collateral.verify_examinee`. Raises `Refused`.
    """
    quote = decode(data)
    if quote.version != VERSION:
        raise Refused(SgxVerifyError.DcapQuoteVersionMismatch)
    if quote.key_type != KEY_TYPE_ECDSA_P256:
        raise Refused(SgxVerifyError.DcapKeyTypeMismatch)
    if quote.certification_type != CERTIFICATION_PCK_CHAIN:
        raise Refused(SgxVerifyError.PckCertFormatMismatch)
    if not is_quoting_enclave(quote.qe_report, quoting_enclave):
        raise Refused(SgxVerifyError.QeHasRejectedEnclave)
    pck = load_chain(quote.chain, root, now // 1000)
    extension = pck.sgx_extension()
    fmspc = read_fmspc(extension)
    examinee = TcbVersionStatus(read_cpu_svn(extension), read_pce_svn(extension), TcbStatus.Unknown)
    authentication = data[_AUTHENTICATION : _AUTHENTICATION + _AUTHENTICATION_LENGTH]
    vouched = hashlib.sha256(quote.attestation_key + authentication).digest()
    if quote.qe_report.report_data[:32] != vouched:
        raise Refused(SgxVerifyError.QeReportHashMismatch)
    if not p256.verify(quote.attestation_key, quote.signature, data[:SIGNED_LENGTH]):
        raise Refused(SgxVerifyError.IsvEnclaveReportSignatureIsInvalid)
    if not pck.signed(quote.qe_report_signature, data[_QE_REPORT : _QE_REPORT + REPORT_BODY_LENGTH]):
        raise Refused(SgxVerifyError.RsaSignatureIsInvalid)  # sic
    if len(data) > quote.length:
        raise Refused(SgxVerifyError.DcapQuoteIsTooLong)
    return fmspc, examinee, VerifiedReport.of(quote.body)


def is_quoting_enclave(report: ReportBody, registered: SgxQuotingEnclave) -> bool:
    """Is it the registered quoting enclave, in any version that Intel lists, however old?

    XFRM does not count, and the attributes are compared with the unmasked ones that are registered.
    """
    misc_select = report.misc_select.to_bytes(4, "little")
    misc_mask = registered.miscselect_mask
    mask = int.from_bytes(registered.attributes_mask[:8], "little")
    return (
        report.product_id == registered.isvprodid
        and report.mr_signer == registered.mrsigner
        and _masked(misc_select, misc_mask) == _masked(registered.miscselect, misc_mask)
        and report.flags & mask == int.from_bytes(registered.attributes[:8], "little")
        and any(report.security_version >= level.isvsvn for level in registered.tcb)
    )


def _masked(data: bytes, mask: bytes) -> bytes:
    return bytes(byte & bit for byte, bit in zip(data, mask, strict=True))


# -- the SGX extension, searched for identifiers ---------------------------------------------------------


def read_fmspc(extension: bytes) -> bytes:
    """The 6 bytes after the first mention of the FMSPC. Raises `Refused`."""
    value = _after(extension, _FMSPC, SgxVerifyError.FmspcOidIsMissing)[2:8]
    if len(value) != 6:
        raise Refused(SgxVerifyError.FmspcLengthMismatch)
    return value


def read_cpu_svn(extension: bytes) -> bytes:
    """The 16 bytes after the first mention of the CPUSVN. Raises `Refused`."""
    value = _after(extension, _CPU_SVN, SgxVerifyError.CpuSvnOidIsMissing)[2:18]
    if len(value) != 16:
        raise Refused(SgxVerifyError.CpuSvnLengthMismatch)
    return value


def read_pce_svn(extension: bytes) -> int:
    """The number of one or two bytes after the first mention of the PCESVN. Raises `Refused`."""
    rest = _after(extension, _PCE_SVN, SgxVerifyError.PceSvnOidIsMissing)[1:]
    try:
        length, content = read_length(rest)
    except ValueError:
        raise Refused(SgxVerifyError.PceSvnDecodingError) from None
    if length not in (1, 2) or len(content) < length:
        raise Refused(SgxVerifyError.PceSvnLengthMismatch)
    return int.from_bytes(content[:length], "big")


def read_length(data: bytes) -> tuple[int, bytes]:
    """A length and what follows it: one byte, or, if that is beyond 0x80, the two after it. Raises `ValueError`."""
    if data[:1] > b"\x80":
        head, rest = data[1:3], data[3:]
    else:
        head, rest = data[:1], data[1:]
    if len(head) != (2 if data[:1] > b"\x80" else 1):
        raise ValueError("length ends early")
    return int.from_bytes(head, "big"), rest


def _after(data: bytes, identifier: bytes, missing: SgxVerifyError) -> bytes:
    at = data.find(identifier)
    if at < 0:
        raise Refused(missing)
    return data[at + len(identifier) :]
