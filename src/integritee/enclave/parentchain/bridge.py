"""Integritee's registry of enclaves and shards: pallets Teerex, EnclaveBridge and Sidechain.

Argument layouts: pallets `teerex`, `enclave-bridge`, `sidechain`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from integritee.metadata import RuntimeMetadata
from integritee.primitives.enclave_bridge import ShardConfig, UpgradableShardConfig
from integritee.primitives.sidechain import SidechainBlockConfirmation
from integritee.primitives.storage import blake2_map_key, pallet_version_key
from integritee.primitives.teerex import Skip
from integritee.scale import codec

MAX_BRIDGE_VERSION: Final = 1
"""Newest storage version of EnclaveBridge whose shard configuration is understood."""

CONFIG: Final = codec(UpgradableShardConfig)
CONFIRMATION: Final = codec(SidechainBlockConfirmation)


@dataclass(frozen=True)
class BridgeKeys:
    """Storage of the shard and of the enclave; all but the enclave's registration is mirrored in the ledger."""

    shard_status: bytes
    shard_config: bytes
    confirmation: bytes
    bridge_version: bytes
    sidechain_version: bytes
    registration: bytes

    @property
    def mirrored(self) -> tuple[bytes, ...]:
        return (
            self.bridge_version,
            self.shard_status,
            self.shard_config,
            self.sidechain_version,
            self.confirmation,
        )


class BridgeContract:
    """Calls and keys of one shard and of the enclave `account` that serves it."""

    def __init__(self, metadata: RuntimeMetadata, shard: bytes, account: bytes) -> None:
        self._metadata, self.shard, self.account = metadata, shard, account
        self.keys = BridgeKeys(
            shard_status=blake2_map_key("EnclaveBridge", "ShardStatus", shard),
            shard_config=blake2_map_key("EnclaveBridge", "ShardConfigRegistry", shard),
            confirmation=blake2_map_key("Sidechain", "LatestSidechainBlockConfirmation", shard),
            bridge_version=pallet_version_key("EnclaveBridge"),
            sidechain_version=pallet_version_key("Sidechain"),
            registration=blake2_map_key("Teerex", "SovereignEnclaves", account),
        )

    def config(self, values: Mapping[bytes, bytes | None]) -> UpgradableShardConfig | None:
        """The shard's configuration as proven; None without one, or of a newer pallet than is understood."""
        raw, version = values.get(self.keys.shard_config), values.get(self.keys.bridge_version)
        if raw is None or version is None or int.from_bytes(version, "little") > MAX_BRIDGE_VERSION:
            return None
        found: UpgradableShardConfig = CONFIG.decode(raw)
        return found

    def confirmation(self, values: Mapping[bytes, bytes | None]) -> SidechainBlockConfirmation | None:
        """The latest confirmation of a sidechain block as proven; None before the first."""
        raw = values.get(self.keys.confirmation)
        return CONFIRMATION.decode(raw) if raw else None

    def is_confirmation(self, call: bytes) -> bool:
        """Whether a call of this runtime confirms a sidechain block."""
        return call.startswith(self._metadata.call_index("Sidechain", "confirm_imported_sidechain_block"))

    def register(self, mrenclave: bytes, url: str) -> bytes:
        """Register as a simulated enclave: attestation skipped, the proof is the bare MRENCLAVE."""
        args = {"proof": mrenclave, "worker_url": url.encode(), "attestation_method": Skip(False)}
        return self._metadata.call("Teerex", "register_sgx_enclave", args)

    def claim_shard(self, mrenclave: bytes) -> bytes:
        """Begin to serve a shard that has no configuration yet."""
        return self._configure(ShardConfig(mrenclave), 0)

    def join_shard(self, config: UpgradableShardConfig, number: int) -> bytes:
        """Begin to serve a configured shard at block `number`, by repeating what its configuration is to be."""
        if config.pending_upgrade is not None and config.upgrade_at is not None and config.upgrade_at > number:
            return self._configure(config.pending_upgrade, config.upgrade_at - number)
        return self._configure(config.at(number), 0)

    def _configure(self, config: ShardConfig, delay: int) -> bytes:
        args = {"shard": self.shard, "shard_config": config, "enactment_delay": delay}
        return self._metadata.call("EnclaveBridge", "update_shard_config", args)

    def unshield_funds(self, beneficiary: bytes, amount: int, call_hash: bytes) -> bytes:
        args = {"shard": self.shard, "beneficiary": beneficiary, "amount": amount, "call_hash": call_hash}
        return self._metadata.call("EnclaveBridge", "unshield_funds", args)

    def confirm_parentchain_block(self, block_hash: bytes, number: int, root: bytes) -> bytes:
        args = {
            "shard": self.shard,
            "block_hash": block_hash,
            "block_number": number,
            "trusted_calls_merkle_root": root,
        }
        return self._metadata.call("EnclaveBridge", "confirm_processed_parentchain_block", args)

    def confirm_sidechain_block(
        self, ancestor: SidechainBlockConfirmation | None, candidate: SidechainBlockConfirmation
    ) -> bytes:
        args = {
            "shard": self.shard,
            "latest_finalized_ancestor": ancestor,
            "finalization_candidate": candidate,
        }
        return self._metadata.call("Sidechain", "confirm_imported_sidechain_block", args)
