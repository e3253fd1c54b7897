"""The enclave without sockets, disks or clocks: ecalls, slots and trusted requests over one shard.

Time (Unix ms) and randomness are arguments. What must happen outside is returned as `Effects`; what must be
durable first is appended to the store, and the driver syncs it before it acts on the effects.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from integritee.boundary.advertised import with_port
from integritee.boundary.messages import (
    ChainStatus,
    ImportBlocks,
    ParentchainParams,
    PhaseChanged,
    RuntimeUpdate,
    SyncState,
)
from integritee.crypto import blake2_256
from integritee.errors import IntegriteeError
from integritee.frame.overlay import Overlay
from integritee.primitives.ids import ParentchainId
from integritee.primitives.sidechain import SidechainHeader, SignedBlock
from integritee.stf.executor import Executor
from integritee.stf.ledger import Ledger
from integritee.stf.mirror import mirrored_storage, wanted_storage
from integritee.stf.operation import TrustedCallSigned
from integritee.stf.runtime import LedgerRuntime
from integritee.trie import Trie

from .consensus import Consensus
from .errors import HandedOver, NotReady, StateRolledBack
from .ipfs.relay import NoteRelay
from .keys import HANDED_OVER_LABEL, EnclaveKeys, Randomness
from .membership import RETRY_STRIDE, Membership
from .operations import signed_call
from .parentchain.contract import Place
from .parentchain.inbound import InboundBlock
from .parentchain.link import Link, is_due
from .parentchain.links import Links
from .parentchain.onboarding import Goal, Phase, Step, is_entitled
from .pool import PoolEntry, StatusChanged, TopPool
from .records import ANCHOR, AnchorRecord, RecordKind, Recovered
from .replica import Effects, Replica
from .sidechain.author import Assignment, AuthoredBlock, Decipher, lasting_secret
from .sidechain.production import Production
from .sidechain.slots import SLOT_MS, Slot
from .store import SealedStore, StoreError

ANCHOR_STRIDE: Final = 64
"""Parentchain blocks between two records of a light client's progress before the shard runs."""

MAX_EARLY_BLOCKS: Final = 1024
"""Blocks of each parentchain kept for the shard's beginning while onboarding goes on; older ones are before its
time."""


@dataclass(frozen=True)
class CoreConfig:
    """Facts fixed for the life of the process. `url` is the advertised trusted URL, `shielding_target` the chain of
    the vault; `max_age` ms is how old the latest block of Integritee may be while blocks are produced (0: any); with
    `check_invariants` every block of ours is checked against the laws of the ledger; `slot_ms` is the sidechain's
    slot."""

    shard: bytes
    mrenclave: bytes
    url: str
    shielding_target: ParentchainId = ParentchainId.Integritee
    max_age: int = 0
    check_invariants: bool = False
    slot_ms: int = SLOT_MS


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
        self.store, self.random = store, random
        self.is_running = recovered.shard is not None
        self.phase = Phase.CONNECTING
        self.halted: IntegriteeError | None = None
        self.goal = Goal(config.mrenclave, config.url)
        self.is_producing = False
        """Whether a block is being made: blocks of others wait for that."""
        if successor := store.get_secret(HANDED_OVER_LABEL):
            self.halted = HandedOver(successor)
        runtime = ledger.runtime(Overlay(recovered.chain.state))
        links = {id: self._link(id, recovered, runtime) for id in ParentchainId}
        self.links = Links(links, config.shielding_target)
        self.integritee.wanted = lambda: wanted_storage(self.runtime)
        self.replica = Replica(config.shard, ledger, store, recovered, self.links)
        self.consensus = Consensus(self.replica, keys.signing.public, keys.state, config.slot_ms)
        own = keys.signing.public
        is_listed = own in self.consensus.mirrored_authorities() if self.is_running else None
        self.membership = Membership(own, self.goal, self.links, is_listed)
        self.relay = NoteRelay(ledger, keys.state)
        self._view = Executor(ledger, ledger.runtime(), config.mrenclave, config.shard)
        self._view.runtime.secret = lasting_secret(keys.state)
        self.show_durable()

    def _link(self, id: ParentchainId, recovered: Recovered, runtime: LedgerRuntime) -> Link:
        known = runtime.vault()
        vault = known[0] if known is not None else self.keys.vault(self.config.shard).public
        link = Link(
            Place(
                id,
                self.config.shard,
                self.keys.signing.public,
                vault if id is self.config.shielding_target else None,
                mirrored_storage(runtime) if id is ParentchainId.Integritee else (),
            ),
            self.store,
            recovered.outboxes[id],
            recovered.light_clients.get(id),
            runtime.parentchain(id).parentchain_genesis_hash.get(),
            runtime.development,
        )
        link.joined = recovered.joined
        return link

    @property
    def integritee(self) -> Link:
        """The chain that has the registry of enclaves and shards."""
        return self.links.integritee

    def serves_at(self, port: int) -> None:
        """Register the port that was found instead of "any free" (0)."""
        self.goal = self.membership.goal = replace(self.goal, url=with_port(self.goal.url, port))

    # -- the committed state -------------------------------------------------------------------------

    @property
    def pool(self) -> TopPool[TrustedCallSigned]:
        return self.replica.pool

    @property
    def state(self) -> Trie:
        return self.replica.chain.state

    @property
    def state_bytes(self) -> int:
        return self.replica.chain.state_bytes

    @property
    def head(self) -> SidechainHeader | None:
        return self.replica.chain.head

    def show_durable(self) -> None:
        """Let users see the state and its block, unless they could still be lost. To be called after a sync."""
        if self.store.synced >= self.replica.recorded:
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
        return self.replica.runtime

    @property
    def latest_header(self) -> SidechainHeader:
        """Header of the latest block that is durable; all zero before the first."""
        return self._shown_head or SidechainHeader(bytes(32), 0, bytes(32), bytes(32), 0)

    def confirmed_number(self) -> int:
        """Number on the parentchain's latest confirmation as proven; 0 without one."""
        follower = self.integritee.follower
        confirmed = follower.bridge.confirmation(follower.values) if follower is not None else None
        return int(confirmed.block_number) if confirmed else 0

    # -- ecalls --------------------------------------------------------------------------------------

    def connect(self, params: ParentchainParams) -> SyncState:
        """Meet a parentchain. Raises as `Links.introduce`."""
        link = self.links.introduce(params, self.runtime.parentchain(params.id).number.get())
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

    def import_blocks(self, request: ImportBlocks, now: int = 0) -> Effects:
        """Verify finalized blocks of a parentchain; onboarding moves on, or they wait for the next slot.

        Peers' blocks that waited for them are adopted at Unix time `now` (ms).

        Raises the verification's named errors; nothing has changed then.
        """
        link = self.links[request.id]
        read = link.import_blocks(request, self._concerns_shard)
        effects = Effects()
        if not read:
            return effects
        if link is self.integritee:
            self.consensus.learn(read)
        if self.is_running:
            self._join(link, read, effects)
        else:
            self._onboard(link, read, effects)
        if again := link.due_again(read):
            effects.submit.setdefault(link.id, []).extend(again)
        if self.is_running:
            link.look_into_purse()
            self._advance(effects, now)
        return effects

    def _concerns_shard(self, block: InboundBlock) -> bool:
        return self.is_running or self.links.concerns_beginning(block, self.goal)

    # -- trusted calls -------------------------------------------------------------------------------

    def admit(self, plain: bytes, now: int, *, verified: bool = False) -> tuple[bytes, list[StatusChanged]]:
        """Have a call wait for a block, encoded as it came out of its shielding; its hash, and whose status changed.
        `verified` says that `CallSignatures` found it valid.

        Raises InvalidTop, UnsupportedOperation, what the executor raises for signature and authority, PoolError, and
        as `NoteRelay.admit` for a note that goes elsewhere first.
        """
        signed = signed_call(self.ledger, plain)
        if not verified:
            self.view.verify(signed)
        self.view.authorise(signed, now)
        top_hash, sender = blake2_256(plain), signed.call.sender
        if self.relay.concerns(signed):
            return top_hash, self.relay.admit(top_hash, signed, self.runtime, self.pool, now)
        entry = PoolEntry(top_hash, sender, signed.nonce, len(plain), signed)
        return top_hash, self.pool.submit(entry, self.runtime.system.nonce(sender), now)

    # -- blocks of peers -----------------------------------------------------------------------------

    def receive_blocks(
        self, blocks: list[SignedBlock], now: int, is_complete: bool = False, nobody_answered: bool = False
    ) -> Effects:
        """Blocks that other validateers made or sent, at Unix time `now` (ms); the best chain is followed.

        `is_complete` says that nobody has later ones, as far as somebody answered. Blocks that are wrong change
        nothing; `refused` tells why the first of them was not kept. Raises NotReady before the shard has its state,
        StoreError.
        """
        if not self.is_running:
            raise NotReady("the shard has its state")
        effects = Effects(refused=self.consensus.receive(blocks, now))
        self._advance(effects, now)
        if is_complete:
            self.consensus.hear_all(nobody_answered)
        return effects

    def tick(self, now: int) -> Effects:
        """What is due at Unix time `now` (ms), in every slot."""
        effects = Effects()
        if self.is_running:
            self._advance(effects, now)
            effects.statuses += self.relay.expire(self.pool, now)
        return effects

    def _advance(self, effects: Effects, now: int) -> None:
        if self.is_producing or self.halted is not None:
            return
        try:
            advanced = self.consensus.advance(now)
        except IntegriteeError as broken:
            self.halted = broken
            raise
        if advanced.store_after is not None:
            effects.give_up(advanced.store_after)
        effects.statuses += advanced.statuses
        effects.blocks += advanced.blocks
        effects.final += advanced.final
        effects.fetch = self.consensus.wants(now)
        phase = Phase.AWAITING_STATE if self.consensus.is_stranded else Phase.RUNNING
        if self.phase is not phase and self.phase is not Phase.CONNECTING:
            self.phase = phase
            effects.phase = PhaseChanged(ParentchainId.Integritee, phase.value, "", 0)

    # -- onboarding ----------------------------------------------------------------------------------

    def _join(self, link: Link, read: list[InboundBlock], effects: Effects) -> None:
        if link is not self.integritee:
            return
        step = self.membership.step_to_join(read, self.consensus.is_caught_up)
        if step is not None:
            self._submit(link, step, effects)

    def _submit(self, link: Link, step: Step, effects: Effects) -> None:
        vault = self.keys.vault(self.config.shard)
        effects.submit[link.id] = [link.sign_step(step, vault, self.keys.signing)]

    def _onboard(self, link: Link, read: list[InboundBlock], effects: Effects) -> None:
        inbox = link.connected.inbox
        while len(inbox) > MAX_EARLY_BLOCKS:
            inbox.popleft()
        step = self.links.next_step(link, self.goal)
        if step is not None and step.phase is Phase.RUNNING:
            self._open_shard()
        elif not inbox and is_due(read, ANCHOR_STRIDE):
            link.resume = read[-1].light_client
            self.store.append(RecordKind.ANCHOR, ANCHOR.encode(AnchorRecord(link.id, link.resume)))
        if step is None:
            return
        if step.call is not None and (step.phase is not self.phase or is_due(read, RETRY_STRIDE)):
            self._submit(link, step, effects)
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
        self.replica.open(dict(runtime.state.changes()))
        self.membership.begin()
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
        if not self.consensus.claims(slot.number, now):
            return None
        if now <= self.runtime.timestamp.now.get() or self.integritee.is_stale(now, self.config.max_age):
            return None
        if self.is_superseded or self.awaits_target:
            return None
        try:
            role = self.consensus.role()
            if role.is_alone:
                self._check_rollback()
            production = Production.begin(
                self._assignment(decipher or self.keys.decipher),
                self.ledger,
                self.state,
                self.pool,
                self.links.proven(),
                now,
                self.config.check_invariants,
                self.membership.due_registration(),
                self.membership.due_proxies(),
                role,
                slot.end,
            )
        except IntegriteeError as broken:
            self.halted = broken
            raise
        self.is_producing = True
        return production

    @property
    def is_final(self) -> bool:
        """Whether the latest block can not be given up."""
        return not self.replica.chain.tail

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
        if self.phase is Phase.RUNNING and not self.consensus.is_alone and self.consensus.is_behind:
            return Phase.CATCHING_UP.value
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

    def admit_validateer(self, account: bytes) -> None:
        """Have the account (32 bytes) of another enclave made a proxy of the vault, so that it can pay as well.

        For provisioning only, once this enclave has verified the attestation of the other itself: what a registry
        says is not enough, it may be told to skip attestation. Asked for again after a restart if it did not happen.
        Raises TooManyValidateers.
        """
        self.membership.admit(account)

    def _check_rollback(self) -> None:
        """Raises StateRolledBack if the parentchain confirmed a block this state does not reach."""
        confirmed = self.consensus.confirmed
        reached = self.head.block_number if self.head else 0
        if confirmed is not None and reached < confirmed.number:
            raise StateRolledBack(reached, confirmed.number)

    def seal_slot(self, production: Production, now: int) -> AuthoredBlock:
        """Seal the block, once; nobody sees it before `finish_slot`. The driver abandons the slot if this raises
        SlotMissed or InvariantBroken."""
        if not production.role.is_alone:
            production.expect_in_time(now, self.config.slot_ms)
        return production.seal(now, self.random)

    def finish_slot(self, production: Production, now: int) -> Effects:
        """Seal the block, unless it is, journal and adopt it.

        The driver syncs the store and calls `show_durable` before it acts on the effects.

        If that fails the block is given up, its calls are ready again; a failed store ends production. So is one that
        took too long beside other validateers (SlotMissed): they have gone on.
        """
        try:
            block = self.seal_slot(production, now)
            number = block.header.block_number
            final = number if production.role.is_alone else self.consensus.final_number()
            effects = self.replica.add_own(production, block, final, now)
        except BaseException as failed:
            self.abandon_slot(production, now)
            if isinstance(failed, StoreError):
                self.halted = failed
            raise
        self._end(production)
        if production.registers:
            self.membership.note_registration(production.integritee.anchor.number)
        effects.statuses += self.pool.expire(now)
        self._advance(effects, now)
        return effects

    def abandon_slot(self, production: Production, now: int) -> list[StatusChanged]:
        """Give a block up before it is finished; nothing of it remains."""
        statuses = production.abandon(now)
        self._end(production)
        return statuses

    def _end(self, production: Production) -> None:
        self.is_producing = False
        production.end()

    # -- snapshots -----------------------------------------------------------------------------------

    def snapshot_meta(self) -> bytes:
        """What a snapshot of the present state holds beside its entries."""
        return self.replica.snapshot_meta()
