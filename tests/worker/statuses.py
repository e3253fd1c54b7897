"""What an enclave may say of itself and its chains."""

from __future__ import annotations

from typing import Any, Final

from integritee.boundary.messages import ChainStatus, EnclaveIdentity, EnclaveStatus
from integritee.primitives.ids import ParentchainId

IDENTITY: Final = EnclaveIdentity(
    fingerprint=b"\x01" * 32,
    kind="simulation",
    version="0.1.0",
    account=b"\x02" * 32,
    ledger_account=b"\x03" * 32,
    shard=b"\x04" * 32,
    vault=b"\x05" * 32,
    shielding_target=ParentchainId.Integritee,
    shielding_key="{}",
    trusted_port=2000,
)


def chain_status(id: ParentchainId = ParentchainId.Integritee, **changes: Any) -> ChainStatus:
    """One that is well, but for the changes."""
    healthy: dict[str, Any] = {
        "trust": "grandpa",
        "number": 100,
        "processed": 99,
        "needed_funds": 0,
        "outbox": 0,
        "refused": 0,
        "is_stale": False,
    }
    return ChainStatus(id=id, **healthy | changes)


def enclave_status(*chains: ChainStatus, phase: str = "running", **facts: Any) -> EnclaveStatus:
    return EnclaveStatus(
        **facts,
        phase=phase,
        chains=list(chains),
        sidechain_number=500,
        sidechain_hash=bytes(32),
        confirmed_number=450,
        pool_ready=1,
        pool_future=0,
        connections=3,
        rpc_requests=7,
        trusted_calls=5,
        total_issuance=2 * 10**12,
        state_bytes=1000,
    )
