"""pallet ForeignAssets: pallet Assets for assets of other chains, known by where they come from.

Source: the `ForeignAssetsInstance` of asset hubs. Their creation there takes an origin of the other chain, which only
XCM brings about; without XCM, root creates them.
"""

from __future__ import annotations

from integritee.frame.errors import bad_origin
from integritee.frame.origin import Origin
from integritee.frame.pallets.asset_calls import AssetCalls, AssetMetadata, asset_events
from integritee.frame.pallets.assets import AssetAccount, AssetDetails, I
from integritee.frame.storage_items import Blake2_128Concat, StorageDoubleMap, StorageMap
from integritee.primitives.ids import AccountId
from integritee.primitives.location import Location


class ForeignAssets(AssetCalls[Location]):
    """Assets by XCM location."""

    call_types = {I: Location}

    asset: StorageMap[Blake2_128Concat[Location], AssetDetails | None]
    account: StorageDoubleMap[Blake2_128Concat[Location], Blake2_128Concat[AccountId], AssetAccount | None]
    metadata: StorageMap[Blake2_128Concat[Location], AssetMetadata]

    Event = asset_events(Location)

    def creator(self, origin: Origin) -> bytes:
        raise bad_origin()
