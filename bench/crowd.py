"""Client processes of many clients each: ``python -m bench.crowd``, told by `Orders` on the first line of stdin.

All clients connect; then each line with a `Window` has every client ask one signed getter in each round, and in each
`call_every`th submit and watch a transfer besides, at moments spread by chance; a line with a `Report` answers. Times
are counted from sending to the reply, and each client sends whether or not it has heard of earlier requests.
"""

from __future__ import annotations

import asyncio
import gc
import os
import random
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import uvloop

from integritee.client.worker import GETTER, WATCH, WorkerClient
from integritee.crypto import Sr25519Pair
from integritee.load.websocket import WebSocketClient, framed
from integritee.primitives.enclave_bridge import Request
from integritee.scale import encode
from integritee.stf.operation import DirectCall, Getter, Trusted, TrustedOperation

from .priority import come_first

CONNECTING = 16
"""Handshakes that one process has under way."""

PATIENCE = 30.0
"""Seconds after the window for the last answers."""

CONFIRMED = "0x0104"
"""Begin of a status that tells of the block with the call, in hex of SCALE."""


class Orders(msgspec.Struct):
    """`clients` take turns with the accounts, which have funds."""

    url: str
    clients: int
    uris: list[str]
    seed: int


class Window(msgspec.Struct):
    seconds: float
    rounds: int
    call_every: int


class Report(msgspec.Struct):
    """Milliseconds of getters and of submissions until they were answered; how many calls were seen in a block;
    connections still open; and everything else that was answered, by code."""

    getters: list[float]
    calls: list[float]
    confirmed: int
    open: int
    failures: dict[str, int]


class Client:
    """One connection of the crowd."""

    def __init__(self, crowd: Crowd, number: int) -> None:
        self._crowd = crowd
        self.pair = crowd.pairs[number % len(crowd.pairs)]
        self._sent: dict[int, tuple[str, float]] = {}
        self._next = 0
        self.socket: WebSocketClient

    async def open(self, url: str) -> None:
        self.socket = await WebSocketClient.open(url, self._heard, lambda: None)

    def send(self, method: str, payload: bytes) -> None:
        self._next += 1
        params = ["0x" + payload.hex()]
        text = _json({"jsonrpc": "2.0", "method": method, "params": params, "id": self._next})
        frame = framed(text, os.urandom(4))
        self._sent[self._next] = method, time.perf_counter()
        self.socket.send(frame)

    @property
    def waits(self) -> bool:
        return bool(self._sent)

    def _heard(self, text: bytes) -> None:
        now = time.perf_counter()
        message = msgspec.json.decode(text)
        if "params" in message:
            self._crowd.status(message["params"])
            return
        method, sent = self._sent.pop(message["id"])
        self._crowd.answered(method, message, 1000 * (now - sent))


class Crowd:
    def __init__(self, orders: Orders) -> None:
        self.pairs = [Sr25519Pair.from_uri(uri) for uri in orders.uris]
        self._orders = orders
        self._random = random.Random(orders.seed)
        self._clients = [Client(self, number) for number in range(orders.clients)]
        self._nonces: dict[bytes, int] = {}
        self._report = Report([], [], 0, 0, {})
        self._failures: Counter[str] = Counter()

    async def connect(self) -> None:
        self._worker = worker = await WorkerClient.connect(self._orders.url)
        self._shard, self._mrenclave, self._key = await worker.shard(), await worker.mrenclave(), None
        self._key = await worker.shielding_key()
        for pair in self.pairs:
            self._nonces[pair.public] = await worker.next_nonce(pair.public, pair)
        await worker.close()
        turn = asyncio.Semaphore(CONNECTING)

        async def connected(client: Client) -> None:
            async with turn:
                await client.open(self._orders.url)

        await asyncio.gather(*map(connected, self._clients))

    async def run(self, window: Window) -> Report:
        """One window of requests."""
        self._report, self._failures = Report([], [], 0, 0, {}), Counter()
        slot = window.seconds / window.rounds
        moments = [
            ((number + self._random.random()) * slot, client, is_call)
            for number in range(window.rounds)
            for client in self._clients
            for is_call in (False, True)[: 1 + (self._random.randrange(window.call_every) == 0)]
        ]
        expected = sum(is_call for _, _, is_call in moments)
        start = time.perf_counter()
        for at, client, is_call in sorted(moments, key=lambda moment: moment[0]):
            if (wait := start + at - time.perf_counter()) > 0:
                await asyncio.sleep(wait)
            self._call(client) if is_call else self._getter(client)
        deadline = time.perf_counter() + PATIENCE
        while time.perf_counter() < deadline and not self._is_served(expected):  # noqa: ASYNC110  # many change it
            await asyncio.sleep(0.05)
        self._failures["unanswered"] += sum(client.waits for client in self._clients)
        self._report.open = sum(client.socket.is_open for client in self._clients)
        self._report.failures = {code: count for code, count in self._failures.items() if count}
        return self._report

    def _is_served(self, calls: int) -> bool:
        refused = self._failures.total()
        return self._report.confirmed + refused >= calls and not any(client.waits for client in self._clients)

    # What is sent

    def _getter(self, client: Client) -> None:
        ledger = self._worker.ledger
        getter = Trusted(ledger.sign_getter(ledger.trusted_getter("account_info", client.pair.public), client.pair))
        client.send(GETTER, encode(Request, Request(self._shard, ledger.codec(Getter).encode(getter))))

    def _call(self, client: Client) -> None:
        ledger, account = self._worker.ledger, client.pair.public
        nonce = self._nonces[account]
        self._nonces[account] += 1
        call = ledger.call("balance_transfer", account, account, 1)
        signed = ledger.sign_call(call, nonce, client.pair, self._mrenclave, self._shard)
        plain = ledger.codec(TrustedOperation).encode(DirectCall(signed))
        assert self._key is not None
        client.send(WATCH, encode(Request, Request(self._shard, self._key.encrypt(plain))))

    # What comes back

    def answered(self, method: str, message: dict[str, Any], milliseconds: float) -> None:
        if "reason" in message:
            self._failures[message["reason"]["code"]] += 1
        elif method == WATCH:
            self._report.calls.append(milliseconds)
        else:
            self._report.getters.append(milliseconds)

    def status(self, params: dict[str, Any]) -> None:
        if "reason" in params:
            self._failures[params["reason"]["code"]] += 1
        elif params["result"].startswith(CONFIRMED):
            self._report.confirmed += 1


_json = msgspec.json.Encoder().encode


class CrowdProcess:
    """A crowd in a process of its own, as the process sees it that measures. Make it with `start`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, orders: Orders) -> CrowdProcess:
        """Returns at once; `ready` waits."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bench.crowd"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            cwd=Path(__file__).parent.parent,
            limit=1 << 26,
        )
        crowd = cls(process)
        crowd._tell(orders)
        return crowd

    async def ready(self) -> None:
        """All its clients are connected."""
        await self._line()

    async def run(self, window: Window) -> Report:
        self._tell(window)
        return msgspec.json.decode(await self._line(), type=Report)

    async def end(self) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()
        await self._process.wait()

    def _tell(self, order: Orders | Window) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(_json(order) + b"\n")

    async def _line(self) -> bytes:
        assert self._process.stdout is not None
        if not (line := await self._process.stdout.readline()):
            raise SystemExit("a crowd of clients failed: see its error above")
        return line


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    crowd = Crowd(msgspec.json.decode(await loop.run_in_executor(None, sys.stdin.readline), type=Orders))
    await crowd.connect()
    gc.collect()
    gc.disable()  # its pauses would be told of as the server's
    come_first()
    print(flush=True)
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        report = await crowd.run(msgspec.json.decode(line, type=Window))
        print(_json(report).decode(), flush=True)


if __name__ == "__main__":
    uvloop.run(_serve())
