"""The host's end of an enclave in this process: the real stream between them, the real ecalls, a host that notes
what it is told. Sockets and disks are real, too; the parentchain is a `SmallChain`, time is what a clock tells.
"""

from __future__ import annotations

import asyncio
import gc
import socket
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, TypeVar

from integritee.boundary.endpoint import Endpoint
from integritee.boundary.interface import Ecalls, Method, Ocalls, methods_of
from integritee.boundary.messages import (
    EnclaveIdentity,
    EnclaveStatus,
    ImportBlocks,
    InitParams,
    LedgerChoice,
    Nothing,
    SealedPlace,
)
from integritee.crypto import blake2_256, envelope_public
from integritee.errors import IntegriteeError
from integritee.primitives.ids import ParentchainId
from integritee.scale import Struct

from ..main import EnclaveProcess
from .check import Mismatch
from .own_time import within
from .small_chain import FUNDS, VAULT_FUNDS, SmallChain

SLOT_MS: Final = 100
WAIT_LIMIT: Final = 20.0
"""Seconds (of `own_time`, like all here) to wait for a notice of the enclave's, or for what its status is to be."""
POLL_PAUSE: Final = 0.01
READ_LIMIT: Final = 1 << 20
STOP_LIMIT: Final = 20.0
"""Seconds until an enclave has ended that was asked to."""

CUSTODIAN: Final = blake2_256(b"self-test/custodian")
LEDGER: Final = LedgerChoice([], True, [envelope_public(CUSTODIAN)], 1)
SHARD: Final = blake2_256(b"self-test/shard")
URL: Final = "wss://self-test:2000"

Q = TypeVar("Q", bound=Struct)
A = TypeVar("A", bound=Struct)


class SmallHost:
    """Of an enclave with its state below `path`. Make it with `start`, end it with `stop`."""

    def __init__(self, path: Path, clock: Callable[[], int]) -> None:
        self.path = path
        self.notices: dict[Method[Any, Any], list[Any]] = defaultdict(list)
        self.enclave = EnclaveProcess(clock=clock)
        self._told = asyncio.Event()
        self._endpoint: Endpoint
        self._serving: asyncio.Task[None]
        self._listening: asyncio.Task[None]

    @classmethod
    async def start(cls, path: Path, clock: Callable[[], int]) -> SmallHost:
        """With Unix ms from `clock`."""
        host = cls(path, clock)
        ours, theirs = socket.socketpair()
        host._serving = asyncio.create_task(host.enclave.serve(theirs.detach()))
        reader, writer = await asyncio.open_connection(sock=ours, limit=READ_LIMIT)
        handlers = {method: host._note(method) for method in methods_of(Ocalls).values()}
        host._endpoint = Endpoint(reader, writer, Ocalls, handlers)
        host._listening = asyncio.create_task(host._endpoint.run())
        return host

    def _note(self, method: Method[Any, Any]) -> Callable[[Any], Any]:
        async def note(notice: Any) -> Nothing:
            self.notices[method].append(notice)
            self._told.set()
            return Nothing()

        return note

    async def call(self, method: Method[Q, A], request: Q) -> A:
        """An ecall. Raises RemoteFailure, StreamClosed."""
        return await self._endpoint.call(method, request)

    async def told(self, method: Method[Q, Any], fits: Callable[[Q], bool] = lambda _: True) -> Q:
        """The first notice of this kind that fits, waited for if it has not come yet. Raises Mismatch."""
        with suppress(TimeoutError):
            async with within(WAIT_LIMIT):
                while True:
                    self._told.clear()
                    for notice in self.notices[method]:
                        if fits(notice):
                            return notice  # type: ignore[no-any-return]
                    await self._told.wait()
        count = len(self.notices[method])
        raise Mismatch(method.request.__name__, f"{count} notices, none of which fits", "one that does")

    async def becomes(self, fits: Callable[[EnclaveStatus], bool], expected: str) -> EnclaveStatus:
        """The enclave's status once it fits. Raises Mismatch."""
        status = await self.status()
        with suppress(TimeoutError):
            async with within(WAIT_LIMIT):
                while not fits(status):
                    await asyncio.sleep(POLL_PAUSE)
                    status = await self.status()
        if not fits(status):
            raise Mismatch("status", f"{status.phase} at block {status.sidechain_number}", expected)
        return status

    async def status(self) -> EnclaveStatus:
        return await self.call(Ecalls.status, Nothing())

    async def stop(self) -> None:
        """End the enclave, if it has not ended."""
        with suppress(IntegriteeError, TimeoutError):
            async with within(STOP_LIMIT):
                await self.call(Ecalls.shutdown, Nothing())
                await self._serving
        for task in (self._serving, self._listening):
            task.cancel()
        await asyncio.gather(self._serving, self._listening, return_exceptions=True)
        gc.unfreeze()  # what `init` froze is of no use any more

    async def ended(self) -> None:
        """Wait until the enclave has ended by itself. Raises Mismatch."""
        try:
            async with within(STOP_LIMIT):
                await asyncio.shield(self._serving)
        except TimeoutError:
            raise Mismatch("", "that it runs on", f"an end within {STOP_LIMIT:.0f} s") from None

    def admitted(self) -> list[bytes]:
        """Accounts of the enclaves that were provisioned."""
        service = self.enclave.service
        return [] if service is None else service.core.membership.admitted

    # -- the enclave's life --------------------------------------------------------------------------

    async def init(
        self, shard: bytes = SHARD, ledger: LedgerChoice = LEDGER, host: str = "127.0.0.1", port: int = 0
    ) -> EnclaveIdentity:
        """Start it on its directory; it provisions others at `host` and `port`."""
        return await self.call(
            Ecalls.init,
            InitParams(
                data_dir=str(self.path),
                shard=shard,
                trusted_host="127.0.0.1",
                trusted_port=0,
                trusted_url=URL,
                untrusted_url="",
                mu_ra_url="",
                slot_ms=SLOT_MS,
                apps=ledger.apps,
                development=ledger.development,
                seal_to_signer=False,
                skip_ra=False,
                clean_reset=False,
                check_invariants=False,
                max_parentchain_age_ms=0,
                mu_ra_host=host,
                mu_ra_port=port,
                custodians=ledger.custodians,
                custodian_threshold=ledger.custodian_threshold,
                has_ipfs=True,
            ),
        )

    @property
    def place(self) -> SealedPlace:
        return SealedPlace(str(self.path), LEDGER, False)

    # -- the parentchain -----------------------------------------------------------------------------

    async def follow(self, chain: SmallChain) -> None:
        """Hand over all blocks of the chain that the enclave does not have yet."""
        blocks = await self.missing(chain)
        if blocks.blocks:
            await self.call(Ecalls.import_blocks, blocks)

    async def missing(self, chain: SmallChain) -> ImportBlocks:
        """The chain's blocks that the enclave does not have yet. Introduces the chain, first of all."""
        state = await self.call(Ecalls.init_parentchain, chain.params())
        numbers = range(state.number + 1, chain.height + 1)
        return ImportBlocks(ParentchainId.Integritee, [chain.block(number, state.watched_keys) for number in numbers])


def enlist(chain: SmallChain, identity: EnclaveIdentity) -> None:
    """Have the chain note that an enclave has money and is on record."""
    chain.endow(identity.account, FUNDS + VAULT_FUNDS)
    chain.register(identity.account, identity.fingerprint, URL)


def settle(chain: SmallChain, identity: EnclaveIdentity) -> None:
    """Have the chain note all at once that an enclave serves the shard alone, with a vault."""
    enlist(chain, identity)
    chain.endow(identity.vault, VAULT_FUNDS)
    chain.serve(identity.shard, identity.fingerprint, [identity.account])
    chain.delegate(identity.vault, identity.account)
