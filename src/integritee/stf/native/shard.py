"""What the shard says of itself and of the parentchains it follows, and what the enclave tells it of them."""

from __future__ import annotations

from typing import ClassVar, Final

from integritee.primitives.enclave_bridge import ShardSignerStatus, ShardStatus
from integritee.primitives.ids import AccountId, Balance, Moment, ParentchainId
from integritee.primitives.storage import storage_prefix
from integritee.scale import decode, u32
from integritee.stf.asset_map import AssetId
from integritee.stf.declare import App, Authority, Context, public_getter, trusted_call
from integritee.stf.types import ParentchainInfo, ParentchainsInfo, ShardInfo

NOISE_STEPS: Final = 10_000
"""Fees are shown less a random part of up to a tenth of a token. It changes with every fee that is paid and with
nothing else: asking again before or after a call tells nobody what that call paid."""


STATUS_PREFIX: Final = storage_prefix("EnclaveBridge", "ShardStatus")


class Shard(App):
    """Facts of the shard."""

    name: ClassVar[str] = "shard"

    @trusted_call(1, authority=Authority.ENCLAVE)
    def timestamp_set(self, ctx: Context, enclave: AccountId, now: Moment, parentchain: ParentchainId) -> None:
        """Adopt the time of a parentchain block; the first of each chain dates the shard on it."""
        mirror = self.runtime.parentchain(parentchain)
        if mirror.creation_timestamp.get() is None:
            mirror.creation_timestamp.put(now)
        mirror.now.put(now)

    @public_getter(0)
    def some_value(self) -> u32:
        """42, for connection tests."""
        return 42

    @public_getter(2)
    def undistributed_fees(self, asset: AssetId | None) -> Balance:
        """What the enclave account has collected, native or of an asset, less some noise."""
        runtime = self.runtime
        account = runtime.enclave_account.account.get()
        pot = runtime.balances.free(account) if asset is None else runtime.assets.balance(asset, account)
        unit = runtime.chain_spec().one if asset is None else asset.one_unit
        return max(pot - unit // 100 * self._noise(asset, pot) // 1000, 0)

    def _noise(self, asset: AssetId | None, pot: int) -> int:
        purpose = b"undistributed_fees" + pot.to_bytes(16, "little") + bytes([asset or 0])
        return int.from_bytes(self.runtime.lasting_random(purpose)[:8], "little") % NOISE_STEPS

    @public_getter(10)
    def parentchains_info(self) -> ParentchainsInfo:
        """How far each parentchain has been processed, and which one funds come from."""
        return ParentchainsInfo(
            self._info(ParentchainId.Integritee),
            self._info(ParentchainId.TargetA),
            self._info(ParentchainId.TargetB),
            self.runtime.shielding_target(),
        )

    def _info(self, which: ParentchainId) -> ParentchainInfo:
        mirror = self.runtime.parentchain(which)
        return ParentchainInfo(
            which,
            mirror.parentchain_genesis_hash.get(),
            mirror.number.get(),
            mirror.now.get(),
            mirror.creation_block_number.get(),
            mirror.creation_timestamp.get(),
        )

    @public_getter(12)
    def shard_info(self) -> ShardInfo:
        """Configuration and mode of the shard, and who serves it, as proven on Integritee."""
        stored = self.runtime.shard_management.config.get()
        config, updated_at = stored if stored else (None, None)
        return ShardInfo(config, updated_at, self._status(), self.runtime.shard_management.mode.get())

    def _status(self) -> list[ShardSignerStatus] | None:
        mirrored = self.runtime.integritee.mirror.items()  # a handful, of this shard only
        raw = next((value for key, value in mirrored if key.startswith(STATUS_PREFIX)), None)
        return None if raw is None else decode(ShardStatus, raw)
