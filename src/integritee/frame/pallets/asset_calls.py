"""pallet Assets as asset hubs and parachains have it, once for each type of ids: its calls, deposits and metadata.

Source: pallet-assets of Substrate polkadot-v0.9.42 (lib.rs, weights.rs). Numbers of calls, events and errors are
the same on today's chains.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from msgspec.structs import replace

from integritee.frame.declare import Constant, EventDef, call, constant, event, storage
from integritee.frame.origin import Origin, ensure_root, ensure_signed
from integritee.frame.pallets.assets import AssetDetails, Assets, AssetStatus, I
from integritee.frame.pallets.balances import Balances, account_of
from integritee.frame.storage_items import Blake2_128Concat, StorageMap
from integritee.frame.weights import weight
from integritee.primitives.ids import AccountId, Balance, MultiAddress
from integritee.scale import Bounded, Compact, Struct, u8, u32
from integritee.scale.shape import Hint

STRING_LIMIT = 50

Label = Annotated[bytes, Bounded(STRING_LIMIT, "BoundedVec")]
"""Name or symbol of an asset, UTF-8."""


class AssetMetadata(Struct, frozen=True):
    """What people see of an asset."""

    scale_path: ClassVar[str] = "pallet_assets::types::AssetMetadata"
    scale_params: ClassVar[tuple[tuple[str, Any], ...]] = (("DepositBalance", Balance), ("BoundedString", Label))
    deposit: Balance
    name: Label
    symbol: Label
    decimals: u8
    is_frozen: bool


class AssetCalls(Assets[I]):
    """What people can do with assets.

    An instance gives storage and events its type of ids, and calls the form in which they take them (`call_types`).
    """

    storage_version: ClassVar[int | None] = 1
    balances: Balances

    metadata: StorageMap[Blake2_128Concat[I], AssetMetadata] = storage(default=AssetMetadata(0, b"", b"", 0, False))

    asset_deposit: Constant[Balance] = constant(0)
    string_limit: Constant[u32] = constant(STRING_LIMIT)

    class Event(Assets.Event):
        Created: ClassVar[EventDef]
        Frozen: ClassVar[EventDef]
        Thawed: ClassVar[EventDef]
        AssetFrozen: ClassVar[EventDef]
        AssetThawed: ClassVar[EventDef]
        MetadataSet: ClassVar[EventDef]

    def creator(self, origin: Origin) -> bytes:
        """Who creates an asset without being root. Raises BadOrigin."""
        return ensure_signed(origin)

    # -- assets --------------------------------------------------------------------------------------

    @call(0, weight=weight(27_831_000, 2, 2))
    def create(self, origin: Origin, id: I, admin: MultiAddress, min_balance: Balance) -> None:
        """Bring an asset into being, for a deposit; `admin` issues, burns and freezes it."""
        owner, team = self.creator(origin), account_of(admin)
        self._new_asset(id, owner, team, self.asset_deposit, is_sufficient=False, min_balance=min_balance)
        self.balances.reserve(owner, self.asset_deposit)
        self.deposit(self.Event.Created(id, owner, team))

    @call(1, weight=weight(15_871_000, 1, 1))
    def force_create(
        self,
        origin: Origin,
        id: I,
        owner: MultiAddress,
        is_sufficient: bool,
        min_balance: Compact[Balance],
    ) -> None:
        """Bring an asset into being without a deposit (root)."""
        ensure_root(origin)
        self.establish(id, account_of(owner), is_sufficient, min_balance)

    @call(6, weight=weight(29_661_000, 2, 2))
    def mint(self, origin: Origin, id: I, beneficiary: MultiAddress, amount: Compact[Balance]) -> None:
        """Issue units to an account (the asset's issuer)."""
        issuer = ensure_signed(origin)
        self.mint_into(id, account_of(beneficiary), amount, issuer)

    @call(7, weight=weight(35_602_000, 2, 2))
    def burn(self, origin: Origin, id: I, who: MultiAddress, amount: Compact[Balance]) -> None:
        """Destroy units of an account, as many as it has at most (the asset's admin)."""
        admin = ensure_signed(origin)
        self.burn_up_to(id, account_of(who), amount, admin)

    # -- transfers -----------------------------------------------------------------------------------

    @call(8, weight=weight(51_635_000, 4, 4))
    def transfer(self, origin: Origin, id: I, target: MultiAddress, amount: Compact[Balance]) -> None:
        """Transfer; nothing need be left, and dust goes along."""
        self.move(id, ensure_signed(origin), account_of(target), amount)

    @call(9, weight=weight(45_648_000, 4, 4))
    def transfer_keep_alive(self, origin: Origin, id: I, target: MultiAddress, amount: Compact[Balance]) -> None:
        """Transfer; the least holding is left."""
        self.move(id, ensure_signed(origin), account_of(target), amount, keep_alive=True)

    @call(32, weight=weight(46_573_000, 4, 4))
    def transfer_all(self, origin: Origin, id: I, dest: MultiAddress, keep_alive: bool) -> None:
        """Transfer all there is; with `keep_alive` the least holding is left."""
        sender = ensure_signed(origin)
        self.move(id, sender, account_of(dest), self.transferable(id, sender, keep_alive), keep_alive)

    # -- freezing ------------------------------------------------------------------------------------

    @call(11, weight=weight(20_256_000, 2, 1))
    def freeze(self, origin: Origin, id: I, who: MultiAddress) -> None:
        """Let nothing leave a holding (the asset's freezer)."""
        sender = ensure_signed(origin)
        self._expect_entitled(sender, self._expect_not_destroying(id).freezer)
        self._set_frozen(id, account_of(who), frozen=True)
        self.deposit(self.Event.Frozen(id, account_of(who)))

    @call(12, weight=weight(20_087_000, 2, 1))
    def thaw(self, origin: Origin, id: I, who: MultiAddress) -> None:
        """Undo `freeze` (the asset's admin)."""
        sender = ensure_signed(origin)
        self._expect_entitled(sender, self._expect_not_destroying(id).admin)
        self._set_frozen(id, account_of(who), frozen=False)
        self.deposit(self.Event.Thawed(id, account_of(who)))

    @call(13, weight=weight(15_949_000, 1, 1))
    def freeze_asset(self, origin: Origin, id: I) -> None:
        """Let nothing move (the asset's freezer)."""
        sender, details = ensure_signed(origin), self._known(id)
        self._expect_live(details)
        self._expect_entitled(sender, details.freezer)
        self.asset.put(id, replace(details, status=AssetStatus.Frozen))
        self.deposit(self.Event.AssetFrozen(id))

    @call(14, weight=weight(15_491_000, 1, 1))
    def thaw_asset(self, origin: Origin, id: I) -> None:
        """Undo `freeze_asset` (the asset's admin)."""
        sender, details = ensure_signed(origin), self._known(id)
        self._expect_entitled(sender, details.admin)
        if details.status is not AssetStatus.Frozen:
            raise self.Error.NotFrozen()
        self.asset.put(id, replace(details, status=AssetStatus.Live))
        self.deposit(self.Event.AssetThawed(id))

    def _expect_not_destroying(self, id: I) -> AssetDetails:
        details = self._known(id)
        if details.status is AssetStatus.Destroying:
            raise self.Error.AssetNotLive()
        return details

    def _expect_entitled(self, sender: bytes, entitled: bytes) -> None:
        if sender != entitled:
            raise self.Error.NoPermission()

    def _set_frozen(self, id: I, who: bytes, frozen: bool) -> None:
        held = self.account.get(id, who)
        if held is None:
            raise self.Error.NoAccount()
        self.account.put(id, who, replace(held, is_frozen=frozen))

    # -- metadata ------------------------------------------------------------------------------------

    @call(19, weight=lambda self, id, name, symbol, *_: weight(17_200_573 + 2_353 * len(symbol), 2, 1))
    def force_set_metadata(
        self, origin: Origin, id: I, name: bytes, symbol: bytes, decimals: u8, is_frozen: bool
    ) -> None:
        """Say what people see of an asset (root)."""
        ensure_root(origin)
        if max(len(name), len(symbol)) > self.string_limit:
            raise self.Error.BadMetadata()
        self._known(id)
        deposit = self.metadata.get(id).deposit
        self.metadata.put(id, AssetMetadata(deposit, name, symbol, decimals, is_frozen))
        self.deposit(self.Event.MetadataSet(id, name, symbol, decimals, is_frozen))


def asset_events(id: Hint) -> type[AssetCalls.Event]:
    """The events of an instance with ids of a type."""

    class Event(AssetCalls.Event):
        Created = event(0, asset_id=id, creator=AccountId, owner=AccountId)
        Issued = event(1, asset_id=id, owner=AccountId, amount=Balance)
        Transferred = event(2, asset_id=id, from_=AccountId, to=AccountId, amount=Balance)
        Burned = event(3, asset_id=id, owner=AccountId, balance=Balance)
        Frozen = event(6, asset_id=id, who=AccountId)
        Thawed = event(7, asset_id=id, who=AccountId)
        AssetFrozen = event(8, asset_id=id)
        AssetThawed = event(9, asset_id=id)
        ForceCreated = event(14, asset_id=id, owner=AccountId)
        MetadataSet = event(15, asset_id=id, name=bytes, symbol=bytes, decimals=u8, is_frozen=bool)
        Deposited = event(24, asset_id=id, who=AccountId, amount=Balance)
        Withdrawn = event(25, asset_id=id, who=AccountId, amount=Balance)

    return Event
