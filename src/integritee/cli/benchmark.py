"""`trusted benchmark`: many accounts transfer at the same time, and how long their calls take.

Each client pays fresh accounts, one call after the other. Lines and measure are those of the original (worker
`cli/src/benchmark/mod.rs`), which itself ends after its first round, for it forgets fees in what it expects.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import Final

from integritee.client.worker import WorkerClient
from integritee.crypto import KeyPair, Sr25519Pair, ss58_encode
from integritee.primitives.rpc import InSidechainBlock
from integritee.stf.fees import transaction_fee

from .arguments import Options, command, integer
from .connections import worker
from .errors import UnexpectedBalance, UsageError
from .groups import Groups
from .output import Output
from .session import Identity, Session, session
from .signing import WHO_SIGNS, Parties, parties
from .watchdog import shielding_target_decimals

TRANSFERRED: Final = 1000
"""Base units of each transfer."""

CLIENTS: Final = 10
ITERATIONS: Final = 30
FUNDING_ACCOUNT: Final = "//Alice"

MAX_CLIENTS: Final = 1000
"""Each has a connection."""

MAX_ITERATIONS: Final = 1_000_000
MAX_WAIT: Final = 3_600_000
"""Milliseconds between transfers."""

STEP: Final = 5
"""Percent between lines of the report."""


def add_commands(groups: Groups) -> None:
    running = command(groups.of(None), "benchmark", benchmark, "many clients at the same time; needs --direct")
    count = integer(1, MAX_CLIENTS, f"lie between 1 and {MAX_CLIENTS}")
    wait = integer(0, MAX_WAIT, f"lie between 0 and {MAX_WAIT}")
    rounds = integer(1, MAX_ITERATIONS, f"lie between 1 and {MAX_ITERATIONS}")
    shortest, longest = (f"random_wait_before_transaction_{end}_ms" for end in ("min", "max"))
    add = running.add_argument
    add("number_clients", nargs="?", type=count, default=CLIENTS, help="(%(default)s)")
    add("number_iterations", nargs="?", type=rounds, default=ITERATIONS, help="transfers of each (%(default)s)")
    add("shortest_wait", metavar=shortest, nargs="?", type=wait, default=0, help="(%(default)s)")
    add("longest_wait", metavar=longest, nargs="?", type=wait, default=0, help="(%(default)s)")
    add("account", metavar="funding_account", nargs="?", default=FUNDING_ACCOUNT, help=f"(%(default)s) {WHO_SIGNS}")
    add("-w", "--wait-for-confirmation", action="store_true", help="measure until a call is in a sidechain block")
    add("--session-proxy", metavar="ACCOUNT", help="who signs in the funding account's place")


async def benchmark(options: Options, output: Output) -> None:
    """Raises UsageError, UnexpectedBalance and client errors."""
    if not options.direct:
        raise UsageError("benchmark goes straight to the enclave: it needs trusted --direct")
    if options.shortest_wait > options.longest_wait:
        raise UsageError("the shortest wait is longer than the longest")
    async with session(options) as asked:
        by = parties(options, asked.identity.store)
        one = 10 ** shielding_target_decimals(await asked.client.parentchains_info())
        clients = Clients(options, output, asked.identity, transaction_fee(one, ()))
        pairs = await clients.endow(asked, by)
    started = time.perf_counter()
    await clients.run(pairs)
    report(options, output, clients.latencies, time.perf_counter() - started)


@dataclass(frozen=True)
class Clients:
    """`fee` is that of a transfer, `latencies` are seconds of finished ones."""

    options: Options
    output: Output
    identity: Identity
    fee: int
    latencies: list[float] = field(default_factory=list)

    @property
    def endowment(self) -> int:
        """Base units for all transfers of a client, and one to spare."""
        return int((self.options.number_iterations + 1) * (self.fee + TRANSFERRED))

    async def endow(self, asked: Session, by: Parties) -> list[Sr25519Pair]:
        """New accounts in the shard's key store, whose funds are there."""
        client, say = asked.client, self.output.line
        first = await client.next_nonce(by.account, by.pair)
        say(f"Nonce for account {self.options.account}: {first}")
        pairs = [self.identity.store.generate() for _ in range(self.options.number_clients)]
        for i, pair in enumerate(pairs):
            say(f"Initializing account {i} with initial amount {self.endowment}")
            arguments = (by.account, pair.public, self.endowment)
            signed = await client.sign("balance_transfer", *arguments, signer=by.pair, nonce=first + i)
            async with client.watch(signed) as watch:
                if pair is pairs[-1]:
                    await watch.until(InSidechainBlock, self.options.timeout)
        return pairs

    async def run(self, pairs: Sequence[KeyPair]) -> None:
        """All at the same time, each over a connection of its own."""
        tasks = [asyncio.create_task(self._client(pair)) for pair in pairs]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()

    async def _client(self, pair: KeyPair) -> None:
        left = self.endowment
        async with await worker(self.options, self.identity.mrenclave, self.identity.shard) as client:
            for iteration in range(self.options.number_iterations):
                await self._wait()
                is_last = iteration == self.options.number_iterations - 1
                await self._transfer(client, pair, iteration, is_last)
                left -= TRANSFERRED + self.fee
                found = (await client.account_info(pair)).data.free
                self.output.line(f"Balance: {found}")
                if found != left and (is_last or self.options.wait_for_confirmation):
                    raise UnexpectedBalance(ss58_encode(pair.public), left, found)

    async def _wait(self) -> None:
        if self.options.longest_wait:
            milliseconds = random.randint(self.options.shortest_wait, self.options.longest_wait)  # noqa: S311
            self.output.line(f"Sleep for: {milliseconds}ms")
            await asyncio.sleep(milliseconds / 1000)

    async def _transfer(self, client: WorkerClient, pair: KeyPair, iteration: int, is_last: bool) -> None:
        """Until the enclave has taken the call, or until it is in a block: the last one is in any case."""
        to = Sr25519Pair.from_seed(os.urandom(32)).public
        for line in (
            f"Iteration: {iteration}",
            f"  Transfer amount: {TRANSFERRED}",
            f"  From: {ss58_encode(pair.public)}",
            f"  To:   {ss58_encode(to)}",
        ):
            self.output.line(line)
        nonce = await client.next_nonce(pair.public, pair)
        signed = await client.sign("balance_transfer", pair.public, to, TRANSFERRED, signer=pair, nonce=nonce)
        started = time.perf_counter()
        async with client.watch(signed) as watch:
            taken = time.perf_counter() - started
            if is_last or self.options.wait_for_confirmation:
                await watch.until(InSidechainBlock, self.options.timeout)
        is_confirmed = self.options.wait_for_confirmation
        self.latencies.append(time.perf_counter() - started if is_confirmed else taken)


def report(options: Options, output: Output, latencies: Sequence[float], seconds: float) -> None:
    """How long which share of all transfers took at most."""
    clients, iterations = options.number_clients, options.number_iterations
    duration = round(seconds * 1000)
    output.line(f"Finished benchmark with {clients} clients and {iterations} transactions in {duration} ms")
    ordered = sorted(latencies)
    percentiles = {p: round(ordered[ceil(len(ordered) * p / 100) - 1] * 1000) for p in range(STEP, 101, STEP)}
    for percent, milliseconds in percentiles.items():
        output.line(f"{percent} percent are done within {milliseconds} ms")
    output.fact("clients", clients)
    output.fact("transactions", iterations)
    output.fact("milliseconds", duration)
    output.fact("percentiles", {str(percent): milliseconds for percent, milliseconds in percentiles.items()})
