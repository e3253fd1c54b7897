"""SGX ECDSA quotes, version 3: exact layout, strict reading.

Source: Intel SGX ECDSA QuoteGenReference, Quote Structure (`sgx_quote3_t`, `sgx_report_body_t`,
`sgx_ql_ecdsa_sig_data_t`). Integers are little-endian, points and signatures raw big-endian.

    0     version u16 = 3          436    signature of bytes 0..432 by the attestation key
    2     key type u16 = 2         500    attestation public key
    4     TEE type u32 = 0         564    report body of the quoting enclave (QE)
    8     QE SVN u16               948    signature of the QE report by the PCK key
    10    PCE SVN u16              1012   length u16, then QE authentication data
    12    QE vendor, 16 bytes      …      certification data type u16, length u32, data
    28    user data, 20 bytes
    48    report body of the enclave
    432   length of what follows u32
"""

from __future__ import annotations

import struct
from typing import Final, Self

import msgspec

from .errors import (
    QuoteHeaderUnsupported,
    QuoteReservedBytesSet,
    QuoteTooLong,
    QuoteTrailingBytes,
    QuoteTruncated,
    WrongLength,
)

VERSION: Final = 3
KEY_TYPE_ECDSA_P256: Final = 2
TEE_TYPE_SGX: Final = 0
INTEL_QE_VENDOR: Final = bytes.fromhex("939a7233f79c4ca9940a0db3957f0607")
CERTIFICATION_PCK_CHAIN: Final = 5
"""Certification data is a PEM chain: PCK certificate, its authority, root."""

MAX_QUOTE_LENGTH: Final = 16 * 1024
"""Bytes; quotes with a PCK chain have about 4,700."""
REPORT_BODY_LENGTH: Final = 384
REPORT_DATA_LENGTH: Final = 64
USER_DATA_LENGTH: Final = 20
SIGNED_LENGTH: Final = 432
"""Bytes of header and report body, which the attestation key signs."""

_HEADER: Final = struct.Struct("<HHIHH16s20s")
_BODY: Final = struct.Struct("<16sI12s16sQQ32s32s32s32s64sHHH42s16s64s")
_BODY_RESERVED: Final = ((20, 32), (96, 128), (160, 192), (262, 304))
_U16: Final = struct.Struct("<H")
_U32: Final = struct.Struct("<I")
_CERTIFICATION: Final = struct.Struct("<HI")


class Flag:
    """Bits of ATTRIBUTES.flags (Intel SDM 3D, 38.7.1)."""

    INIT: Final = 0x01
    DEBUG: Final = 0x02
    MODE64: Final = 0x04
    PROVISION_KEY: Final = 0x10
    EINITTOKEN_KEY: Final = 0x20
    CET: Final = 0x40
    KSS: Final = 0x80
    AEX_NOTIFY: Final = 0x400


class ReportBody(msgspec.Struct, frozen=True, kw_only=True):
    """What the processor says about an enclave. Lengths in bytes: 16, 16, 32, 32, 64, 16, 64."""

    cpu_svn: bytes = bytes(16)
    misc_select: int = 0
    ext_product_id: bytes = bytes(16)
    flags: int = Flag.INIT | Flag.MODE64
    xfrm: int = 0x3
    mr_enclave: bytes
    mr_signer: bytes
    config_id: bytes = bytes(64)
    product_id: int = 0
    security_version: int = 0
    config_svn: int = 0
    family_id: bytes = bytes(16)
    report_data: bytes

    @property
    def debug(self) -> bool:
        return bool(self.flags & Flag.DEBUG)

    def encode(self) -> bytes:
        """The 384 bytes. Raises `WrongLength`."""
        for what, field, expected in (
            ("cpu_svn", self.cpu_svn, 16),
            ("ext_product_id", self.ext_product_id, 16),
            ("mr_enclave", self.mr_enclave, 32),
            ("mr_signer", self.mr_signer, 32),
            ("config_id", self.config_id, 64),
            ("family_id", self.family_id, 16),
            ("report_data", self.report_data, REPORT_DATA_LENGTH),
        ):
            _expect_length(what, field, expected)
        return _BODY.pack(
            self.cpu_svn,
            self.misc_select,
            b"",
            self.ext_product_id,
            self.flags,
            self.xfrm,
            self.mr_enclave,
            b"",
            self.mr_signer,
            b"",
            self.config_id,
            self.product_id,
            self.security_version,
            self.config_svn,
            b"",
            self.family_id,
            self.report_data,
        )

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read exactly 384 bytes. Raises `WrongLength` or `QuoteReservedBytesSet`."""
        body = cls.read(data)
        for start, end in _BODY_RESERVED:
            if any(data[start:end]):
                raise QuoteReservedBytesSet(start)
        return body

    @classmethod
    def read(cls, data: bytes) -> Self:
        """As `decode`, whatever the reserved bytes hold. Raises `WrongLength`."""
        _expect_length("report body", data, REPORT_BODY_LENGTH)
        (
            cpu_svn,
            misc_select,
            _,
            ext_product_id,
            flags,
            xfrm,
            mr_enclave,
            _,
            mr_signer,
            _,
            config_id,
            product_id,
            security_version,
            config_svn,
            _,
            family_id,
            report_data,
        ) = _BODY.unpack(data)
        return cls(
            cpu_svn=cpu_svn,
            misc_select=misc_select,
            ext_product_id=ext_product_id,
            flags=flags,
            xfrm=xfrm,
            mr_enclave=mr_enclave,
            mr_signer=mr_signer,
            config_id=config_id,
            product_id=product_id,
            security_version=security_version,
            config_svn=config_svn,
            family_id=family_id,
            report_data=report_data,
        )


class Quote(msgspec.Struct, frozen=True, kw_only=True):
    """A quote taken apart. Nothing about it is verified; `encode` gives back the very bytes read."""

    qe_svn: int
    pce_svn: int
    user_data: bytes
    body: ReportBody
    signature: bytes
    attestation_key: bytes
    qe_report: ReportBody
    qe_report_signature: bytes
    qe_auth_data: bytes
    certification_type: int
    certification_data: bytes

    def signed_part(self) -> bytes:
        """Header and report body: 432 bytes."""
        return signed_part(self.qe_svn, self.pce_svn, self.user_data, self.body)

    def encode(self) -> bytes:
        """The quote as bytes. Raises `WrongLength` or `QuoteTooLong`."""
        for what, field in (
            ("signature", self.signature),
            ("attestation_key", self.attestation_key),
            ("qe_report_signature", self.qe_report_signature),
        ):
            _expect_length(what, field, 64)
        signature_data = b"".join(
            (
                self.signature,
                self.attestation_key,
                self.qe_report.encode(),
                self.qe_report_signature,
                _U16.pack(len(self.qe_auth_data)),
                self.qe_auth_data,
                _CERTIFICATION.pack(self.certification_type, len(self.certification_data)),
                self.certification_data,
            )
        )
        quote = self.signed_part() + _U32.pack(len(signature_data)) + signature_data
        if len(quote) > MAX_QUOTE_LENGTH:
            raise QuoteTooLong(limit=MAX_QUOTE_LENGTH, found=len(quote))
        return quote


def signed_part(qe_svn: int, pce_svn: int, user_data: bytes, body: ReportBody) -> bytes:
    """The 432 bytes that the attestation key signs. Raises `WrongLength`."""
    _expect_length("user_data", user_data, USER_DATA_LENGTH)
    header = (VERSION, KEY_TYPE_ECDSA_P256, TEE_TYPE_SGX, qe_svn, pce_svn, INTEL_QE_VENDOR, user_data)
    return _HEADER.pack(*header) + body.encode()


def decode_quote(data: bytes) -> Quote:
    """Take a version 3 quote apart. Raises a `QuoteError`; every byte is accounted for.

    The certification data may be of any type: what can be done with it is the verifier's question.
    """
    if len(data) > MAX_QUOTE_LENGTH:
        raise QuoteTooLong(limit=MAX_QUOTE_LENGTH, found=len(data))
    reader = _Reader(data)
    qe_svn, pce_svn, user_data = _decode_header(reader.take("header", _HEADER.size))
    body = ReportBody.decode(reader.take("report body", REPORT_BODY_LENGTH))
    (length,) = _U32.unpack(reader.take("signature length", 4))
    end = reader.at + length
    if end > len(data):
        raise QuoteTruncated("signature data", needed=length, found=len(data) - reader.at)
    if end < len(data):
        raise QuoteTrailingBytes(expected=end, found=len(data))
    quote = Quote(
        qe_svn=qe_svn,
        pce_svn=pce_svn,
        user_data=user_data,
        body=body,
        signature=reader.take("signature", 64),
        attestation_key=reader.take("attestation key", 64),
        qe_report=ReportBody.decode(reader.take("QE report", REPORT_BODY_LENGTH)),
        qe_report_signature=reader.take("QE report signature", 64),
        qe_auth_data=reader.take("QE authentication data", *_U16.unpack(reader.take("length", 2))),
        certification_type=_U16.unpack(reader.take("certification type", 2))[0],
        certification_data=reader.take("certification data", *_U32.unpack(reader.take("length", 4))),
    )
    if reader.at != end:
        raise QuoteTrailingBytes(expected=reader.at, found=end)
    return quote


def _decode_header(data: bytes) -> tuple[int, int, bytes]:
    version, key_type, tee_type, qe_svn, pce_svn, vendor, user_data = _HEADER.unpack(data)
    for field, expected, found in (
        ("version", VERSION, version),
        ("attestation key type", KEY_TYPE_ECDSA_P256, key_type),
        ("TEE type", TEE_TYPE_SGX, tee_type),
        ("QE vendor", INTEL_QE_VENDOR, vendor),
    ):
        if found != expected:
            raise QuoteHeaderUnsupported(field, expected=expected, found=found)
    return qe_svn, pce_svn, user_data


class _Reader:
    """Cuts fields off the front."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def take(self, field: str, length: int) -> bytes:
        end = self.at + length
        if end > len(self.data):
            raise QuoteTruncated(field, needed=length, found=len(self.data) - self.at)
        taken = self.data[self.at : end]
        self.at = end
        return taken


def _expect_length(what: str, data: bytes, expected: int) -> None:
    if len(data) != expected:
        raise WrongLength(what, expected=expected, found=len(data))
