"""The parachain inherent: what a collator tells a cumulus runtime of its relay chain with each block.

The relay chain is made up (`relay_chain`). It moves on with the parachain: its slot is that of the block's Aura
slot, its number grows by the slots that one of the parachain's takes, and the head it has included is the block's
parent. No messages come from it. An upgrade that the parachain announces gets its go-ahead with the next block.

Not provided: headers of later relay blocks, which runtimes with a relay parent offset above 0 demand.

Sources: cumulus-primitives-parachain-inherent, cumulus-primitives-core, polkadot-primitives; what runtimes check:
cumulus-pallet-parachain-system `set_validation_data`, cumulus-pallet-aura-ext `FixedVelocityConsensusHook`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from integritee.primitives.header import Header
from integritee.primitives.ids import H256
from integritee.primitives.storage import storage_prefix
from integritee.scale import Struct, decode, encode, u32

from .inherents import BlockTime, Readable
from .relay_chain import MAX_POV_BYTES, RELAY_SLOT_MS, RelayParent

PARACHAIN_INHERENT_V0: Final = b"sysi1337"
PARACHAIN_INHERENT: Final = b"sysi1338"
"""Identifiers of the older and the newer layout. Runtimes read the one they know, so blocks get both."""

FIRST_RELAY_BLOCK: Final = 1000
"""Number of the relay chain's block under a parachain's first."""

PARACHAIN_ID: Final = storage_prefix("ParachainInfo", "ParachainId")
LAST_RELAY_BLOCK: Final = storage_prefix("ParachainSystem", "LastRelayChainBlockNumber")
VALIDATION_DATA: Final = storage_prefix("ParachainSystem", "ValidationData")
PENDING_CODE: Final = storage_prefix("ParachainSystem", "PendingValidationCode")
LAST_DOWNWARD_HEAD: Final = storage_prefix("ParachainSystem", "LastDmqMqcHead")


class InboundMessage(Struct, frozen=True):
    """A message from the relay chain or from another parachain; `sent_at` is a block of the relay chain."""

    sent_at: u32
    data: bytes


class PersistedValidationData(Struct, frozen=True):
    """What the validators of a block know. `parent_head` is the parent's SCALE header, the size in bytes."""

    parent_head: bytes
    relay_parent_number: u32
    relay_parent_storage_root: H256
    max_pov_size: u32


class ParachainInherentDataV0(Struct, frozen=True):
    """The layout up to polkadot-sdk stable2503. `relay_chain_state` is a StorageProof: trie nodes."""

    validation_data: PersistedValidationData
    relay_chain_state: list[bytes]
    downward_messages: list[InboundMessage]
    horizontal_messages: list[tuple[u32, list[InboundMessage]]]


class ParachainInherentData(Struct, frozen=True):
    """The layout since. `collator_peer_id` is a libp2p peer id."""

    validation_data: PersistedValidationData
    relay_chain_state: list[bytes]
    downward_messages: list[InboundMessage]
    horizontal_messages: list[tuple[u32, list[InboundMessage]]]
    relay_parent_descendants: list[Header]
    collator_peer_id: bytes | None


def para_id(state: Readable) -> int | None:
    """The id under which the chain is a parachain, None if it is none. `state` is that of any of its blocks."""
    value = state.get(PARACHAIN_ID)
    return None if value is None else decode(u32, value)


@dataclass(frozen=True, slots=True)
class ParachainBlock:
    """What a parachain's block is built upon: relay block `number`, seen as `relay`, and the parent's header."""

    number: int
    relay: RelayParent

    @classmethod
    def after(cls, state: Readable, parent: Header, time: BlockTime, slot_duration_ms: int) -> ParachainBlock | None:
        """For a block of that time on `parent`, whose state is given; None if the chain is no parachain.

        Raises DecodeError if the state holds no valid values.
        """
        id = para_id(state)
        if id is None:
            return None
        last = max(_relay_blocks(state), default=None)
        relay = RelayParent(
            para_id=id,
            slot=time.slot * slot_duration_ms // RELAY_SLOT_MS,
            para_head=parent.encoded(),
            downward_head=state.get(LAST_DOWNWARD_HEAD),
            go_ahead=bool(state.get(PENDING_CODE)),
        )
        number = FIRST_RELAY_BLOCK if last is None else last + max(1, slot_duration_ms // RELAY_SLOT_MS)
        return cls(number, relay)

    def inherents(self) -> dict[bytes, bytes]:
        """Inherent data by identifier."""
        root, proof = self.relay.prove()
        data = PersistedValidationData(self.relay.para_head, self.number, root, MAX_POV_BYTES)
        return {
            PARACHAIN_INHERENT_V0: encode(ParachainInherentDataV0, ParachainInherentDataV0(data, proof, [], [])),
            PARACHAIN_INHERENT: encode(ParachainInherentData, ParachainInherentData(data, proof, [], [], [], None)),
        }


def _relay_blocks(state: Readable) -> Iterator[int]:
    """What the parachain remembers of the relay block under its last one; older runtimes have no item for it."""
    if (number := state.get(LAST_RELAY_BLOCK)) is not None:
        yield decode(u32, number)
    if (data := state.get(VALIDATION_DATA)) is not None:
        yield decode(PersistedValidationData, data).relay_parent_number
