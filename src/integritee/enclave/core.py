"""The enclave without sockets, disks or clocks: ecalls, slots and trusted requests over one shard.

Time (Unix ms) and randomness are arguments. What must happen outside is returned as `Effects`; what must be
durable first is appended to the store, and the driver syncs it before it acts on the effects.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from integritee.boundary.messages import (
    ChainStatus,
    ImportBlocks,
    ParentchainParams,
    PhaseChanged,
    RuntimeFacts,
    RuntimeUpdate,
    SyncState,
)
from integritee.errors import IntegriteeError
from integritee.frame.overlay import Overlay
from integritee.primitives.ids import ParentchainId
from integritee.primitives.sidechain import (
    FINALIZATION_STRIDE,
    SidechainBlockConfirmation,
    SidechainHeader,
    SignedBlock,
)
from integritee.scale import Bytes32, codec, u32
from integritee.stf.executor import Executor
from integritee.stf.ledger import Ledger
from integritee.stf.operation import TrustedCallSigned
from integritee.stf.runtime import LedgerRuntime
from integritee.trie import Trie

from .errors import ForeignGenesis, ForeignParentchain, NotReady, StateRolledBack
from .keys import EnclaveKeys, Randomness
from .parentchain.follower import Follower
from .parentchain.inbound import InboundBlock
from .parentchain.onboarding import Goal, Phase, Step, account_info, authorities, is_registered, next_step
from .parentchain.outbox import ONBOARDING_PERIOD, Outbox, sign_call
from .parentchain.runtimes import proven_version
from .pool import StatusChanged, TopPool
from .records import (
    ANCHOR,
    BLOCK,
    GENESIS,
    META,
    AnchorRecord,
    BlockRecord,
    GenesisRecord,
    RecordKind,
    Recovered,
    SnapshotMeta,
    size_of,
)
from .sidechain.author import Assignment, Decipher, lasting_secret
from .sidechain.production import Production
from .sidechain.slots import Slot, claims_slot
from .store import SealedStore, StoreError

ANCHOR_STRIDE: Final = 64
"""Parentchain blocks between two records of the light client's progress before the shard runs."""

REBROADCAST_STRIDE: Final = 4
"""Parentchain blocks between two submissions of the same pending extrinsic."""

MAX_EARLY_BLOCKS: Final = 1024
"""Parentchain blocks kept for the shard's beginning while onboarding goes on; older ones are before its time."""

PINS_LABEL: Final = "parentchain-pins"
PINS: Final = codec(dict[u32, Bytes32])
RUNTIME_LABEL: Final = "parentchain-runtime"
RUNTIME: Final = codec(RuntimeFacts)
MAX_REMEMBERED: Final = 1_000_000
"""Bytes of metadata that are kept across restarts; for larger ones the host must be able to repeat itself."""
CONFIRMATION: Final = codec(SidechainBlockConfirmation)


@dataclass
class Effects:
    """What the driver does once the store is synced."""

    submit: list[bytes] = field(default_factory=list)
    blocks: list[SignedBlock] = field(default_factory=list)
    statuses: list[StatusChanged] = field(default_factory=list)
    phase: PhaseChanged | None = None


@dataclass(frozen=True)
class CoreConfig:
    """Facts fixed for the life of the process. `url` is the advertised trusted URL; with `check_invariants` every
    block of ours is checked against the laws of the ledger."""

    shard: bytes
    mrenclave: bytes
    url: str
    check_invariants: bool = False


class EnclaveCore:
    """One shard, one parentchain, one sidechain."""

    def __init__(
        self,
        config: CoreConfig,
        keys: EnclaveKeys,
        ledger: Ledger,
        store: SealedStore,
        recovered: Recovered,
        outbox: Outbox,
        random: Randomness,
    ) -> None:
        self.config, self.keys, self.ledger = config, keys, ledger
        self._store, self._random = store, random
        self.outbox = outbox
        self.pool: TopPool[TrustedCallSigned] = TopPool()
        self.head = recovered.head
        self.state_bytes = recovered.state_bytes
        self._resume = recovered.light_client or None
        self.is_running = recovered.shard is not None
        self.phase = Phase.CONNECTING
        self.needed_funds = 0
        self.halted: IntegriteeError | None = None
        self.follower: Follower | None = None
        self._remembered: int | None = None
        self._resume_version: int | None = None
        """Runtime versions: whose metadata is sealed, and which is proven where the light client would resume."""
        self._has_rebroadcast = False
        """Since the start; what a crash kept from being submitted should not wait longer than necessary."""
        self._registered_at: int | None = None
        """Parentchain block at which the enclave last asked to be put on record again."""
        self.goal = Goal(config.mrenclave, config.url, 0, 0)
        self._latest = ledger.runtime()
        self._view = Executor(ledger, ledger.runtime(), config.mrenclave, config.shard)
        self._view.runtime.secret = lasting_secret(keys.state)
        self._recorded = 0
        """Sequence of the record that made `state` and `head`."""
        self._adopt(recovered.state)
        self.show_durable()

    # -- the committed state -------------------------------------------------------------------------

    def _adopt(self, state: Trie) -> None:
        self.state = state
        self._latest.state = Overlay(state)

    def show_durable(self) -> None:
        """Let users see the state and its block, unless they could still be lost. To be called after a sync."""
        if self._store.synced >= self._recorded:
            self._view.runtime.state = Overlay(self.state)
            self._shown_head = self.head
            self._remember_runtime()

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
        if self.follower is None:
            return 0
        raw = self.follower.values.get(self.follower.contract.watched.confirmation)
        return int(CONFIRMATION.decode(raw).block_number) if raw else 0

    # -- ecalls --------------------------------------------------------------------------------------

    def connect(self, params: ParentchainParams) -> SyncState:
        """Meet the parentchain.

        Raises ForeignParentchain, ForeignGenesis, and the errors of light client, metadata and proofs.
        """
        _expect_integritee(params.id)
        bound = self.runtime.parentchain(ParentchainId.Integritee).parentchain_genesis_hash.get()
        found = params.genesis.hash()
        if self.follower is not None:
            bound = self.follower.genesis_hash
        if bound is not None and bound != found:
            raise ForeignGenesis(found, bound)
        goal = Goal(self.config.mrenclave, self.config.url, params.required_funds, params.vault_funding)
        if self.follower is not None:
            self.follower.adopt_runtime(params.runtime)
            self.goal = goal
            return self.sync_state()
        pins = self._load_pins()
        vault = self.keys.vault(self.config.shard).public
        account = self.keys.signing.public
        remembered = self._load_runtime()
        self.follower = Follower(params, self._resume, remembered, pins, self.config.shard, account, vault)
        self._save_pins(pins, self.follower.pins)
        if remembered is None:
            self._resume_version = params.runtime.spec_version
            self._remember_runtime()
        self.goal = goal
        self.phase = Phase.RUNNING if self.is_running else Phase.UNFUNDED
        return self.sync_state()

    def set_runtime(self, update: RuntimeUpdate) -> None:
        """Learn the metadata of an upgraded runtime. Raises SpecVersionUnproven, MetadataChanged, …"""
        _expect_integritee(update.id)
        self._connected().adopt_runtime(update.runtime)

    def sync_state(self) -> SyncState:
        follower = self._connected()
        keys = follower.contract.watched.all()
        return SyncState(follower.head.number, follower.head.hash(), keys, follower.light_client.trust)

    def chain_statuses(self, now: int) -> list[ChainStatus]:
        """What operators see of each parentchain at Unix time `now` (ms)."""
        if self.follower is None:
            return []
        processed = self.runtime.integritee.number.get() or 0
        trust, number = self.follower.light_client.trust, self.follower.head.number
        waiting = len(self.outbox.entries)
        here = ParentchainId.Integritee
        return [ChainStatus(here, trust, number, processed, self.needed_funds, waiting, 0, False)]

    def import_blocks(self, request: ImportBlocks) -> Effects:
        """Verify finalized parentchain blocks; onboarding moves on, or they wait for the next slot.

        Raises the verification's named errors; nothing has changed then.
        """
        _expect_integritee(request.id)
        follower = self._connected()
        pins = follower.pins
        read = follower.import_blocks(request.blocks, self._concerns_shard)
        self._save_pins(pins, follower.pins)
        if not read:
            return Effects()
        effects = Effects()
        if not self.is_running:
            self._onboard(follower, read, effects)
        self._rebroadcast(follower, read, effects)
        return effects

    def _concerns_shard(self, block: InboundBlock) -> bool:
        """The shard begins at the block that proves the enclave's registration."""
        return self.is_running or is_registered(self._connected().contract, self.goal, block.values)

    def _connected(self) -> Follower:
        if self.follower is None:
            raise NotReady("the parentchain is connected")
        return self.follower

    def _load_pins(self) -> dict[int, bytes]:
        sealed = self._store.get_secret(PINS_LABEL)
        pins: dict[int, bytes] = PINS.decode(sealed) if sealed else {}
        return pins

    def _save_pins(self, before: dict[int, bytes], after: dict[int, bytes]) -> None:
        if before != after:
            self._store.put_secret(PINS_LABEL, PINS.encode(after))

    def _load_runtime(self) -> RuntimeFacts | None:
        """The runtime in force where the light client resumes: blocks from there on need its metadata."""
        sealed = self._store.get_secret(RUNTIME_LABEL)
        found: RuntimeFacts | None = RUNTIME.decode(sealed) if sealed else None
        self._remembered = found.spec_version if found else None
        return found

    def _remember_runtime(self) -> None:
        """Keep the metadata that a restart will need, once it would resume under another runtime than before."""
        if self.follower is None or self._resume_version in (None, self._remembered):
            return
        stated = self.follower.runtimes.stated(self._resume_version)
        if stated is not None and len(stated.metadata) < MAX_REMEMBERED:
            self._store.put_secret(RUNTIME_LABEL, RUNTIME.encode(stated))
        self._remembered = self._resume_version

    # -- onboarding ----------------------------------------------------------------------------------

    def _onboard(self, follower: Follower, read: list[InboundBlock], effects: Effects) -> None:
        while len(follower.inbox) > MAX_EARLY_BLOCKS:
            follower.inbox.popleft()
        deposited = sum(deposit.amount for block in follower.inbox for deposit in block.deposits)
        step = next_step(follower.contract, self.goal, follower.values, deposited)
        if step.phase is Phase.RUNNING:
            self._open_shard(follower)
        elif step.call is not None and (step.phase is not self.phase or _is_due(read, REBROADCAST_STRIDE)):
            effects.submit.append(self._sign_step(follower, step))
        if not follower.inbox and _is_due(read, ANCHOR_STRIDE):
            self._resume = read[-1].light_client
            self._store.append(RecordKind.ANCHOR, ANCHOR.encode(AnchorRecord(self._resume)))
        self._enter(step, effects)

    def _sign_step(self, follower: Follower, step: Step) -> bytes:
        """Sign a step with the account's proven nonce, so that only one of its forms can ever be included."""
        assert step.call is not None
        keys = follower.contract.watched
        pair = self.keys.vault(self.config.shard) if step.by_vault else self.keys.signing
        account = account_info(follower.values.get(keys.vault_account if step.by_vault else keys.enclave_account))
        return sign_call(follower.facts, pair, step.call, account.nonce, ONBOARDING_PERIOD, follower.head)

    def _enter(self, step: Step, effects: Effects) -> None:
        if step.phase is not self.phase or step.needed_funds != self.needed_funds:
            effects.phase = PhaseChanged(ParentchainId.Integritee, step.phase.value, "", step.needed_funds)
        self.phase, self.needed_funds = step.phase, step.needed_funds

    def _open_shard(self, follower: Follower) -> None:
        """Create the shard's first state; from here on slots are served."""
        runtime = self.ledger.runtime(Overlay(self.state))
        runtime.initialize_genesis(self.keys.ledger.public)
        mirror = runtime.parentchain(ParentchainId.Integritee)
        mirror.set_genesis(follower.genesis_hash)
        mirror.set_vault(follower.contract.vault)
        first = follower.inbox[0].header if follower.inbox else follower.head
        mirror.set_creation_block(first)
        changes = dict(runtime.state.changes())
        account = account_info(follower.values.get(follower.contract.watched.enclave_account))
        self.outbox.adopt_nonce(account.nonce)
        record = GenesisRecord(
            self.config.shard, sorted(changes.items()), self._resume or b"", self.outbox.next_nonce
        )
        self._recorded = self._store.append(RecordKind.GENESIS, GENESIS.encode(record))
        self.state_bytes += size_of(self.state, changes.items())
        self._adopt(self.state.commit(changes))
        self.is_running = True

    # -- slots ---------------------------------------------------------------------------------------

    def begin_slot(self, slot: Slot, now: int, decipher: Decipher | None = None) -> Production | None:
        """Start a block if the slot is ours and there is a parentchain to anchor it in; None otherwise.

        None as well if the clock went back behind the block before: time in the ledger only goes forward.
        `decipher` may know answers of the shielding key already.
        """
        follower = self.follower
        if follower is None or not self.is_running or self.halted is not None or not follower.values:
            return None
        if not claims_slot(slot.number, authorities(follower.contract, follower.values), self.keys.signing.public):
            return None
        if now <= self.runtime.timestamp.now.get():
            return None
        try:
            self._check_rollback(follower)
            return Production.begin(
                self._assignment(decipher or self.keys.decipher),
                self.ledger,
                self.state,
                self.pool,
                follower,
                self.outbox,
                now,
                self.config.check_invariants,
                self._due_registration(follower),
            )
        except IntegriteeError as broken:
            self.halted = broken
            raise

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
        if is_registered(follower.contract, self.goal, follower.values):
            return None
        if self._registered_at is not None and follower.head.number < self._registered_at + ONBOARDING_PERIOD:
            return None
        call = follower.contract.register(self.goal.mrenclave, self.goal.url)
        return None if any(entry.call == call for entry in self.outbox.entries.values()) else call

    def _check_rollback(self, follower: Follower) -> None:
        """Raises StateRolledBack if the parentchain confirmed a block this state does not reach."""
        raw = follower.values.get(follower.contract.watched.confirmation)
        if raw is None:
            return
        confirmed = CONFIRMATION.decode(raw).block_number - FINALIZATION_STRIDE
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
            resumption = production.resumption()
            resume = resumption.light_client if resumption else self._resume
            change = production.outbox.take_change()
            record = BlockRecord(block.signed, sorted(block.changes.items()), resume or b"", change)
            self._recorded = self._store.append(RecordKind.BLOCK, BLOCK.encode(record))
        except BaseException as failed:
            self.abandon_slot(production, now)
            if isinstance(failed, StoreError):
                self.halted = failed
            raise
        self.outbox, self._resume = production.outbox, resume
        if production.registers:
            self._registered_at = production.anchor.number
        if resumption is not None:
            self._resume_version = proven_version(resumption.values)
        self.state_bytes += size_of(self.state, block.changes.items())
        self._adopt(block.state)
        self.head = block.header
        statuses = production.settle(block, now) + self.pool.expire(now)
        return Effects(
            submit=[entry.extrinsic for entry in change.put],
            blocks=[block.signed],
            statuses=statuses,
        )

    def abandon_slot(self, production: Production, now: int) -> list[StatusChanged]:
        """Give a block up before it is finished; nothing of it remains."""
        return production.abandon(now)

    def _rebroadcast(self, follower: Follower, read: list[InboundBlock], effects: Effects) -> None:
        if _is_due(read, REBROADCAST_STRIDE) or not self._has_rebroadcast:
            effects.submit.extend(self.outbox.pending())
            self._has_rebroadcast = True
        if self.is_running:
            account = account_info(follower.values.get(follower.contract.watched.enclave_account))
            wanted = self.goal.required_funds - self.goal.vault_funding  # the vault has its share by now
            self.needed_funds = wanted - account.data.free if account.data.free < wanted // 10 else 0

    # -- snapshots -----------------------------------------------------------------------------------

    def snapshot_meta(self) -> bytes:
        """What a snapshot of the present state holds beside its entries."""
        meta = SnapshotMeta(self.config.shard, self.head, self.state.root(), self._resume or b"", self.outbox.whole())
        return META.encode(meta)


def _expect_integritee(found: ParentchainId) -> None:
    if found is not ParentchainId.Integritee:
        raise ForeignParentchain(found.name, ParentchainId.Integritee.name)


def _is_due(read: list[InboundBlock], stride: int) -> bool:
    """Whether a multiple of `stride` is among the numbers of these consecutive blocks."""
    return read[-1].header.number % stride < len(read)
