"""Errors of what evidence is made of: quotes, certificates, published documents. Times in facts are unix seconds.

IntegriteeError
└── AttestationError                       attestation
    ├── WrongLength                        attestation.length
    ├── QuoteError                         attestation.quote
    │   ├── QuoteTooLong                   attestation.quote_too_long
    │   ├── QuoteTruncated                 attestation.quote_truncated
    │   ├── QuoteTrailingBytes             attestation.quote_trailing_bytes
    │   ├── QuoteHeaderUnsupported         attestation.quote_header
    │   └── QuoteReservedBytesSet          attestation.quote_reserved
    ├── ChainError                         attestation.chain
    │   ├── CertificateMalformed           attestation.certificate_malformed
    │   ├── ChainLengthUnexpected          attestation.chain_length
    │   ├── RootNotTrusted                 attestation.root_not_trusted
    │   ├── CertificateNameUnexpected      attestation.certificate_name
    │   ├── CertificateNotIssued           attestation.certificate_not_issued
    │   ├── CertificateNotCurrent          attestation.certificate_not_current
    │   ├── CertificateUsageForbidden      attestation.certificate_usage
    │   ├── RevocationListUnusable         attestation.revocation_list
    │   ├── RevocationListNotCurrent       attestation.revocation_list_not_current
    │   ├── CertificateRevoked             attestation.certificate_revoked
    │   └── SgxExtensionMalformed          attestation.sgx_extension
    ├── CollateralError                    attestation.collateral
    │   └── CollateralMalformed            attestation.collateral_malformed
    └── TcbError                           attestation.tcb
        ├── QeIdentityMismatch             attestation.qe_identity
        └── TcbLevelUnknown                attestation.tcb_level
"""

from __future__ import annotations

from integritee.errors import IntegriteeError


class AttestationError(IntegriteeError):
    """Evidence, or a part of it, is not to be relied on."""

    code = "attestation"


class WrongLength(AttestationError):
    """An argument has not the number of bytes its field takes."""

    code = "attestation.length"

    def __init__(self, what: str, *, expected: int, found: int) -> None:
        super().__init__(f"{what} must have {expected} bytes, found {found}")
        self.what = what
        self.expected = expected
        self.found = found


class QuoteError(AttestationError):
    """The quote is malformed, or one of its own signatures does not hold."""

    code = "attestation.quote"


class QuoteTooLong(QuoteError):
    """The quote exceeds the length limit; nothing of it was read."""

    code = "attestation.quote_too_long"

    def __init__(self, *, limit: int, found: int) -> None:
        super().__init__(f"quote of {found} bytes exceeds the limit of {limit}")
        self.limit = limit
        self.found = found


class QuoteTruncated(QuoteError):
    """A field reaches beyond the end of its container."""

    code = "attestation.quote_truncated"

    def __init__(self, field: str, *, needed: int, found: int) -> None:
        super().__init__(f"quote ends inside {field}: needs {needed} bytes, has {found}")
        self.field = field
        self.needed = needed
        self.found = found


class QuoteTrailingBytes(QuoteError):
    """Bytes follow the quote."""

    code = "attestation.quote_trailing_bytes"

    def __init__(self, *, expected: int, found: int) -> None:
        super().__init__(f"quote ends after {expected} bytes, found {found}")
        self.expected = expected
        self.found = found


class QuoteHeaderUnsupported(QuoteError):
    """A field of the header is not that of an SGX ECDSA P-256 quote, version 3."""

    code = "attestation.quote_header"

    def __init__(self, field: str, *, expected: int | bytes, found: int | bytes) -> None:
        super().__init__(f"unsupported quote: {field} is not that of an SGX quote of version 3")
        self.field = field
        self.expected = expected
        self.found = found


class QuoteReservedBytesSet(QuoteError):
    """Reserved bytes of a report body are not zero."""

    code = "attestation.quote_reserved"

    def __init__(self, offset: int) -> None:
        super().__init__(f"reserved bytes at offset {offset} of a report body are not zero")
        self.offset = offset


class ChainError(AttestationError):
    """A certificate or revocation list cannot be relied on."""

    code = "attestation.chain"


class CertificateMalformed(ChainError):
    """A certificate, or the PEM text around it, is not in the expected form."""

    code = "attestation.certificate_malformed"

    def __init__(self, certificate: str, reason: str) -> None:
        super().__init__(f"{certificate}: {reason}")
        self.certificate = certificate
        self.reason = reason


class ChainLengthUnexpected(ChainError):
    """A chain has more or fewer certificates than it must."""

    code = "attestation.chain_length"

    def __init__(self, *, expected: int, found: int) -> None:
        super().__init__(f"chain of {found} certificates, expected {expected}")
        self.expected = expected
        self.found = found


class RootNotTrusted(ChainError):
    """The chain ends in a root other than the pinned one. Keys are uncompressed points."""

    code = "attestation.root_not_trusted"

    def __init__(self, *, expected: bytes, found: bytes) -> None:
        super().__init__("the chain does not end in the pinned root")
        self.expected = expected
        self.found = found


class CertificateNameUnexpected(ChainError):
    """A certificate is made out for another role or organisation."""

    code = "attestation.certificate_name"

    def __init__(self, certificate: str, *, found: str) -> None:
        super().__init__(f"a certificate named {found!r} cannot serve as {certificate}")
        self.certificate = certificate
        self.found = found


class CertificateNotIssued(ChainError):
    """The next certificate of the chain has not issued this one."""

    code = "attestation.certificate_not_issued"

    def __init__(self, certificate: str) -> None:
        super().__init__(f"{certificate} is not issued by the next certificate of its chain")
        self.certificate = certificate


class CertificateNotCurrent(ChainError):
    """A certificate is expired or not yet valid."""

    code = "attestation.certificate_not_current"

    def __init__(self, certificate: str, *, not_before: int, not_after: int, now: int) -> None:
        super().__init__(f"{certificate} is valid from {not_before} to {not_after}, not at {now}")
        self.certificate = certificate
        self.not_before = not_before
        self.not_after = not_after
        self.now = now


class CertificateUsageForbidden(ChainError):
    """Basic constraints or key usage forbid what the certificate is used for."""

    code = "attestation.certificate_usage"

    def __init__(self, certificate: str) -> None:
        super().__init__(f"constraints or key usage of {certificate} forbid its role")
        self.certificate = certificate


class RevocationListUnusable(ChainError):
    """A revocation list is malformed, partial, or not of the authority it is needed from."""

    code = "attestation.revocation_list"

    def __init__(self, issuer: str, reason: str) -> None:
        super().__init__(f"revocation list of {issuer}: {reason}")
        self.issuer = issuer
        self.reason = reason


class RevocationListNotCurrent(ChainError):
    """A revocation list is expired or not yet valid."""

    code = "attestation.revocation_list_not_current"

    def __init__(self, issuer: str, *, this_update: int, next_update: int, now: int) -> None:
        super().__init__(f"revocation list of {issuer} covers {this_update} to {next_update}, not {now}")
        self.issuer = issuer
        self.this_update = this_update
        self.next_update = next_update
        self.now = now


class CertificateRevoked(ChainError):
    """The issuer has revoked this certificate."""

    code = "attestation.certificate_revoked"

    def __init__(self, certificate: str, *, serial: int) -> None:
        super().__init__(f"{certificate} is revoked")
        self.certificate = certificate
        self.serial = hex(serial)


class SgxExtensionMalformed(ChainError):
    """The PCK certificate does not say what platform it is for, or says it ambiguously."""

    code = "attestation.sgx_extension"

    def __init__(self, reason: str) -> None:
        super().__init__(f"SGX extension of the PCK certificate: {reason}")
        self.reason = reason


class CollateralError(AttestationError):
    """TCB info or QE identity cannot be relied on."""

    code = "attestation.collateral"


class CollateralMalformed(CollateralError):
    """The document is too long or not of the expected schema."""

    code = "attestation.collateral_malformed"

    def __init__(self, document: str, reason: str) -> None:
        super().__init__(f"{document}: {reason}")
        self.document = document
        self.reason = reason


class TcbError(AttestationError):
    """The platform is genuine, but not in a state the policy accepts."""

    code = "attestation.tcb"


class QeIdentityMismatch(TcbError):
    """The quoting enclave is not the one its identity document describes."""

    code = "attestation.qe_identity"

    def __init__(self, field: str, *, expected: int | bytes, found: int | bytes) -> None:
        super().__init__(f"{field} of the quoting enclave differs from its identity")
        self.field = field
        self.expected = expected
        self.found = found


class TcbLevelUnknown(TcbError):
    """The platform or its quoting enclave (`what`) is older than every published TCB level."""

    code = "attestation.tcb_level"

    def __init__(self, what: str) -> None:
        super().__init__(f"the {what} is below every published TCB level")
        self.what = what
