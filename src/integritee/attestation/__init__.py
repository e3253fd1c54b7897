"""What evidence about SGX enclaves is made of: quotes, certificates, and what Intel publishes about platforms.

Parts only, each read strictly and checked for itself. What is to be believed of them together is another question,
and the answers differ: enclaves have theirs in `integritee.enclave.attestation`, the parentchain has its own in
`integritee.node.sgx_verify`. Certificates are slow to import: `certificates` is imported on first use.
"""

from .anchors import INTEL_SGX_ROOT, SIMULATED_ROOT, SIMULATION_MARKER, TeeKind, TrustAnchor
from .collateral import Collateral, SignedDocument, TcbStatus, collateral_from_json
from .errors import AttestationError
from .pck import PckPlatform, SgxType
from .quote import Quote, ReportBody, decode_quote

__all__ = [
    "INTEL_SGX_ROOT",
    "SIMULATED_ROOT",
    "SIMULATION_MARKER",
    "AttestationError",
    "Collateral",
    "PckPlatform",
    "Quote",
    "ReportBody",
    "SgxType",
    "SignedDocument",
    "TcbStatus",
    "TeeKind",
    "TrustAnchor",
    "collateral_from_json",
    "decode_quote",
]
