"""Errors of attestation. Numbers refer to the verifier's checklist in `verify`.

    IntegriteeError
    └── AttestationError                       attestation
        ├── WrongLength                        attestation.length
        ├── QuoteError                         attestation.quote
        │   ├── QuoteTooLong                   attestation.quote_too_long              1
        │   ├── QuoteTruncated                 attestation.quote_truncated             1
        │   ├── QuoteTrailingBytes             attestation.quote_trailing_bytes        1
        │   ├── QuoteHeaderUnsupported         attestation.quote_header                2
        │   ├── QuoteReservedBytesSet          attestation.quote_reserved              2
        │   ├── CertificationUnsupported       attestation.certification_type          3
        │   ├── QeReportSignatureInvalid       attestation.qe_report_signature         8
        │   ├── AttestationKeyNotBound         attestation.attestation_key             9
        │   └── QuoteSignatureInvalid          attestation.quote_signature            10
        ├── ChainError                         attestation.chain
        │   ├── CertificateMalformed           attestation.certificate_malformed       3
        │   ├── ChainLengthUnexpected          attestation.chain_length                3
        │   ├── RootNotTrusted                 attestation.root_not_trusted            4
        │   ├── CertificateNameUnexpected      attestation.certificate_name            5
        │   ├── CertificateNotIssued           attestation.certificate_not_issued      5
        │   ├── CertificateNotCurrent          attestation.certificate_not_current     5
        │   ├── CertificateUsageForbidden      attestation.certificate_usage           5
        │   ├── RevocationListUnusable         attestation.revocation_list             6
        │   ├── RevocationListNotCurrent       attestation.revocation_list_not_current 6
        │   ├── CertificateRevoked             attestation.certificate_revoked         6
        │   └── SgxExtensionMalformed          attestation.sgx_extension               7
        ├── CollateralError                    attestation.collateral
        │   ├── CollateralMissing              attestation.collateral_missing
        │   ├── CollateralSignatureInvalid     attestation.collateral_signature       11
        │   ├── CollateralMalformed            attestation.collateral_malformed       12
        │   ├── CollateralMismatch             attestation.collateral_mismatch        12
        │   ├── CollateralNotCurrent           attestation.collateral_not_current     13
        │   └── CollateralRolledBack           attestation.collateral_rolled_back     14
        ├── TcbError                           attestation.tcb
        │   ├── QeIdentityMismatch             attestation.qe_identity                15
        │   ├── TcbLevelUnknown                attestation.tcb_level                  15, 16
        │   ├── TcbStatusRefused               attestation.tcb_status                 17
        │   ├── TcbGraceExpired                attestation.tcb_grace                  17
        │   ├── AdvisoryNotAccepted            attestation.advisory                   18
        │   └── PlatformFeatureRefused         attestation.platform_feature           19
        ├── IdentityError                      attestation.identity
        │   ├── DebugMismatch                  attestation.debug                      20
        │   ├── EnclaveAttributeRefused        attestation.enclave_attribute          20
        │   ├── SignerDenied                   attestation.signer_denied              21
        │   └── MeasurementNotAllowed          attestation.measurement                21
        ├── KindError                          attestation.kind
        │   ├── KindNotAllowed                 attestation.kind_not_allowed           22
        │   ├── SimulationRefused              attestation.simulation_refused         22
        │   └── KindMarkerMismatch             attestation.kind_marker                22
        ├── ReportDataMismatch                 attestation.report_data                23
        ├── MeasuredTreeRefused                attestation.measured_tree
        └── SealRootUnusable                   attestation.seal_root

Times in facts are unix seconds.
"""

from __future__ import annotations

from integritee.errors import IntegriteeError


class AttestationError(IntegriteeError):
    """Any failure of this package."""

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


class CertificationUnsupported(QuoteError):
    """The certification data is not a PEM chain of PCK certificates (type 5)."""

    code = "attestation.certification_type"

    def __init__(self, *, expected: int, found: int) -> None:
        super().__init__(f"certification data of type {found}, only {expected} is supported")
        self.expected = expected
        self.found = found


class QeReportSignatureInvalid(QuoteError):
    """The report of the quoting enclave is not signed by the PCK key."""

    code = "attestation.qe_report_signature"

    def __init__(self) -> None:
        super().__init__("the PCK key has not signed the quoting enclave's report")


class AttestationKeyNotBound(QuoteError):
    """The quoting enclave's report does not name the attestation key of the quote."""

    code = "attestation.attestation_key"

    def __init__(self) -> None:
        super().__init__("the quoting enclave does not vouch for the attestation key")


class QuoteSignatureInvalid(QuoteError):
    """Header and report body are not signed by the attestation key."""

    code = "attestation.quote_signature"

    def __init__(self) -> None:
        super().__init__("the attestation key has not signed the quote")


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


class CollateralMissing(CollateralError):
    """The evidence comes without collateral."""

    code = "attestation.collateral_missing"

    def __init__(self) -> None:
        super().__init__("the evidence comes without collateral")


class CollateralSignatureInvalid(CollateralError):
    """The document is not signed by the TCB signing certificate."""

    code = "attestation.collateral_signature"

    def __init__(self, document: str) -> None:
        super().__init__(f"{document} is not signed by its TCB signing certificate")
        self.document = document


class CollateralMalformed(CollateralError):
    """The document is too long or not of the expected schema."""

    code = "attestation.collateral_malformed"

    def __init__(self, document: str, reason: str) -> None:
        super().__init__(f"{document}: {reason}")
        self.document = document
        self.reason = reason


class CollateralMismatch(CollateralError):
    """The document is for another platform or purpose."""

    code = "attestation.collateral_mismatch"

    def __init__(self, document: str, field: str, *, expected: int | str | bytes, found: int | str | bytes) -> None:
        super().__init__(f"{field} of {document} is not that of the quote")
        self.document = document
        self.field = field
        self.expected = expected
        self.found = found


class CollateralNotCurrent(CollateralError):
    """The document is expired or from the future."""

    code = "attestation.collateral_not_current"

    def __init__(self, document: str, *, issued: int, next_update: int, now: int) -> None:
        super().__init__(f"{document} is current from {issued} to {next_update}, not at {now}")
        self.document = document
        self.issued = issued
        self.next_update = next_update
        self.now = now


class CollateralRolledBack(CollateralError):
    """The document belongs to an older TCB recovery than the policy asks for."""

    code = "attestation.collateral_rolled_back"

    def __init__(self, document: str, *, minimum: int, found: int) -> None:
        super().__init__(f"{document} has TCB evaluation number {found}, needed is {minimum}")
        self.document = document
        self.minimum = minimum
        self.found = found


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


class TcbStatusRefused(TcbError):
    """The policy does not accept the TCB status."""

    code = "attestation.tcb_status"

    def __init__(self, found: str) -> None:
        super().__init__(f"TCB status {found} is not accepted")
        self.found = found


class TcbGraceExpired(TcbError):
    """The TCB level became out of date longer ago than the policy tolerates. `grace` in seconds."""

    code = "attestation.tcb_grace"

    def __init__(self, *, tcb_date: int, grace: int, now: int) -> None:
        super().__init__(f"the grace period of {grace} s after the TCB level of {tcb_date} is over")
        self.tcb_date = tcb_date
        self.grace = grace
        self.now = now


class AdvisoryNotAccepted(TcbError):
    """The platform is affected by a security advisory that the policy does not accept."""

    code = "attestation.advisory"

    def __init__(self, found: str) -> None:
        super().__init__(f"security advisory {found} applies and is not accepted")
        self.found = found


class PlatformFeatureRefused(TcbError):
    """The platform has a property that the policy does not accept."""

    code = "attestation.platform_feature"

    def __init__(self, feature: str, found: str) -> None:
        super().__init__(f"platform feature {feature} = {found} is not accepted")
        self.feature = feature
        self.found = found


class IdentityError(AttestationError):
    """The platform is fine, but the enclave on it is not one the policy accepts."""

    code = "attestation.identity"


class DebugMismatch(IdentityError):
    """A debug enclave where a production enclave is expected, or the reverse."""

    code = "attestation.debug"

    def __init__(self, *, expected: bool, found: bool) -> None:
        super().__init__(f"expected debug = {expected}, found {found}")
        self.expected = expected
        self.found = found


class EnclaveAttributeRefused(IdentityError):
    """An attribute of the enclave is outside of what the policy permits."""

    code = "attestation.enclave_attribute"

    def __init__(self, field: str, found: int | bytes) -> None:
        super().__init__(f"{field} of the enclave is not permitted")
        self.field = field
        self.found = found


class SignerDenied(IdentityError):
    """The enclave is signed with a key whose private half is public."""

    code = "attestation.signer_denied"

    def __init__(self, mr_signer: bytes) -> None:
        super().__init__("the enclave's signing key is publicly known")
        self.mr_signer = mr_signer


class MeasurementNotAllowed(IdentityError):
    """Neither the measurement nor the signer of the enclave is on the policy's list."""

    code = "attestation.measurement"

    def __init__(self, *, mr_enclave: bytes, mr_signer: bytes, product_id: int, security_version: int) -> None:
        super().__init__(f"the policy does not list the enclave {mr_enclave.hex()}")
        self.mr_enclave = mr_enclave
        self.mr_signer = mr_signer
        self.product_id = product_id
        self.security_version = security_version


class KindError(AttestationError):
    """Evidence of one kind of TEE where another is needed."""

    code = "attestation.kind"


class KindNotAllowed(KindError):
    """The policy does not list this kind of TEE."""

    code = "attestation.kind_not_allowed"

    def __init__(self, kind: str) -> None:
        super().__init__(f"the policy does not allow {kind} evidence")
        self.kind = kind


class SimulationRefused(KindError):
    """Simulated evidence, and no permission, or not the right verifier, to accept it."""

    code = "attestation.simulation_refused"

    def __init__(self, reason: str) -> None:
        super().__init__(f"simulated evidence refused: {reason}")
        self.reason = reason


class KindMarkerMismatch(KindError):
    """The marker in the quote contradicts the claimed kind of TEE."""

    code = "attestation.kind_marker"

    def __init__(self, kind: str, *, found: bytes) -> None:
        super().__init__(f"the user data of the quote contradicts the kind {kind}")
        self.kind = kind
        self.found = found


class ReportDataMismatch(AttestationError):
    """The evidence is genuine but was made for another account, key, session or purpose."""

    code = "attestation.report_data"

    def __init__(self, *, expected: bytes, found: bytes) -> None:
        super().__init__("the evidence is bound to something else")
        self.expected = expected
        self.found = found


class MeasuredTreeRefused(AttestationError):
    """The code tree holds something that cannot be measured faithfully."""

    code = "attestation.measured_tree"

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


class SealRootUnusable(AttestationError):
    """The file with the simulated sealing root is not as it was created."""

    code = "attestation.seal_root"

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason
