"""Prometheus metrics of the parentchains; those beside balances and processed blocks are our own."""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry, Gauge

from integritee.boundary.messages import ChainStatus, EnclaveIdentity
from integritee.crypto import ss58_encode

from .readiness import Feed

LEVELS: Final = ("grandpa", "relay", "unproven")
"""What finality may rest on."""

PREFIX: Final = "integritee_worker_"
CHAIN: Final = "parentchain_id"


class ChainMetrics:
    """Of all followed chains; each is labelled ``Integritee``, ``TargetA`` or ``TargetB``."""

    def __init__(self, registry: CollectorRegistry, identity: EnclaveIdentity) -> None:
        self._identity = identity

        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(PREFIX + name, text, labels or (CHAIN,), registry=registry)

        self.free_balance = gauge("account_free_balance", "Free balance in tokens", "parentchain", "role")
        self.processed = gauge(
            "enclave_stf_runtime_parentchain_processed_block_number", "Latest processed parentchain block"
        )
        self.verified = gauge("parentchain_verified_block_number", "Latest block the enclave has verified")
        self.finalized = gauge("parentchain_finalized_block_number", "Finalized head of the node in use")
        self.connected = gauge("parentchain_connected", "1 while there is a connection to a node")
        self.switches = gauge("parentchain_endpoint_switches", "Changes of the endpoint in use since the start")
        self.finality = gauge("parentchain_finality", "1 for what finality rests on", CHAIN, "level")
        self.stale = gauge("parentchain_stale", "1 while its latest verified block is too old to produce blocks")
        self.needed = gauge("parentchain_needed_funds", "Tokens that the enclave account lacks")
        self.outbox = gauge("enclave_outbox_size", "Extrinsics waiting for inclusion")
        self.refused = gauge("parentchain_refused_extrinsics", "Extrinsics included and failed since the start")

    def on_status(self, status: ChainStatus, decimals: int) -> None:
        """What the enclave says of a chain, whose token has so many decimals."""
        name = status.id.name
        self.processed.labels(name).set(status.processed)
        self.verified.labels(name).set(status.number)
        for level in LEVELS:
            self.finality.labels(name, level).set(level == status.trust)
        self.stale.labels(name).set(status.is_stale)
        self.needed.labels(name).set(status.needed_funds / 10**decimals)
        self.outbox.labels(name).set(status.outbox)
        self.refused.labels(name).set(status.refused)

    def on_feed(self, feed: Feed, switches: int) -> None:
        """What the host sees of a chain."""
        self.connected.labels(feed.name).set(feed.is_connected)
        if feed.finalized is not None:
            self.finalized.labels(feed.name).set(feed.finalized)
        self.switches.labels(feed.name).set(switches)

    def on_balances(self, name: str, enclave: int, vault: int, decimals: int) -> None:
        """Free base units of the enclave's two accounts on a chain."""
        signer = f"EnclaveSigner({ss58_encode(self._identity.account)})"
        holder = f"ShardVault({ss58_encode(self._identity.vault)})"
        self.free_balance.labels(name, signer).set(enclave / 10**decimals)
        self.free_balance.labels(name, holder).set(vault / 10**decimals)
