"""The enclave without sockets, disks or clocks: ecalls, slots and trusted requests over one shard.

Time (Unix ms) and randomness are arguments. What must happen outside is returned as `Effects`; what must be
durable first is appended to the store, and the driver syncs it before it acts on the effects.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import Final

from integritee.boundary.messages import (
    ChainStatus,
    ImportBlocks,
    ParentchainParams,
    PhaseChanged,
    RuntimeUpdate,
    SyncState,
)
from integritee.errors import IntegriteeError
from integritee.frame.overlay import Overlay
from integritee.primitives.ids import ParentchainId
from integritee.primitives.sidechain import (
    FINALIZATION_STRIDE,
    SidechainHeader,
    SignedBlock,
)
from integritee.stf.executor import Executor
from integritee.stf.ledger import Ledger
from integritee.stf.operation import TrustedCallSigned
from integritee.stf.runtime import LedgerRuntime
from integritee.trie import Trie

from .errors import StateRolledBack, TooManyValidateers
from .keys import EnclaveKeys, Randomness
from .parentchain.contract import Place
from .parentchain.follower import Follower
from .parentchain.inbound import InboundBlock
from .parentchain.link import Link, is_due
from .parentchain.links import Links
from .parentchain.onboarding import (
    Goal,
    Phase,
    Step,
    authorities,
    is_entitled,
    is_proxy,
    is_registered,
)
from .parentchain.outbox import ONBOARDING_PERIOD
from .pool import StatusChanged, TopPool
from .records import (
    ANCHOR,
    BLOCK,
    GENESIS,
    META,
    AnchorRecord,
    BlockRecord,
    ChainRecord,
    GenesisRecord,
    RecordKind,
    Recovered,
    SnapshotMeta,
    size_of,
)
from .sidechain.author import Assignment, Decipher, lasting_secret
from .sidechain.lane import Lane
from .sidechain.production import Production
from .sidechain.slots import Slot, claims_slot
from .store import SealedStore, StoreError

ANCHOR_STRIDE: Final = 64
"""Parentchain blocks between two records of a light client's progress before the shard runs."""

RETRY_STRIDE: Final = 4
"""Parentchain blocks between two attempts at the same step of onboarding."""

MAX_EARLY_BLOCKS: Final = 1024
"""Blocks of each parentchain kept for the shard's beginning while onboarding goes on; older ones are before its
time."""

MAX_ADMITTED: Final = 10
"""Further validateers that may wait to become proxies of the vault: as many as a shard has at most."""

log = logging.getLogger(__name__)


@dataclass
class Effects:
    """What the driver does once the store is synced. `submit` are extrinsics by the chain they are for."""

    submit: dict[ParentchainId, list[bytes]] = field(default_factory=dict)
    blocks: list[SignedBlock] = field(default_factory=list)
    statuses: list[StatusChanged] = field(default_factory=list)
    phase: PhaseChanged | None = None


@dataclass(frozen=True)
class CoreConfig:
    """Facts fixed for the life of the process. `url` is the advertised trusted URL, `shielding_target` the chain of
    the vault; `max_age` ms is how old the latest block of Integritee may be while blocks are produced (0: any); with
    `check_invariants` every block of ours is checked against the laws of the ledger."""

    shard: bytes
    mrenclave: bytes
    url: str
    shielding_target: ParentchainId = ParentchainId.Integritee
    max_age: int = 0
    check_invariants: bool = False


class EnclaveCore:
    """One shard, its parentchains, one sidechain."""

    def __init__(
        self,
        config: CoreConfig,
        keys: EnclaveKeys,
        ledger: Ledger,
        store: SealedStore,
        recovered: Recovered,
        random: Randomness,
    ) -> None:
        self.config, self.keys, self.ledger = config, keys, ledger
        self._store, self._random = store, random
        self.pool: TopPool[TrustedCallSigned] = TopPool()
        self.head = recovered.head
        self.state_bytes = recovered.state_bytes
        self.is_running = recovered.shard is not None
        self.phase = Phase.CONNECTING
        self.halted: IntegriteeError | None = None
        self.goal = Goal(config.mrenclave, config.url)
        self._registered_at: int | None = None
        """Parentchain block at which the enclave last asked to be put on record again."""
        self._admitted: list[bytes] = []
        self._latest = ledger.runtime()
        self._view = Executor(ledger, ledger.runtime(), config.mrenclave, config.shard)
        self._view.runtime.secret = lasting_secret(keys.state)
        self._recorded = 0
        """Sequence of the record that made `state` and `head`."""
        self._adopt(recovered.state)
        self.links = Links({id: self._link(id, recovered) for id in ParentchainId}, config.shielding_target)
        self.show_durable()

    def _link(self, id: ParentchainId, recovered: Recovered) -> Link:
        vault = self.keys.vault(self.config.shard).public if id is self.config.shielding_target else None
        return Link(
            Place(id, self.config.shard, self.keys.signing.public, vault),
            self._store,
            recovered.outboxes[id],
            recovered.light_clients.get(id),
            self.runtime.parentchain(id).parentchain_genesis_hash.get(),
            self.runtime.development,
        )

    @property
    def integritee(self) -> Link:
        """The chain that has the registry of enclaves and shards."""
        return self.links.integritee

    # -- the committed state -------------------------------------------------------------------------

    def _adopt(self, state: Trie) -> None:
        self.state = state
        self._latest.state = Overlay(state)

    def show_durable(self) -> None:
        """Let users see the state and its block, unless they could still be lost. To be called after a sync."""
        if self._store.synced >= self._recorded:
            self._view.runtime.state = Overlay(self.state)
            self._shown_head = self.head
            for link in self.links:
                link.remember_runtime()

    @property
    def view(self) -> Executor:
        """Getters and checks over the latest durable state. Never write through it."""
        return self._view

    @property
    def runtime(self) -> LedgerRuntime:
        """The ledger over the latest state, on which the pool and the next block build. Only for reading."""
        return self._latest

    @property
    def latest_header(self) -> SidechainHeader:
        """Header of the latest own block that is durable; all zero before the first."""
        return self._shown_head or SidechainHeader(bytes(32), 0, bytes(32), bytes(32), 0)

    def confirmed_number(self) -> int:
        """Number on the parentchain's latest confirmation as proven; 0 without one."""
        follower = self.integritee.follower
        confirmed = follower.bridge.confirmation(follower.values) if follower is not None else None
        return int(confirmed.block_number) if confirmed else 0

    # -- ecalls --------------------------------------------------------------------------------------

    def connect(self, params: ParentchainParams) -> SyncState:
        """Meet a parentchain. Raises as `Links.introduce`."""
        link = self.links.introduce(params)
        if link is self.integritee and self.phase is Phase.CONNECTING:
            self.phase = Phase.RUNNING if self.is_running else Phase.UNFUNDED
        return link.sync_state()

    def set_runtime(self, update: RuntimeUpdate) -> None:
        """Learn the metadata of an upgraded runtime. Raises SpecVersionUnproven, MetadataChanged, …"""
        self.links[update.id].connected.adopt_runtime(update.runtime)

    def sync_state(self, id: ParentchainId = ParentchainId.Integritee) -> SyncState:
        return self.links[id].sync_state()

    def chain_statuses(self, now: int) -> list[ChainStatus]:
        """What operators see of each connected parentchain at Unix time `now` (ms)."""
        return [
            link.status(self.runtime.parentchain(link.id).number.get() or 0, now, self.config.max_age)
            for link in self.links
            if link.follower is not None
        ]

    def import_blocks(self, request: ImportBlocks) -> Effects:
        """Verify finalized blocks of a parentchain; onboarding moves on, or they wait for the next slot.

        Raises the verification's named errors; nothing has changed then.
        """
        link = self.links[request.id]
        read = link.import_blocks(request, self._concerns_shard)
        effects = Effects()
        if not read:
            return effects
        if not self.is_running:
            self._onboard(link, read, effects)
        if again := link.due_again(read):
            effects.submit.setdefault(link.id, []).extend(again)
        if self.is_running:
            link.look_into_purse()
        return effects

    def _concerns_shard(self, block: InboundBlock) -> bool:
        return self.is_running or self.links.concerns_beginning(block, self.goal)

    # -- onboarding ----------------------------------------------------------------------------------

    def _onboard(self, link: Link, read: list[InboundBlock], effects: Effects) -> None:
        inbox = link.connected.inbox
        while len(inbox) > MAX_EARLY_BLOCKS:
            inbox.popleft()
        step = self.links.next_step(link, self.goal)
        if step is not None and step.phase is Phase.RUNNING:
            self._open_shard()
        elif not inbox and is_due(read, ANCHOR_STRIDE):
            link.resume = read[-1].light_client
            self._store.append(RecordKind.ANCHOR, ANCHOR.encode(AnchorRecord(link.id, link.resume)))
        if step is None:
            return
        if step.call is not None and (step.phase is not self.phase or is_due(read, RETRY_STRIDE)):
            vault = self.keys.vault(self.config.shard)
            effects.submit[link.id] = [link.sign_step(step, vault, self.keys.signing)]
        self._enter(link, step, effects)

    def _enter(self, link: Link, step: Step, effects: Effects) -> None:
        if step.phase is not self.phase or step.needed_funds != link.needed_funds:
            effects.phase = PhaseChanged(link.id, step.phase.value, "", step.needed_funds)
        self.phase, link.needed_funds = step.phase, step.needed_funds

    def _open_shard(self) -> None:
        """Create the shard's first state; from here on slots are served."""
        runtime = self.ledger.runtime(Overlay(self.state))
        runtime.initialize_genesis(self.keys.ledger.public)
        self.links.begin(runtime)
        chains = [ChainRecord(link.id, link.resume or b"", link.outbox.whole()) for link in self.links.proven()]
        changes = dict(runtime.state.changes())
        record = GenesisRecord(self.config.shard, sorted(changes.items()), chains)
        self._recorded = self._store.append(RecordKind.GENESIS, GENESIS.encode(record))
        self.state_bytes += size_of(self.state, changes.items())
        self._adopt(self.state.commit(changes))
        self.is_running = True

    # -- slots ---------------------------------------------------------------------------------------

    def begin_slot(self, slot: Slot, now: int, decipher: Decipher | None = None) -> Production | None:
        """Start a block if the slot is ours and there is a parentchain to anchor it in; None otherwise.

        None as well if the clock went back behind the block before, since time in the ledger only goes forward, or
        while Integritee is stale or entitles other code: nobody could confirm what is built then. After a start, the
        chain of the vault must have been met: payments would be refused, and their fees kept.
        `decipher` may know answers of the shielding key already.
        """
        follower = self.integritee.follower
        if follower is None or not self.is_running or self.halted is not None or not follower.values:
            return None
        if not claims_slot(slot.number, authorities(follower.bridge, follower.values), self.keys.signing.public):
            return None
        if now <= self.runtime.timestamp.now.get() or self.integritee.is_stale(now, self.config.max_age):
            return None
        if self.is_superseded or self.awaits_target:
            return None
        try:
            self._check_rollback(follower)
            return Production.begin(
                self._assignment(decipher or self.keys.decipher),
                self.ledger,
                self.state,
                self.pool,
                self.links.proven(),
                now,
                self.config.check_invariants,
                self._due_registration(follower),
                self._due_proxies(),
            )
        except IntegriteeError as broken:
            self.halted = broken
            raise

    @property
    def is_superseded(self) -> bool:
        """Whether the upgrade to other code is in force. Code of development ledgers changes without one."""
        follower = self.integritee.follower
        if follower is None or not self.is_running or self.runtime.development:
            return False
        return not is_entitled(follower.bridge, self.config.mrenclave, follower.values, follower.head.number)

    @property
    def awaits_target(self) -> bool:
        """Whether nothing is known yet, since the start, of the chain that funds come from."""
        return self.is_running and self.links.vault not in self.links.proven()

    @property
    def shown_phase(self) -> str:
        """What operators are told: the phase, or why no blocks are produced."""
        if self.halted is not None:
            return f"halted:{self.halted.code}"
        if self.is_superseded:
            return Phase.SUPERSEDED.value
        waits = self.phase is Phase.RUNNING and self.awaits_target
        return (Phase.AWAITING_TARGET if waits else self.phase).value

    def _assignment(self, decipher: Decipher) -> Assignment:
        return Assignment(
            self.config.shard,
            self.config.mrenclave,
            self.keys.signing,
            self.keys.ledger,
            self.keys.state,
            self.head,
            decipher,
        )

    def _due_registration(self, follower: Follower) -> bytes | None:
        """The call that puts a running enclave on record again: it runs other code now, or has another address.

        If the chain refuses it, the next attempt is a while away: each one costs a fee.
        """
        if is_registered(follower.bridge, self.goal, follower.values):
            return None
        if self._registered_at is not None and follower.head.number < self._registered_at + ONBOARDING_PERIOD:
            return None
        return follower.bridge.register(self.goal.mrenclave, self.goal.url)

    def admit_validateer(self, account: bytes) -> None:
        """Have the account (32 bytes) of another enclave made a proxy of the vault, so that it can pay as well.

        For provisioning only, once this enclave has verified the attestation of the other itself: what a registry
        says is not enough, it may be told to skip attestation. Asked for again after a restart if it did not happen.
        Raises TooManyValidateers.
        """
        if account in self._admitted:
            return
        if len(self._admitted) >= MAX_ADMITTED:
            raise TooManyValidateers(len(self._admitted), MAX_ADMITTED)
        self._admitted.append(account)

    def _due_proxies(self) -> list[bytes]:
        """Admitted accounts that are not proxies yet, as far as is proven."""
        follower = self.links.vault.follower
        vault = follower.contract.vault if follower is not None else None
        if follower is not None and vault is not None:
            self._admitted = [who for who in self._admitted if not is_proxy(vault, who, follower.values)]
        return self._admitted

    def _check_rollback(self, follower: Follower) -> None:
        """Raises StateRolledBack if the parentchain confirmed a block this state does not reach."""
        latest = follower.bridge.confirmation(follower.values)
        if latest is None:
            return
        confirmed = latest.block_number - FINALIZATION_STRIDE
        reached = self.head.block_number if self.head else 0
        if reached < confirmed:
            raise StateRolledBack(reached, confirmed)

    def finish_slot(self, production: Production, now: int) -> Effects:
        """Seal the block, journal and adopt it.

        The driver syncs the store and calls `show_durable` before it acts on the effects.

        If that fails the block is given up, its calls are ready again; a failed store ends production.
        """
        try:
            block = production.seal(now, self._random)
            chains = [_record(lane) for lane in production.lanes.values()]
            record = BlockRecord(block.signed, sorted(block.changes.items()), chains)
            self._recorded = self._store.append(RecordKind.BLOCK, BLOCK.encode(record))
        except BaseException as failed:
            self.abandon_slot(production, now)
            if isinstance(failed, StoreError):
                self.halted = failed
            raise
        for lane in production.lanes.values():
            self._adopt_lane(lane)
        if production.registers:
            self._registered_at = production.integritee.anchor.number
        self.state_bytes += size_of(self.state, block.changes.items())
        self._adopt(block.state)
        self.head = block.header
        statuses = production.settle(block, now) + self.pool.expire(now)
        submit = {chain.id: [entry.extrinsic for entry in chain.outbox.put] for chain in chains if chain.outbox.put}
        return Effects(submit=submit, blocks=[block.signed], statuses=statuses)

    def _adopt_lane(self, lane: Lane) -> None:
        link = self.links[lane.id]
        link.outbox = lane.outbox
        if (resumption := lane.resumption()) is not None:
            link.resume_behind(resumption)
        for ended in lane.finished:
            if ended.is_refused:
                link.refused += 1
                log.warning("%s refused extrinsic 0x%s", lane.id.name, ended.entry.hash().hex())

    def abandon_slot(self, production: Production, now: int) -> list[StatusChanged]:
        """Give a block up before it is finished; nothing of it remains."""
        return production.abandon(now)

    # -- snapshots -----------------------------------------------------------------------------------

    def snapshot_meta(self) -> bytes:
        """What a snapshot of the present state holds beside its entries."""
        chains = [ChainRecord(link.id, link.resume or b"", link.outbox.whole()) for link in self.links]
        return META.encode(SnapshotMeta(self.config.shard, self.head, self.state.root(), chains))


def _record(lane: Lane) -> ChainRecord:
    """What a block does to a parentchain's light client and outbox."""
    resumption = lane.resumption()
    return ChainRecord(lane.id, resumption.light_client if resumption else b"", lane.outbox.take_change())
