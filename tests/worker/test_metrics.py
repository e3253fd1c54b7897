"""Metrics by chain, as Prometheus reads them."""

from __future__ import annotations

import re

import pytest

from integritee.crypto import ss58_encode
from integritee.primitives.ids import ParentchainId
from integritee.worker.metrics import Metrics
from integritee.worker.peers.outbox import MAX_MESSAGES
from integritee.worker.peers.peer import Peer
from integritee.worker.peers.standing import Lapse
from integritee.worker.peers.untrusted_rpc import UntrustedRpc
from integritee.worker.readiness import Feed

from .statuses import IDENTITY, chain_status, enclave_status


def samples(metrics: Metrics) -> dict[str, float]:
    """Values by name and labels, without our prefix."""
    found = re.findall(r"^integritee_worker_(\S+(?:\{.*\})?) (\S+)$", metrics.exposition().decode(), re.MULTILINE)
    return {name: float(value) for name, value in found}


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(IDENTITY)


@pytest.mark.parametrize("id", ParentchainId)
def test_what_the_enclave_says_of_a_chain(id: ParentchainId, metrics: Metrics) -> None:
    status = chain_status(
        id, number=11, processed=10, needed_funds=5 * 10**9, outbox=3, refused=2, is_stale=True, trust="relay"
    )
    metrics.chains.on_status(status, decimals=10)
    label = f'{{parentchain_id="{id.name}"}}'
    assert (
        samples(metrics).items()
        >= {
            f"enclave_stf_runtime_parentchain_processed_block_number{label}": 10.0,
            f"parentchain_verified_block_number{label}": 11.0,
            f"parentchain_needed_funds{label}": 0.5,
            f"enclave_outbox_size{label}": 3.0,
            f"parentchain_refused_extrinsics{label}": 2.0,
            f"parentchain_stale{label}": 1.0,
        }.items()
    )


def test_the_level_in_force_is_the_only_one(metrics: Metrics) -> None:
    levels = []
    for level in ("unproven", "relay", "grandpa"):
        metrics.chains.on_status(chain_status(trust=level), decimals=12)
        found = samples(metrics)
        levels.append(
            [
                name
                for name in ("grandpa", "relay", "unproven")
                if found[f'parentchain_finality{{level="{name}",parentchain_id="Integritee"}}']
            ]
        )
    assert levels == [["unproven"], ["relay"], ["grandpa"]]


def test_feeds(metrics: Metrics) -> None:
    metrics.chains.on_feed(Feed("TargetA", "ws://a:1", 9), switches=4)
    metrics.chains.on_feed(Feed("TargetA", "ws://a:1", None), switches=5)
    label = '{parentchain_id="TargetA"}'
    assert (
        samples(metrics).items()
        >= {
            f"parentchain_connected{label}": 0.0,
            f"parentchain_finalized_block_number{label}": 9.0,
            f"parentchain_endpoint_switches{label}": 5.0,
        }.items()
    )


def test_balances_in_the_tokens_of_the_chain(metrics: Metrics) -> None:
    metrics.chains.on_balances("TargetB", 15 * 10**9, 10**9, decimals=10)
    signer, vault = ss58_encode(IDENTITY.account), ss58_encode(IDENTITY.vault)
    assert (
        samples(metrics).items()
        >= {
            f'account_free_balance{{parentchain="TargetB",role="EnclaveSigner({signer})"}}': 1.5,
            f'account_free_balance{{parentchain="TargetB",role="ShardVault({vault})"}}': 0.1,
        }.items()
    )


def test_the_ledger(metrics: Metrics) -> None:
    metrics.on_status(enclave_status(chain_status()))
    assert (
        samples(metrics).items()
        >= {
            "enclave_rpc_requests": 7.0,
            "enclave_rpc_tc_received": 5.0,
            "enclave_rpc_connections": 3.0,
            "enclave_stf_runtime_total_issuance": 2.0,
        }.items()
    )


@pytest.mark.parametrize("authorities, validateers", [(0, 1.0), (1, 1.0), (3, 3.0)])
def test_the_shard(authorities: int, validateers: float, metrics: Metrics) -> None:
    facts = {"is_primary": True, "unconfirmed": 7, "reverted": 2, "waiting_blocks": 1}
    metrics.on_status(enclave_status(chain_status(), authorities=authorities, **facts))
    assert (
        samples(metrics).items()
        >= {
            "enclave_sidechain_peer_count": validateers,
            "enclave_sidechain_block_height": 500.0,
            "enclave_sidechain_primary": 1.0,
            "enclave_sidechain_unconfirmed_blocks": 7.0,
            "enclave_sidechain_reverted_blocks": 2.0,
            "enclave_sidechain_waiting_blocks": 1.0,
        }.items()
    )


async def test_peers(metrics: Metrics) -> None:
    here, gone = Peer(b"\x07" * 32, "wss://here:1"), Peer(b"\x08" * 32, "wss://gone:1")
    here.standing.served(0.0)
    gone.standing.lapsed(Lapse.UNREACHABLE, 0.0, 0.0)
    for _ in range(MAX_MESSAGES + 2):
        here.tell("m", "0x")
    metrics.peers.on_peers([here, gone], fetched=0)
    label = f'{{peer="{gone.name}"}}'
    assert samples(metrics)[f"peer_up{label}"] == 0.0
    metrics.peers.on_peers([here], fetched=9)
    rpc = UntrustedRpc("", 0.0, served_blocks=4, refused=3)
    metrics.peers.on_served(rpc)
    found, label = samples(metrics), f'{{peer="{here.name}"}}'
    assert not any(gone.name in name for name in found)
    assert (
        found.items()
        >= {
            f"peer_up{label}": 1.0,
            f"peer_score{label}": 0.6,
            f"peer_queue_size{label}": float(MAX_MESSAGES),
            f"peer_dropped_messages{label}": 2.0,
            "sidechain_fetched_blocks": 9.0,
            "untrusted_rpc_served_blocks": 4.0,
            "untrusted_rpc_refused_calls": 3.0,
        }.items()
    )
