"""Prometheus metrics under the original's names (worker `service/src/prometheus_metrics.rs`)."""

from __future__ import annotations

from typing import Final

import base58
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

from integritee.boundary.messages import EnclaveIdentity, EnclaveStatus, SlotReport

from .chain_metrics import ChainMetrics
from .peer_metrics import PeerMetrics

EXECUTION_BUCKETS: Final = tuple(0.0001 * 3**k for k in range(10))
CALL_BUCKETS: Final = (0.5, *(float(2**k) for k in range(11)))
SLOT_BUCKETS: Final = tuple(k / 10 for k in range(1, 11))
DECIMALS: Final = 10**12


class Metrics:
    """All metrics of one worker; `chains` has those of its parentchains, `peers` those of other validateers."""

    def __init__(self, identity: EnclaveIdentity) -> None:
        self._registry = registry = CollectorRegistry()
        self._shard = base58.b58encode(identity.shard).decode()
        ProcessCollector(registry=registry)
        prefix = "integritee_worker_"
        self.pool_size = Gauge(f"{prefix}enclave_top_pool_a_priori_size", "Ready calls", registry=registry)
        self.requests = Gauge(f"{prefix}enclave_rpc_requests", "Trusted RPC requests", registry=registry)
        self.calls = Gauge(f"{prefix}enclave_rpc_tc_received", "Trusted calls received", registry=registry)
        self.height = Gauge(f"{prefix}enclave_sidechain_block_height", "Latest sidechain block", registry=registry)
        self.finalized = Gauge(
            f"{prefix}enclave_sidechain_last_finalized_block_number",
            "Latest confirmed sidechain block",
            ["shard"],
            registry=registry,
        )
        self.remaining = Histogram(
            f"{prefix}enclave_sidechain_aura_remaining_durations",
            "Seconds left of the slot",
            ["stage"],
            buckets=SLOT_BUCKETS,
            registry=registry,
        )
        self.validateers = Gauge(
            f"{prefix}enclave_sidechain_peer_count", "Validateers, this one included", registry=registry
        )
        self.primary = Gauge(f"{prefix}enclave_sidechain_primary", "1 while it leads the shard", registry=registry)
        self.unconfirmed = Gauge(
            f"{prefix}enclave_sidechain_unconfirmed_blocks", "Blocks that are not final yet", registry=registry
        )
        self.reverted = Gauge(
            f"{prefix}enclave_sidechain_reverted_blocks",
            "Blocks given up for others since the start",
            registry=registry,
        )
        self.waiting = Gauge(
            f"{prefix}enclave_sidechain_waiting_blocks", "Blocks of peers that cannot be used yet", registry=registry
        )
        self.execution = Histogram(
            f"{prefix}enclave_stf_state_update_execution_duration",
            "Seconds to build a block",
            buckets=EXECUTION_BUCKETS,
            registry=registry,
        )
        self.attempted = Histogram(
            f"{prefix}enclave_stf_state_update_attempted_calls_count",
            "Calls per block",
            ["result"],
            buckets=CALL_BUCKETS,
            registry=registry,
        )
        self.state_size = Gauge(f"{prefix}enclave_stf_state_size_bytes", "State", ["shard"], registry=registry)
        self.issuance = Gauge(
            f"{prefix}enclave_stf_runtime_total_issuance", "Tokens in the ledger", registry=registry
        )
        self.connections = Gauge(
            f"{prefix}enclave_rpc_connections", "Open trusted RPC connections", registry=registry
        )
        labels = Gauge(f"{prefix}enclave_labels", "Facts", ["version", "fingerprint", "tee"], registry=registry)
        fingerprint = base58.b58encode(identity.fingerprint).decode()
        labels.labels(identity.version, fingerprint, identity.kind).set(0)
        self.chains = ChainMetrics(registry, identity)
        self.peers = PeerMetrics(registry)
        self.slots = Counter(f"{prefix}enclave_sidechain_slots", "Slots authored", registry=registry)

    def on_slot(self, report: SlotReport) -> None:
        self.slots.inc()
        self.height.set(report.block_number)
        self.pool_size.set(report.queued_before)
        self.execution.observe(report.execution_us / 1e6)
        self.attempted.labels("success").observe(report.executed)
        self.attempted.labels("failed").observe(report.failed)
        self.remaining.labels("before_aura").observe(report.remaining_before_us / 1e6)
        self.remaining.labels("after_aura").observe(report.remaining_after_us / 1e6)

    def on_status(self, status: EnclaveStatus) -> None:
        self.requests.set(status.rpc_requests)
        self.calls.set(status.trusted_calls)
        self.finalized.labels(self._shard).set(status.confirmed_number)
        self.state_size.labels(self._shard).set(status.state_bytes)
        self.issuance.set(status.total_issuance / DECIMALS)
        self.connections.set(status.connections)
        self.height.set(status.sidechain_number)
        self.validateers.set(max(status.authorities, 1))
        self.primary.set(status.is_primary)
        self.unconfirmed.set(status.unconfirmed)
        self.reverted.set(status.reverted)
        self.waiting.set(status.waiting_blocks)

    def exposition(self) -> bytes:
        return generate_latest(self._registry)
