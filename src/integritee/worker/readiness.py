"""Whether the worker does its work, and if not, why: what `/readyz` answers.

Ready is a worker whose shard has lately got a block and that follows all its parentchains. One that is alone has to
have produced it; beside other validateers it may be theirs. Pure functions of what the enclave and the feeds say.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from integritee.boundary.messages import ChainStatus, EnclaveStatus

SILENT_SLOTS: Final = 10
"""Slots without a block after which the worker is not ready any more."""

MIN_SILENCE: Final = 10.0
"""Seconds; short slots are lost more easily."""

RUNNING: Final = "running"


@dataclass(frozen=True)
class Feed:
    """A parentchain as the host sees it: its endpoint as it may be shown, and the finalized head of the node in use,
    None while there is no connection. Of a parachain also the endpoint of its relay chain, if that is asked."""

    name: str
    endpoint: str | None
    finalized: int | None
    relay_endpoint: str | None = None

    @property
    def is_connected(self) -> bool:
        return self.finalized is not None


@dataclass(frozen=True)
class PeerView:
    """Another validateer as the host sees it: account in SS58, URL as it may be shown, whether the latest contact
    went well, and its score, 0 to 1."""

    account: str
    url: str
    is_up: bool
    score: float


@dataclass(frozen=True)
class Readiness:
    """`reasons` not to be ready, for people; `view` is all there is to know, as JSON."""

    reasons: list[str]
    view: dict[str, Any]

    @property
    def is_ready(self) -> bool:
        return not self.reasons

    def to_json(self) -> dict[str, Any]:
        return {"ready": self.is_ready, "reasons": self.reasons, **self.view}


def readiness(
    status: EnclaveStatus | None,
    feeds: Sequence[Feed],
    silence: float | None,
    slot_ms: int,
    peers: Sequence[PeerView] = (),
) -> Readiness:
    """`status` is None if the enclave does not answer; `silence` are seconds since the latest block that counts, None
    before the first."""
    chains = {feed.name: _chain_view(feed, _status_of(status, feed.name)) for feed in feeds}
    if status is None:
        return Readiness(["the enclave does not answer"], {"parentchains": chains})
    reasons = []
    if status.phase != RUNNING:
        reasons.append(f"phase {status.phase}")
    block = "no block produced" if is_alone(status) else "no block produced or imported"
    if silence is None:
        reasons.append(f"{block} yet")
    elif silence > max(SILENT_SLOTS * slot_ms / 1000, MIN_SILENCE):
        reasons.append(f"{block} for {silence:.0f} s")
    for feed in feeds:
        reasons += _reasons(feed, _status_of(status, feed.name))
    view = {
        "phase": status.phase,
        "sidechain_block": status.sidechain_number,
        "confirmed_block": status.confirmed_number,
        "validateers": status.authorities,
        "primary": status.is_primary,
        "unconfirmed_blocks": status.unconfirmed,
        "reverted_blocks": status.reverted,
        "waiting_blocks": status.waiting_blocks,
        "peers": {peer.account: {"url": peer.url, "up": peer.is_up, "score": round(peer.score, 3)} for peer in peers},
        "parentchains": chains,
    }
    return Readiness(reasons, view)


def is_alone(status: EnclaveStatus) -> bool:
    """Whether no other validateer produces blocks for the shard."""
    return status.authorities <= 1


def _status_of(status: EnclaveStatus | None, name: str) -> ChainStatus | None:
    return None if status is None else next((chain for chain in status.chains if chain.id.name == name), None)


def _reasons(feed: Feed, chain: ChainStatus | None) -> list[str]:
    reasons = []
    if not feed.is_connected:
        reasons.append(f"{feed.name} is not connected")
    if chain is None:
        reasons.append(f"{feed.name} is not known to the enclave yet")
    elif chain.is_stale:
        reasons.append(f"{feed.name} is stale")
    return reasons


def _chain_view(feed: Feed, chain: ChainStatus | None) -> dict[str, Any]:
    view: dict[str, Any] = {
        "connected": feed.is_connected,
        "endpoint": feed.endpoint,
        "finalized_block": feed.finalized,
    }
    if feed.relay_endpoint is not None:
        view["relay_endpoint"] = feed.relay_endpoint
    if chain is not None:
        view |= {
            "finality": chain.trust,
            "verified_block": chain.number,
            "processed_block": chain.processed,
            "stale": chain.is_stale,
            "needed_funds": str(chain.needed_funds),
            "outbox": chain.outbox,
            "refused_extrinsics": chain.refused,
        }
        if chain.checkpoint is not None:
            view["checkpoint"] = "0x" + chain.checkpoint.hex()
        if chain.relay_number is not None:
            view["relay_block"] = chain.relay_number
    return view
