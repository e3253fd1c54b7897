"""The enclave at work: trusted requests, ecalls and the slot clock around the sans-IO core.

One event loop owns the core. RSA decryption runs in processes of their own, disk syncs in threads; a block under
construction yields to the loop every few calls, so that getters and submissions are answered meanwhile.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import integritee
from integritee.boundary.advertised import with_port
from integritee.boundary.endpoint import Endpoint
from integritee.boundary.interface import Ocalls
from integritee.boundary.messages import (
    MAX_SIDECHAIN_BLOCKS,
    ContentFetched,
    ContentStored,
    EnclaveStatus,
    GossipBlocks,
    GossipOperations,
    ImportBlocks,
    Nothing,
    ParentchainParams,
    Provisioned,
    Provisioning,
    ProvisioningProgress,
    RuntimeUpdate,
    SidechainBlocks,
    SidechainState,
    SlotReport,
    StoreBlocks,
    SubmitExtrinsics,
    SyncState,
)
from integritee.errors import IntegriteeError
from integritee.primitives.enclave_bridge import Request
from integritee.primitives.ids import ParentchainId
from integritee.primitives.sidechain import SidechainHeader, SignedBlock
from integritee.stf.operation import Getter
from integritee.trie import Trie

from .attestation import Tee
from .core import EnclaveCore
from .decipherers import AHEAD, Processes, Threads, step_back
from .deciphering import Deciphering
from .errors import HandedOver, NotReady, UnknownShard
from .ipfs.reading import ContentReader
from .peering import Peering
from .pool import StatusChanged
from .replica import Effects
from .rpc.caller import CALLER
from .rpc.order import Turn, at_once
from .rpc.server import TrustedRpcServer
from .rpc.watch import Watcher
from .sidechain.lane import due
from .sidechain.production import Production
from .sidechain.slots import Slot, delay_to_next_slot, next_slot
from .store import SealedStore, SnapshotWriter, StoreError

CALLS_PER_SLICE: Final = 2
"""Trusted calls executed before the event loop gets a turn (about a quarter of a millisecond): a getter waits for it
several times, and looking around costs little beside a call."""

SLICE_MS: Final = 4
"""The event loop gets its turn after so long, too: some calls take hundreds of times as long as most."""

STATUSES_PER_SLICE: Final = 12
"""Status updates sent before the event loop gets a turn (about half a millisecond)."""

BREATH_SECONDS: Final = 0.0001
"""A busy event loop waits so long each millisecond for threads. Otherwise these wait until the interpreter lock is
taken from the loop, several times per decryption, and as often for the core that the loop holds meanwhile."""

log = logging.getLogger(__name__)


def unix_ms() -> int:
    return time.time_ns() // 1_000_000


class EnclaveService:
    """Implements the trusted RPC's `Backend` and the ecalls."""

    def __init__(
        self,
        core: EnclaveCore,
        store: SealedStore,
        mu_ra_url: str,
        untrusted_url: str,
        tee: Tee,
        skip_ra: bool = False,
        clock: Callable[[], int] = unix_ms,
    ) -> None:
        self.core, self._store, self._clock = core, store, clock
        self._mu_ra_url, self._untrusted_url = mu_ra_url, untrusted_url
        cores = os.cpu_count() or 1
        self._executor = ThreadPoolExecutor(cores, thread_name_prefix="decipher", initializer=step_back)
        self._threads = Threads(core.keys.shielding.decrypt, self._executor, cores + AHEAD)
        self._processes = Processes(self._threads)
        self._deciphering = Deciphering(self._processes, time.monotonic)
        self._getter_codec = core.ledger.codec(Getter)
        self._snapshot: asyncio.Task[None] | None = None
        self._acting = asyncio.Lock()
        self._last_slot = 0
        self._unstored = core.replica.blocks_to_repeat()
        self.rpc_requests = 0
        self.trusted_calls = 0
        self.reader = ContentReader()
        self.server: TrustedRpcServer | None = None
        self.host: Endpoint | None = None
        self.peering = Peering(core, tee, skip_ra, self._act, self._tell, clock, self._send, self._progress)

    # -- Backend: queries ----------------------------------------------------------------------------

    def shielding_key_json(self) -> str:
        return self.core.keys.shielding.public.to_json()

    def shard(self) -> bytes:
        return self.core.config.shard

    def shard_vault(self) -> tuple[bytes, ParentchainId] | None:
        return self.core.view.runtime.vault()

    def fingerprint(self) -> bytes:
        return self.core.config.mrenclave

    def mu_ra_url(self) -> str:
        return self._mu_ra_url

    def provisions_at(self, port: int) -> None:
        """Advertise the port that was found instead of "any free" (0)."""
        self._mu_ra_url = with_port(self._mu_ra_url, port)

    def untrusted_url(self) -> str:
        return self._untrusted_url

    def latest_header(self) -> SidechainHeader:
        return self.core.latest_header

    def stf_metadata(self) -> bytes:
        return self.core.ledger.metadata

    def version(self) -> str:
        return integritee.__version__

    def pending(self, shards: list[bytes]) -> list[list[bytes]]:
        ready = [entry.hash for entry in self.core.pool.ready()]
        return [ready if shard == self.core.config.shard else [] for shard in shards]

    def next_nonce(self, account: bytes) -> int:
        return self.core.pool.next_nonce(account, self.core.runtime.system.nonce(account))

    def import_blocks(self, blocks: list[SignedBlock]) -> None:
        """Queue blocks of a peer."""
        self.peering.queue_blocks(blocks)

    def import_operations(self, sealed: bytes) -> None:
        """Operations of another enclave. Raises GossipError, NotReady."""
        self.peering.take_operations(sealed)

    async def execute_getter(self, request: Request) -> bytes | None:
        """Answer a getter. Raises UnknownShard, DecodeError, InvalidSignature."""
        self._check_shard(request)
        getter: Getter = self._getter_codec.decode(request.cyphertext)
        return self.core.view.query(getter, self._clock())

    # -- Backend: sessions ---------------------------------------------------------------------------

    def account(self) -> bytes:
        return self.core.keys.signing.public

    def sign(self, message: bytes) -> bytes:
        return self.core.keys.signing.sign(message)

    # -- Backend: submission -------------------------------------------------------------------------

    async def submit(self, request: Request, watcher: Watcher | None, turn: Turn = at_once) -> bytes:
        """Decipher a trusted call, verify and admit it when it is its turn; its hash."""
        self.trusted_calls += 1
        self._check_shard(request)
        self._expect_open()
        plain = await self.decipher(request.cyphertext)
        await turn()
        return self._admit(plain, watcher)

    async def submit_plain(self, plain: bytes, watcher: Watcher | None) -> bytes:
        """Verify and admit a trusted call that came through a session; its hash."""
        self.trusted_calls += 1
        self._expect_open()
        return self._admit(plain, watcher)

    def _admit(self, plain: bytes, watcher: Watcher | None) -> bytes:
        top_hash, events = self.core.admit(plain, self._clock())
        if watcher is not None:
            watcher.bind(top_hash)
        self._tell(events)
        if self.core.relay.holds(top_hash):
            self._have_stored()
        else:
            self.peering.spread(plain)
        return top_hash

    def _expect_open(self) -> None:
        """Raises NotReady, HandedOver."""
        if not self.core.is_running:
            raise NotReady("the shard has its vault")
        if isinstance(self.core.halted, HandedOver):
            raise self.core.halted

    def _check_shard(self, request: Request) -> None:
        if request.shard != self.core.config.shard:
            raise UnknownShard(request.shard, self.core.config.shard)

    async def decipher(self, cyphertext: bytes) -> bytes:
        """Beside the event loop. Raises Undecipherable, RateExceeded, ServerBusy, DecipheringInterrupted."""
        return await self._deciphering.decipher(CALLER.get(), cyphertext)

    async def use_decipherers(self, sockets: Sequence[socket.socket]) -> None:
        """From here on processes decipher; the enclave's ends of their sockets."""
        await self._processes.begin(sockets, self.core.keys.shielding)

    # -- content on IPFS -----------------------------------------------------------------------------

    def use_ipfs(self, host: Endpoint) -> None:
        """From here on the host has a daemon at hand."""
        self.core.relay.is_on = True
        self.reader.ask = lambda wanted: host.notify(Ocalls.fetch_content, wanted)

    async def read_content(self, cid: str) -> bytes:
        """As `ContentReader.read`."""
        return await self.reader.read(cid)

    def _have_stored(self) -> None:
        for content in self.core.relay.take_outgoing():
            if self.host is not None:
                self.host.notify(Ocalls.store_content, content)

    async def content_stored(self, report: ContentStored) -> Nothing:
        self._tell(self.core.relay.stored(report, self.core.pool))
        return Nothing()

    async def content_fetched(self, report: ContentFetched) -> Nothing:
        self.reader.fetched(report)
        return Nothing()

    def let_threads_run(self) -> None:
        """Let threads that have something to decipher have the interpreter lock, and a core, for a moment."""
        if self._threads.are_at_work:
            time.sleep(BREATH_SECONDS)

    # -- ecalls --------------------------------------------------------------------------------------

    async def init_parentchain(self, params: ParentchainParams) -> SyncState:
        state = self.core.connect(params)
        self._repeat_blocks()
        return state

    def _repeat_blocks(self) -> None:
        """Once after a start, give the host the blocks that a crash may have kept from it; peers ask it for them."""
        blocks, self._unstored = self._unstored, []
        for start in range(0, len(blocks), MAX_SIDECHAIN_BLOCKS):
            self._publish(Effects(blocks=blocks[start : start + MAX_SIDECHAIN_BLOCKS]))

    async def import_parentchain(self, request: ImportBlocks) -> SyncState:
        effects = self.core.import_blocks(request, self._clock())
        await self._act(effects)
        return self.core.sync_state(request.id)

    async def import_sidechain(self, request: SidechainBlocks) -> SidechainState:
        """Blocks that the host had of peers."""
        await self.peering.import_blocks(request.blocks, request.is_complete, request.nobody_answered)
        header = self.core.latest_header
        number = header.block_number
        return SidechainState(number, header.hash() if number else bytes(32), len(self.core.consensus.candidates))

    async def provision(self, request: Provisioning) -> Provisioned:
        """Fetch keys and state from another enclave. The host has to start this one again afterwards."""
        return await self.peering.provision(request)

    async def set_runtime(self, update: RuntimeUpdate) -> Nothing:
        self.core.set_runtime(update)
        return Nothing()

    async def status(self, _: Nothing) -> EnclaveStatus:
        core = self.core
        return EnclaveStatus(
            phase=core.shown_phase,
            chains=core.chain_statuses(self._clock()),
            sidechain_number=core.latest_header.block_number,
            sidechain_hash=core.latest_header.hash() if core.latest_header.block_number else bytes(32),
            confirmed_number=core.confirmed_number(),
            pool_ready=core.pool.ready_count,
            pool_future=core.pool.future_count,
            connections=self.server.connection_count if self.server else 0,
            rpc_requests=self.rpc_requests,
            trusted_calls=self.trusted_calls,
            total_issuance=core.runtime.balances.total_issuance.get(),
            state_bytes=core.state_bytes,
            authorities=len(core.consensus.present_authorities()),
            is_primary=core.consensus.is_primary,
            unconfirmed=len(core.replica.chain.tail),
            reverted=core.replica.reverted,
            waiting_blocks=len(core.consensus.candidates),
        )

    def count_request(self, method: str) -> None:
        """Observe a trusted RPC request, for metrics."""
        self.rpc_requests += 1

    # -- slots ---------------------------------------------------------------------------------------

    async def run_slots(self, slot_ms: int) -> None:
        """Serve slots until cancelled; an error ends its slot only."""
        while True:
            await asyncio.sleep(delay_to_next_slot(self._clock(), slot_ms) / 1000)
            now = self._clock()
            slot = next_slot(now, self._last_slot, slot_ms)
            if slot is None:
                continue
            self._last_slot = slot.number
            try:
                await self._act(self.core.tick(now))
                self._have_stored()  # what came from other validateers
                await self._serve_slot(slot, now)
            except IntegriteeError as failed:
                log.error("slot %d failed: %s (%s)", slot.number, failed, failed.code)
            except Exception:
                log.exception("slot %d failed", slot.number)

    async def _serve_slot(self, slot: Slot, now: int) -> None:
        started = time.perf_counter_ns()
        known = await self._decipher_due()
        production = self.core.begin_slot(slot, now, lambda shielded: self._deciphered(known, shielded))
        if production is None:
            return
        before = slot.end - now
        try:
            await self._execute(production, slot.proposal_deadline(now))
            await self._wind_up(production)
        except BaseException:
            self._tell(self.core.abandon_slot(production, self._clock()))
            raise
        effects = self.core.finish_slot(production, self._clock())
        spent = (time.perf_counter_ns() - started) // 1000
        await self._act(effects)
        header = effects.gossip[0].block.header
        report = SlotReport(
            block_number=header.block_number,
            executed=len(production.builder.executed),
            failed=production.builder.failed,
            queued_before=production.queued_before,
            execution_us=spent,
            remaining_before_us=max(before, 0) * 1000,
            remaining_after_us=max(slot.end - self._clock(), 0) * 1000,
        )
        if self.host is not None:
            self.host.notify(Ocalls.slot_report, report)

    async def _decipher_due(self) -> dict[bytes, bytes | None]:
        """Decipher in threads what users sent through the parentchain and the next block will want."""
        follower = self.core.integritee.follower
        if follower is None or not self.core.is_running or self.core.halted is not None:
            return {}
        calls = [call.shielded for block in due(follower.inbox) for call in block.calls if call.shielded is not None]
        loop, decipher = asyncio.get_running_loop(), self.core.keys.decipher
        plain = await asyncio.gather(*(loop.run_in_executor(self._executor, decipher, call) for call in calls))
        return dict(zip(calls, plain, strict=True))

    def _deciphered(self, known: dict[bytes, bytes | None], shielded: bytes) -> bytes | None:
        """Blocks that arrived meanwhile are deciphered on the spot."""
        return known[shielded] if shielded in known else self.core.keys.decipher(shielded)

    async def _execute(self, production: Production, deadline: int) -> None:
        waited_ms = 0
        while self._execute_slice(production, deadline):
            await asyncio.sleep((production.builder.delay_ms - waited_ms) / 1000)
            waited_ms = production.builder.delay_ms

    def _execute_slice(self, production: Production, deadline: int) -> bool:
        """Execute calls until others should have a turn, at least one if there is time; whether there were any."""
        executed, began = 0, self._clock()
        until = min(deadline, began + SLICE_MS)
        while executed < CALLS_PER_SLICE and self._clock() < until and production.step(1):
            executed += 1
        return executed > 0

    async def _wind_up(self, production: Production) -> None:
        """Have the block ready but for the journal, with turns for others."""
        for _ in iter(production.wind_up, False):
            await asyncio.sleep(0)
        self.core.seal_slot(production, self._clock())
        await asyncio.sleep(0)

    async def _make_durable(self) -> None:
        """Return when all that was appended survives. A store that fails to do so ends block production."""
        if self._store.sequence > self._store.synced:
            try:
                await asyncio.to_thread(self._store.sync)
            except StoreError as failed:
                self.core.halted = failed
                raise
        self.core.show_durable()

    def _begin_snapshot(self) -> None:
        """Write a snapshot beside the slots if the journal has grown enough."""
        if not self.core.is_running or self.core.halted is not None:
            return
        if self._snapshot is not None and not self._snapshot.done():
            return
        if self._store.snapshot_due(self.core.state_bytes):
            self._snapshot = asyncio.create_task(self._write_snapshot())

    async def _write_snapshot(self) -> None:
        state = self.core.state
        try:
            writer = self._store.begin_snapshot(self.core.snapshot_meta())
        except StoreError as failed:
            log.error("snapshot failed: %s (%s)", failed, failed.code)
            return
        try:
            await asyncio.to_thread(_write_all, writer, state)
            self._store.commit_snapshot(writer)
        except IntegriteeError as failed:
            log.error("snapshot failed: %s (%s)", failed, failed.code)
            self._store.abandon_snapshot(writer)

    # -- effects -------------------------------------------------------------------------------------

    async def _act(self, effects: Effects) -> None:
        """Make all durable, then have it happen, in the order in which it was decided."""
        async with self._acting:
            await self._make_durable()
            self._publish(effects)
            await self._tell_all(effects.statuses)
            if self.server is not None:
                self.server.settle(effects.final)
        self._begin_snapshot()

    def _publish(self, effects: Effects) -> None:
        """Have the host act on what is durable now."""
        if self.host is None:
            return
        for id, extrinsics in effects.submit.items():
            self.host.notify(Ocalls.submit_extrinsics, SubmitExtrinsics(id, extrinsics))
        if effects.blocks or effects.store_after is not None:
            self.host.notify(Ocalls.store_blocks, StoreBlocks(effects.blocks, effects.store_after))
        if effects.gossip and not self.core.consensus.is_alone:
            self.host.notify(Ocalls.gossip_blocks, GossipBlocks(effects.gossip))
        if effects.fetch is not None:
            self.host.notify(Ocalls.fetch_blocks, effects.fetch)
        if effects.phase is not None:
            self.host.notify(Ocalls.phase_changed, effects.phase)

    async def _tell_all(self, statuses: list[StatusChanged]) -> None:
        """Tell those who watch what became of a block's calls, with breaks for other requests.

        One connection after the other, for what is told to one in a turn leaves in one piece. Of one call all is told
        in its order.
        """
        server = self.server
        if server is None:
            return
        statuses = sorted(statuses, key=lambda changed: server.connection_of(changed.hash))
        for start in range(0, len(statuses), STATUSES_PER_SLICE):
            self._tell(statuses[start : start + STATUSES_PER_SLICE])
            await asyncio.sleep(0)

    def _send(self, operations: GossipOperations) -> None:
        if self.host is not None:
            self.host.notify(Ocalls.gossip_operations, operations)

    def _progress(self, progress: ProvisioningProgress) -> None:
        if self.host is not None:
            self.host.notify(Ocalls.provisioning_progress, progress)

    def _tell(self, statuses: list[StatusChanged]) -> None:
        if self.server is not None:
            for changed in statuses:
                self.server.notify(changed.hash, changed.status, changed.reason, lingers=not self.core.is_final)

    async def close(self) -> None:
        """Stop serving and release the store's lock."""
        await self.peering.close()
        if self.server is not None:
            await self.server.stop()
        self._processes.close()
        self._executor.shutdown(wait=False, cancel_futures=True)
        if self._snapshot is not None and not self._snapshot.done():
            await self._snapshot
        self._store.close()


def _write_all(writer: SnapshotWriter, state: Trie) -> None:
    writer.write(state.items())
    writer.finish()
