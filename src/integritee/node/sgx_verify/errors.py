"""Why evidence or collateral does not hold.

Source: `sgx_verify::Error`. The order is that of the wire; the pallet lists the same names once more as errors of
its own, and these are what an extrinsic fails with.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Final


class SgxVerifyError(enum.IntEnum):
    """Why evidence or collateral does not hold."""

    scale_path = enum.nonmember("sgx_verify::Error")
    CaVerificationFailed = 0
    CertificateChainIsInvalid = 1
    CertificateChainIsTooShort = 2
    CpuSvnDecodingError = 3
    CpuSvnLengthMismatch = 4
    CpuSvnOidIsMissing = 5
    DcapKeyTypeMismatch = 6
    DcapQuoteDecodingError = 7
    DcapQuoteIsTooLong = 8
    DcapQuoteVersionMismatch = 9
    DerEncodingError = 10
    EnclaveIdentityDecodingError = 11
    EnclaveIdentitySignatureIsInvalid = 12
    FmspcDecodingError = 13
    FmspcLengthMismatch = 14
    FmspcOidIsMissing = 15
    IntelExtensionAmbiguity = 16
    IntelExtensionCertificateDecodingError = 17
    IsvEnclaveReportSignatureIsInvalid = 18
    KeyLengthIsInvalid = 19
    LeafCertificateParsingError = 20
    NetscapeDecodingError = 21
    NetscapeDerError = 22
    PceSvnDecodingError = 23
    PceSvnLengthMismatch = 24
    PceSvnOidIsMissing = 25
    PckCertFormatMismatch = 26
    PublicKeyIsInvalid = 27
    QeHasRejectedEnclave = 28
    QeReportHashMismatch = 29
    QuoteBodyDecodingError = 30
    QuoteBodyIsInvalid = 31
    QuoteBodyMissing = 32
    QuoteStatusMissing = 33
    RsaSignatureIsInvalid = 34
    SgxReportParsingError = 35
    TcbInfoIsInvalid = 36
    TimestampIsInvalid = 37
    TimestampIsMissing = 38


class Refused(Exception):
    """Evidence or collateral does not hold; the pallet makes it an error of its own."""

    def __init__(self, reason: SgxVerifyError) -> None:
        super().__init__(MEANING[reason])
        self.reason = reason


MEANING: Final[Mapping[SgxVerifyError, str]] = {
    SgxVerifyError.CaVerificationFailed: "Intel's authority for attestation reports has not issued the certificate",
    SgxVerifyError.CertificateChainIsInvalid: "no valid path leads from the certificate to Intel's SGX root",
    SgxVerifyError.CertificateChainIsTooShort: "the chain has less than two certificates that can be read",
    SgxVerifyError.CpuSvnDecodingError: "the CPUSVN cannot be read",
    SgxVerifyError.CpuSvnLengthMismatch: "the CPUSVN has not 16 bytes",
    SgxVerifyError.CpuSvnOidIsMissing: "the PCK certificate states no CPUSVN",
    SgxVerifyError.DcapKeyTypeMismatch: "the attestation key is not an ECDSA key on P-256",
    SgxVerifyError.DcapQuoteDecodingError: "the quote ends early",
    SgxVerifyError.DcapQuoteIsTooLong: "bytes follow the quote",
    SgxVerifyError.DcapQuoteVersionMismatch: "the quote is not of version 3",
    SgxVerifyError.DerEncodingError: "the signature has no DER form",
    SgxVerifyError.EnclaveIdentityDecodingError: "the signed text is no identity of a quoting enclave",
    SgxVerifyError.EnclaveIdentitySignatureIsInvalid: "the identity is not signed by the certificate",
    SgxVerifyError.FmspcDecodingError: "the FMSPC cannot be read",
    SgxVerifyError.FmspcLengthMismatch: "the FMSPC has not 6 bytes",
    SgxVerifyError.FmspcOidIsMissing: "the PCK certificate states no FMSPC",
    SgxVerifyError.IntelExtensionAmbiguity: "the PCK certificate has no SGX extension, or more than one",
    SgxVerifyError.IntelExtensionCertificateDecodingError: "the PCK certificate is not DER",
    SgxVerifyError.IsvEnclaveReportSignatureIsInvalid: "the quote is not signed by its attestation key",
    SgxVerifyError.KeyLengthIsInvalid: "the signature has not 64 bytes",
    SgxVerifyError.LeafCertificateParsingError: "the first certificate cannot be read",
    SgxVerifyError.NetscapeDecodingError: "the certificate carries no report, signature and signing certificate",
    SgxVerifyError.NetscapeDerError: "the signing certificate of the report cannot be read",
    SgxVerifyError.PceSvnDecodingError: "the PCESVN cannot be read",
    SgxVerifyError.PceSvnLengthMismatch: "the PCESVN has neither one nor two bytes",
    SgxVerifyError.PceSvnOidIsMissing: "the PCK certificate states no PCESVN",
    SgxVerifyError.PckCertFormatMismatch: "the quote does not carry its certificates as a PEM chain",
    SgxVerifyError.PublicKeyIsInvalid: "the key is invalid",
    SgxVerifyError.QeHasRejectedEnclave: "the quoting enclave is not the one that is registered",
    SgxVerifyError.QeReportHashMismatch: "the quoting enclave does not vouch for the attestation key",
    SgxVerifyError.QuoteBodyDecodingError: "the quote in the report is not base64",
    SgxVerifyError.QuoteBodyIsInvalid: "the quote in the report ends early",
    SgxVerifyError.QuoteBodyMissing: "the report contains no quote",
    SgxVerifyError.QuoteStatusMissing: "the report states no status of the quote",
    SgxVerifyError.RsaSignatureIsInvalid: "the signature by the certificate's key does not hold",
    SgxVerifyError.SgxReportParsingError: "the report is not JSON",
    SgxVerifyError.TcbInfoIsInvalid: "the signed text is no TCB info",
    SgxVerifyError.TimestampIsInvalid: "the report's timestamp is no time",
    SgxVerifyError.TimestampIsMissing: "the report has no timestamp",
}
