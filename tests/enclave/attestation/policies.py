"""Policies of verifiers in these tests."""

from __future__ import annotations

from typing import Any

from integritee.attestation import SIMULATED_ROOT, Collateral, SgxType, TcbStatus, TeeKind
from integritee.enclave.attestation import EvidencePolicy, VerifiedEvidence, verify_quote

from ...attestation.forge import HONEST, MR_ENCLAVE, NOW

ANY_ADVISORY = {
    advisory: "recorded evidence"
    for advisory in ("INTEL-SA-00289", "INTEL-SA-00615", "INTEL-SA-00657", "SIM-SA-00001")
}


def simulation_policy(**changes: Any) -> EvidencePolicy:
    facts: dict[str, Any] = {
        "own_kind": TeeKind.SIMULATION,
        "allowed_kinds": frozenset({TeeKind.SIMULATION}),
        "allow_simulation_insecure": True,
        "mr_enclaves": frozenset({MR_ENCLAVE}),
    }
    return EvidencePolicy(**facts | changes)


def vector_policy(quote: bytes, **changes: Any) -> EvidencePolicy:
    """Accepts the enclave of a recorded quote, whatever the health of its platform."""
    facts: dict[str, Any] = {
        "allowed_kinds": frozenset(TeeKind),
        "allow_simulation_insecure": True,
        "mr_enclaves": frozenset({quote[112:144]}),
        "statuses": frozenset(TcbStatus),
        "out_of_date_grace": 10**9,
        "accepted_advisories": ANY_ADVISORY,
        "allow_dynamic_platform": True,
        "sgx_types": frozenset(SgxType),
    }
    return EvidencePolicy(**facts | changes)


def verify_simulated(
    quote: bytes, collateral: Collateral = HONEST.collateral, now: int = NOW, **policy: Any
) -> VerifiedEvidence:
    return verify_quote(quote, collateral, SIMULATED_ROOT, simulation_policy(**policy), now)
