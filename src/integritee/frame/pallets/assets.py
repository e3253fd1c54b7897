"""pallet Assets: fungible assets beside the native token.

Source: pallet-assets of Substrate polkadot-v0.9.42 (functions.rs, types.rs). Here is the pallet without its calls,
for ids of any type: `trust_backed_assets` adds ids of 32 bits and calls, a ledger its own ids.

Holding a *sufficient* asset keeps an account alive by itself; a holding of another asset needs an account that
lives on native funds. A holding below the asset's minimum is dust: it goes along with what leaves the account.
Not here: approvals, holdings opened for a deposit, and the destruction of assets.
"""

from __future__ import annotations

import enum
from typing import Any, ClassVar, Final, Generic, TypeVar

from msgspec.structs import replace

from integritee.frame.declare import Errors, EventDef, Events, error
from integritee.frame.errors import TokenError, overflow, token_failure
from integritee.frame.pallet import Pallet
from integritee.frame.pallets.system import System
from integritee.frame.storage_items import Blake2_128Concat, StorageDoubleMap, StorageMap
from integritee.primitives.ids import AccountId, Balance
from integritee.scale import Enum, Struct, u32

I = TypeVar("I")  # noqa: E741  # the name in FRAME is for instances; here: the type of ids

MAX_UNITS: Final = (1 << 128) - 1

CONSUMERS_WANTED: Final = 2
"""A holding counts as one consumer and leaves room for another, so that holdings alone cannot fill an account."""


class AssetStatus(enum.IntEnum):
    scale_path = enum.nonmember("pallet_assets::types::AssetStatus")
    Live = 0
    Frozen = 1
    Destroying = 2


class AssetDetails(Struct, frozen=True):
    """An asset: who may do what to it, how much there is, who holds it. Amounts in its base units, 190 bytes."""

    scale_path: ClassVar[str] = "pallet_assets::types::AssetDetails"
    scale_params: ClassVar[tuple[tuple[str, Any], ...]] = (
        ("Balance", Balance),
        ("AccountId", AccountId),
        ("DepositBalance", Balance),
    )
    owner: AccountId
    issuer: AccountId
    admin: AccountId
    freezer: AccountId
    supply: Balance
    deposit: Balance
    min_balance: Balance
    is_sufficient: bool
    accounts: u32
    sufficients: u32
    approvals: u32
    status: AssetStatus


class ExistenceReason(Enum, frozen=True):
    """What a holding leans on."""

    scale_path: ClassVar[str] = "pallet_assets::types::ExistenceReason"
    scale_params: ClassVar[tuple[tuple[str, Any], ...]] = (("Balance", Balance),)


class Consumer(ExistenceReason, frozen=True):
    index: ClassVar[int] = 0


class Sufficient(ExistenceReason, frozen=True):
    index: ClassVar[int] = 1


class DepositHeld(ExistenceReason, frozen=True):
    index: ClassVar[int] = 2
    deposit: Balance


class DepositRefunded(ExistenceReason, frozen=True):
    index: ClassVar[int] = 3


class AssetAccount(Struct, frozen=True):
    """A holding: 18 bytes unless a deposit was paid for it."""

    scale_path: ClassVar[str] = "pallet_assets::types::AssetAccount"
    scale_params: ClassVar[tuple[tuple[str, Any], ...]] = (
        ("Balance", Balance),
        ("DepositBalance", Balance),
        ("Extra", None),
    )
    balance: Balance
    is_frozen: bool
    reason: ExistenceReason
    extra: None = None


class Assets(Pallet, Generic[I]):
    """Holdings and issuance of assets.

    A subclass gives `asset`, `account` and the events its type of ids.
    """

    path = "pallet_assets"
    system: System

    asset: StorageMap[Blake2_128Concat[I], AssetDetails | None]
    account: StorageDoubleMap[Blake2_128Concat[I], Blake2_128Concat[AccountId], AssetAccount | None]

    class Event(Events):
        Issued: ClassVar[EventDef]
        Transferred: ClassVar[EventDef]
        Burned: ClassVar[EventDef]
        ForceCreated: ClassVar[EventDef]
        Deposited: ClassVar[EventDef]
        Withdrawn: ClassVar[EventDef]

    class Error(Errors):
        BalanceLow = error("the account holds less of the asset than that")
        NoAccount = error("the account holds none of the asset")
        NoPermission = error("the sender has no such rights over the asset")
        Unknown = error("no such asset")
        Frozen = error("the holding is frozen")
        InUse = error("the asset exists already")
        BadWitness = error("the witness data is wrong")
        MinBalanceZero = error("the least holding cannot be zero")
        UnavailableConsumer = error("the account cannot take on another consumer")
        BadMetadata = error("name or symbol are too long")
        Unapproved = error("the transfer was not approved")
        WouldDie = error("the holding must stay alive")
        AlreadyExists = error("the account holds the asset already")
        NoDeposit = error("no deposit was paid for the holding")
        WouldBurn = error("units would be burned")
        LiveAsset = error("the asset is live")
        AssetNotLive = error("the asset is frozen or being destroyed")
        IncorrectStatus = error("the asset has another status")
        NotFrozen = error("the asset is not frozen")

    # -- queries -------------------------------------------------------------------------------------

    def exists(self, id: I) -> bool:
        return self.asset.contains(id)

    def balance(self, id: I, who: bytes) -> int:
        """Base units an account holds; 0 of an asset that does not exist."""
        held = self.account.get(id, who)
        return held.balance if held else 0

    def supply(self, id: I) -> int:
        """Base units there are; 0 of an asset that does not exist."""
        details = self.asset.get(id)
        return details.supply if details else 0

    # -- movements -----------------------------------------------------------------------------------

    def establish(self, id: I, owner: bytes, is_sufficient: bool, min_balance: int) -> None:
        """Bring an asset into being, all rights with `owner`. Raises InUse, MinBalanceZero."""
        self._new_asset(id, owner, owner, 0, is_sufficient, min_balance)
        self.deposit(self.Event.ForceCreated(id, owner))

    def mint_into(self, id: I, who: bytes, amount: int, issuer: bytes | None = None) -> None:
        """Issue `amount` to an account; `issuer` must have the right to, None is nobody in particular.

        Raises Token errors (UnknownAsset, BelowMinimum, CannotCreate), Overflow, AssetNotLive, NoPermission.
        """
        if amount:
            details = self._check_credit(id, who, amount)
            if details.supply + amount > MAX_UNITS:
                raise overflow()
            self._expect_live(details)
            if issuer is not None and issuer != details.issuer:
                raise self.Error.NoPermission()
            details = self._credit(id, who, amount, details)
            self.asset.put(id, replace(details, supply=details.supply + amount))
        self.deposit(self.Event.Issued(id, who, amount))

    def burn_up_to(self, id: I, who: bytes, amount: int, admin: bytes | None = None) -> int:
        """Destroy `amount` of an account's units, or as many as it has; how many that were.

        `admin` must have the right to, None is nobody in particular. Raises Unknown, AssetNotLive, NoAccount,
        Frozen, NoPermission.
        """
        details = self._known(id)
        if amount or details.status is AssetStatus.Destroying:
            self._expect_live(details)
        burned = 0
        if amount:
            burned = self._debit_of(id, who, amount, details, exact=False)
            if admin is not None and admin != details.admin:
                raise self.Error.NoPermission()
            details = self._debit(id, who, burned, details)
            self.asset.put(id, replace(details, supply=details.supply - burned))
        self.deposit(self.Event.Burned(id, who, burned))
        return burned

    def move(self, id: I, source: bytes, dest: bytes, amount: int, keep_alive: bool = False) -> None:
        """Transfer `amount`, and dust that would be left behind; `keep_alive` leaves the least holding.

        Raises Unknown, AssetNotLive, NoAccount, Frozen, BalanceLow, Token errors (BelowMinimum, CannotCreate),
        Overflow.
        """
        if amount == 0:
            return
        before = self._known(id)
        self._expect_live(before)
        moved = self._debit_of(id, source, amount, before, exact=True, keep_alive=keep_alive)
        self._check_credit(id, dest, moved)
        if source != dest:
            after = self._debit(id, source, moved, self._credit(id, dest, moved, before))
            if after != before:
                self.asset.put(id, after)
        self.deposit(self.Event.Transferred(id, source, dest, moved))

    # -- fees ----------------------------------------------------------------------------------------

    def check_withdraw(self, id: I, who: bytes, amount: int) -> None:
        """Whether `amount` may leave an account with the least holding left.

        Raises Unknown, AssetNotLive, NoAccount, Frozen, BalanceLow.
        """
        if amount:
            details = self._known(id)
            self._expect_live(details)
            self._debit_of(id, who, amount, details, exact=True, keep_alive=True)

    def withdraw(self, id: I, who: bytes, amount: int) -> None:
        """Take fees out of existence. Raises as `check_withdraw`."""
        self.check_withdraw(id, who, amount)
        details = self._debit(id, who, amount, self._known(id))
        self.asset.put(id, replace(details, supply=details.supply - amount))
        self.deposit(self.Event.Withdrawn(id, who, amount))

    def give_back(self, id: I, who: bytes, amount: int) -> None:
        """Undo a part of `withdraw`. Raises Token errors (UnknownAsset, BelowMinimum, CannotCreate), Overflow."""
        details = self._credit(id, who, amount, self._check_credit(id, who, amount))
        self.asset.put(id, replace(details, supply=details.supply + amount))
        self.deposit(self.Event.Deposited(id, who, amount))

    def transferable(self, id: I, who: bytes, keep_alive: bool) -> int:
        """Base units that may leave an account; with `keep_alive` the least holding stays.

        Raises Unknown, AssetNotLive, NoAccount, Frozen.
        """
        details = self._known(id)
        self._expect_live(details)
        return _reducible(self._liquid_holding(id, who), details, keep_alive)

    # -- checks --------------------------------------------------------------------------------------

    def _known(self, id: I) -> AssetDetails:
        details = self.asset.get(id)
        if details is None:
            raise self.Error.Unknown()
        return details

    def _expect_live(self, details: AssetDetails) -> None:
        if details.status is not AssetStatus.Live:
            raise self.Error.AssetNotLive()

    def _check_credit(self, id: I, who: bytes, amount: int) -> AssetDetails:
        """Whether an account can take `amount`; the asset."""
        details = self.asset.get(id)
        if details is None:
            raise token_failure(TokenError.UnknownAsset)
        held = self.account.get(id, who)
        if held is not None:
            if held.balance + amount > MAX_UNITS:
                raise overflow()
        elif amount < details.min_balance:
            raise token_failure(TokenError.BelowMinimum)
        elif not details.is_sufficient and not self._may_consume(who):
            raise token_failure(TokenError.CannotCreate)
        return details

    def _may_consume(self, who: bytes) -> bool:
        return System.may_add_consumers(self.system.account.get(who), CONSUMERS_WANTED)

    def _debit_of(
        self, id: I, who: bytes, amount: int, details: AssetDetails, *, exact: bool, keep_alive: bool = False
    ) -> int:
        """What leaves an account when `amount` is asked for: dust more, or less if need not be `exact`."""
        held = self._liquid_holding(id, who)
        debit = min(amount, _reducible(held, details, keep_alive))
        if exact and debit < amount:
            raise self.Error.BalanceLow()
        return held.balance if held.balance - debit < details.min_balance else debit

    def _liquid_holding(self, id: I, who: bytes) -> AssetAccount:
        held = self.account.get(id, who)
        if held is None:
            raise self.Error.NoAccount()
        if held.is_frozen:
            raise self.Error.Frozen()
        return held

    # -- changes -------------------------------------------------------------------------------------

    def _new_asset(
        self, id: I, owner: bytes, team: bytes, deposit: int, is_sufficient: bool, min_balance: int
    ) -> None:
        if self.asset.contains(id):
            raise self.Error.InUse()
        if min_balance == 0:
            raise self.Error.MinBalanceZero()
        self.asset.put(
            id,
            AssetDetails(owner, team, team, team, 0, deposit, min_balance, is_sufficient, 0, 0, 0, AssetStatus.Live),
        )

    def _credit(self, id: I, who: bytes, amount: int, details: AssetDetails) -> AssetDetails:
        """Add to a holding, opening it if need be; the asset with its holdings counted."""
        held = self.account.get(id, who)
        if held is None:
            held = AssetAccount(0, False, self._lean_on(who, details))
            details = replace(
                details, accounts=details.accounts + 1, sufficients=details.sufficients + details.is_sufficient
            )
        self.account.put(id, who, replace(held, balance=held.balance + amount))
        return details

    def _debit(self, id: I, who: bytes, amount: int, details: AssetDetails) -> AssetDetails:
        """Take from a holding, closing it if nothing is left; the asset with its holdings counted."""
        held = self.account.get(id, who)
        assert held is not None  # `_debit_of` has seen it
        rest = replace(held, balance=held.balance - amount)
        if rest.balance or isinstance(rest.reason, DepositHeld):
            self.account.put(id, who, rest)
            return details
        self.account.remove(id, who)
        self._let_go(who, rest.reason)
        sufficient = isinstance(rest.reason, Sufficient)
        return replace(details, accounts=details.accounts - 1, sufficients=details.sufficients - sufficient)

    def _lean_on(self, who: bytes, details: AssetDetails) -> ExistenceReason:
        info = self.system.account.get(who)
        if details.is_sufficient:
            self.system.store_account(who, System.add_sufficient(info))
            return Sufficient()
        self.system.store_account(who, System.add_consumer(info))
        return Consumer()

    def _let_go(self, who: bytes, reason: ExistenceReason) -> None:
        info = self.system.account.get(who)
        match reason:
            case Sufficient():
                self.system.store_account(who, System.drop_sufficient(info))
            case Consumer():
                self.system.store_account(who, System.drop_consumer(info))


def _reducible(held: AssetAccount, details: AssetDetails, keep_alive: bool) -> int:
    """Base units that may leave a holding."""
    return max(held.balance - details.min_balance, 0) if keep_alive else held.balance
