"""pallet Assets with ids of 32 bits: assets of the chain itself, worth what their owners are trusted with."""

from __future__ import annotations

from integritee.frame.pallets.asset_calls import AssetCalls, AssetMetadata, asset_events
from integritee.frame.pallets.assets import AssetAccount, AssetDetails, I
from integritee.frame.storage_items import Blake2_128Concat, StorageDoubleMap, StorageMap
from integritee.primitives.ids import AccountId
from integritee.scale import Compact, u32


class TrustBackedAssets(AssetCalls[int]):
    """Assets by number; anybody may create one."""

    call_types = {I: Compact[u32]}

    asset: StorageMap[Blake2_128Concat[u32], AssetDetails | None]
    account: StorageDoubleMap[Blake2_128Concat[u32], Blake2_128Concat[AccountId], AssetAccount | None]
    metadata: StorageMap[Blake2_128Concat[u32], AssetMetadata]

    Event = asset_events(u32)
