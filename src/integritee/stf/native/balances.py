"""The native token: transfers, shielding and unshielding, through the shard's vault or pallet EnclaveBridge."""

from __future__ import annotations

from typing import ClassVar

from integritee.frame.pallets.system import AccountInfo
from integritee.primitives.ids import AccountId, Balance, ParentchainId, ShardIdentifier
from integritee.stf.declare import App, Authority, Context, public_getter, trusted_call, trusted_getter
from integritee.stf.effects import BridgePayment, VaultPayment
from integritee.stf.errors import BridgeDisabled, MissingFunds
from integritee.stf.fees import note_fee, shielding_fee, transaction_fee, unshielding_fee
from integritee.stf.roles import BALANCE_READS, HARMLESS_CALLS
from integritee.stf.types import NoteText

from .vault import expect_shard, expect_vault, expect_vault_on


class NativeToken(App):
    """Accounts of the native token."""

    name: ClassVar[str] = "native_token"

    # -- trusted calls -------------------------------------------------------------------------------

    @trusted_call(0, fee=transaction_fee, roles=HARMLESS_CALLS)
    def noop(self, ctx: Context, sender: AccountId) -> None:
        """Do nothing but pay the fee."""

    @trusted_call(2, fee=transaction_fee, spends="value", linked=("from", "to"))
    def balance_transfer(self, ctx: Context, from_: AccountId, to: AccountId, value: Balance) -> None:
        """Transfer within the ledger; the sender may die."""
        self._transfer(from_, to, value)

    @trusted_call(5, fee=note_fee, spends="value", linked=("from", "to"))
    def balance_transfer_with_note(
        self, ctx: Context, from_: AccountId, to: AccountId, value: Balance, note: NoteText
    ) -> None:
        """Transfer, with a note that both sides find beside the receipt."""
        self._transfer(from_, to, value)

    @trusted_call(3, fee=unshielding_fee, linked=("from", "beneficiary"))
    def balance_unshield(
        self, ctx: Context, from_: AccountId, beneficiary: AccountId, value: Balance, shard: ShardIdentifier
    ) -> None:
        """Burn funds and have the vault pay them to a parentchain account."""
        expect_shard(ctx, shard)
        parentchain = expect_vault(self.runtime)
        self._burn(from_, value)
        ctx.emit(VaultPayment(parentchain, beneficiary, value))

    @trusted_call(4, authority=Authority.ENCLAVE, linked=("who",))
    def balance_shield(
        self, ctx: Context, enclave: AccountId, who: AccountId, value: Balance, parentchain: ParentchainId
    ) -> None:
        """Credit what `who` sent to the vault, less the shielding fee.

        An amount too small to bring an account to life goes to the enclave account: issuance never exceeds
        what the vault holds, and nothing disappears.
        """
        expect_vault_on(self.runtime, parentchain)
        self._shield(enclave, who, value)

    @trusted_call(6, authority=Authority.ENCLAVE, linked=("who",))
    def balance_shield_through_enclave_bridge_pallet(
        self, ctx: Context, enclave: AccountId, who: AccountId, value: Balance
    ) -> None:
        """Credit what was shielded through pallet EnclaveBridge; only for shards without a vault."""
        self._expect_bridge()
        self._shield(enclave, who, value)

    @trusted_call(7, fee=unshielding_fee, linked=("from", "beneficiary"))
    def balance_unshield_through_enclave_bridge_pallet(
        self, ctx: Context, from_: AccountId, beneficiary: AccountId, value: Balance, shard: ShardIdentifier
    ) -> None:
        """Burn funds and have pallet EnclaveBridge pay them; only for shards without a vault."""
        self._expect_bridge()
        expect_shard(ctx, shard)
        self._burn(from_, value)
        ctx.emit(BridgePayment(beneficiary, value, ctx.call_hash))

    def _transfer(self, from_: bytes, to: bytes, value: int) -> None:
        self._expect_funds(from_, value)
        self.runtime.balances.transfer(from_, to, value)

    def _burn(self, who: bytes, value: int) -> None:
        self._expect_funds(who, value)
        self.runtime.balances.burn_from(who, value)

    def _shield(self, enclave: bytes, who: bytes, value: int) -> None:
        fee = shielding_fee(value)
        if not self.runtime.balances.mint(who, value - fee):
            fee = value
        self.runtime.balances.mint(enclave, fee)

    def _expect_funds(self, who: bytes, value: int) -> None:
        available = self.runtime.balances.free(who)
        if available < value:
            raise MissingFunds(value, available)

    def _expect_bridge(self) -> None:
        if self.runtime.vault() is not None:
            raise BridgeDisabled

    # -- getters -------------------------------------------------------------------------------------

    @trusted_getter(0, roles=BALANCE_READS)
    def account_info(self, who: AccountId) -> AccountInfo:
        """Nonce, references and funds."""
        return self.runtime.system.account.get(who)

    @public_getter(1)
    def total_issuance(self) -> Balance:
        """Base units in the ledger."""
        return self.runtime.balances.total_issuance.get()
