"""`trusted watchdog`: is the worker well? Asked again and again, and shown to Prometheus (worker `watchdog.rs`).

Each round asks for the account's funds and for the latest sidechain header, and has the account send itself a note.
Every question has a connection of its own, so a worker that comes back is noticed. What fails counts as +Inf. The
command ends when the account cannot pay for notes any more.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from math import inf
from typing import Final, TypeVar

from prometheus_client import CollectorRegistry, Gauge, start_http_server

from integritee.client.errors import ClientError
from integritee.client.worker import WorkerClient
from integritee.frame.pallets.system import AccountInfo
from integritee.stf.chain_specs import spec_of
from integritee.stf.fees import transaction_fee
from integritee.stf.types import ParentchainsInfo

from .arguments import Options, command, unsigned
from .connections import worker
from .errors import Tolerated, UsageError
from .groups import Groups
from .output import Output
from .sending import signed_call, submit
from .session import Identity, Session, session
from .signing import Parties, add_account, parties

T = TypeVar("T")

INTERVAL: Final = 3600
"""Seconds between rounds."""

PORT: Final = 9090
LEAST_FEES: Final = 2
"""Transaction fees the account must be able to pay to go on."""

NOTE: Final = b"W"


def add_commands(groups: Groups) -> None:
    watching = command(groups.of(None), "watchdog", watchdog, "probe a worker again and again, with metrics")
    add_account(watching, "account")
    watching.add_argument(
        "--interval", type=unsigned(64), default=INTERVAL, metavar="S", help="seconds between rounds (%(default)s)"
    )
    watching.add_argument(
        "--prometheus-port", type=unsigned(16), default=PORT, metavar="PORT", help="where /metrics is (%(default)s)"
    )


async def watchdog(options: Options, output: Output) -> None:
    if options.json:
        raise UsageError("watchdog prints as it goes: it has no --json")
    async with session(options) as asked:
        by = parties(options, asked.identity.store)
        decimals = shielding_target_decimals(await asked.client.parentchains_info())
    output.line(f"Shielding target decimals: {decimals}")
    gauges = Gauges()
    server, _ = start_http_server(options.prometheus_port, registry=gauges.registry)
    try:
        rounds = Rounds(options, output, asked.identity, by, decimals, gauges)
        while await rounds.next():
            output.line(f"Sleeping for {options.interval} seconds")
            await asyncio.sleep(options.interval)
    finally:
        server.shutdown()
        server.server_close()


def shielding_target_decimals(info: ParentchainsInfo) -> int:
    """Decimals of the token of the chain that funds come from; 12 if the chain is not known."""
    chains = (info.integritee, info.target_a, info.target_b)
    return spec_of(chains[info.shielding_target].genesis_hash or bytes(32)).decimals


class Gauges:
    """What Prometheus sees."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self.account_info = Gauge(
            "trusted_getter_account_info_request_seconds", "Seconds to read the account", registry=registry
        )
        self.header = Gauge("sidechain_block_header_request_seconds", "Seconds to read the header", registry=registry)
        self.block_number = Gauge("sidechain_block_number", "Latest sidechain block", registry=registry)
        self.send_note = Gauge(
            "trusted_call_send_note_request_seconds", "Seconds until a note is in a block", registry=registry
        )
        self.balance = Gauge(
            "watchdog_account_trusted_balance_free", "Free balance of the account in tokens", registry=registry
        )


@dataclass(frozen=True)
class Rounds:
    """Rounds of questions in the name of `by`."""

    options: Options
    output: Output
    identity: Identity
    by: Parties
    decimals: int
    gauges: Gauges

    async def next(self) -> bool:
        """Go round once; False if the account cannot pay for another note."""
        info = await self._account_info()
        await self._header()
        if info is not None and info.data.free < LEAST_FEES * transaction_fee(10**self.decimals, ()):
            self.output.line("Account has insufficient funds. Exiting.")
            self.gauges.send_note.set(inf)
            return False
        await self._send_note()
        return True

    async def _account_info(self) -> AccountInfo | None:
        asked = await self._timed(lambda client: client.account_info(self.by.pair, self.by.account))
        if asked is None:
            self.output.line("Failed to get AccountInfo")
            self.gauges.account_info.set(inf)
            self.gauges.balance.set(inf)
            return None
        info, seconds = asked
        self.output.line(f"Getting AccountInfo took {_ms(seconds)}ms")
        self.gauges.account_info.set(seconds)
        self.gauges.balance.set(info.data.free / 10**self.decimals)
        return info

    async def _header(self) -> None:
        asked = await self._timed(lambda client: client.latest_header())
        if asked is None:
            self.output.line("Failed to get sidechain header")
            self.gauges.header.set(inf)
            self.gauges.block_number.set(inf)
            return
        header, seconds = asked
        self.output.line(f"Getting SidechainHeader took {_ms(seconds)}ms. block number: {header.block_number}")
        self.gauges.header.set(seconds)
        self.gauges.block_number.set(header.block_number)

    async def _send_note(self) -> None:
        asked = await self._timed(self._note)
        if asked is None:
            self.output.line("Failed to send note")
            self.gauges.send_note.set(inf)
            return
        self.output.line(f"Send note took {_ms(asked[1])}ms")
        self.gauges.send_note.set(asked[1])

    async def _note(self, client: WorkerClient) -> None:
        asked = Session(client, self.identity)
        signed = await signed_call(asked, self.by, "send_note", self.by.account, NOTE)
        await submit(self.options, self.output, asked, signed)

    async def _timed(self, ask: Callable[[WorkerClient], Awaitable[T]]) -> tuple[T, float] | None:
        """An answer, and the seconds until it came; None if there is none."""
        started = time.perf_counter()
        try:
            async with await worker(self.options, self.identity.mrenclave, self.identity.shard) as client:
                answer = await ask(client)
                return answer, time.perf_counter() - started
        except (ClientError, Tolerated):
            return None


def _ms(seconds: float) -> int:
    return int(seconds * 1000)
