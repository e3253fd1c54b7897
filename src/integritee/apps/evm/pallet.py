"""pallet Evm: contracts with their code and storage; funds and nonces of addresses are those of ledger accounts.

Source: pallet-evm of Frontier (polkadot-v0.9.42), configured as in the worker's `app-libs/sgx-runtime`. An address
can spend what its account holds above the existential deposit. Three things differ:

* A run that reverts, halts or runs out of gas is a failed call: nothing of it remains, not even the price of gas.
* Whoever brings an account to life pays its existential deposit, so that who is sent a value can spend that value.
  Contracts that destroy themselves give theirs back.
* Tips go to the enclave account, which collects all other fees; upstream they are lost here. The base fee is burned.
"""

from __future__ import annotations

from functools import partial
from itertools import islice
from typing import ClassVar, Final

from msgspec.structs import replace

from integritee.frame.declare import Events, event
from integritee.frame.pallet import Pallet
from integritee.frame.pallets.balances import Balances
from integritee.frame.pallets.system import System
from integritee.frame.storage_items import Blake2_128Concat, StorageDoubleMap, StorageMap
from integritee.primitives.ids import H256
from integritee.scale import Struct
from integritee.stf.pallets.enclave_account import EnclaveAccount
from integritee.stf.pallets.timestamp import Timestamp

from .addresses import H160, mapped_account
from .engine import execute
from .errors import DepositUnpaid, InsufficientBalance, StorageTooLarge
from .journal import AccountChange
from .transaction import Receipt, Surroundings, Transaction

WORD_BYTES: Final = 32

MAX_WIPED_SLOTS: Final = 4096
"""Storage slots of destroyed contracts that one call can clear, however little gas it took to destroy them."""


class LogEntry(Struct, frozen=True):
    """An event of a contract."""

    scale_path: ClassVar[str] = "ethereum::log::Log"
    address: H160
    topics: list[H256]
    data: bytes


class Evm(Pallet):
    """Contracts. `CreatedFailed` and `ExecutedFailed` are known to clients and never deposited: such calls fail."""

    path = "pallet_evm"
    system: System
    balances: Balances
    timestamp: Timestamp
    enclave_account: EnclaveAccount

    account_codes: StorageMap[Blake2_128Concat[H160], bytes | None]
    account_storages: StorageDoubleMap[Blake2_128Concat[H160], Blake2_128Concat[H256], H256 | None]

    class Event(Events):
        Log = event(0, log=LogEntry)
        Created = event(1, address=H160)
        CreatedFailed = event(2, address=H160)
        Executed = event(3, address=H160)
        ExecutedFailed = event(4, address=H160)

    # -- what the machine reads ----------------------------------------------------------------------

    def account(self, address: bytes) -> tuple[int, int]:
        """Nonce and spendable balance of an address."""
        info = self.system.account.get(mapped_account(address))
        return info.nonce, max(info.data.free - self.balances.existential_deposit, 0)

    def code(self, address: bytes) -> bytes:
        return self.account_codes.get(address) or b""

    def slot(self, address: bytes, slot: int) -> int:
        return int.from_bytes(self.account_storages.get(address, _word(slot)) or b"", "big")

    def surroundings(self) -> Surroundings:
        """The block that calls run in."""
        return Surroundings(number=self.system.number.get(), timestamp=self.timestamp.now.get() // 1000)

    # -- calls ---------------------------------------------------------------------------------------

    def transact(self, tx: Transaction) -> Receipt:
        """Run a transaction and keep what it did. Raises EvmError leaves; what it changed by then is to be undone."""
        receipt = execute(tx, self.surroundings(), self)
        if receipt.failure is not None:
            raise receipt.failure
        self._settle(tx.source, receipt)
        for log in receipt.logs:
            self.deposit(self.Event.Log(LogEntry(log.address, list(log.topics), log.data)))
        if receipt.created is not None:
            self.deposit(self.Event.Created(receipt.created))
        elif tx.target is not None:
            self.deposit(self.Event.Executed(tx.target))
        return receipt

    def withdraw(self, address: bytes, beneficiary: bytes, value: int) -> None:
        """Move funds out of the EVM; the address may spend its existential deposit, too, and die."""
        source = mapped_account(address)
        available = self.balances.free(source)
        if value > available:
            raise InsufficientBalance(value, available)
        self.balances.transfer(source, beneficiary, value)

    # -- keeping what a run did ----------------------------------------------------------------------

    def _settle(self, source: bytes, receipt: Receipt) -> None:
        funds = self._funds_after(source, receipt.changes)
        self._wipe(receipt.changes)
        for change in receipt.changes:
            self._set_nonce(mapped_account(change.address), change.nonce)
            self._keep_contract(change)
        for who, (before, after) in funds.items():
            if after != before:
                self.balances.change(who, partial(replace, free=after))
        moved = sum(after - before for before, after in funds.values())
        self.balances.total_issuance.mutate(lambda total: total + moved)
        self.balances.deposit(self.balances.Event.Withdraw(mapped_account(source), receipt.fee))
        if receipt.tip:
            self.balances.mint(self.enclave_account.account.get(), receipt.tip)

    def _funds_after(self, source: bytes, changes: tuple[AccountChange, ...]) -> dict[bytes, tuple[int, int]]:
        """Free balance (before, after) by account; `source` settles existential deposits. Raises DepositUnpaid."""
        least = self.balances.existential_deposit
        funds: dict[bytes, tuple[int, int]] = {}
        deposits = 0
        for change in changes:
            received = change.balance - change.balance_before
            if received or change.destroyed or change.address == source:
                who = mapped_account(change.address)
                before = self.balances.free(who)
                after = before + received
                if change.destroyed:
                    after = 0
                    deposits -= before - change.balance_before
                elif change.balance and before < least:
                    after = change.balance + least
                    deposits += least - before
                funds[who] = before, after
        payer = mapped_account(source)
        before, after = funds[payer]
        if deposits > after - least:
            raise DepositUnpaid(deposits, after - least)
        funds[payer] = before, after - deposits
        return funds

    def _set_nonce(self, who: bytes, nonce: int) -> None:
        info = self.system.account.get(who)
        if info.nonce == nonce:
            return
        if nonce or info.exists():
            self.system.account.put(who, replace(info, nonce=nonce))
        else:
            self.system.account.remove(who)

    def _wipe(self, changes: tuple[AccountChange, ...]) -> None:
        """Empty the storage of contracts that were there before. Raises StorageTooLarge."""
        left = MAX_WIPED_SLOTS
        for change in changes:
            if change.wiped and self.account_codes.contains(change.address):
                slots = [slot for slot, _ in islice(self.account_storages.items_under(change.address), left + 1)]
                left -= len(slots)
                if left < 0:
                    raise StorageTooLarge(MAX_WIPED_SLOTS)
                for slot in slots:
                    self.account_storages.remove(change.address, slot)

    def _keep_contract(self, change: AccountChange) -> None:
        if change.code:
            self.account_codes.put(change.address, change.code)
        elif change.code is not None:
            self.account_codes.remove(change.address)
        for slot, value in change.slots.items():
            if value:
                self.account_storages.put(change.address, _word(slot), _word(value))
            else:
                self.account_storages.remove(change.address, _word(slot))


def _word(number: int) -> bytes:
    return number.to_bytes(WORD_BYTES, "big")
