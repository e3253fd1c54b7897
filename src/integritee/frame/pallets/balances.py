"""pallet Balances: funds of accounts, kept in System.Account.

Source: pallet-balances 41 (polkadot-sdk stable2503). An account lives while its free balance is at least the
existential deposit; a smaller remainder without reserves is dust and is burned.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import ClassVar

from msgspec.structs import replace

from integritee.frame.declare import Constant, Errors, Events, call, constant, error, event
from integritee.frame.errors import TokenError, cannot_lookup, overflow, token_failure, underflow
from integritee.frame.origin import Origin, ensure_root, ensure_signed
from integritee.frame.pallet import Pallet
from integritee.frame.pallets.system import NEW_LOGIC_FLAG, AccountData, AccountInfo, System
from integritee.frame.storage_items import Blake2_128Concat, StorageMap, StorageValue
from integritee.frame.weights import PostInfo, weight
from integritee.primitives.ids import AccountId, Balance, Id, MultiAddress
from integritee.scale import Bytes8, Compact, Struct, u32

MAX_BALANCE = (1 << 128) - 1


class Reasons(enum.IntEnum):
    Fee = 0
    Misc = 1
    All = 2


class BalanceLock(Struct, frozen=True):
    scale_path: ClassVar[str] = "pallet_balances::types::BalanceLock"
    id: Bytes8
    amount: Balance
    reasons: Reasons


class ReserveData(Struct, frozen=True):
    scale_path: ClassVar[str] = "pallet_balances::types::ReserveData"
    id: Bytes8
    amount: Balance


class AdjustmentDirection(enum.IntEnum):
    Increase = 0
    Decrease = 1


class Balances(Pallet):
    """Transfers, reserves and issuance of the native token."""

    path = "pallet_balances"
    storage_version = 1
    system: System

    total_issuance: StorageValue[Balance]
    inactive_issuance: StorageValue[Balance]
    locks: StorageMap[Blake2_128Concat[AccountId], list[BalanceLock]]
    reserves: StorageMap[Blake2_128Concat[AccountId], list[ReserveData]]

    existential_deposit: Constant[Balance] = constant(500)
    max_locks: Constant[u32] = constant(50)
    max_reserves: Constant[u32] = constant(50)
    max_freezes: Constant[u32] = constant(0)

    class Event(Events):
        Endowed = event(0, account=AccountId, free_balance=Balance)
        DustLost = event(1, account=AccountId, amount=Balance)
        Transfer = event(2, from_=AccountId, to=AccountId, amount=Balance)
        BalanceSet = event(3, who=AccountId, free=Balance)
        Reserved = event(4, who=AccountId, amount=Balance)
        Unreserved = event(5, who=AccountId, amount=Balance)
        Deposit = event(7, who=AccountId, amount=Balance)
        Withdraw = event(8, who=AccountId, amount=Balance)
        Minted = event(10, who=AccountId, amount=Balance)
        Burned = event(11, who=AccountId, amount=Balance)
        Upgraded = event(14, who=AccountId)
        TotalIssuanceForced = event(21, old=Balance, new=Balance)

    class Error(Errors):
        VestingBalance = error("vesting balance too high to send value")
        LiquidityRestrictions = error("account liquidity restrictions prevent withdrawal")
        InsufficientBalance = error("balance too low to send value")
        ExistentialDeposit = error("value too low to create account due to existential deposit")
        Expendability = error("transfer or payment would kill account")
        ExistingVestingSchedule = error("a vesting schedule already exists for this account")
        DeadAccount = error("beneficiary account must pre-exist")
        TooManyReserves = error("number of named reserves exceeds MaxReserves")
        TooManyHolds = error("number of holds exceeds the variants of the hold reason")
        TooManyFreezes = error("number of freezes exceeds MaxFreezes")
        IssuanceDeactivated = error("the issuance cannot be modified since it is already deactivated")
        DeltaZero = error("the delta cannot be zero")

    # -- queries -------------------------------------------------------------------------------------

    def data(self, who: bytes) -> AccountData:
        return self.system.account.get(who).data

    def free(self, who: bytes) -> int:
        return self.data(who).free

    def total(self, who: bytes) -> int:
        """Free and reserved."""
        data = self.data(who)
        return data.free + data.reserved

    def liquid(self, info: AccountInfo, keep_alive: bool = False) -> int:
        """What may be withdrawn: not frozen beyond reserves, and not the last provider of consumers."""
        untouchable = max(info.data.frozen - info.data.reserved, 0)
        last_provider = info.providers == 1 and info.consumers > 0
        if info.data.free and (keep_alive or last_provider):
            untouchable = max(untouchable, self.existential_deposit)
        return max(info.data.free - untouchable, 0)

    # -- movements -----------------------------------------------------------------------------------

    def transfer(self, source: bytes, dest: bytes, value: int, keep_alive: bool = False) -> None:
        """Move `value`; `keep_alive` refuses to let `source` die. Raises Token errors, Underflow."""
        giver, taker = self.system.account.get(source), self.system.account.get(dest)
        self._check_withdraw(giver, value, keep_alive)
        if value and taker.data.free + value < self.existential_deposit:
            raise token_failure(TokenError.BelowMinimum)
        if source == dest:
            return
        if value:
            self._update(source, giver, replace(giver.data, free=giver.data.free - value))
            self._update(dest, taker, replace(taker.data, free=_checked(taker.data.free + value)))
        self.deposit(self.Event.Transfer(source, dest, value))

    def check_withdraw(self, who: bytes, value: int, keep_alive: bool) -> None:
        """Raises Token errors or Underflow if `value` may not leave the account's free balance."""
        self._check_withdraw(self.system.account.get(who), value, keep_alive)

    def _check_withdraw(self, info: AccountInfo, value: int, keep_alive: bool) -> None:
        if value == 0:
            return
        if info.data.free < value:
            if self.total_issuance.get() < value:
                raise underflow()
            raise token_failure(TokenError.FundsUnavailable)
        if value > self.liquid(info):
            raise token_failure(TokenError.Frozen)
        if info.data.free - value < self.existential_deposit and keep_alive:
            raise token_failure(TokenError.NotExpendable)

    def withdraw(self, who: bytes, value: int) -> None:
        """Take fees out of circulation; the account must stay alive. Raises Token errors."""
        self.check_withdraw(who, value, keep_alive=True)
        self.change(who, lambda d: replace(d, free=d.free - value))
        self.total_issuance.mutate(lambda total: total - value)
        self.deposit(self.Event.Withdraw(who, value))

    def mint(self, who: bytes, value: int) -> bool:
        """Put `value` into circulation if that leaves a living account; whether it did."""
        info = self.system.account.get(who)
        if value == 0 or info.data.free + value < self.existential_deposit:
            return False
        self._update(who, info, replace(info.data, free=_checked(info.data.free + value)))
        self.total_issuance.mutate(lambda total: _checked(total + value))
        return True

    def burn_from(self, who: bytes, value: int) -> None:
        """Destroy `value` of free balance; dust that remains is destroyed as well. Raises Token errors."""
        self.check_withdraw(who, value, keep_alive=False)
        self.change(who, lambda d: replace(d, free=d.free - value))
        self.total_issuance.mutate(lambda total: total - value)

    def set_free(self, who: bytes, value: int) -> None:
        """Set the free balance, adjusting the issuance; below the existential deposit means 0."""
        value = value if value >= self.existential_deposit else 0
        before = self.free(who)
        self.change(who, lambda d: replace(d, free=value))
        self.total_issuance.mutate(lambda total: _checked(total + value - before))
        self.deposit(self.Event.BalanceSet(who, value))

    def reserve(self, who: bytes, value: int) -> None:
        """Move free to reserved. Raises InsufficientBalance, LiquidityRestrictions, ConsumerRemaining."""
        if value == 0:
            return
        data = self.data(who)
        if data.free < value:
            raise self.Error.InsufficientBalance()
        if data.free - value < data.frozen:
            raise self.Error.LiquidityRestrictions()
        self.change(who, lambda d: replace(d, free=d.free - value, reserved=_checked(d.reserved + value)))
        self.deposit(self.Event.Reserved(who, value))

    def unreserve(self, who: bytes, value: int) -> int:
        """Move reserved to free as far as there is; the amount that was not there."""
        moved = min(self.data(who).reserved, value)
        if moved:
            self.change(who, lambda d: replace(d, free=_checked(d.free + moved), reserved=d.reserved - moved))
            self.deposit(self.Event.Unreserved(who, moved))
        return value - moved

    def change(self, who: bytes, alter: Callable[[AccountData], AccountData]) -> None:
        """Replace an account's funds, keeping references, dust rule and issuance consistent.

        Free balance at or above the existential deposit is a provider; reserved or frozen funds are a consumer.
        Raises ConsumerRemaining, overflow errors.
        """
        info = self.system.account.get(who)
        self._update(who, info, alter(info.data))

    def _update(self, who: bytes, info: AccountInfo, after: AccountData) -> None:
        """`change` of an account that was just read."""
        before, existed = info.data, info.exists()
        dust = 0
        if after.free < self.existential_deposit and after.reserved == 0:
            dust, after = after.free, AccountData(0, 0, after.frozen, after.flags)
        info = replace(info, data=after)
        had, has = before.reserved > 0 or before.frozen > 0, after.reserved > 0 or after.frozen > 0
        if has and not had:
            info = replace(info, consumers=info.consumers + 1)
        lived, lives = before.free >= self.existential_deposit, after.free >= self.existential_deposit
        endowed = lives and not lived
        if endowed:
            info = System.add_provider(info)
        if had and not has:
            info = replace(info, consumers=info.consumers - 1)
        if lived and not lives:
            info = System.drop_provider(info)
        self.system.store_account(who, info, existed)
        if endowed and not before.reserved:
            self.deposit(self.Event.Endowed(who, after.free))
        if dust:
            self.total_issuance.mutate(lambda total: total - dust)
            self.deposit(self.Event.DustLost(who, dust))

    # -- calls ---------------------------------------------------------------------------------------

    @call(0, weight=weight(40_530_000, 1, 1))
    def transfer_allow_death(self, origin: Origin, dest: MultiAddress, value: Compact[Balance]) -> None:
        """Transfer; the sender may die."""
        self.transfer(ensure_signed(origin), account_of(dest), value)

    @call(2, weight=weight(41_421_000, 2, 2))
    def force_transfer(
        self, origin: Origin, source: MultiAddress, dest: MultiAddress, value: Compact[Balance]
    ) -> None:
        """Transfer between any accounts (root)."""
        ensure_root(origin)
        self.transfer(account_of(source), account_of(dest), value)

    @call(3, weight=weight(35_421_000, 1, 1))
    def transfer_keep_alive(self, origin: Origin, dest: MultiAddress, value: Compact[Balance]) -> None:
        """Transfer; the sender stays alive."""
        self.transfer(ensure_signed(origin), account_of(dest), value, keep_alive=True)

    @call(4, weight=weight(40_121_000, 1, 1))
    def transfer_all(self, origin: Origin, dest: MultiAddress, keep_alive: bool) -> None:
        """Transfer all that is transferable."""
        who = ensure_signed(origin)
        value = self.liquid(self.system.account.get(who), keep_alive)
        self.transfer(who, account_of(dest), value, keep_alive)

    @call(5, weight=weight(16_790_000, 1, 1))
    def force_unreserve(self, origin: Origin, who: MultiAddress, amount: Balance) -> None:
        """Unreserve funds of any account (root)."""
        ensure_root(origin)
        self.unreserve(account_of(who), amount)

    @call(6, weight=lambda self, who: weight(16_000_000 + 13_000_000 * len(who), len(who), len(who)))
    def upgrade_accounts(self, origin: Origin, who: list[AccountId]) -> PostInfo:
        """Bring accounts to the current format; all of this chain's are."""
        ensure_signed(origin)
        for account in who:
            info = self.system.account.get(account)
            if info.exists() and not info.data.flags & NEW_LOGIC_FLAG:
                data = replace(info.data, flags=info.data.flags | NEW_LOGIC_FLAG)
                self.system.store_account(account, replace(info, data=data))
                self.deposit(self.Event.Upgraded(account))
        return PostInfo()

    @call(8, weight=weight(20_500_000, 1, 1))
    def force_set_balance(self, origin: Origin, who: MultiAddress, new_free: Compact[Balance]) -> None:
        """Set a free balance (root)."""
        ensure_root(origin)
        self.set_free(account_of(who), new_free)

    @call(9, weight=weight(5_000_000, 1, 1))
    def force_adjust_total_issuance(
        self, origin: Origin, direction: AdjustmentDirection, delta: Compact[Balance]
    ) -> None:
        """Correct the issuance without touching accounts (root)."""
        ensure_root(origin)
        if delta == 0:
            raise self.Error.DeltaZero()
        old = self.total_issuance.get()
        new = old + delta if direction is AdjustmentDirection.Increase else old - delta
        new = min(max(new, 0), MAX_BALANCE)
        if self.inactive_issuance.get() > new:
            raise self.Error.IssuanceDeactivated()
        self.total_issuance.put(new)
        self.deposit(self.Event.TotalIssuanceForced(old, new))

    @call(10, weight=weight(27_000_000, 1, 1))
    def burn(self, origin: Origin, value: Compact[Balance], keep_alive: bool) -> None:
        """Destroy own funds."""
        who = ensure_signed(origin)
        self.check_withdraw(who, value, keep_alive)
        self.burn_from(who, value)
        self.deposit(self.Event.Burned(who, value))


def account_of(address: MultiAddress) -> bytes:
    """The account an address names (`AccountIdLookup`). Raises CannotLookup for anything but Id."""
    if isinstance(address, Id):
        return address.account
    raise cannot_lookup()


def _checked(value: int) -> int:
    if value > MAX_BALANCE:
        raise overflow()
    return value
