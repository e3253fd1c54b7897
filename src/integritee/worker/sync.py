"""Feeding finalized blocks of one parentchain to the enclave.

The host fetches blocks, justifications and proofs and passes them on; the enclave judges them. Lost connections,
restarted, slow, pruned or lying nodes and refused batches are normal: look again, at another endpoint if there is
one, and go on from where the enclave is.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from random import SystemRandom
from typing import Any, Final

from integritee.boundary.endpoint import RemoteFailure
from integritee.boundary.interface import Ecalls
from integritee.boundary.messages import MAX_BLOCKS_PER_IMPORT, ImportBlocks, RuntimeUpdate, SyncState
from integritee.client.errors import ClientError, ConnectionFailed, MalformedAnswer
from integritee.client.jsonrpc import Subscription
from integritee.client.parentchain import ParentchainClient
from integritee.errors import IntegriteeError

from .batches import justified_blocks, plain_blocks, proven
from .chain_config import ChainConfig
from .contact import Enclave, facts_of, feed, introduce
from .endpoints import Endpoints, Fault, shown
from .errors import EnclaveDied, NodeBehind, NodeFault, NodeSilent, WrongChain
from .faults import fault_behind
from .funding import Funding
from .progress import Display
from .relay import ProvenHead
from .relay_feed import RelayFeed
from .tasks import until_one_ends

REQUEST_LIMIT: Final = 20.0
"""Seconds a node may take to answer before it counts as slow."""

HEAD_LIMIT: Final = 60.0
"""Seconds without word of a finalized block after which a node is asked whether there is none."""

COMPARE_PAUSE: Final = 60.0
"""Seconds between two looks at the heads of the other endpoints."""

READ_LIMIT: Final = 180.0
"""Seconds a node may take for the blocks of one batch, however fast its single answers are."""

TRUST_TEXT: Final = {
    "grandpa": "grandpa (proven by the chain's own authorities)",
    "relay": "relay (proven by the relay chain's authorities)",
    "unproven": "unproven (headers are linked; that they are final is the nodes' word)",
}
"""Levels of trust, for people."""

ODD_METADATA: Final = (TypeError, ValueError, LookupError, AttributeError)
"""What reading constants and storage by a node's metadata may end in, if that is well-formed and yet nonsense."""

RANDOM: Final = SystemRandom()
Connect = Callable[[str], Awaitable[ParentchainClient]]
log = logging.getLogger(__name__)


async def connect(url: str) -> ParentchainClient:
    """One attempt: patience is the policy's. Raises ClientError."""
    return await ParentchainClient.connect(url, attempts=1, request_timeout=REQUEST_LIMIT)


class ParentchainSync:
    """Keeps the enclave at the finalized head of one chain. `chain` is the connection in use, if there is one."""

    def __init__(
        self,
        config: ChainConfig,
        enclave: Enclave,
        funding: Callable[[ParentchainClient], Awaitable[Funding]],
        say: Callable[[str], None],
        display: Display,
        connect: Connect = connect,
        roll: Callable[[], float] = RANDOM.random,
    ) -> None:
        """`funding` says how much money to aim for; `say` puts a line before the operator."""
        self.config, self._enclave, self._funding, self._say = config, enclave, funding, say
        self._display, self._connect, self._roll = display, connect, roll
        self._genesis_hash: bytes | None = None
        self._search_leaps = True
        self._greeted: tuple[str, Fault | None] | None = None
        self.relay = None if config.relay is None else RelayFeed(config.name, config.relay, connect, roll)
        self.endpoints = Endpoints(config.urls)
        self.chain: ParentchainClient | None = None
        self.state: SyncState | None = None
        self.finalized: int | None = None
        """Number of the finalized head that the node in use claims."""

    @property
    def endpoint(self) -> str | None:
        """The one in use or about to be, as it may be shown."""
        return self.endpoints.shown

    async def run(self) -> None:
        """Follow the chain until cancelled. Raises EnclaveDied."""
        try:
            while True:
                url, wait = self.endpoints.choose(_now())
                await asyncio.sleep(wait)
                try:
                    await self._session(url)
                except EnclaveDied:
                    raise
                except IntegriteeError as failed:
                    self._note(url, failed)
        finally:
            if self.relay is not None:
                await self.relay.close()

    def _note(self, url: str, failed: IntegriteeError) -> None:
        fault = fault_behind(failed)
        is_news = self.endpoints.latest_fault(url) is not fault
        self.endpoints.failed(url, fault, _now(), self._roll())
        reason = failed.reason if isinstance(failed, ConnectionFailed) else str(failed)
        level = logging.WARNING if is_news else logging.INFO
        log.log(level, "[%s] %s: %s: %s (%s)", self.config.name, shown(url), fault.value, reason, failed.code)

    # -- one connection ------------------------------------------------------------------------------

    async def _session(self, url: str) -> None:
        """Use one endpoint for as long as it does. Always raises."""
        async with await self._connect(url) as chain:
            try:
                try:
                    await self._begin(chain, url)
                except ODD_METADATA as odd:
                    raise MalformedAnswer("state_getMetadata", f"unexpected shape ({odd!r})") from odd
                self.chain = chain
                await until_one_ends(self._watch_runtime(chain), self._follow(chain, url), self._compare(chain, url))
            finally:
                self.chain, self.finalized = None, None
        raise ConnectionFailed(url, "a subscription ended")

    async def _begin(self, chain: ParentchainClient, url: str) -> None:
        if self._genesis_hash not in (None, chain.genesis_hash):
            raise WrongChain(chain.genesis_hash, self._genesis_hash)
        await self._look_at_head(chain, url)
        self._greet(chain, url)
        funding = await self._funding(chain)
        relay = None if self.relay is None else await self.relay.params(chain)
        try:
            state = await introduce(self._enclave, chain, self.config, funding, relay, self._search_leaps)
        except RemoteFailure as refused:
            self._search_leaps &= fault_behind(refused) is not Fault.LIED
            await self._blame_relay(refused)
            raise
        self._genesis_hash, self._search_leaps = chain.genesis_hash, False
        self._advance(state)

    def _greet(self, chain: ParentchainClient, url: str) -> None:
        """Say that there is a connection, once until something has come of it."""
        greeting = url, self.endpoints.latest_fault(url)
        if greeting != self._greeted:
            spec, genesis = chain.runtime.spec_version, chain.genesis_hash.hex()
            self._say(f"[{self.config.name}] connected to {shown(url)}, spec {spec}, genesis 0x{genesis}")
        self._greeted = greeting

    async def _blame_relay(self, refused: RemoteFailure) -> None:
        if self.relay is not None:
            await self.relay.refused(refused.code)

    async def _look_at_head(self, chain: ParentchainClient, url: str) -> int:
        """The number of the node's finalized head. Raises NodeBehind, ClientError."""
        self.finalized = (await chain.header(await chain.finalized_head())).number
        self.endpoints.claims(url, self.finalized)
        if self.endpoints.is_behind(url, self.state.number if self.state else 0):
            raise NodeBehind(self.finalized)
        return self.finalized

    # -- blocks --------------------------------------------------------------------------------------

    async def _follow(self, chain: ParentchainClient, url: str) -> None:
        async with chain.finalized_heads() as heads:
            while True:
                await self._catch_up(chain, url)
                await self._next_head(chain, url, heads)

    async def _next_head(self, chain: ParentchainClient, url: str, heads: Subscription) -> None:
        """Wait for word of a finalized block. Raises NodeSilent if it fails to come, ClientError."""
        known = self.finalized
        try:
            async with asyncio.timeout(HEAD_LIMIT):
                await anext(heads)
        except TimeoutError:
            if await self._look_at_head(chain, url) != known or self.endpoints.others(_now()):
                raise NodeSilent(HEAD_LIMIT) from None
            log.info("[%s] no block was finalized for %g s", self.config.name, HEAD_LIMIT)

    async def _catch_up(self, chain: ParentchainClient, url: str) -> None:
        assert self.state is not None
        target = await self._look_at_head(chain, url)
        self._show_progress(target)
        while self.state.number < target:
            batch = await self._next_batch(chain, target)
            if batch is None:
                break
            try:
                self._advance(await feed(self._enclave, chain, batch))
            except RemoteFailure as refused:
                await self._blame_relay(refused)
                raise
            self.endpoints.served(url)
            self._greeted = None
            self._show_progress(target)

    async def _next_batch(self, chain: ParentchainClient, target: int) -> ImportBlocks | None:
        """Blocks that the enclave can take next with what proves them; None if nothing proves any yet.

        Raises NodeSilent, NoJustification, ClientError.
        """
        assert self.state is not None
        head = None
        if self.relay is not None:
            head = await self.relay.next_head(self.state, target)
            if head is None:
                return None
        try:
            async with asyncio.timeout(READ_LIMIT):
                batch = await self._read_batch(chain, self.state, target, head)
                return batch if batch.blocks else None
        except TimeoutError:
            raise NodeSilent(READ_LIMIT) from None

    async def _read_batch(
        self, chain: ParentchainClient, state: SyncState, target: int, head: ProvenHead | None
    ) -> ImportBlocks:
        if head is not None:
            blocks = await plain_blocks(chain, state.number + 1, head.head.number, MAX_BLOCKS_PER_IMPORT)
        elif state.trust == "grandpa":
            blocks = await justified_blocks(chain, state.number + 1, target)
        else:
            blocks = await plain_blocks(chain, state.number + 1, target)
        finality = None if head is None else head.finality
        return ImportBlocks(self.config.id, await proven(chain, blocks, state.watched_keys), finality)

    def _show_progress(self, target: int) -> None:
        if self.state is not None:
            self._display.update(self.state.number, target, _now())

    def _advance(self, state: SyncState) -> None:
        """Take note of where the enclave is and how far it trusts the chain."""
        if self.state is None or self.state.trust != state.trust:
            self._say(f"[{self.config.name}] finality: {TRUST_TEXT.get(state.trust, state.trust)}")
        self.state = state

    # -- beside the blocks ---------------------------------------------------------------------------

    async def _watch_runtime(self, chain: ParentchainClient) -> None:
        """Give the enclave new metadata as soon as the chain's runtime is upgraded."""
        async with chain.runtime_versions() as versions:
            async for version in versions:
                if _spec_version(version) != chain.runtime.spec_version:
                    runtime = await chain.refresh_runtime()
                    await self._enclave.call(Ecalls.set_runtime, RuntimeUpdate(self.config.id, facts_of(runtime)))

    async def _compare(self, chain: ParentchainClient, url: str) -> None:
        """Look now and then whether other endpoints are far ahead. Raises NodeBehind, ClientError."""
        while True:
            await asyncio.sleep(COMPARE_PAUSE)
            for other in self.endpoints.others(_now()):
                try:
                    await self._look_at_other(other)
                except (ClientError, NodeFault) as failed:
                    self._note(other, failed)
            await self._look_at_head(chain, url)

    async def _look_at_other(self, url: str) -> None:
        async with await self._connect(url) as chain:
            if chain.genesis_hash != self._genesis_hash:
                raise WrongChain(chain.genesis_hash, self._genesis_hash or b"")
            self.endpoints.claims(url, (await chain.header(await chain.finalized_head())).number)

    async def submit(self, extrinsics: list[bytes]) -> None:
        """Hand extrinsics to the node. Refusals are no concern: the enclave repeats what is still missing."""
        chain = self.chain
        if chain is None:
            return
        for extrinsic in extrinsics:
            try:
                await chain.submit(extrinsic)
            except ClientError as refused:
                log.debug("[%s] node refused extrinsic: %s", self.config.name, refused)


def _spec_version(message: Any) -> int | None:
    """Of a notice; None if it is none, which brings the runtime's refresh as well."""
    try:
        return int(message["result"]["specVersion"])
    except (TypeError, LookupError, ValueError):
        return None


def _now() -> float:
    return asyncio.get_running_loop().time()
