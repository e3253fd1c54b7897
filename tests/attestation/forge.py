"""Evidence for tests: recorded, simulated, and forged in every way that must be refused."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from integritee.attestation import (
    Collateral,
    Quote,
    ReportBody,
    SignedDocument,
    TeeKind,
    TrustAnchor,
    collateral_from_json,
    decode_quote,
    p256,
)
from integritee.attestation.anchors import INTEL_SGX_ROOT
from integritee.attestation.simulated_pki import SimulatedPlatform

VECTORS = Path(__file__).parents[1] / "vectors" / "attestation"
NOW = 1_700_000_000_000
"""Unix ms at which simulated evidence is verified."""
HARDWARE_NOW = 1_751_000_000_000
"""Within the window of the recorded hardware evidence."""

MR_ENCLAVE = b"\x11" * 32
MR_SIGNER = b"\x22" * 32
REPORT_DATA = bytes(range(64))
HONEST = SimulatedPlatform()
FOREIGN = SimulatedPlatform(seed=b"somebody else's authority")


def body(**changes: Any) -> ReportBody:
    facts: dict[str, Any] = {"mr_enclave": MR_ENCLAVE, "mr_signer": MR_SIGNER, "report_data": REPORT_DATA}
    return ReportBody(**facts | changes)


def alter(quote: bytes, **changes: Any) -> bytes:
    """The quote with some fields replaced and no signature renewed."""
    return msgspec.structs.replace(decode_quote(quote), **changes).encode()


def resign(quote: bytes, key_name: str = "attestation", **changes: Any) -> bytes:
    """The quote with some fields replaced, signed again with a key of the honest machine."""
    altered: Quote = msgspec.structs.replace(decode_quote(quote), **changes)
    signature = p256.sign(HONEST.key(key_name), altered.signed_part())
    return msgspec.structs.replace(altered, signature=signature).encode()


def of_recovery(number: int, quoting_enclave: int | None = None) -> SimulatedPlatform:
    """A machine with collateral of one TCB recovery, or of another one for its quoting enclave."""
    return SimulatedPlatform(
        tcb_info={"tcbEvaluationDataNumber": number},
        qe_identity={"tcbEvaluationDataNumber": number if quoting_enclave is None else quoting_enclave},
    )


def with_document(collateral: Collateral, name: str, **changes: Any) -> Collateral:
    """The collateral with fields of one signed document replaced."""
    document: SignedDocument = msgspec.structs.replace(getattr(collateral, name), **changes)
    return msgspec.structs.replace(collateral, **{name: document})


@cache
def hardware_vector() -> tuple[bytes, Collateral]:
    """The recorded SGX quote with its collateral."""
    folder = VECTORS / "dcap-qvl"
    return (folder / "sgx_quote").read_bytes(), collateral_from_json(
        (folder / "sgx_quote_collateral.json").read_bytes()
    )


@cache
def vector_anchor(root: str) -> TrustAnchor:
    """The root that an entry of the expected outcomes names."""
    if root == "intel-builtin":
        return INTEL_SGX_ROOT
    from cryptography import x509

    key: Any = x509.load_der_x509_certificate((VECTORS / root).read_bytes()).public_key()
    return TrustAnchor(
        kind=TeeKind.SIMULATION,
        public_key=b"\x04" + p256.point_of(key),
        prefix="SIM",
        organization="SIMULATION - NOT INTEL",
    )


def expected_outcomes() -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = json.loads((VECTORS / "expected_dcap_qvl.json").read_text())["entries"]
    return entries
