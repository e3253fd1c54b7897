"""Validateers of one shard as real processes, whose ways to each other can be cut.

Each advertises addresses that are detours: the parentchain's registry and the enclave itself name those, and so other
validateers come by them, while users come directly. A worker that is started again has other ports behind the same
addresses.
"""

from __future__ import annotations

import asyncio
import json
import re
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final, Self

import base58

from integritee.client.jsonrpc import RpcConnection
from integritee.client.parentchain import ParentchainClient
from integritee.client.worker import WorkerClient
from integritee.crypto import Sr25519Pair, ss58_decode
from integritee.primitives.sidechain import SignedBlock
from integritee.worker.peers.block_json import block_from_json, hash_to_json
from integritee.worker.peers.registry import Validateer as Listed
from integritee.worker.peers.registry import read_validateers
from integritee.worker.peers.untrusted_rpc import FETCH_BLOCKS, NO_HASH

from .detour import HOST, Detour
from .processes import Node, Worker, soon

SLOT_MS: Final = 400
PATIENCE: Final = 60.0
"""Seconds."""

PAUSE: Final = 0.2
"""Seconds between two looks at what takes a while to look at."""

ROOT: Final = Sr25519Pair.from_uri("//Alice")
"""Holds the sudo key of development chains."""


class Validateer(Worker):
    """A worker that its peers reach by detours. Use `open` to make one."""

    def __init__(self, directory: Path, node: Node, name: str, trusted: Detour, untrusted: Detour, *run: str) -> None:
        addresses = ("-T", f"wss://{HOST}:{trusted.port}", "-U", untrusted.url)
        super().__init__(
            directory,
            node.port,
            slot_ms=SLOT_MS,
            options=addresses,
            run_options=run,
            name=name,
            data_dir=directory / name,
            skip_ra=False,
        )
        self._trusted, self._untrusted = trusted, untrusted

    @classmethod
    @asynccontextmanager
    async def open(cls, directory: Path, node: Node, name: str, *run: str) -> AsyncIterator[Self]:
        """One that is not started yet, and that ends with the block."""
        async with Detour() as trusted, Detour() as untrusted:
            worker = cls(directory, node, name, trusted, untrusted, *run)
            try:
                yield worker
            finally:
                worker.destroy()

    async def launch(self) -> None:
        """Start, and let peers in as soon as it listens; it need not produce yet."""
        self.spawn()
        self._trusted.target = await asyncio.to_thread(self.find_port)
        self._untrusted.target = await asyncio.to_thread(lambda: self.untrusted_port)

    async def said(self, pattern: str) -> str:
        return (await asyncio.to_thread(self.wait_for, pattern, PATIENCE))[0]

    async def isolate(self) -> None:
        """Nobody can be told or asked anything any more by this way."""
        await asyncio.gather(self._trusted.block(), self._untrusted.block())

    async def reconnect(self) -> None:
        await asyncio.gather(self._trusted.unblock(), self._untrusted.unblock())

    # -- what can be seen ----------------------------------------------------------------------------

    @property
    def mrenclave(self) -> str:
        """In base58."""
        return self.say(r"^MRENCLAVE=(\S+)")

    @property
    def account(self) -> bytes:
        return ss58_decode(self.enclave_account)[0]

    @property
    def final_account(self) -> str:
        """The enclave's account as it was said last, SS58: another one's, once it took that one's place."""
        return re.findall(r"^Enclave account: (\S+)", self.output(), re.MULTILINE)[-1]

    @property
    def shard_id(self) -> bytes:
        return base58.b58decode(self.shard)

    async def view(self) -> dict[str, Any]:
        """What `/readyz` says."""
        return await asyncio.to_thread(_readiness, self.http_port)

    async def blocks(self, behind: bytes = NO_HASH) -> list[SignedBlock]:
        """Sidechain blocks as peers can fetch them, oldest first."""
        found: list[SignedBlock] = []
        async with await RpcConnection.open(f"ws://{HOST}:{self.untrusted_port}") as rpc:
            while True:
                params = [[hash_to_json(behind), None, hash_to_json(self.shard_id)]]
                page = [block_from_json(block) for block in await rpc.request(FETCH_BLOCKS, params)]
                if not page:
                    return found
                found += page
                behind = page[-1].hash()

    @asynccontextmanager
    async def client(self) -> AsyncIterator[WorkerClient]:
        async with await WorkerClient.connect(self.url, timeout=2.0) as client:
            yield client


def _readiness(port: int) -> dict[str, Any]:
    try:
        with urllib.request.urlopen(f"http://{HOST}:{port}/readyz", timeout=5) as answer:
            view: dict[str, Any] = json.load(answer)
    except urllib.error.HTTPError as refused:
        view = json.load(refused)
    return view


class Shard:
    """A node, and the validateers that were opened so far. Use as an async context manager."""

    def __init__(self, directory: Path, node: Node) -> None:
        self.directory, self.node = directory, node
        self._stack = AsyncExitStack()
        self.id = self.vault = b""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *failure: object) -> None:
        await self._stack.aclose()

    async def open(self, name: str, *run: str) -> Validateer:
        """Start a validateer, the first one of which begins the shard; it may not be ready yet."""
        shard = (self.text,) if self.id else ()
        opened = await self._stack.enter_async_context(Validateer.open(self.directory, self.node, name, *shard, *run))
        await opened.launch()
        self.id, self.vault = opened.shard_id, self.vault or ss58_decode(opened.vault)[0]
        return opened

    @property
    def text(self) -> str:
        """Its id in base58."""
        return base58.b58encode(self.id).decode()

    @asynccontextmanager
    async def parentchain(self) -> AsyncIterator[ParentchainClient]:
        async with await ParentchainClient.connect(self.node.url) as chain:
            yield chain

    async def shield(self, payer: Sr25519Pair, amount: int) -> None:
        """Pay to the vault."""
        async with self.parentchain() as chain:
            await chain.submit_and_watch(await chain.sign(chain.transfer(self.vault, amount), payer))

    async def govern(self, name: str, arguments: dict[str, Any]) -> None:
        """Have root call EnclaveBridge."""
        async with self.parentchain() as chain:
            call = chain.call("Sudo", "sudo", {"call": chain.call("EnclaveBridge", name, arguments)})
            await chain.submit_and_watch(await chain.sign(call, ROOT))

    async def grows_to(self, number: int) -> None:
        """Wait for a block of the parentchain to be final."""
        async with self.parentchain() as chain:

            async def is_there() -> bool:
                return (await chain.header(await chain.finalized_head())).number >= number

            await soon(is_there, f"block {number} of the parentchain", PATIENCE, PAUSE)

    async def listed(self) -> list[Listed]:
        """The shard's status, the primary first."""
        async with self.parentchain() as chain:
            return await read_validateers(chain, self.id)

    async def lists(self, *validateers: Validateer) -> None:
        """Wait until the status has these, in this order."""
        expected = [validateer.account for validateer in validateers]

        async def is_so() -> bool:
            return [one.account for one in await self.listed()] == expected

        await soon(is_so, "the validateers in the shard's status", PATIENCE, PAUSE)


async def reach(number: int, *validateers: Validateer) -> None:
    """Wait until all have block `number`."""
    for validateer in validateers:
        async with validateer.client() as client:

            async def has(client: WorkerClient = client) -> bool:
                return (await client.latest_header()).block_number >= number

            await soon(has, f"block {number} of {validateer.name}", PATIENCE, PAUSE)


async def height(validateer: Validateer) -> int:
    async with validateer.client() as client:
        return (await client.latest_header()).block_number


def slots(blocks: Sequence[SignedBlock]) -> list[int]:
    """The slot of each block."""
    return [block.block.block_data.timestamp // SLOT_MS for block in blocks]
