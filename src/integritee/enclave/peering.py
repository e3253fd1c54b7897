"""The enclave among other enclaves of its shard: their blocks and operations come in, own ones go out, and whoever
proves to run entitled code gets keys and state.

Implements what `provisioning` asks of an enclave. Runs on the event loop that owns the core.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final

from integritee.boundary.messages import GossipOperations, Provisioned, Provisioning, ProvisioningProgress
from integritee.crypto import blake2_256
from integritee.errors import IntegriteeError
from integritee.primitives.enclave_bridge import ShardConfig
from integritee.primitives.sidechain import SignedBlock

from .adoption import adopt, estate_of, share
from .attestation import Evidence, LatestEvaluation, Tee, VerifiedEvidence
from .collector import collector_paused
from .core import EnclaveCore
from .errors import HandedOver, NotReady
from .keys import HANDED_OVER_LABEL
from .parentchain.onboarding import fingerprints
from .pool import StatusChanged
from .pool.gossip import OperationGossip
from .provisioning import (
    Party,
    ProvisionedState,
    ProvisioningServer,
    Role,
    Secrets,
    ShardTerms,
    Snapshot,
    Trust,
    fetch,
)
from .replica import Effects

MAX_INCOMING: Final = 512
"""Blocks of peers that may wait to be looked at; of more, the oldest are dropped: they can be asked for."""

OPERATIONS_PER_SLICE: Final = 8
"""Operations of peers that are checked before the event loop gets a turn (about 1 ms)."""

MAX_BATCHES: Final = 64
"""Batches of operations that are admitted at a time; of what is refused, its submitter's enclave still has all."""

PRODUCTION_PAUSE: Final = 0.005
"""Seconds between two looks at whether a block is still being made."""

log = logging.getLogger(__name__)

Publish = Callable[[Effects], Awaitable[None]]
Tell = Callable[[list[StatusChanged]], None]


class Peering:
    """`publish` makes effects durable and acts on them; `tell` reports statuses; `clock` gives Unix ms."""

    def __init__(
        self,
        core: EnclaveCore,
        tee: Tee,
        skip_ra: bool,
        publish: Publish,
        tell: Tell,
        clock: Callable[[], int],
        send: Callable[[GossipOperations], None],
        progress: Callable[[ProvisioningProgress], None],
    ) -> None:
        self._core, self._tee, self._skip_ra = core, tee, skip_ra
        self._publish, self._tell, self._clock = publish, tell, clock
        self._send, self._progress = send, progress
        self._incoming: deque[SignedBlock] = deque(maxlen=MAX_INCOMING)
        self._gossip = OperationGossip(
            core.keys.state, core.config.shard, core.keys.signing.public, core.random, limits=None
        )
        self._evaluation = LatestEvaluation(core.store)
        self._tasks: set[asyncio.Task[None]] = set()
        self._importing = self._sending = False
        self._admitting = 0
        self._server: ProvisioningServer | None = None

    # -- the provisioning port -----------------------------------------------------------------------

    async def listen(self, host: str, port: int) -> int:
        """Serve enclaves that want keys and state; the port. Raises what the server raises."""
        self._server = ProvisioningServer(self)
        await self._server.start(host, port)
        return self._server.port

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        if self._server is not None:
            await self._server.stop()

    # -- blocks --------------------------------------------------------------------------------------

    def queue_blocks(self, blocks: list[SignedBlock]) -> None:
        """Have blocks looked at soon."""
        self._incoming.extend(blocks)
        if not self._importing and self._incoming:
            self._importing = True
            self._start(self._import_queued())

    async def _import_queued(self) -> None:
        try:
            while self._incoming:
                blocks = list(self._incoming)
                self._incoming.clear()
                await self.import_blocks(blocks)
        finally:
            self._importing = False

    async def import_blocks(
        self, blocks: list[SignedBlock], is_complete: bool = False, nobody_answered: bool = False
    ) -> None:
        """Take blocks of peers in; those that are wrong change nothing. Raises NotReady, StoreError."""
        effects = self._core.receive_blocks(blocks, self._clock(), is_complete, nobody_answered)
        if effects.refused is not None:
            log.info("a block of a peer is refused: %s (%s)", effects.refused, effects.refused.code)
        await self._publish(effects)

    # -- operations ----------------------------------------------------------------------------------

    def spread(self, plain: bytes) -> None:
        """Tell the others of an operation that a user submitted here and this enclave admitted."""
        if self._core.consensus.is_alone:
            return
        self._gossip.add(plain, self._clock())
        if not self._sending:
            self._sending = True
            self._start(self._send_batches())

    async def _send_batches(self) -> None:
        try:
            while (wait := self._gossip.due_in(self._clock())) is not None:
                await asyncio.sleep(wait / 1000)
                while (sealed := self._gossip.batch(self._clock())) is not None:
                    self._send(GossipOperations(sealed))
        finally:
            self._sending = False

    def take_operations(self, sealed: bytes) -> None:
        """Operations of another enclave; each is judged as if a user had submitted it.

        Raises GossipError, NotReady.
        """
        if not self._core.is_running:
            raise NotReady("the shard has its state")
        if self._admitting >= MAX_BATCHES:
            raise NotReady("earlier operations are admitted")
        operations = self._gossip.open(sealed, self._clock())
        self._admitting += 1
        self._start(self._admit_all(operations))

    async def _admit_all(self, operations: list[bytes]) -> None:
        try:
            for position, plain in enumerate(operations, 1):
                try:
                    self._admit(plain)
                except IntegriteeError as refused:
                    log.debug("an operation of a peer is refused: %s", refused.code)
                if position % OPERATIONS_PER_SLICE == 0:
                    await asyncio.sleep(0)
        finally:
            self._admitting -= 1

    def _admit(self, plain: bytes) -> None:
        if blake2_256(plain) not in self._core.pool:
            _, statuses = self._core.admit(plain, self._clock())
            self._tell(statuses)

    def _start(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (failed := task.exception()) is not None:
            log.error("work for peers failed: %s", failed)

    # -- being provisioned ---------------------------------------------------------------------------

    async def provision(self, request: Provisioning) -> Provisioned:
        """Fetch keys and state from another enclave and seal them for the next start.

        Raises NotReady before a parentchain block tells the time, and what `fetch` and `adopt` raise.
        """
        role = Role.SUCCEED if request.succeed else Role.JOIN
        if not self.trust().now:
            raise NotReady("a parentchain block is proven")
        with collector_paused():
            return self._seal(await fetch(request.host, request.port, self, role, self._tell_progress), role)

    def _seal(self, found: ProvisionedState, role: Role) -> Provisioned:
        shared = adopt(
            self._core,
            found.secrets.shielding_key,
            found.secrets.state_key,
            found.meta,
            found.state,
            found.estate if role is Role.SUCCEED else None,
        )
        tip = shared.tip
        return Provisioned(
            tip.header.block_number if tip else 0,
            tip.header.hash() if tip else bytes(32),
            found.entries,
            found.size,
        )

    def _tell_progress(self, received: int, expected: int) -> None:
        self._progress(ProvisioningProgress(received, expected))

    # -- provisioning others -------------------------------------------------------------------------

    @property
    def party(self) -> Party:
        core = self._core
        return Party(
            account=core.keys.signing.public,
            shielding_key=core.keys.shielding.public.to_json().encode(),
            shard=core.config.shard,
            genesis_hash=core.integritee.bound or bytes(32),  # before the first contact it is nobody's
            kind=self._tee.kind,
            skip_ra=self._skip_ra,
            is_development=core.runtime.development,
        )

    def trust(self) -> Trust:
        """Own code, and the code in force; a client also believes whom the shard's status lists, for the parentchain
        let it serve the shard."""
        follower, own = self._core.integritee.follower, self._core.config.mrenclave
        entitled = {own}
        if follower is not None and follower.values:
            config = self._config()
            entitled |= {config.enclave_fingerprint} if config else set()
            if not self._core.is_running:
                entitled |= fingerprints(follower.bridge, follower.values)
        return Trust(
            now=(follower.time if follower else None) or 0,
            entitled=frozenset(entitled),
            minimum_tcb_evaluation_number=self._evaluation.number,
        )

    def remember(self, peer: VerifiedEvidence) -> None:
        self._evaluation.learn(peer)

    def terms(self) -> ShardTerms:
        core, config = self._core, self._config()
        handed_over = core.store.get_secret(HANDED_OVER_LABEL)
        listed = frozenset(config.authorities) if config and config.authorities is not None else None
        own = core.config.mrenclave
        return ShardTerms(
            signers=core.consensus.present_authorities(),
            listed=listed,
            max_instances=config.max_instances if config else None,
            successor=config.enclave_fingerprint if config and config.enclave_fingerprint != own else None,
            handed_over_to=handed_over or None,
        )

    def _config(self) -> ShardConfig | None:
        """The shard's configuration in force, as proven."""
        follower = self._core.integritee.connected
        config = follower.bridge.config(follower.values)
        return config.at(follower.head.number) if config else None

    def secrets(self) -> Secrets:
        keys = self._core.keys
        return Secrets(keys.shielding.private_json(), keys.state)

    def snapshot(self) -> Snapshot:
        has_retired = isinstance(self._core.halted, HandedOver)  # there will be no better one, then
        if self._core.consensus.lacks_confirmed and not has_retired:
            raise NotReady("the confirmed chain is known here")
        state, meta = share(self._core)
        return Snapshot(state, self._core.state_bytes, meta)

    async def evidence(self, report_data: bytes) -> Evidence:
        return self._tee.evidence(report_data)

    async def hand_over(self, account: bytes) -> bytes:
        core = self._core
        core.halted = HandedOver(account)
        while core.is_producing:  # noqa: ASYNC110  # the core knows of no events
            await asyncio.sleep(PRODUCTION_PAUSE)
        core.store.put_secret(HANDED_OVER_LABEL, account)
        return estate_of(core)

    async def admit(self, account: bytes, role: Role) -> None:
        if role is Role.JOIN:
            self._core.admit_validateer(account)
