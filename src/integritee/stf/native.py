"""The ledger's own app: the native token, shielding and unshielding, and what the shard says of itself.

Discriminants, arguments and fees follow the worker's `app-libs/stf` (trusted_call.rs, getter.rs).
"""

from __future__ import annotations

from integritee.frame.pallets.system import AccountInfo
from integritee.primitives.ids import AccountId, Balance, Moment, ParentchainId, ShardIdentifier
from integritee.scale import u32

from .declare import App, Authority, Context, VaultPayment, public_getter, trusted_call, trusted_getter
from .errors import MissingFunds, NoShardVault, WrongParentchainForVault, WrongShard
from .fees import shielding_fee, transaction_fee, unshielding_fee
from .types import AccountEssentials, ParentchainInfo, ParentchainsInfo, ShardInfo


class NativeToken(App):
    """Accounts of the native token."""

    # -- trusted calls -------------------------------------------------------------------------------

    @trusted_call(0, fee=transaction_fee)
    def noop(self, ctx: Context, sender: AccountId) -> None:
        """Do nothing but pay the fee."""

    @trusted_call(1, authority=Authority.ENCLAVE)
    def timestamp_set(self, ctx: Context, enclave: AccountId, now: Moment, parentchain: ParentchainId) -> None:
        """Adopt the time of a parentchain block; the first of Integritee dates the shard."""
        mirror = self.runtime.parentchain(parentchain)
        if parentchain is ParentchainId.Integritee and mirror.creation_timestamp.get() is None:
            mirror.creation_timestamp.put(now)
        mirror.now.put(now)

    @trusted_call(2, fee=transaction_fee)
    def balance_transfer(self, ctx: Context, from_: AccountId, to: AccountId, value: Balance) -> None:
        """Transfer within the ledger; the sender may die."""
        self._expect_funds(from_, value)
        self.runtime.balances.transfer(from_, to, value)

    def _expect_funds(self, who: bytes, value: int) -> None:
        available = self.runtime.balances.free(who)
        if available < value:
            raise MissingFunds(value, available)

    @trusted_call(3, fee=unshielding_fee)
    def balance_unshield(
        self, ctx: Context, from_: AccountId, beneficiary: AccountId, value: Balance, shard: ShardIdentifier
    ) -> None:
        """Burn funds and have the vault pay them to a parentchain account."""
        if shard != ctx.shard:
            raise WrongShard(shard, ctx.shard)
        vault = self.runtime.vault()
        if vault is None:
            raise NoShardVault
        self._expect_funds(from_, value)
        self.runtime.balances.burn_from(from_, value)
        ctx.effects.append(VaultPayment(vault[1], beneficiary, value))

    @trusted_call(4, authority=Authority.ENCLAVE)
    def balance_shield(
        self, ctx: Context, enclave: AccountId, who: AccountId, value: Balance, parentchain: ParentchainId
    ) -> None:
        """Credit what `who` sent to the vault, less the shielding fee.

        An amount too small to bring an account to life goes to the enclave account: issuance never exceeds
        what the vault holds, and nothing disappears.
        """
        vault = self.runtime.vault()
        if vault is None:
            raise NoShardVault
        if parentchain is not vault[1]:
            raise WrongParentchainForVault(parentchain.name, vault[1].name)
        fee = shielding_fee(value)
        if not self.runtime.balances.mint(who, value - fee):
            fee = value
        self.runtime.balances.mint(enclave, fee)

    # -- trusted getters -----------------------------------------------------------------------------

    @trusted_getter(0)
    def account_info(self, who: AccountId) -> AccountInfo:
        """Nonce, references and funds."""
        return self.runtime.system.account.get(who)

    @trusted_getter(2)
    def account_essentials(self, who: AccountId) -> AccountEssentials:
        """Account info, session proxies and asset balances at once."""
        return AccountEssentials(self.account_info(who), [], [])

    # -- public getters ------------------------------------------------------------------------------

    @public_getter(0)
    def some_value(self) -> u32:
        """42, for connection tests."""
        return 42

    @public_getter(1)
    def total_issuance(self) -> Balance:
        """Base units in the ledger."""
        return self.runtime.balances.total_issuance.get()

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
        """Configuration and mode of the shard."""
        stored = self.runtime.shard_management.config.get()
        config, updated_at = stored if stored else (None, None)
        return ShardInfo(config, updated_at, None, self.runtime.shard_management.mode.get())
