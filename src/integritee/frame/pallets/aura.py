"""pallet Aura: who may author in which slot.

Source: pallet-aura 39 (polkadot-sdk stable2503). Several blocks may share a slot here (upstream's
`AllowMultipleBlocksPerSlot`), so that a development chain can seal blocks faster than its slots pass.
"""

from __future__ import annotations

from typing import Annotated

from integritee.frame.declare import Constant, constant
from integritee.frame.errors import BlockPanic
from integritee.frame.pallet import Pallet
from integritee.frame.pallets.system import System
from integritee.frame.storage_items import StorageValue
from integritee.primitives.header import AURA_ENGINE, PreRuntime
from integritee.scale import Bounded, Fixed, u64

MAX_AUTHORITIES = 32

AuraId = Annotated[bytes, Fixed(32, "sp_consensus_aura::sr25519::app_sr25519::Public")]
"""sr25519 public key of an author."""


class Aura(Pallet):
    """Slot n belongs to authority n modulo their count."""

    path = "pallet_aura"
    system: System

    authorities: StorageValue[Annotated[list[AuraId], Bounded(MAX_AUTHORITIES, "BoundedVec")]]
    current_slot: StorageValue[u64]

    slot_duration: Constant[u64] = constant(6000)

    def on_initialize(self, number: int) -> None:
        """Move on to the slot in the block's digest."""
        slot = self._slot_of_digest()
        if slot is None:
            return
        if slot < self.current_slot.get():
            raise BlockPanic(f"slot {slot} is before that of the parent block")
        self.current_slot.put(slot)

    def on_timestamp_set(self, moment: int) -> None:
        slot = self.current_slot.get()
        if moment // self.slot_duration != slot:
            raise BlockPanic(f"the timestamp {moment} is not in slot {slot}")

    def _slot_of_digest(self) -> int | None:
        for item in self.system.digest.get().logs:
            if isinstance(item, PreRuntime) and item.engine == AURA_ENGINE:
                return int.from_bytes(item.data, "little")
        return None
