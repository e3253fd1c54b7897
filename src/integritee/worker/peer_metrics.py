"""Prometheus metrics of the other validateers, by account, and of what is served to them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from prometheus_client import CollectorRegistry, Gauge

from .peers.peer import Peer
from .peers.untrusted_rpc import UntrustedRpc

PREFIX: Final = "integritee_worker_"


class PeerMetrics:
    """Of those that are listed at present."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(PREFIX + name, text, labels, registry=registry)

        self.up = gauge("peer_up", "1 if the latest contact went well", "peer")
        self.score = gauge("peer_score", "How well it serves, 0 to 1", "peer")
        self.queue = gauge("peer_queue_size", "Messages that wait for it", "peer")
        self.dropped = gauge("peer_dropped_messages", "Messages it was never sent, since it is known", "peer")
        self.fetched = gauge("sidechain_fetched_blocks", "Blocks fetched from peers since the start")
        self.served = gauge("untrusted_rpc_served_blocks", "Blocks peers have fetched here since the start")
        self.refused = gauge("untrusted_rpc_refused_calls", "Calls that came too often, since the start")

    def on_peers(self, peers: Sequence[Peer], fetched: int) -> None:
        """`fetched` counts blocks got from all of them."""
        for gauge in (self.up, self.score, self.queue, self.dropped):
            gauge.clear()  # no memory of those that left
        for peer in peers:
            self.up.labels(peer.name).set(peer.standing.is_up)
            self.score.labels(peer.name).set(peer.standing.score)
            self.queue.labels(peer.name).set(len(peer.outbox))
            self.dropped.labels(peer.name).set(peer.outbox.dropped)
        self.fetched.set(fetched)

    def on_served(self, rpc: UntrustedRpc) -> None:
        self.served.set(rpc.served_blocks)
        self.refused.set(rpc.refused)
