"""pallet Timestamp of the ledger: time of the sidechain block, written by the author."""

from __future__ import annotations

from integritee.frame.pallet import Pallet
from integritee.frame.storage_items import StorageValue
from integritee.primitives.ids import Moment


class Timestamp(Pallet):
    """`now` in Unix ms."""

    path = "pallet_timestamp"
    now: StorageValue[Moment]
