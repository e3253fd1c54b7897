"""The EVM's trusted calls and getters (worker `app-libs/stf/src/evm_helpers.rs`, trusted_call.rs, getter.rs)."""

from __future__ import annotations

from typing import ClassVar, TypeAlias

from integritee.frame.pallet import Pallet
from integritee.frame.runtime import use
from integritee.primitives.ids import H256, AccountId, Balance
from integritee.scale import u32, u64, u256
from integritee.stf.declare import App, Context, Raw, trusted_call, trusted_getter
from integritee.stf.fees import transaction_fee

from .addresses import H160, evm_address, mapped_account
from .errors import WrongAddress
from .pallet import Evm
from .transaction import Transaction

AccessList: TypeAlias = list[tuple[H160, list[H256]]]
"""Addresses and storage slots that are to be warm from the start (EIP-2930)."""


class EvmApp(App):
    """Contracts. An account acts as the address of its first 20 bytes; fees per gas are in base units."""

    name: ClassVar[str] = "evm"
    pallets: ClassVar[dict[str, Pallet]] = {"evm": use(20, Evm)}

    @property
    def evm(self) -> Evm:
        return self.runtime.pallet(Evm)

    # -- trusted calls -------------------------------------------------------------------------------

    @trusted_call(90, fee=transaction_fee)
    def evm_withdraw(self, ctx: Context, from_: AccountId, address: H160, value: Balance) -> None:
        """Move funds from the sender's EVM account to the sender."""
        expect_own(from_, address)
        self.evm.withdraw(address, from_, value)

    @trusted_call(91, fee=transaction_fee)
    def evm_call(
        self,
        ctx: Context,
        from_: AccountId,
        source: H160,
        target: H160,
        input_: bytes,
        value: u256,
        gas_limit: u64,
        max_fee_per_gas: u256,
        max_priority_fee_per_gas: u256 | None,
        nonce: u256 | None,
        access_list: AccessList,
    ) -> None:
        """Call a contract, or send `value` to any address."""
        expect_own(from_, source)
        warm = _warm(access_list)
        self.evm.transact(
            Transaction(
                source, target, input_, value, gas_limit, max_fee_per_gas, max_priority_fee_per_gas, nonce, warm
            )
        )

    @trusted_call(92, fee=transaction_fee)
    def evm_create(
        self,
        ctx: Context,
        from_: AccountId,
        source: H160,
        init: bytes,
        value: u256,
        gas_limit: u64,
        max_fee_per_gas: u256,
        max_priority_fee_per_gas: u256 | None,
        nonce: u256 | None,
        access_list: AccessList,
    ) -> None:
        """Create a contract; its address follows from source and EVM nonce (`create_address`)."""
        expect_own(from_, source)
        warm = _warm(access_list)
        self.evm.transact(
            Transaction(source, None, init, value, gas_limit, max_fee_per_gas, max_priority_fee_per_gas, nonce, warm)
        )

    @trusted_call(93, fee=transaction_fee)
    def evm_create2(
        self,
        ctx: Context,
        from_: AccountId,
        source: H160,
        init: bytes,
        salt: H256,
        value: u256,
        gas_limit: u64,
        max_fee_per_gas: u256,
        max_priority_fee_per_gas: u256 | None,
        nonce: u256 | None,
        access_list: AccessList,
    ) -> None:
        """Create a contract; its address follows from source, salt and init code (`create2_address`)."""
        expect_own(from_, source)
        warm = _warm(access_list)
        self.evm.transact(
            Transaction(
                source, None, init, value, gas_limit, max_fee_per_gas, max_priority_fee_per_gas, nonce, warm, salt
            )
        )

    # -- trusted getters -----------------------------------------------------------------------------

    @trusted_getter(90)
    def evm_nonce(self, who: AccountId) -> u32:
        """Next EVM nonce of an account's address."""
        return self.runtime.system.nonce(mapped_account(evm_address(who)))

    @trusted_getter(91)
    def evm_account_codes(self, who: AccountId, address: H160) -> Raw | None:
        """Code of a contract."""
        code = self.evm.account_codes.get(address)
        return None if code is None else Raw(code)

    @trusted_getter(92)
    def evm_account_storages(self, who: AccountId, address: H160, slot: H256) -> H256 | None:
        """A storage slot of a contract, big-endian."""
        return self.evm.account_storages.get(address, slot)


def expect_own(account: bytes, address: bytes) -> None:
    """Raises WrongAddress unless the account may act as the address."""
    own = evm_address(account)
    if address != own:
        raise WrongAddress(address, own)


def _warm(access_list: AccessList) -> tuple[tuple[bytes, tuple[int, ...]], ...]:
    return tuple((who, tuple(int.from_bytes(slot, "big") for slot in slots)) for who, slots in access_list)
