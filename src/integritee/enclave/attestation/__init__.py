"""Evidence about the enclave: making it, verifying that of others, binding it to keys; sealing keys.

The verifier of certificates is imported on first use, since it is slow to load.
"""

from .anchors import INTEL_SGX_ROOT, SIMULATED_ROOT, SIMULATION_MARKER, TrustAnchor
from .collateral import Collateral, SignedDocument, TcbStatus, collateral_from_json
from .errors import AttestationError
from .measurement import MeasuredRoot, app_root, measure, trusted_roots
from .pck import PckPlatform, SgxType
from .policy import EvidencePolicy, SignerRule
from .quote import Quote, ReportBody, decode_quote
from .report_data import Binding, Purpose, check_report_data
from .seal_root import load_or_create_root
from .simulation import SimulationTee
from .tee import Evidence, SealPolicy, Tee, TeeIdentity, TeeKind, VerifiedEvidence
from .verify import verify_evidence, verify_quote

__all__ = [
    "INTEL_SGX_ROOT",
    "SIMULATED_ROOT",
    "SIMULATION_MARKER",
    "AttestationError",
    "Binding",
    "Collateral",
    "Evidence",
    "EvidencePolicy",
    "MeasuredRoot",
    "PckPlatform",
    "Purpose",
    "Quote",
    "ReportBody",
    "SealPolicy",
    "SgxType",
    "SignedDocument",
    "SignerRule",
    "SimulationTee",
    "TcbStatus",
    "Tee",
    "TeeIdentity",
    "TeeKind",
    "TrustAnchor",
    "VerifiedEvidence",
    "app_root",
    "check_report_data",
    "collateral_from_json",
    "decode_quote",
    "load_or_create_root",
    "measure",
    "trusted_roots",
    "verify_evidence",
    "verify_quote",
]
