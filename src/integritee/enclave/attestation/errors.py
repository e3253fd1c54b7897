"""Errors of judging evidence, and of being an enclave. Numbers refer to the verifier's checklist in `verify`; those
without one are of the parts (`integritee.attestation.errors`), whose groups they belong to.

    AttestationError                           attestation
    ├── QuoteError                             attestation.quote                       1 … 3
    │   ├── CertificationUnsupported           attestation.certification_type          3
    │   ├── QeReportSignatureInvalid           attestation.qe_report_signature         8
    │   ├── AttestationKeyNotBound             attestation.attestation_key             9
    │   └── QuoteSignatureInvalid              attestation.quote_signature            10
    ├── ChainError                             attestation.chain                       3 … 7
    ├── CollateralError                        attestation.collateral
    │   ├── CollateralMissing                  attestation.collateral_missing
    │   ├── CollateralSignatureInvalid         attestation.collateral_signature       11
    │   ├── CollateralMismatch                 attestation.collateral_mismatch        12
    │   ├── CollateralNotCurrent               attestation.collateral_not_current     13
    │   └── CollateralRolledBack               attestation.collateral_rolled_back     14
    ├── TcbError                               attestation.tcb                        15, 16
    │   ├── TcbStatusRefused                   attestation.tcb_status                 17
    │   ├── TcbGraceExpired                    attestation.tcb_grace                  17
    │   ├── AdvisoryNotAccepted                attestation.advisory                   18
    │   └── PlatformFeatureRefused             attestation.platform_feature           19
    ├── IdentityError                          attestation.identity
    │   ├── DebugMismatch                      attestation.debug                      20
    │   ├── EnclaveAttributeRefused            attestation.enclave_attribute          20
    │   ├── SignerDenied                       attestation.signer_denied              21
    │   └── MeasurementNotAllowed              attestation.measurement                21
    ├── KindError                              attestation.kind
    │   ├── KindNotAllowed                     attestation.kind_not_allowed           22
    │   ├── SimulationRefused                  attestation.simulation_refused         22
    │   └── KindMarkerMismatch                 attestation.kind_marker                22
    ├── ReportDataMismatch                     attestation.report_data                23
    ├── MeasuredTreeRefused                    attestation.measured_tree
    └── SealRootUnusable                       attestation.seal_root

Times in facts are unix seconds.
"""

from __future__ import annotations

from integritee.attestation.errors import AttestationError, CollateralError, QuoteError, TcbError


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
