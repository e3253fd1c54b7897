"""Assets of the parentchain in the ledger: stablecoins and bridged tokens of the chain that funds come from."""

from __future__ import annotations

from typing import ClassVar

from integritee.primitives.ids import AccountId, Balance, ParentchainId, ShardIdentifier
from integritee.stf.asset_map import AssetId
from integritee.stf.declare import App, Authority, Context, public_getter, trusted_call, trusted_getter
from integritee.stf.effects import VaultPayment
from integritee.stf.errors import MissingAssets
from integritee.stf.fees import note_fee, shielding_fee, transaction_fee, unshielding_fee
from integritee.stf.types import AccountEssentials, AssetBalance, NoteText

from .vault import expect_shard, expect_shieldable, expect_vault, expect_vault_on


class AssetHoldings(App):
    """Accounts of assets."""

    name: ClassVar[str] = "asset_holdings"

    # -- trusted calls -------------------------------------------------------------------------------

    @trusted_call(42, fee=transaction_fee, linked=("from", "to"))
    def assets_transfer(
        self, ctx: Context, from_: AccountId, to: AccountId, asset_id: AssetId, amount: Balance
    ) -> None:
        """Transfer an asset within the ledger."""
        self._transfer(from_, to, asset_id, amount)

    @trusted_call(45, fee=note_fee, linked=("from", "to"))
    def assets_transfer_with_note(
        self, ctx: Context, from_: AccountId, to: AccountId, asset_id: AssetId, amount: Balance, note: NoteText
    ) -> None:
        """Transfer an asset, with a note that both sides find beside the receipt."""
        self._transfer(from_, to, asset_id, amount)

    @trusted_call(43, fee=unshielding_fee, linked=("from", "beneficiary"))
    def assets_unshield(
        self,
        ctx: Context,
        from_: AccountId,
        beneficiary: AccountId,
        asset_id: AssetId,
        amount: Balance,
        shard: ShardIdentifier,
    ) -> None:
        """Burn an asset and have the vault pay it to a parentchain account."""
        expect_shard(ctx, shard)
        expect_shieldable(self.runtime, asset_id)
        parentchain = expect_vault(self.runtime)
        self._expect_assets(from_, asset_id, amount)
        self.runtime.assets.burn_from(asset_id, from_, amount)
        ctx.emit(VaultPayment(parentchain, beneficiary, amount, asset_id))

    @trusted_call(44, authority=Authority.ENCLAVE, linked=("who",))
    def assets_shield(
        self,
        ctx: Context,
        enclave: AccountId,
        who: AccountId,
        asset_id: AssetId,
        amount: Balance,
        parentchain: ParentchainId,
    ) -> None:
        """Credit what `who` sent to the vault, less the shielding fee."""
        expect_shieldable(self.runtime, asset_id)
        expect_vault_on(self.runtime, parentchain)
        fee = shielding_fee(amount)
        assets = self.runtime.assets
        assets.ensure(asset_id, enclave)
        assets.mint_into(asset_id, enclave, fee)
        assets.mint_into(asset_id, who, amount - fee)

    def _transfer(self, from_: bytes, to: bytes, asset_id: AssetId, amount: int) -> None:
        self._expect_assets(from_, asset_id, amount)
        self.runtime.assets.transfer(asset_id, from_, to, amount)

    def _expect_assets(self, who: bytes, asset_id: AssetId, amount: int) -> None:
        available = self.runtime.assets.balance(asset_id, who)
        if available < amount:
            raise MissingAssets(asset_id.symbol, amount, available)

    # -- getters -------------------------------------------------------------------------------------

    @trusted_getter(2)
    def account_essentials(self, who: AccountId) -> AccountEssentials:
        """All a wallet shows of an account: account info, session proxies and what it holds of each asset."""
        runtime = self.runtime
        held = runtime.assets.balances_of(who, runtime.chain_spec().assets)
        return AccountEssentials(
            runtime.system.account.get(who),
            runtime.session_proxy.shown_to(runtime.asker, who),
            [AssetBalance(asset, balance) for asset, balance in held],
        )

    @trusted_getter(40)
    def asset_balance(self, who: AccountId, asset_id: AssetId) -> Balance:
        """What an account holds of an asset, in its smallest units."""
        return self.runtime.assets.balance(asset_id, who)

    @public_getter(40)
    def asset_total_issuance(self, asset_id: AssetId) -> Balance:
        """Units of an asset in the ledger."""
        return self.runtime.assets.supply(asset_id)
