"""The enclave at work: what the front end asks, ecalls and the slot clock around the sans-IO core.

One event loop owns the core. Clients are served by a process of their own (`frontend`), disk syncs run in threads; a
block under construction yields to the loop every few calls, so that getters and submissions are answered meanwhile.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

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
from integritee.primitives.ids import ParentchainId
from integritee.primitives.sidechain import SidechainHeader, SignedBlock
from integritee.stf.operation import Getter
from integritee.trie import Trie

from .attestation import Tee
from .core import EnclaveCore
from .decipherers import step_back
from .errors import HandedOver, NotReady
from .frontend.ledger_api import Bound, Figures, FrontEnd
from .ipfs.reading import ContentReader
from .peering import Peering
from .pool import StatusChanged
from .replica import Effects
from .sidechain.lane import due
from .sidechain.production import Production
from .sidechain.slots import Slot, delay_to_next_slot, next_slot
from .store import SealedStore, SnapshotWriter, StoreError

CALLS_PER_SLICE: Final = 2
"""Trusted calls executed before the event loop gets a turn (about a quarter of a millisecond): a getter waits for it
several times, and looking around costs little beside a call."""

SLICE_MS: Final = 4
"""The event loop gets its turn after so long, too: some calls take hundreds of times as long as most."""

log = logging.getLogger(__name__)


def unix_ms() -> int:
    return time.time_ns() // 1_000_000


class EnclaveService:
    """Implements the `Ledger` that a front end asks, and the ecalls."""

    def __init__(
        self,
        core: EnclaveCore,
        store: SealedStore,
        tee: Tee,
        skip_ra: bool = False,
        clock: Callable[[], int] = unix_ms,
    ) -> None:
        self.core, self._store, self._clock = core, store, clock
        self._executor = ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="decipher", initializer=step_back)
        self._getter_codec = core.ledger.codec(Getter)
        self._snapshot: asyncio.Task[None] | None = None
        self._acting = asyncio.Lock()
        self._last_slot = 0
        self._unstored = core.replica.blocks_to_repeat()
        self.reader = ContentReader()
        self.front_end: FrontEnd | None = None
        self.host: Endpoint | None = None
        self.peering = Peering(core, tee, skip_ra, self._act, self._tell, clock, self._send, self._progress)

    # -- Ledger: queries -----------------------------------------------------------------------------

    def shard_vault(self) -> tuple[bytes, ParentchainId] | None:
        return self.core.view.runtime.vault()

    def latest_header(self) -> SidechainHeader:
        return self.core.latest_header

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

    # -- Ledger: operations --------------------------------------------------------------------------

    def query(self, getter: bytes) -> bytes | None:
        """Answer a getter in its SCALE form. Raises DecodeError, InvalidSignature, MissingPrivileges."""
        return self.core.view.query(self._getter_codec.decode(getter), self._clock())

    def admit(self, plain: bytes, bound: Bound) -> bytes:
        """Admit a trusted call that the front end has verified, as it comes out of its shielding; its hash. Raises
        NotReady, HandedOver."""
        if not self.core.is_running:
            raise NotReady("the shard has its vault")
        if isinstance(self.core.halted, HandedOver):
            raise self.core.halted
        top_hash, events = self.core.admit(plain, self._clock(), verified=True)
        bound(top_hash)
        self._tell(events)
        if self.core.relay.holds(top_hash):
            self._have_stored()
        else:
            self.peering.spread(plain)
        return top_hash

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
        core, figures = self.core, Figures() if self.front_end is None else await self.front_end.figures()
        return EnclaveStatus(
            phase=core.shown_phase,
            chains=core.chain_statuses(self._clock()),
            sidechain_number=core.latest_header.block_number,
            sidechain_hash=core.latest_header.hash() if core.latest_header.block_number else bytes(32),
            confirmed_number=core.confirmed_number(),
            pool_ready=core.pool.ready_count,
            pool_future=core.pool.future_count,
            connections=figures.connections,
            rpc_requests=figures.requests,
            trusted_calls=figures.calls,
            total_issuance=core.runtime.balances.total_issuance.get(),
            state_bytes=core.state_bytes,
            authorities=len(core.consensus.present_authorities()),
            is_primary=core.consensus.is_primary,
            unconfirmed=len(core.replica.chain.tail),
            reverted=core.replica.reverted,
            waiting_blocks=len(core.consensus.candidates),
        )

    # -- slots ---------------------------------------------------------------------------------------

    async def run_slots(self, slot_ms: int) -> None:
        """Serve slots until cancelled; an error ends its slot only."""
        while True:
            now = self._clock()
            slot = next_slot(now, self._last_slot, slot_ms)
            if slot is None:
                await asyncio.sleep(delay_to_next_slot(now, slot_ms) / 1000)
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
            await self._execute(production, slot.proposal_deadline(now, production.role.is_alone))
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
            if self.front_end is not None:
                await self.front_end.tell_all(effects.statuses, lingers=not self.core.is_final)
                self.front_end.settle(effects.final)
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

    def _send(self, operations: GossipOperations) -> None:
        if self.host is not None:
            self.host.notify(Ocalls.gossip_operations, operations)

    def _progress(self, progress: ProvisioningProgress) -> None:
        if self.host is not None:
            self.host.notify(Ocalls.provisioning_progress, progress)

    def _tell(self, statuses: list[StatusChanged]) -> None:
        if self.front_end is not None:
            self.front_end.tell(statuses, lingers=not self.core.is_final)

    async def close(self) -> None:
        """Stop serving and release the store's lock."""
        await self.peering.close()
        if self.front_end is not None:
            await self.front_end.stop()
        self._executor.shutdown(wait=False, cancel_futures=True)
        if self._snapshot is not None and not self._snapshot.done():
            await self._snapshot
        self._store.close()


def _write_all(writer: SnapshotWriter, state: Trie) -> None:
    writer.write(state.items())
    writer.finish()
