"""The two ledgers of a set-up, parentchain and sidechain, and what moves funds on and between them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Final

from integritee.client.parentchain import Inclusion, ParentchainClient
from integritee.client.worker import CallResult, WorkerClient
from integritee.crypto import Sr25519Pair, ss58_decode
from integritee.primitives.ids import Id

from .errors import NotSettled
from .network import Facts

PARENTCHAIN: Final = "parentchain"
LEDGER: Final = "private ledger"

SETTLE_TIMEOUT: Final = 30.0
"""Seconds for funds to arrive on the other ledger; a few blocks of either chain are enough."""

POLL_PAUSE: Final = 0.02


@dataclass(frozen=True)
class Holdings:
    """Free base units of one account on both ledgers."""

    parentchain: int
    private: int


class Ledgers:
    """Connected to both. Make it with `connect`."""

    def __init__(self, chain: ParentchainClient, worker: WorkerClient, vault: bytes) -> None:
        self.chain, self.worker, self.vault = chain, worker, vault

    async def holdings(self, pair: Sr25519Pair) -> Holdings:
        return Holdings(await self.chain.free_balance(pair.public), await self.private_balance(pair))

    async def private_balance(self, pair: Sr25519Pair) -> int:
        """What only the owner can ask."""
        return (await self.worker.account_info(pair)).data.free

    async def shield(self, pair: Sr25519Pair, amount: int) -> int:
        """Pay to the vault, and wait until the amount less the shielding fee is in the private ledger.

        The parentchain's fee, in base units. Raises NotSettled, and what clients raise.
        """
        before = await self.private_balance(pair)
        call = self.chain.call("Balances", "transfer_keep_alive", {"dest": Id(self.vault), "value": amount})
        inclusion = await self.chain.submit_and_watch(await self.chain.sign(call, pair))
        await _changed("the sender's balance in the private ledger", before, lambda: self.private_balance(pair))
        return fee_paid(inclusion)

    async def transfer(self, pair: Sr25519Pair, to: bytes, amount: int) -> CallResult:
        """Within the private ledger; done when it is in a sidechain block."""
        return await self.worker.call("balance_transfer", pair.public, to, amount, signer=pair)

    async def unshield(self, pair: Sr25519Pair, to: bytes, amount: int) -> CallResult:
        """From the private ledger to a parentchain account; done when that has the funds."""
        before = await self.chain.free_balance(to)
        shard = await self.worker.shard()
        result = await self.worker.call("balance_unshield", pair.public, to, amount, shard, signer=pair)
        await _changed("the receiver's balance on the parentchain", before, lambda: self.chain.free_balance(to))
        return result


@asynccontextmanager
async def connect(facts: Facts) -> AsyncIterator[Ledgers]:
    """Clients of both ledgers for the length of a block; the parentchain is the one that has the vault."""
    async with AsyncExitStack() as stack:
        chain = await stack.enter_async_context(await ParentchainClient.connect(facts.shielding_url))
        worker = await stack.enter_async_context(await WorkerClient.connect(facts.worker_url))
        yield Ledgers(chain, worker, ss58_decode(facts.vault)[0])


def fee_paid(inclusion: Inclusion) -> int:
    """What the sender of a parentchain extrinsic paid for it, in base units."""
    return sum(e.fields["actual_fee"] for e in inclusion.events if str(e) == "TransactionPayment.TransactionFeePaid")


async def _changed(what: str, before: int, read: Callable[[], Awaitable[int]]) -> None:
    try:
        async with asyncio.timeout(SETTLE_TIMEOUT):
            while True:
                if await read() != before:
                    return
                await asyncio.sleep(POLL_PAUSE)
    except TimeoutError:
        raise NotSettled(what, SETTLE_TIMEOUT) from None
