"""pallet ShardManagement: the shard's mode and its configuration as the parentchain states it.

Source: worker `app-libs/sgx-runtime/pallets/shard-management`.
"""

from __future__ import annotations

from integritee.frame.declare import Errors, error, storage
from integritee.frame.pallet import Pallet
from integritee.frame.storage_items import StorageValue
from integritee.primitives.enclave_bridge import UpgradableShardConfig
from integritee.primitives.ids import BlockNumber
from integritee.stf.types import ShardMode


class ShardManagement(Pallet):
    path = "pallet_shard_management"

    mode: StorageValue[ShardMode] = storage(default=ShardMode.Initializing, name="ShardModeRegistry")
    config: StorageValue[tuple[UpgradableShardConfig, BlockNumber] | None] = storage(
        name="UpgradableShardConfigRegistry"
    )

    class Error(Errors):
        Retired = error("the shard is retired for good")

    def set_mode(self, mode: ShardMode) -> None:
        if self.mode.get() is ShardMode.Retired:
            raise self.Error.Retired()
        self.mode.put(mode)

    def set_config(self, config: UpgradableShardConfig, parentchain_block: int) -> None:
        """Adopt the configuration proven at a parentchain block; unchanged ones keep their age."""
        stored = self.config.get()
        if stored is not None and stored[0] == config:
            return
        if config.active_config.maintenance_mode and self.mode.get() is not ShardMode.Retired:
            self.mode.put(ShardMode.MaintenanceOngoing)
        self.config.put((config, parentchain_block))

    def on_initialize(self, number: int) -> None:
        if self.mode.get() is ShardMode.Initializing:
            self.mode.put(ShardMode.Normal)

    def in_maintenance(self) -> bool:
        stored = self.config.get()
        return stored is not None and stored[0].active_config.maintenance_mode
