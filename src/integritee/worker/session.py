"""One life of the enclave's process: what the host does for it, from its start until it ends or has to be replaced.

It has to be replaced once it was provisioned: keys and state are sealed on the disk then, for a new process to open.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final, Self

from integritee.boundary.endpoint import RemoteFailure
from integritee.boundary.interface import Ecalls, Method, Ocalls
from integritee.boundary.messages import (
    ContentFetched,
    ContentStored,
    EnclaveIdentity,
    EnclaveStatus,
    FetchBlocks,
    FetchContent,
    GossipBlocks,
    GossipOperations,
    InitParams,
    Nothing,
    PhaseChanged,
    Provisioned,
    Provisioning,
    ProvisioningProgress,
    SidechainBlocks,
    SidechainState,
    SlotReport,
    StoreBlocks,
    StoreContent,
    SubmitExtrinsics,
)
from integritee.primitives.ids import ParentchainId

from . import announce
from .block_store import BlockStore
from .config import Config
from .console import Console
from .enclave_process import EnclaveProcess, Ocall
from .endpoints import shown
from .errors import EnclaveDied, EnclaveSilent
from .ipfs import IpfsDesk
from .kubo import Kubo
from .launch import Launched
from .metrics import Metrics
from .parentchains import Parentchains
from .peers.errors import PeersFailed
from .peers.fetching import Fetching
from .peers.network import Network
from .peers.peer import Peer
from .peers.provisioning import PROVISIONING_LIMIT, Source, be_provisioned, peers_by_activity, predecessor
from .peers.registry import Validateer, read_validateers
from .peers.untrusted_rpc import UntrustedRpc
from .progress import WORTH_SHOWING_BYTES, Display, bytes_line
from .readiness import RUNNING, PeerView, Readiness, is_alone, readiness
from .tasks import until_one_ends

STATUS_LIMIT: Final = 2.0
"""Seconds the enclave may take to answer a supervisor."""

LOOK_PAUSE: Final = 1.0
"""Seconds between two looks at what phase the enclave is in."""

PULL_SLOTS: Final = 3
"""Slots without any block after which peers are asked for some: perhaps they do not know yet whom to tell."""

UNFUNDED: Final = "unfunded"
AWAITING_STATE: Final = "awaiting_state"
ON_ITS_WAY: Final = (UNFUNDED, "registering", AWAITING_STATE)
"""Phases of an enclave that has no state, and cannot begin with one."""

HAS_STATE: Final = (RUNNING, "catching_up")
log = logging.getLogger(__name__)


class Session:
    """Make it with `begin`; `run` serves the enclave; `close` ends it."""

    def __init__(self, config: Config, console: Console, store: Callable[[], BlockStore]) -> None:
        self._config, self._console, self._store = config, console, store
        self._has_begun = False
        self._is_to_look = asyncio.Event()
        self._wanted: FetchBlocks | None = None
        self._state_display = Display("state", console, bytes_line, WORTH_SHOWING_BYTES)
        self._produced_at: float | None = None
        self._got_block_at: float | None = None
        self._is_following = False
        self._seen_phase = ""

    @classmethod
    async def begin(
        cls, launched: Launched, params: InitParams, config: Config, console: Console, store: Callable[[], BlockStore]
    ) -> Self:
        """Start a launched enclave; `store` is asked for once that says something.

        Raises RemoteFailure, EnclaveDied, EnclaveSilent; the process has ended then.
        """
        session = cls(config, console, store)
        await session._start(launched, params)
        return session

    async def _start(self, launched: Launched, params: InitParams) -> None:
        self._enclave = await EnclaveProcess.attach(launched, self._ocalls())
        try:
            self._know(await self._enclave.call(Ecalls.init, params))
        except BaseException:
            await self._enclave.stop()
            raise

    def _know(self, identity: EnclaveIdentity) -> None:
        self.identity = identity
        self._metrics = Metrics(identity)
        self._parentchains = Parentchains(self._config, self._enclave, identity, self._console)
        self._network = Network(identity.account, self._look_up)
        self._fetching = Fetching(self._network, identity.shard, self._import)
        url = self._config.ipfs_url
        self._ipfs = IpfsDesk(Kubo(url) if url else None, self._stored, self._fetched)
        self._has_begun = True
        if self._wanted is not None:
            self._fetching.request(self._wanted)

    async def run(self) -> None:
        """Returns when the enclave is to be started again, or need not be. Raises EnclaveDied and what breaks."""
        await until_one_ends(
            self._watch_enclave(),
            self._parentchains.run(),
            self._network.run(),
            self._fetching.run(),
            self._watch_phase(),
        )

    async def close(self) -> None:
        if self._has_begun:
            await self._ipfs.close()
        await self._enclave.stop()

    @property
    def has_produced(self) -> bool:
        return self._produced_at is not None

    # -- for the enclave -----------------------------------------------------------------------------

    async def _watch_enclave(self) -> None:
        raise EnclaveDied(await self._enclave.ended())

    async def _look_up(self) -> list[Validateer] | None:
        chain = self._parentchains.client(ParentchainId.Integritee)
        return None if chain is None else await read_validateers(chain, self.identity.shard)

    async def _import(self, blocks: SidechainBlocks) -> SidechainState:
        return await self._enclave.call(Ecalls.import_sidechain_blocks, blocks)

    async def _stored(self, report: ContentStored) -> Nothing:
        return await self._enclave.call(Ecalls.content_stored, report)

    async def _fetched(self, report: ContentFetched) -> Nothing:
        return await self._enclave.call(Ecalls.content_fetched, report)

    async def _watch_phase(self) -> None:
        """Have the enclave provisioned when it asks for that; returns once it is, or if there was only that to do."""
        while True:
            status = await self._status()
            if status is not None and self._succeeds(status):
                await self._provision(self._predecessor)
                return
            if status is not None and status.phase == AWAITING_STATE:
                await self._provision(self._peers)
                return
            if status is not None and self._config.command == "request-state" and self._needs_no_request(status):
                return
            if status is not None:
                self._tell(status)
                self._pull(status)
                if status.phase in HAS_STATE and status.authorities != len(self._network.validateers):
                    await self._network.refresh()  # somebody has joined, or was struck off
            self._is_to_look.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_PAUSE):
                    await self._is_to_look.wait()

    def _needs_no_request(self, status: EnclaveStatus) -> bool:
        """Raises PeersFailed if there is nobody to be asked."""
        if status.phase in HAS_STATE:
            self._console.say("[+] nothing to request: the enclave has the shard's state")
            return True
        listed = self._network.validateers
        if self._network.is_known and all(one.account == self.identity.account for one in listed):
            raise PeersFailed("request-state", 0, "nobody else serves the shard")
        return False

    def _pull(self, status: EnclaveStatus) -> None:
        silence = float("inf") if self._got_block_at is None else _now() - self._got_block_at
        patience = max(PULL_SLOTS * self._config.slot_ms / 1000, LOOK_PAUSE)
        if status.phase in HAS_STATE and status.sidechain_number and silence > patience and self._network.peers:
            self._fetching.pull(status.sidechain_hash)

    def _succeeds(self, status: EnclaveStatus) -> bool:
        """Whether to take another enclave's place now. That one's account has money and a registration already."""
        if self._config.takeover_from is None or status.sidechain_number:
            return False
        return status.phase in ON_ITS_WAY and any(chain.number for chain in status.chains)

    async def _provision(self, sources: Callable[[], Awaitable[list[Source]]]) -> None:
        found = await be_provisioned(self._ask_to_provision, sources, self._console.say)
        announce.provisioned(self._console.say, found)

    async def _predecessor(self) -> list[Source]:
        assert self._config.takeover_from is not None
        return [predecessor(*self._config.takeover_from)]

    async def _peers(self) -> list[Source]:
        await self._network.known()
        return await peers_by_activity(self._network)

    async def _ask_to_provision(self, request: Provisioning) -> Provisioned:
        return await self._enclave.call(Ecalls.provision, request, PROVISIONING_LIMIT)

    # -- what the enclave says -----------------------------------------------------------------------

    def _ocalls(self) -> dict[Method[Any, Any], Ocall]:
        return {
            Ocalls.submit_extrinsics: self._on_submit,
            Ocalls.store_blocks: self._on_blocks,
            Ocalls.phase_changed: self._on_phase,
            Ocalls.slot_report: self._on_slot,
            Ocalls.gossip_blocks: self._on_gossip,
            Ocalls.gossip_operations: self._on_operations,
            Ocalls.fetch_blocks: self._on_fetch,
            Ocalls.provisioning_progress: self._on_progress,
            Ocalls.store_content: self._on_store_content,
            Ocalls.fetch_content: self._on_fetch_content,
        }

    async def _on_submit(self, request: SubmitExtrinsics) -> Nothing:
        if self._has_begun:
            await self._parentchains.submit(request)
        return Nothing()

    async def _on_blocks(self, request: StoreBlocks) -> Nothing:
        self._store().put(request.blocks, after=request.after)
        if request.blocks:
            self._got_block_at = _now()
        return Nothing()

    async def _on_phase(self, change: PhaseChanged) -> Nothing:
        self._is_to_look.set()
        if change.phase == UNFUNDED and self._config.takeover_from is not None:
            return Nothing()  # what is in its account would be of no use once it has another one
        announce.phase(self._console.say, change)
        if change.needed_funds and self._has_begun:
            await self._parentchains.fund(change.id, change.needed_funds)
        return Nothing()

    async def _on_slot(self, report: SlotReport) -> Nothing:
        if self._produced_at is None:
            self._console.say("READY")
        self._produced_at = self._got_block_at = _now()
        if self._has_begun:
            self._metrics.on_slot(report)
        log.info(
            "[Sidechain] block %d: executed %d, failed %d, from %d in queue in %d us",
            report.block_number,
            report.executed,
            report.failed,
            report.queued_before,
            report.execution_us,
        )
        return Nothing()

    async def _on_gossip(self, request: GossipBlocks) -> Nothing:
        if self._has_begun:
            self._network.gossip_blocks(request)
        return Nothing()

    async def _on_operations(self, request: GossipOperations) -> Nothing:
        if self._has_begun:
            self._network.gossip_operations(request)
        return Nothing()

    async def _on_fetch(self, request: FetchBlocks) -> Nothing:
        if self._has_begun:
            self._fetching.request(request)
        else:
            self._wanted = request
        return Nothing()

    async def _on_store_content(self, request: StoreContent) -> Nothing:
        if self._has_begun:
            self._ipfs.store(request)
        return Nothing()

    async def _on_fetch_content(self, request: FetchContent) -> Nothing:
        if self._has_begun:
            self._ipfs.fetch(request)
        return Nothing()

    async def _on_progress(self, progress: ProvisioningProgress) -> Nothing:
        self._state_display.update(progress.received, progress.expected, _now())
        return Nothing()

    def _tell(self, status: EnclaveStatus) -> None:
        """What an operator should know and no notice says: each thing once."""
        if status.phase != self._seen_phase:
            self._seen_phase = status.phase
            announce.standstill(self._console.say, status.phase)
        if status.phase == RUNNING and not is_alone(status) and not (self._is_following or self.has_produced):
            self._is_following = True
            self._console.say(f"[+] following the shard, at block {status.sidechain_number}")

    # -- what supervisors ask ------------------------------------------------------------------------

    async def _status(self) -> EnclaveStatus | None:
        """None if the enclave does not answer in time."""
        try:
            async with asyncio.timeout(STATUS_LIMIT):
                return await self._enclave.call(Ecalls.status, Nothing())
        except (TimeoutError, RemoteFailure, EnclaveDied, EnclaveSilent):
            return None

    async def is_alive(self) -> bool:
        return await self._status() is not None

    async def readiness(self) -> Readiness:
        status = await self._status()
        feeds, peers = self._parentchains.feeds, [*map(_view_of, self._network.peers)]
        return readiness(status, feeds, self._silence(status), self._config.slot_ms, peers)

    def _silence(self, status: EnclaveStatus | None) -> float | None:
        """Seconds since the latest block: of a lonely validateer its own, beside others also theirs."""
        since = self._produced_at if status is None or is_alone(status) else self._got_block_at
        return None if since is None else _now() - since

    async def exposition(self, rpc: UntrustedRpc) -> bytes:
        """All metrics, up to date; `rpc` is what peers ask."""
        status = await self._status()
        if status is not None:
            self._metrics.on_status(status)
            await self._parentchains.measure(self._metrics.chains, status)
        self._metrics.peers.on_peers(self._network.peers, self._fetching.fetched_blocks)
        self._metrics.peers.on_served(rpc)
        return self._metrics.exposition()


def _view_of(peer: Peer) -> PeerView:
    return PeerView(peer.name, shown(peer.url), peer.standing.is_up, peer.standing.score)


def _now() -> float:
    return asyncio.get_running_loop().time()
