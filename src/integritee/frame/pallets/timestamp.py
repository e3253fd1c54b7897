"""pallet Timestamp: the time of the block, put there by its author.

Source: pallet-timestamp 40 (polkadot-sdk stable2503), sp-timestamp. One thing differs on purpose: upstream asks
that blocks be `MinimumPeriod` apart, here time only has to move on, so that a development chain may seal blocks
as fast as it likes. The constant stays in metadata, where clients take the block time from it.
"""

from __future__ import annotations

import enum
from typing import ClassVar, Final

from integritee.frame.declare import Constant, call, constant
from integritee.frame.errors import BlockPanic
from integritee.frame.inherents import InherentData
from integritee.frame.origin import Origin, ensure_none
from integritee.frame.outer import RuntimeCall
from integritee.frame.pallet import Pallet
from integritee.frame.storage_items import StorageValue
from integritee.frame.weights import DispatchClass, weight
from integritee.primitives.ids import Moment
from integritee.scale import Compact, decode, encode, u64

TIMESTAMP_INHERENT: Final = b"timstap0"

MAX_DRIFT_MS: Final = 30_000
"""How far ahead of our clock the time of a foreign block may be."""


class InherentError(enum.IntEnum):
    TooEarly = 0
    TooFarInFuture = 1


class Timestamp(Pallet):
    """The block's time in ms since the Unix epoch."""

    path = "pallet_timestamp"
    storage_version: ClassVar[int | None] = 0

    now: StorageValue[Moment]
    did_update: StorageValue[bool]

    minimum_period: Constant[Moment] = constant(3000)

    @call(0, weight=weight(12_023_000, reads=2, writes=1), dispatch_class=DispatchClass.Mandatory)
    def set(self, origin: Origin, now: Compact[Moment]) -> None:
        """Set the time of the block; once per block, by its author, later than the block before."""
        ensure_none(origin)
        if self.did_update.exists():
            raise BlockPanic("the timestamp must be set only once in a block")
        if now < self.earliest():
            raise BlockPanic(f"the timestamp {now} is not past that of the parent block")
        self.now.put(now)
        self.did_update.put(True)
        for pallet in self.runtime.pallets.values():
            pallet.on_timestamp_set(now)

    def earliest(self) -> int:
        """Least time the block can have; 0 while no block had one."""
        before = self.now.get()
        return before + 1 if before else 0

    def on_finalize(self, number: int) -> None:
        if not self.did_update.take():
            raise BlockPanic("the timestamp must be set in every block")

    def create_inherent(self, data: InherentData) -> RuntimeCall | None:
        if TIMESTAMP_INHERENT not in data:
            return None
        offered: int = decode(u64, data[TIMESTAMP_INHERENT])
        return self.runtime.call(self.name, "set", max(offered, self.earliest()))

    def is_inherent(self, call: RuntimeCall) -> bool:
        return call.function == "set"

    def check_inherent(self, call: RuntimeCall, data: InherentData) -> InherentData:
        offered: int = decode(u64, data[TIMESTAMP_INHERENT]) if TIMESTAMP_INHERENT in data else 0
        (moment,) = call.args
        if moment > offered + MAX_DRIFT_MS:
            return {TIMESTAMP_INHERENT: encode(InherentError, InherentError.TooFarInFuture)}
        if moment < self.earliest():
            return {TIMESTAMP_INHERENT: encode(InherentError, InherentError.TooEarly)}
        return {}
