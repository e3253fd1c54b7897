"""Verification of evidence, fail closed: the result is `VerifiedEvidence` or an `AttestationError`.

The checklist, in the order it is worked off (the errors carry the same numbers); 22 comes first, since the
kind selects the root:

     1  length limits, no trailing bytes        12  documents are for SGX and for this platform
     2  version, key type, TEE type, vendor     13  documents current
     3  PEM chain of three certificates         14  documents not older than the policy's minimum
     4  pinned root                             15  quoting enclave is the one described; its level
     5  signatures, names, validity, usage      16  platform reaches a level
     6  revocation lists                        17  merged status accepted
     7  SGX extension                           18  advisories accepted
     8  QE report signed by the PCK key         19  platform features accepted
     9  attestation key named by the QE         20  debug, attributes, configuration of the enclave
    10  quote signed by the attestation key     21  enclave listed; signer not publicly known
    11  documents signed under the root         22  kind of TEE allowed; marker fits the kind

Report data (23) is the caller's to compare, see `report_data`. One `now` serves every check; it must come
from finalized parentchain blocks or another trusted source.

Quotes are malleable (the PEM text is not signed): identify evidence by its claims, never by a hash of it.
"""

from __future__ import annotations

import hashlib
from hmac import compare_digest
from typing import TYPE_CHECKING

from integritee.attestation import p256
from integritee.attestation.anchors import ANCHORS, SIMULATION_MARKER, TrustAnchor
from integritee.attestation.collateral import Collateral, D, QeIdentity, SignedDocument, TcbInfo, decode_document
from integritee.attestation.errors import SgxExtensionMalformed
from integritee.attestation.pck import PckPlatform
from integritee.attestation.quote import CERTIFICATION_PCK_CHAIN, Quote, decode_quote
from integritee.attestation.tcb import check_qe_identity, merge, platform_level, qe_level

from .errors import (
    AttestationKeyNotBound,
    CertificationUnsupported,
    CollateralMismatch,
    CollateralMissing,
    CollateralNotCurrent,
    CollateralRolledBack,
    CollateralSignatureInvalid,
    KindMarkerMismatch,
    QeReportSignatureInvalid,
    QuoteSignatureInvalid,
)
from .policy import EvidencePolicy
from .tee import Evidence, TeeIdentity, VerifiedEvidence

if TYPE_CHECKING:
    from integritee.attestation.certificates import Certificate

TCB_INFO = "TCB info"
QE_IDENTITY = "QE identity"


def verify_evidence(evidence: Evidence, policy: EvidencePolicy, now: int) -> VerifiedEvidence:
    """Verify evidence at `now` (unix ms) under the built-in root of its kind. Raises `AttestationError`."""
    policy.check_kind(evidence.kind)
    if evidence.collateral is None:
        raise CollateralMissing
    return verify_quote(evidence.quote, evidence.collateral, ANCHORS[evidence.kind], policy, now)


def verify_quote(
    data: bytes, collateral: Collateral, anchor: TrustAnchor, policy: EvidencePolicy, now: int
) -> VerifiedEvidence:
    """Verify a quote at `now` (unix ms) under a given root. Raises `AttestationError`.

    For evidence from peers use `verify_evidence`, which lets nobody choose the root.
    """
    policy.check_kind(anchor.kind)
    seconds = now // 1000
    quote = decode_quote(data)
    check_marker(quote, anchor)
    pck, platform, chain_expiry = _check_pck(quote, collateral, anchor, seconds)
    check_signatures(quote, pck.point)
    tcb_info, tcb_info_expiry = _read_document(
        TCB_INFO, TcbInfo, collateral.tcb_info, collateral.root_crl, anchor, seconds
    )
    qe_identity, qe_identity_expiry = _read_document(
        QE_IDENTITY, QeIdentity, collateral.qe_identity, collateral.root_crl, anchor, seconds
    )
    check_tcb_info(tcb_info, platform, policy.minimum_tcb_evaluation_number, seconds)
    check_qe_document(qe_identity, policy.minimum_tcb_evaluation_number, seconds)
    check_qe_identity(quote.qe_report, qe_identity)
    tcb = merge(platform_level(platform, tcb_info), qe_level(quote.qe_report, qe_identity))
    policy.check_tcb(tcb, seconds)
    policy.check_platform(platform)
    policy.check_enclave(quote.body)
    return VerifiedEvidence(
        identity=TeeIdentity(
            kind=anchor.kind,
            measurement=quote.body.mr_enclave,
            signer=quote.body.mr_signer,
            product_id=quote.body.product_id,
            security_version=quote.body.security_version,
            debug=quote.body.debug,
        ),
        report_data=quote.body.report_data,
        tcb_status=tcb.status,
        advisories=tcb.advisories,
        hardware_id=platform.ppid,
        tcb_evaluation_number=min(tcb_info.tcb_evaluation_data_number, qe_identity.tcb_evaluation_data_number),
        expires_at=1000 * min(chain_expiry, tcb_info_expiry, qe_identity_expiry),
        verified_at=now,
    )


def check_marker(quote: Quote, anchor: TrustAnchor) -> None:
    """Item 22: hardware never claims to be simulated, and simulation always does. Raises `KindMarkerMismatch`."""
    fits = quote.user_data != SIMULATION_MARKER if anchor.marker is None else quote.user_data == anchor.marker
    if not fits:
        raise KindMarkerMismatch(anchor.kind.name, found=quote.user_data)


def check_signatures(quote: Quote, pck_point: bytes) -> None:
    """Items 8 to 10: from the PCK key (x ‖ y) over the quoting enclave to the quote. Raises a `QuoteError`."""
    if not p256.verify(pck_point, quote.qe_report_signature, quote.qe_report.encode()):
        raise QeReportSignatureInvalid
    bound = hashlib.sha256(quote.attestation_key + quote.qe_auth_data).digest() + bytes(32)
    if not compare_digest(quote.qe_report.report_data, bound):
        raise AttestationKeyNotBound
    if not p256.verify(quote.attestation_key, quote.signature, quote.signed_part()):
        raise QuoteSignatureInvalid


def check_tcb_info(info: TcbInfo, platform: PckPlatform, minimum_number: int, now: int) -> None:
    """Items 12 to 14 for the TCB info. Raises a `CollateralError`."""
    _check_header(info, TCB_INFO, "SGX", 3, minimum_number, now)
    expectations: tuple[tuple[str, int | bytes, int | bytes], ...] = (
        ("tcbType", 0, info.tcb_type),
        ("fmspc", platform.fmspc, bytes.fromhex(info.fmspc)),
        ("pceId", platform.pce_id, bytes.fromhex(info.pce_id)),
    )
    for field, expected, found in expectations:
        if expected != found:
            raise CollateralMismatch(TCB_INFO, field, expected=expected, found=found)


def check_qe_document(identity: QeIdentity, minimum_number: int, now: int) -> None:
    """Items 12 to 14 for the QE identity. Raises a `CollateralError`."""
    _check_header(identity, QE_IDENTITY, "QE", 2, minimum_number, now)


def _check_header(
    document: TcbInfo | QeIdentity, name: str, kind: str, version: int, minimum_number: int, now: int
) -> None:
    if document.id != kind:
        raise CollateralMismatch(name, "id", expected=kind, found=document.id)
    if document.version != version:
        raise CollateralMismatch(name, "version", expected=version, found=document.version)
    issued = int(document.issue_date.timestamp())
    next_update = int(document.next_update.timestamp())
    if not issued <= now <= next_update:
        raise CollateralNotCurrent(name, issued=issued, next_update=next_update, now=now)
    number = document.tcb_evaluation_data_number
    if number < minimum_number:
        raise CollateralRolledBack(name, minimum=minimum_number, found=number)


def _check_pck(
    quote: Quote, collateral: Collateral, anchor: TrustAnchor, now: int
) -> tuple[Certificate, PckPlatform, int]:
    """Items 3 to 7: the PCK certificate, its platform, and when something of its chain expires."""
    from integritee.attestation.certificates import PCK_CHAIN, check_chain, check_not_revoked, load_chain

    if quote.certification_type != CERTIFICATION_PCK_CHAIN:
        raise CertificationUnsupported(expected=CERTIFICATION_PCK_CHAIN, found=quote.certification_type)
    chain = load_chain(quote.certification_data, PCK_CHAIN)
    check_chain(chain, anchor, now)
    pck, authority, root = chain
    expiries = [certificate.not_after for certificate in chain]
    expiries.append(check_not_revoked([authority], collateral.root_crl, root, now))
    expiries.append(check_not_revoked([pck], collateral.pck_crl, authority, now))
    if pck.sgx_extension is None:
        raise SgxExtensionMalformed("missing")
    return pck, PckPlatform.decode(pck.sgx_extension), min(expiries)


def _read_document(
    name: str, schema: type[D], signed: SignedDocument, root_crl: bytes, anchor: TrustAnchor, now: int
) -> tuple[D, int]:
    """Item 11: a document of Intel's, and when it or something of its chain expires."""
    from integritee.attestation.certificates import TCB_SIGNING_CHAIN, check_chain, check_not_revoked, load_chain

    chain = load_chain(signed.chain, TCB_SIGNING_CHAIN)
    check_chain(chain, anchor, now)
    signing, root = chain
    list_expiry = check_not_revoked([signing], root_crl, root, now)
    if not p256.verify(signing.point, signed.signature, signed.text):
        raise CollateralSignatureInvalid(name)
    document = decode_document(name, signed.text, schema)
    expiries = [certificate.not_after for certificate in chain]
    return document, min(list_expiry, int(document.next_update.timestamp()), *expiries)
