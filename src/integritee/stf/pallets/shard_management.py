"""pallet ShardManagement: the shard's mode and its configuration as the parentchain states it.

Source: worker `app-libs/sgx-runtime/pallets/shard-management`.
"""

from __future__ import annotations

from integritee.frame.declare import Errors, error, storage
from integritee.frame.pallet import Pallet
from integritee.frame.storage_items import StorageValue
from integritee.primitives.enclave_bridge import UpgradableShardConfig
from integritee.primitives.ids import AccountId, Balance, BlockNumber
from integritee.stf.types import ShardMode


class ShardManagement(Pallet):
    path = "pallet_shard_management"

    mode: StorageValue[ShardMode] = storage(default=ShardMode.Initializing, name="ShardModeRegistry")
    config: StorageValue[tuple[UpgradableShardConfig, BlockNumber] | None] = storage(
        name="UpgradableShardConfigRegistry"
    )
    maintenance_since: StorageValue[BlockNumber | None]
    """Parentchain block at which the maintenance that goes on began."""
    retired_up_to: StorageValue[AccountId | None]
    """Last account that was looked at for retirement; the next block goes on behind it."""
    unbacked: StorageValue[Balance]
    """Base units that were issued out of nothing, at genesis or by the sudo key; no vault holds them."""

    class Error(Errors):
        Retired = error("the shard is retired for good")

    def set_mode(self, mode: ShardMode) -> None:
        """Raises Retired: a shard does not come back from there."""
        if self.mode.get() is ShardMode.Retired:
            raise self.Error.Retired()
        self.mode.put(mode)

    def set_config(self, config: UpgradableShardConfig, parentchain_block: int) -> None:
        """Adopt the configuration proven at a parentchain block, and the mode that follows from it.

        Unchanged configurations keep the block they were first seen at. A pending upgrade counts from its block
        on, whether or not the parentchain has moved it to its place yet.
        """
        stored = self.config.get()
        if stored is None or stored[0] != config:
            self.config.put((config, parentchain_block))
        if config.at(parentchain_block).maintenance_mode:
            self._enter_maintenance(parentchain_block)
        else:
            self._leave_maintenance()

    def _enter_maintenance(self, parentchain_block: int) -> None:
        if self.maintenance_since.get() is None:
            self.maintenance_since.put(parentchain_block)
        if self.mode.get() is not ShardMode.Retired:
            self.mode.put(ShardMode.MaintenanceOngoing)

    def _leave_maintenance(self) -> None:
        self.maintenance_since.kill()
        if self.mode.get() is ShardMode.MaintenanceOngoing:
            self.mode.put(ShardMode.Normal)

    def on_initialize(self, number: int) -> None:
        if self.mode.get() is ShardMode.Initializing:
            self.mode.put(ShardMode.Normal)
