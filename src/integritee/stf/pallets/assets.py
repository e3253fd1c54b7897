"""pallet Assets of the ledger: assets of the parentchain, by `AssetId`.

Every asset is sufficient: holding a single base unit of it keeps an account alive, without native funds. All
rights over an asset are the enclave account's. Source: worker `app-libs/sgx-runtime` (instance of pallet-assets).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from integritee.frame.declare import Events, event
from integritee.frame.pallets import assets
from integritee.frame.pallets.assets import AssetAccount, AssetDetails
from integritee.frame.storage_items import Blake2_128Concat, StorageDoubleMap, StorageMap
from integritee.primitives.ids import AccountId, Balance
from integritee.stf.asset_map import AssetId
from integritee.stf.errors import MissingAssets

LEAST_HOLDING: Final = 1
"""Base units: no holding is ever dust."""


class Assets(assets.Assets[AssetId]):
    """Holdings of assets, amounts in base units of each."""

    asset: StorageMap[Blake2_128Concat[AssetId], AssetDetails | None]
    account: StorageDoubleMap[Blake2_128Concat[AssetId], Blake2_128Concat[AccountId], AssetAccount | None]

    class Event(Events):
        Issued = event(1, asset_id=AssetId, owner=AccountId, amount=Balance)
        Transferred = event(2, asset_id=AssetId, from_=AccountId, to=AccountId, amount=Balance)
        Burned = event(3, asset_id=AssetId, owner=AccountId, balance=Balance)
        ForceCreated = event(14, asset_id=AssetId, owner=AccountId)

    def ensure(self, id: AssetId, owner: bytes) -> None:
        """Bring an asset into being, all rights with `owner`, unless it is there."""
        if not self.exists(id):
            self.establish(id, owner, is_sufficient=True, min_balance=LEAST_HOLDING)

    def burn_from(self, id: AssetId, who: bytes, amount: int) -> None:
        """Destroy exactly `amount` of an account's units. Raises Unknown, MissingAssets.

        The original burns what there is if it is less, and pays out the full amount on the parentchain.
        """
        self._known(id)
        available = self.balance(id, who)
        if available < amount:
            raise MissingAssets(id.symbol, amount, available)
        self.burn_up_to(id, who, amount)

    def transfer(self, id: AssetId, source: bytes, dest: bytes, amount: int) -> None:
        """Move units between accounts. Raises Unknown, NoAccount, BalanceLow, Overflow."""
        self.move(id, source, dest, amount)

    def balances_of(self, who: bytes, ids: Iterable[AssetId]) -> list[tuple[AssetId, int]]:
        """What an account holds, in the order of `ids`, without those of which it holds nothing."""
        return [(id, balance) for id in ids if (balance := self.balance(id, who))]
