"""A relay chain that does not exist: the few storage items a parachain reads of it, and their proof.

Nothing else is in its state, so the proof is the whole state, and all that a parachain may look up besides
(channels, upgrade restrictions, a queue's size) is proven to be absent: no channels, empty queues, no restrictions.

Sources: polkadot-primitives `well_known_keys`, cumulus-primitives-core `AbridgedHostConfiguration`, cumulus
`relay_state_snapshot`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from integritee.crypto import twox_64_concat
from integritee.primitives.storage import storage_prefix
from integritee.scale import Struct, encode, u32
from integritee.trie import Layout, Trie

RELAY_SLOT_MS: Final = 6000
"""BABE slot of the relay chain."""

SLOTS_PER_EPOCH: Final = 600
"""One hour, as on Rococo and Paseo."""

MAX_POV_BYTES: Final = 5 * 1024 * 1024

ACTIVE_CONFIG: Final = storage_prefix("Configuration", "ActiveConfig")
CURRENT_SLOT: Final = storage_prefix("Babe", "CurrentSlot")
EPOCH_INDEX: Final = storage_prefix("Babe", "EpochIndex")

GO_AHEAD: Final = b"\x01"
"""UpgradeGoAhead: the parachain shall apply the code it has announced."""


class AbridgedHostConfiguration(Struct, frozen=True):
    """What a parachain needs to know of the relay chain's limits; the values are those of public test networks.

    The last two, of asynchronous backing, are newer than the others; runtimes that do not know them ignore what
    is left over.
    """

    max_code_size: u32 = 3 * 1024 * 1024
    max_head_data_size: u32 = 20_480
    max_upward_queue_count: u32 = 174_762
    max_upward_queue_size: u32 = 1024 * 1024
    max_upward_message_size: u32 = 65_531
    max_upward_message_num_per_candidate: u32 = 16
    hrmp_max_message_num_per_candidate: u32 = 10
    validation_upgrade_cooldown: u32 = 14_400
    validation_upgrade_delay: u32 = 600
    max_candidate_depth: u32 = 3
    allowed_ancestry_len: u32 = 2


@dataclass(frozen=True, slots=True)
class RelayParent:
    """The relay chain's block that a parachain's block is built upon, as far as parachain `para_id` sees it.

    `slot` is the BABE slot, `para_head` the last header (SCALE) of the parachain the relay chain has included,
    `downward_head` the hash chain of the messages it ever sent down, None for none; `go_ahead` has an announced
    upgrade applied.
    """

    para_id: int
    slot: int
    para_head: bytes
    downward_head: bytes | None = None
    go_ahead: bool = False

    def storage(self) -> dict[bytes, bytes]:
        """Its whole state."""
        items = {
            ACTIVE_CONFIG: encode(AbridgedHostConfiguration, AbridgedHostConfiguration()),
            CURRENT_SLOT: self.slot.to_bytes(8, "little"),
            EPOCH_INDEX: (self.slot // SLOTS_PER_EPOCH).to_bytes(8, "little"),
            self._key("Paras", "Heads"): encode(bytes, self.para_head),
        }
        if self.downward_head is not None:
            items[self._key("Dmp", "DownwardMessageQueueHeads")] = self.downward_head
        if self.go_ahead:
            items[self._key("Paras", "UpgradeGoAheadSignal")] = GO_AHEAD
        return items

    def prove(self) -> tuple[bytes, list[bytes]]:
        """Root of the state, and the trie nodes that prove all of it, in ascending order (sp-trie `StorageProof`)."""
        items = self.storage()
        state = Trie.from_items(items, Layout.V0)
        return state.root(), sorted(state.prove(items))

    def _key(self, pallet: str, item: str) -> bytes:
        """Key of the parachain in a map."""
        return storage_prefix(pallet, item) + twox_64_concat(self.para_id.to_bytes(4, "little"))
