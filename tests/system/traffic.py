"""A steady load on several validateers of one shard: payers who pay one after another, and remember every call.

A payer that gets no answer turns to the next validateer with the same signed call, until its nonce is used. A block of
a shard with several validateers is not final at once: what was in one may wait again, at a validateer that knows of it,
or at none if that was killed. So a payer that finds its nonce going back hands its earlier calls in again, in order.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Final

from integritee.client.errors import ConnectionFailed, RequestRefused, RequestTimeout
from integritee.client.worker import WorkerClient
from integritee.crypto import Sr25519Pair, blake2_256
from integritee.primitives.rpc import InSidechainBlock
from integritee.stf.operation import TrustedCallSigned

from .processes import soon
from .stage import TRANSFER_FEE, UNIT, UNSHIELDING_FEE

PATIENCE: Final = 5.0
"""Seconds after which a payer looks elsewhere what became of its call."""

RETRY_SECONDS: Final = 0.05
PAYMENT: Final = UNIT // 100
GRANT: Final = 100 * UNIT
"""What a payer begins with: more than it will spend."""

NOT_NOW: Final = (
    "pool.already_imported",
    "pool.stale_nonce",
    "pool.temporarily_banned",
    "enclave.not_ready",
    "enclave.handed_over",
)
"""Refusals that say: it is on its way, it is done, ask later, ask another."""

Urls = Callable[[], list[str]]
"""Of the trusted RPC of those validateers that are said to be there."""


@dataclass
class Payer:
    """Pays to `receiver`, or to a new account of the parentchain each time if that is None. `first` is the validateer
    that it asks first, among those there are."""

    pair: Sr25519Pair
    receiver: bytes | None
    urls: Urls
    shard: bytes
    first: int = 0
    nonce: int = 0
    """Of the next call."""
    signed: list[TrustedCallSigned] = field(default_factory=list)
    """For the code that was asked last: calls are signed anew for other code."""
    mrenclave: bytes = b""
    turns: int = 0
    """How often another validateer had to be asked."""

    async def pay(self) -> None:
        """Have one more payment executed; returns when a validateer says that it is in a block."""
        while not await self._attempt():
            self.turns += 1
            await asyncio.sleep(RETRY_SECONDS)
        self.nonce += 1

    async def settle(self) -> None:
        """See to it that all calls so far are in the ledger, also after blocks were given up."""

        async def is_executed() -> bool:
            try:
                async with self._client() as client:
                    return await self._is_executed(client, self.nonce)
            except (ConnectionFailed, RequestTimeout, RequestRefused):
                self.turns += 1
                return False

        await soon(is_executed, "the execution of all calls", 60)

    def _arguments(self, nonce: int) -> tuple[object, ...]:
        if self.receiver is not None:
            return "balance_transfer", self.pair.public, self.receiver, PAYMENT
        return "balance_unshield", self.pair.public, self.beneficiary(nonce), PAYMENT, self.shard

    def beneficiary(self, nonce: int) -> bytes:
        """Account on the parentchain that nobody else pays."""
        return blake2_256(self.pair.public + nonce.to_bytes(4, "little"))

    async def _sign(self, client: WorkerClient) -> None:
        """Have calls up to the next one, signed for the code that is asked."""
        if self.mrenclave != (code := await client.mrenclave()):
            self.mrenclave, self.signed = code, []
        while len(self.signed) <= self.nonce:
            name, *arguments = self._arguments(nonce := len(self.signed))
            self.signed.append(await client.sign(str(name), *arguments, signer=self.pair, nonce=nonce))

    async def _attempt(self) -> bool:
        try:
            async with self._client() as client:
                await self._sign(client)
                if await self._is_executed(client, self.nonce + 1):
                    return True
                async with client.watch(self.signed[self.nonce]) as watch:
                    await watch.until(InSidechainBlock, PATIENCE)
                return True
        except (ConnectionFailed, RequestTimeout):
            return False
        except RequestRefused as refused:
            if refused.code not in NOT_NOW:
                raise
            return False

    async def _is_executed(self, client: WorkerClient, count: int) -> bool:
        """Whether the ledger has `count` calls; what it lacks of those that were is handed in again."""
        reached = (await client.account_info(self.pair)).nonce
        for call in self.signed[reached : min(count, self.nonce)]:
            try:
                await client.submit(call)
            except RequestRefused as refused:
                if refused.code not in NOT_NOW:
                    raise
        return reached >= count

    @asynccontextmanager
    async def _client(self) -> AsyncIterator[WorkerClient]:
        urls = self.urls()
        url = urls[(self.first + self.turns) % len(urls)]
        async with await WorkerClient.connect(url, shard=self.shard, timeout=2.0) as client:
            yield client


class Traffic:
    """Payers at work, for the length of a block; at its end all calls are executed."""

    def __init__(self, payers: list[Payer]) -> None:
        self.payers = payers
        self._stop = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def paid(self) -> int:
        return sum(payer.nonce for payer in self.payers)

    async def more(self, payments: int) -> None:
        """Wait until so many more payments were made."""
        wanted = self.paid + payments

        async def is_paid() -> bool:
            for task in self._tasks:
                if task.done():
                    task.result()
            return self.paid >= wanted

        await soon(is_paid, f"{payments} payments", 60)

    async def __aenter__(self) -> Traffic:
        self._stop.clear()
        self._tasks = [asyncio.create_task(self._work(payer)) for payer in self.payers]
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._stop.set()
        if kind is not None:
            for task in self._tasks:
                task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=kind is not None)
        if kind is None:
            await asyncio.gather(*(payer.settle() for payer in self.payers))

    async def _work(self, payer: Payer) -> None:
        while not self._stop.is_set():
            await payer.pay()


def receipts(payers: Iterable[Payer], account: bytes) -> int:
    """What an account was paid, base units."""
    return sum(PAYMENT * payer.nonce for payer in payers if payer.receiver == account)


def spent(payer: Payer) -> int:
    fee = UNSHIELDING_FEE if payer.receiver is None else TRANSFER_FEE
    return payer.nonce * (PAYMENT + fee)


_numbers = count()


def new_account() -> Sr25519Pair:
    """One that no test has used."""
    return Sr25519Pair.from_uri(f"//Traffic//{next(_numbers)}")
