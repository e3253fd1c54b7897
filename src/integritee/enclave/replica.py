"""This enclave's copy of the shard: the chain, what it waits for and what it owes, all journalled before it counts.

Every change is one record of the sealed journal. Own blocks and those of peers differ only in where they come from:
both are a change of state, of the pool, and of how far each parentchain is in the ledger.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from integritee.boundary.messages import FetchBlocks, PhaseChanged
from integritee.errors import IntegriteeError
from integritee.frame.overlay import Overlay
from integritee.primitives.ids import ParentchainId
from integritee.primitives.rpc import Dropped, Retracted
from integritee.primitives.sidechain import SignedBlock
from integritee.primitives.storage import storage_prefix
from integritee.stf.ledger import Ledger
from integritee.stf.operation import TrustedCallSigned
from integritee.stf.runtime import LedgerRuntime
from integritee.trie import Trie

from .parentchain.links import Links
from .pool import PoolEntry, StatusChanged, TopPool
from .pool.errors import AlreadyImported, PoolError, RefusedElsewhere
from .records import (
    BLOCK,
    GENESIS,
    META,
    REVERT,
    BlockRecord,
    ChainRecord,
    GenesisRecord,
    RecordKind,
    Recovered,
    RevertRecord,
    SnapshotMeta,
    TipRecord,
    tail_of,
)
from .sidechain.author import AuthoredBlock
from .sidechain.chain import Adopted, Chain, restoration
from .sidechain.lane import Lane
from .sidechain.payload import Planned, StatePayload
from .sidechain.production import Production
from .store import SealedStore

ACCOUNTS: Final = storage_prefix("System", "Account")
ACCOUNT_LENGTH: Final = 32

log = logging.getLogger(__name__)


@dataclass
class Effects:
    """What the driver does once the store is synced. `submit` are extrinsics by the chain they are for, `blocks` go
    to the host's store, `gossip` to the other validateers; stored blocks above `store_after` are not of the chain any
    more. `final` are calls whose blocks cannot be given up any more; `refused` says why a block was not kept."""

    submit: dict[ParentchainId, list[bytes]] = field(default_factory=dict)
    blocks: list[SignedBlock] = field(default_factory=list)
    gossip: list[SignedBlock] = field(default_factory=list)
    statuses: list[StatusChanged] = field(default_factory=list)
    phase: PhaseChanged | None = None
    store_after: int | None = None
    fetch: FetchBlocks | None = None
    final: list[bytes] = field(default_factory=list)
    refused: IntegriteeError | None = None

    def give_up(self, number: int) -> None:
        """The blocks above `number` are not of the chain any more."""
        self.store_after = number if self.store_after is None else min(number, self.store_after)
        self.blocks = [block for block in self.blocks if block.block.header.block_number <= number]


@dataclass(frozen=True)
class Opened:
    """A verified block, what its diff says, and the state behind it, which is larger by `growth` bytes."""

    signed: SignedBlock
    payload: StatePayload
    state: Trie
    growth: int


class Replica:
    """Chain, pool and parentchains of one shard, on one store."""

    def __init__(self, shard: bytes, ledger: Ledger, store: SealedStore, recovered: Recovered, links: Links) -> None:
        self.shard, self.ledger, self.links = shard, ledger, links
        self._store = store
        self.chain: Chain = recovered.chain
        self.joined = recovered.joined
        self._recovered = recovered.last
        self.pool: TopPool[TrustedCallSigned] = TopPool()
        self.reverted = 0
        """Blocks given up since the start."""
        self.recorded = 0
        """Sequence of the record that made the present state."""
        self._latest, self._past = ledger.runtime(), ledger.runtime()
        self.show_state()

    def show_state(self) -> None:
        """Have `runtime` be over the present state."""
        self._latest.state = Overlay(self.chain.state)

    def blocks_to_repeat(self) -> list[SignedBlock]:
        """Blocks that the host may not have stored when the enclave ended: those of the tail, or the last one."""
        tail = [block.signed for block in self.chain.tail]
        return tail or ([self._recovered] if self._recovered is not None else [])

    @property
    def runtime(self) -> LedgerRuntime:
        """The ledger over the present state. Only for reading."""
        return self._latest

    def processed(self, state: Trie | None = None) -> dict[ParentchainId, int]:
        """Latest block of each parentchain whose effects are in a state, by default the present one."""
        runtime = self._latest
        if state is not None:
            runtime = self._past
            runtime.state = Overlay(state)
        return {link.id: runtime.parentchain(link.id).number.get() or 0 for link in self.links}

    def open(self, state: dict[bytes, bytes | None]) -> None:
        """Journal and adopt the shard's first state. Raises StoreError."""
        chains = [ChainRecord(link.id, link.resume or b"", link.outbox.whole()) for link in self.links.proven()]
        record = GenesisRecord(self.shard, sorted(state.items()), chains)
        self.recorded = self._store.append(RecordKind.GENESIS, GENESIS.encode(record))
        chain = self.chain
        chain.state, growth = chain.state.grow(state)
        chain.state_bytes += growth
        self.show_state()

    # -- growing -------------------------------------------------------------------------------------

    def add_own(self, production: Production, block: AuthoredBlock, final: int, now: int) -> Effects:
        """Journal and adopt a block of this enclave; blocks up to `final` are final. Raises StoreError."""
        builder, chain = production.builder, self.chain
        touched = [*block.executed, *(refusal.top_hash for refusal in production.refusals if refusal.nonce_used)]
        adopted = Adopted(
            block.signed,
            tuple(key for key, _ in block.changes),
            chain.state,
            chain.state_bytes,
            chain.held,
            self._known(touched),
            tuple(builder.refunded),
            tuple(builder.released),
        )
        planned = [each for each in block.effects if each.key not in builder.released]
        lanes = list(production.lanes.values())
        record = self._record(adopted, block.state, block.changes, lanes, final, planned, builder.taken)
        effects = self._adopt(adopted, block.state, block.growth, record, lanes)
        effects.statuses += production.settle(block, now)
        effects.submit = {c.id: [e.extrinsic for e in c.outbox.put] for c in record.chains if c.outbox.put}
        effects.gossip = [block.signed]
        return effects

    def add_peers(self, block: Opened, final: int, now: int) -> Effects:
        """Journal and adopt a verified block of a peer, or one of this enclave that had been given up. Raises
        StoreError, NonceOvertaken."""
        chain, signed, payload = self.chain, block.signed, block.payload
        processed = self.processed(block.state)
        lanes = [Lane.of(link) for link in self.links.proven()]
        refunded = payload.refunded if signed.block.block_data.block_author == chain.own else []
        for lane in lanes:
            lane.pass_by(processed[lane.id])
            if self.links[lane.id] is self.links.vault:  # where `revert` has put them
                lane.outbox.forget_refunds(refunded)
        charged = (refused.top_hash for refused in payload.refused if refused.nonce_used)
        adopted = Adopted(
            signed,
            tuple(key for key, _ in payload.changes),
            chain.state,
            chain.state_bytes,
            chain.held,
            self._known([*signed.block.block_data.signed_top_hashes, *charged]),
            refunds=tuple(refunded),
            released=tuple(payload.released),
        )
        record = self._record(adopted, block.state, payload.changes, lanes, final, payload.planned, payload.taken)
        effects = self._adopt(adopted, block.state, block.growth, record, lanes)
        effects.statuses += self._settle(signed, payload, now)
        return effects

    def _record(
        self,
        adopted: Adopted,
        after: Trie,
        changes: list[tuple[bytes, bytes | None]],
        lanes: Sequence[Lane],
        final: int,
        planned: list[Planned],
        taken: list[bytes],
    ) -> BlockRecord:
        """What goes to the journal; light clients resume where blocks are for good."""
        settled = self._settled(final, adopted, after)
        chains = []
        for lane in lanes:
            block = self.links[lane.id].resumption(settled[lane.id], lane.inbound)
            chains.append(ChainRecord(lane.id, block.light_client if block else b"", lane.outbox.take_change()))
        released, refunds = list(adopted.released), list(adopted.refunds)
        return BlockRecord(adopted.signed, changes, chains, planned, taken, released, refunds, final)

    def _settled(self, final: int, adopted: Adopted, after: Trie) -> dict[ParentchainId, int]:
        """How far parentchains are in the ledger for good, once blocks up to `final` are and `adopted` is adopted."""
        if final >= adopted.number:
            return self.processed(after)
        behind = next((block for block in (*self.chain.tail, adopted) if block.number > final), adopted)
        return self.processed(behind.before)

    def _adopt(
        self, adopted: Adopted, after: Trie, growth: int, record: BlockRecord, lanes: Sequence[Lane]
    ) -> Effects:
        self.recorded = self._store.append(RecordKind.BLOCK, BLOCK.encode(record))
        chain = self.chain
        chain.adopt(adopted, after, chain.state_bytes + growth, record.planned, record.taken)
        self.show_state()
        for lane in lanes:
            self._adopt_lane(lane)
        effects = Effects(blocks=[adopted.signed])
        self._finalize(record.final, effects)
        return effects

    def _adopt_lane(self, lane: Lane) -> None:
        link = self.links[lane.id]
        link.outbox = lane.outbox
        link.follow(len(lane.inbound))
        for ended in lane.finished:
            if ended.is_refused:
                link.refused += 1
                log.warning("%s refused extrinsic 0x%s", lane.id.name, ended.entry.hash().hex())

    def _finalize(self, number: int, effects: Effects) -> None:
        left = self.chain.finalize(number)
        if not left:
            return
        tail = self.chain.tail
        settled = self.processed(tail[0].before if tail else None)
        for link in self.links:
            link.settle(settled[link.id])
        effects.final += [hash for block in left for hash in block.signed.block.block_data.signed_top_hashes]

    # -- the pool ------------------------------------------------------------------------------------

    def _known(self, top_hashes: Iterable[bytes]) -> tuple[PoolEntry[TrustedCallSigned], ...]:
        return tuple(entry for top_hash in top_hashes if (entry := self.pool.get(top_hash)) is not None)

    def _settle(self, signed: SignedBlock, payload: StatePayload, now: int) -> list[StatusChanged]:
        """Tell the pool what a peer's block did."""
        statuses = self.pool.confirm_included(signed.block.block_data.signed_top_hashes, signed.hash())
        for refused in payload.refused:
            reason = RefusedElsewhere(refused.code, refused.message, refused.data)
            statuses += self.pool.reject(refused.top_hash, reason, now, nonce_used=refused.nonce_used)
        for sender in _accounts(key for key, _ in payload.changes):
            if self.pool.has_sender(sender):
                statuses += self.pool.on_nonce_changed(sender, self.runtime.system.nonce(sender), now)
        return statuses

    # -- giving up -----------------------------------------------------------------------------------

    def revert(self, number: int, now: int) -> tuple[list[StatusChanged], list[SignedBlock]]:
        """Give up the blocks above `number`; their calls that this enclave knows are `Retracted` and wait again.

        Also returns the blocks, newest first. Raises StoreError: the replica is of no use then.
        """
        chain = self.chain
        given_up = chain.revert(number)
        changes = restoration(given_up, chain.state)
        # What own blocks gave back is due again: they are no more.
        self.links.vault.outbox.refunds += [payment for block in given_up for payment in block.refunds]
        chains = [ChainRecord(link.id, b"", link.outbox.take_change()) for link in self.links]
        record = RevertRecord(TipRecord.of(chain.tip), changes, list(chain.held), chains)
        self.recorded = self._store.append(RecordKind.REVERT, REVERT.encode(record))
        self.reverted += len(given_up)
        self.show_state()
        processed = self.processed()
        for link in self.links:
            link.unfollow(processed[link.id])
        statuses = self._retract(given_up, changes, now)
        return statuses, [block.signed for block in given_up]

    def _retract(
        self, given_up: Sequence[Adopted], changes: Sequence[tuple[bytes, bytes | None]], now: int
    ) -> list[StatusChanged]:
        statuses: list[StatusChanged] = []
        for sender in _accounts(key for key, _ in changes):
            if self.pool.has_sender(sender):
                statuses += self.pool.on_nonce_changed(sender, self.runtime.system.nonce(sender), now)
        for block in reversed(given_up):
            for entry in block.entries:
                statuses.append(StatusChanged(entry.hash, Retracted()))
                statuses += self._again(entry, now)
        return statuses

    def _again(self, entry: PoolEntry[TrustedCallSigned], now: int) -> list[StatusChanged]:
        try:
            return self.pool.submit(entry, self.runtime.system.nonce(entry.sender), now)
        except AlreadyImported:
            return []
        except PoolError as refused:
            log.warning("a retracted call has no place in the pool: %s", refused.code)
            return [StatusChanged(entry.hash, Dropped(), refused)]

    # -- snapshots -----------------------------------------------------------------------------------

    def snapshot_meta(self) -> bytes:
        """What a snapshot of the present state holds beside its entries."""
        chains = [ChainRecord(link.id, link.resume or b"", link.outbox.whole()) for link in self.links]
        chain, (base, tail) = self.chain, tail_of(self.chain)
        held = list(chain.held)
        return META.encode(
            SnapshotMeta(self.shard, base, tail, chain.state.root(), chains, held, chain.final, self.joined)
        )


def _accounts(keys: Iterable[bytes]) -> list[bytes]:
    """Accounts whose records are among these keys of the ledger (pallet System's map, by hash and account id)."""
    return [key[-ACCOUNT_LENGTH:] for key in keys if key.startswith(ACCOUNTS)]
