"""People who use the ledger while its processes die under them, and who remember what they were promised.

Each user does one thing after another: deposits, transfers to the next user, payments out. A request that gets
no answer is looked up and repeated with the same nonce, as any careful client would. What a user was told to be
in a block, or final, counts as promised: it may never turn out undone. At the end the books of all users say
what both ledgers must hold, to the last unit.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

import base58

from integritee.client.errors import ConnectionFailed, RequestRefused, RequestTimeout, RpcError
from integritee.client.parentchain import ParentchainClient
from integritee.client.worker import WorkerClient
from integritee.crypto import Sr25519Pair, blake2_256, ss58_decode
from integritee.primitives.ids import Id
from integritee.primitives.rpc import InSidechainBlock
from integritee.stf.operation import TrustedCallSigned

from .processes import Node, Worker, soon

UNIT: Final = 10**12
TRANSFER_FEE: Final = UNIT // 100
UNSHIELD_FEE: Final = 3 * TRANSFER_FEE
PATIENCE: Final = 10.0
"""Seconds after which an unanswered request is looked up."""

RETRY_SECONDS: Final = 0.1
LOOK_AGAIN: Final = ("pool.already_imported", "pool.stale_nonce", "enclave.not_ready")
"""Refusals of a repeated call that say: it is on its way, it is done, or ask later."""


class PromiseBroken(AssertionError):
    """An acknowledged effect is gone."""


@dataclass
class Network:
    """Where node and worker are now; ports move when a worker restarts."""

    node_url: Callable[[], str]
    worker_url: Callable[[], str]
    vault: bytes
    mrenclave: bytes
    shard: bytes

    @asynccontextmanager
    async def parentchain(self) -> AsyncIterator[ParentchainClient]:
        async with await ParentchainClient.connect(self.node_url(), attempts=1) as chain:
            yield chain

    @asynccontextmanager
    async def worker(self) -> AsyncIterator[WorkerClient]:
        async with await WorkerClient.connect(
            self.worker_url(), mrenclave=self.mrenclave, shard=self.shard, timeout=2.0
        ) as client:
            yield client


@dataclass
class User:
    """One account on both ledgers. `balance` is what it certainly has in the ledger; incoming money counts once
    its sender knows that it was sent."""

    pair: Sr25519Pair
    has_deposits: bool
    balance: int = 0
    nonce: int = 0
    parentchain_nonce: int = 0
    deposited: list[int] = field(default_factory=list)
    paid_out: dict[bytes, int] = field(default_factory=dict)
    promises: int = 0
    """How many effects were acknowledged to this user."""

    # -- deposits ------------------------------------------------------------------------------------

    async def deposit(self, network: Network, amount: int) -> None:
        """Send `amount` to the vault, exactly once."""
        while not await self._was_sent(network):
            try:
                async with network.parentchain() as chain:
                    call = chain.call(
                        "Balances", "transfer_allow_death", {"dest": Id(network.vault), "value": amount}
                    )
                    extrinsic = await chain.sign(call, self.pair, self.parentchain_nonce)
                    async with asyncio.timeout(PATIENCE):
                        await chain.submit_and_watch(extrinsic, until="finalized")
                self.promises += 1
                break
            except (ConnectionFailed, RequestTimeout, RpcError, TimeoutError):
                await asyncio.sleep(RETRY_SECONDS)
        self.parentchain_nonce += 1
        self.deposited.append(amount)
        self.balance += amount - amount // 571
        await self._wait_for_credit(network)

    async def _was_sent(self, network: Network) -> bool:
        """Whether the nonce of the deposit under way is used in the finalized state."""
        while True:
            try:
                async with network.parentchain() as chain:
                    head = await chain.finalized_head()
                    account = await chain.storage("System", "Account", self.pair.public, at=head)
            except (ConnectionFailed, RequestTimeout):
                await asyncio.sleep(RETRY_SECONDS)
                continue
            nonce = int(account["nonce"])
            if nonce < self.parentchain_nonce:
                raise PromiseBroken(f"parentchain nonce {nonce}, {self.parentchain_nonce} was final")
            return nonce > self.parentchain_nonce

    async def _wait_for_credit(self, network: Network) -> None:
        """Until the ledger shows at least what this user certainly has."""

        async def is_credited() -> bool:
            try:
                async with network.worker() as worker:
                    return (await worker.account_info(self.pair)).data.free >= self.balance
            except (ConnectionFailed, RequestTimeout):
                return False

        await soon(is_credited, "the deposit's credit")

    # -- trusted calls -------------------------------------------------------------------------------

    async def transfer(self, network: Network, receiver: User, amount: int) -> None:
        await self._call(network, "balance_transfer", self.pair.public, receiver.pair.public, amount)
        self.balance -= amount + TRANSFER_FEE
        receiver.balance += amount

    async def unshield(self, network: Network, beneficiary: bytes, amount: int) -> None:
        """Pay out to a parentchain account that nobody else pays."""
        await self._call(network, "balance_unshield", self.pair.public, beneficiary, amount, network.shard)
        self.balance -= amount + UNSHIELD_FEE
        self.paid_out[beneficiary] = amount

    async def _call(self, network: Network, name: str, *args: object) -> None:
        """Have a call executed exactly once: the same signed bytes, until its nonce is used."""
        signed: TrustedCallSigned | None = None
        while True:
            try:
                async with network.worker() as worker:
                    if await self._was_executed(worker):
                        break
                    signed = signed or await worker.sign(name, *args, signer=self.pair, nonce=self.nonce)
                    async with worker.watch(signed) as watch:
                        await watch.until(InSidechainBlock, PATIENCE)
                self.promises += 1
                break
            except (ConnectionFailed, RequestTimeout):
                await asyncio.sleep(RETRY_SECONDS)
            except RequestRefused as refused:
                if refused.code not in LOOK_AGAIN:
                    raise
                await asyncio.sleep(RETRY_SECONDS)
        self.nonce += 1

    async def _was_executed(self, worker: WorkerClient) -> bool:
        """Whether the nonce of the call under way is used."""
        nonce = (await worker.account_info(self.pair)).nonce
        if nonce < self.nonce:
            raise PromiseBroken(f"ledger nonce {nonce}, {self.nonce} was in a block")
        return nonce > self.nonce

    # -- what to do next -----------------------------------------------------------------------------

    async def act(self, network: Network, others: list[User], dice: random.Random) -> None:
        """Do one thing that this user can afford, chosen by the dice."""
        amount = dice.randrange(UNIT // 10, UNIT)
        choices = ["deposit"] if self.has_deposits else []
        if self.balance > 2 * UNIT:
            choices += ["transfer", "transfer", "unshield", "unshield"]
        match dice.choice(choices) if choices else "rest":
            case "deposit":
                await self.deposit(network, dice.randrange(UNIT, 4 * UNIT))
            case "transfer":
                await self.transfer(network, dice.choice([u for u in others if u is not self]), amount)
            case "unshield":
                beneficiary = blake2_256(self.pair.public + self.nonce.to_bytes(4, "little"))
                await self.unshield(network, beneficiary, amount)
            case "rest":
                await asyncio.sleep(RETRY_SECONDS)


def some_users() -> list[User]:
    """Two with money on the parentchain, three that have to be given some."""
    return [
        User(Sr25519Pair.from_uri("//Bob"), has_deposits=True),
        User(Sr25519Pair.from_uri("//Charlie"), has_deposits=True),
        *(User(Sr25519Pair.from_uri(f"//Incognito//{n}"), has_deposits=False) for n in range(3)),
    ]


async def live(user: User, users: list[User], network: Network, stop: asyncio.Event, dice: random.Random) -> None:
    """Do one thing after another until told to stop."""
    while not stop.is_set():
        await user.act(network, users, dice)


async def getting_on(users: list[User], promises: int) -> None:
    """Wait until so many effects were acknowledged to all of them together, for who does nothing can lose nothing."""

    async def is_so() -> bool:
        return sum(user.promises for user in users) >= promises

    await soon(is_so, f"promise {promises}")


async def network_of(node: Node, worker: Worker) -> Network:
    async with await WorkerClient.connect(worker.url) as client:
        mrenclave, shard = await client.mrenclave(), await client.shard()
    assert base58.b58encode(shard).decode() == worker.shard
    vault = ss58_decode(worker.vault)[0]
    return Network(lambda: node.url, lambda: worker.url, vault, mrenclave, shard)
