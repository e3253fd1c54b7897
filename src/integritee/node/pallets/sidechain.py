"""pallet Sidechain: the blocks of shards that became final.

Source: integritee pallets (branch polkadot-stable2503), `sidechain`. Only the shard's first enclave finalizes;
confirmations of the others are taken without effect. Confirmations form a chain: each names the one before.
"""

from __future__ import annotations

from typing import ClassVar

from integritee.frame.declare import Errors, Events, call, error, event
from integritee.frame.origin import Origin, ensure_signed
from integritee.frame.pallet import Pallet
from integritee.frame.storage_items import Blake2_128Concat, StorageMap
from integritee.frame.weights import weight
from integritee.primitives.ids import H256, AccountId, ShardIdentifier
from integritee.primitives.sidechain import SidechainBlockConfirmation
from integritee.scale import u64

from .enclave_bridge import EnclaveBridge


class Sidechain(Pallet):
    """The latest final block of each shard."""

    path = "pallet_sidechain"
    storage_version: ClassVar[int | None] = 0
    enclave_bridge: EnclaveBridge

    latest_sidechain_block_confirmation: StorageMap[
        Blake2_128Concat[ShardIdentifier], SidechainBlockConfirmation | None
    ]

    class Event(Events):
        FinalizedSidechainBlock = event(
            0, shard=ShardIdentifier, block_number=u64, block_header_hash=H256, validateer=AccountId
        )

    class Error(Errors):
        FinalizationCandidateIsOutdated = error("the block is not past the latest final one")
        AncestorNumberMismatch = error("the ancestor is not the latest final block")
        AncestorHashMismatch = error("the ancestor has another hash than the latest final block")
        AncestorMissing = error("the latest final block must be named")

    @call(0, weight=weight(37_897_000, 4, 2))
    def confirm_imported_sidechain_block(
        self,
        origin: Origin,
        shard: ShardIdentifier,
        latest_finalized_ancestor: SidechainBlockConfirmation | None,
        finalization_candidate: SidechainBlockConfirmation,
    ) -> None:
        """Make a block final, with all its ancestors."""
        sender = ensure_signed(origin)
        status = self.enclave_bridge.admit(sender, shard)
        if sender != status[0].signer:
            return
        latest = self.latest_sidechain_block_confirmation.get(shard)
        if latest is not None:
            self._ensure_descends(finalization_candidate, latest_finalized_ancestor, latest)
        self.latest_sidechain_block_confirmation.put(shard, finalization_candidate)
        number, header_hash = finalization_candidate.block_number, finalization_candidate.block_header_hash
        self.deposit(self.Event.FinalizedSidechainBlock(shard, number, header_hash, sender))

    def _ensure_descends(
        self,
        candidate: SidechainBlockConfirmation,
        ancestor: SidechainBlockConfirmation | None,
        latest: SidechainBlockConfirmation,
    ) -> None:
        if ancestor is None:
            raise self.Error.AncestorMissing()
        if candidate.block_number <= latest.block_number:
            raise self.Error.FinalizationCandidateIsOutdated()
        if ancestor.block_number != latest.block_number:
            raise self.Error.AncestorNumberMismatch()
        if ancestor.block_header_hash != latest.block_header_hash:
            raise self.Error.AncestorHashMismatch()
