"""Evidence about the enclave: making it, judging that of others, binding it to keys; sealing keys.

The parts that evidence is made of are in `integritee.attestation`.
"""

from .evaluation import LatestEvaluation
from .measurement import MeasuredRoot, app_root, measure, trusted_roots
from .policy import EvidencePolicy, SignerRule
from .report_data import Binding, Purpose, check_report_data
from .seal_root import load_or_create_root
from .simulation import SimulationTee
from .tee import Evidence, SealPolicy, Tee, TeeIdentity, VerifiedEvidence
from .verify import verify_evidence, verify_quote

__all__ = [
    "Binding",
    "Evidence",
    "EvidencePolicy",
    "LatestEvaluation",
    "MeasuredRoot",
    "Purpose",
    "SealPolicy",
    "SignerRule",
    "SimulationTee",
    "Tee",
    "TeeIdentity",
    "VerifiedEvidence",
    "app_root",
    "check_report_data",
    "load_or_create_root",
    "measure",
    "trusted_roots",
    "verify_evidence",
    "verify_quote",
]
