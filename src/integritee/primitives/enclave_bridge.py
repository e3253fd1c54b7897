"""Shards as the parentchain knows them (pallets `primitives/enclave-bridge`)."""

from __future__ import annotations

from typing import Annotated, ClassVar, Final

from integritee.scale import Bounded, Struct, u32

from .ids import H256, AccountId, BlockNumber, ShardIdentifier

MAX_SHARD_SIGNERS: Final = 10
"""Most validateers one shard can have."""


class Request(Struct, frozen=True):
    """A shielded trusted operation for a shard; for getters `cyphertext` is plain."""

    scale_path: ClassVar[str] = "enclave_bridge_primitives::Request"
    shard: ShardIdentifier
    cyphertext: bytes


class ShardSignerStatus(Struct, frozen=True):
    scale_path: ClassVar[str] = "enclave_bridge_primitives::ShardSignerStatus"
    signer: AccountId
    fingerprint: H256
    last_activity: BlockNumber


ShardStatus = Annotated[list[ShardSignerStatus], Bounded(MAX_SHARD_SIGNERS, "BoundedVec")]


class ShardConfig(Struct, frozen=True):
    scale_path: ClassVar[str] = "enclave_bridge_primitives::ShardConfig"
    enclave_fingerprint: H256
    max_instances: u32 | None = None
    authorities: list[AccountId] | None = None
    maintenance_mode: bool = False


class UpgradableShardConfig(Struct, frozen=True):
    scale_path: ClassVar[str] = "enclave_bridge_primitives::UpgradableShardConfig"
    active_config: ShardConfig
    pending_upgrade: ShardConfig | None = None
    upgrade_at: BlockNumber | None = None

    def at(self, number: int) -> ShardConfig:
        """The configuration in force at a parentchain block, whether or not the chain has moved it yet."""
        due = self.upgrade_at is not None and number >= self.upgrade_at
        return self.pending_upgrade if due and self.pending_upgrade is not None else self.active_config
