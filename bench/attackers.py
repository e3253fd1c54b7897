"""Attackers of a worker's trusted RPC: ``python -m bench.attackers URL NAME …``, told by lines on stdin.

A line names the attack that begins, an empty one ends it; then what was attempted is printed, as JSON. Each attack is
what one machine far away could do with one process. Here it shares its cores with those it attacks, so it gets what
they leave of them, and has its messages made before; and it comes from an address of its own. Whoever is dropped, or
not answered for a while, comes back.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import socket
import ssl
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import uvloop

from integritee.client.jsonrpc import unverified_tls
from integritee.client.worker import GETTER, SUBMIT, WATCH, WorkerClient
from integritee.crypto import ShieldingPublicKey, Sr25519Pair
from integritee.load.websocket import PING, framed
from integritee.primitives.enclave_bridge import Request
from integritee.scale import encode
from integritee.stf.ledger import Ledger
from integritee.stf.operation import DirectCall, Getter, Trusted, TrustedOperation

ADDRESS = "127.0.66.{}"
"""Of an attack by its number: none suffers for what another one did."""

CONNECTIONS = 32
PIPELINED = 32
"""Requests under way on each connection of a flood."""

PATIENCE = 1.0
"""Seconds without an answer, after which an attacker leaves and comes back."""

MADE_BEFORE = 4096
"""Messages of a flood of which no two are the same."""

HALF_OPEN = 1500
DRIP_SECONDS = 1.0
PAUSE = 0.02
"""Seconds before a dropped attacker comes back."""

RSA_BYTES = 384
FUTURE_NONCES = 60
HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)
CLIENT_HELLO = bytes.fromhex("1603010200010001fc0303") + bytes(32)
"""The beginning of one (RFC 8446, 4.1.2)."""

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass
class Target:
    """Where to, and what an attacker knows who has read the documentation."""

    url: str
    worker: WorkerClient
    address: str = ""
    done: Counter[str] = field(default_factory=Counter)
    made: dict[str, Iterator[bytes]] = field(default_factory=dict)
    """Messages, by the attack that sends them."""

    tls: ssl.SSLContext = field(default_factory=unverified_tls)

    async def dial(self, tls: bool = True, receive_bytes: int | None = None) -> Streams:
        place = urlsplit(self.url)
        plug = socket.socket()
        plug.setblocking(False)
        if receive_bytes is not None:
            plug.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        plug.bind((self.address, 0))
        loop = asyncio.get_running_loop()
        try:
            await loop.sock_connect(plug, (place.hostname, place.port))
            secured: dict[str, Any] = {"ssl": self.tls, "server_hostname": "x"} if tls else {}
            streams = await asyncio.open_connection(sock=plug, limit=4096 if receive_bytes else 1 << 20, **secured)
        except BaseException:
            plug.close()
            raise
        self.done["connections"] += 1
        return streams

    async def upgraded(self, receive_bytes: int | None = None) -> Streams:
        reader, writer = await self.dial(receive_bytes=receive_bytes)
        writer.write(HANDSHAKE)
        await reader.readuntil(b"\r\n\r\n")
        return reader, writer


Attack = Callable[[Target], Coroutine[Any, Any, None]]


def text(method: str, *params: object) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "method": method, "params": params, "id": 7}).encode()


def frame(message: bytes) -> bytes:
    return framed(message, b"\x01\x02\x03\x04")


def hexed(data: bytes) -> str:
    return "0x" + data.hex()


async def crowd(count: int, one: Callable[[int], Awaitable[None]]) -> None:
    """So many attackers, each of which comes back when it is dropped."""

    async def persist(number: int) -> None:
        while True:
            with suppress(OSError, asyncio.IncompleteReadError, TimeoutError):
                await one(number)
            await asyncio.sleep(PAUSE)

    await asyncio.gather(*map(persist, range(count)))


async def flood(target: Target, frames: Iterator[bytes], until: bytes | None = None, replies: int = 1) -> None:
    """Messages as fast as they are answered, on many connections; an answer with `until` is a reason to come back."""

    async def one(_: int) -> None:
        reader, writer = await target.upgraded()
        try:
            under_way = 0
            while True:
                if (room := PIPELINED - under_way // replies) > 0:
                    writer.write(b"".join(itertools.islice(frames, room)))
                    under_way += room * replies
                async with asyncio.timeout(PATIENCE):
                    await writer.drain()
                    data = await reader.read(1 << 16)
                if not data or (until is not None and until in data):
                    target.done["sent away"] += 1
                    return
                answered = data.count(b'"jsonrpc"')
                target.done["answers"] += answered
                under_way -= answered
        except TimeoutError:
            target.done["unanswered"] += 1
        finally:
            writer.transport.abort()

    await crowd(CONNECTIONS, one)


async def stream(target: Target, frames: Iterator[bytes]) -> None:
    """Calls one after the other, on many connections."""

    async def one(_: int) -> None:
        reader, writer = await target.upgraded()
        try:
            for message in frames:
                writer.write(message)
                target.done["calls"] += 1
                async with asyncio.timeout(PATIENCE):
                    if not await reader.read(1 << 16):
                        return
        except TimeoutError:
            target.done["unanswered"] += 1
        finally:
            writer.transport.abort()

    await crowd(CONNECTIONS, one)


# The attacks


async def getters(target: Target) -> None:
    await flood(target, itertools.repeat(frame(await signed_getter(target))))


async def batches(target: Target) -> None:
    message = frame(b"[" + b",".join([await signed_getter(target)] * 64) + b"]")
    await flood(target, itertools.repeat(message), replies=64)


async def bad_rsa(target: Target) -> None:
    await flood(target, target.made["bad RSA"], until=b"rate_exceeded")


async def pool_entries(target: Target) -> None:
    """Well signed calls of accounts without funds, most of them with nonces to come."""
    await stream(target, target.made["pool entries"])


async def subscriptions(target: Target) -> None:
    """As `pool_entries`, all with nonces to come, and watched."""
    await stream(target, target.made["subscriptions"])


async def slow_readers(target: Target) -> None:
    message = frame(text("state_getMetadata"))

    async def one(_: int) -> None:
        writer = (await target.upgraded(receive_bytes=4096))[1]
        try:
            for _ in range(400):
                writer.write(message)
                target.done["questions"] += 1
                await asyncio.sleep(0.1)
        finally:
            writer.transport.abort()

    await crowd(4 * CONNECTIONS, one)


async def slow_tls(target: Target) -> None:
    async def one(_: int) -> None:
        await drip((await target.dial(tls=False))[1], CLIENT_HELLO)

    await crowd(HALF_OPEN, one)


async def unfinished_tls(target: Target) -> None:
    """A whole ClientHello each, and nothing behind it."""
    hello = client_hello(target.tls)

    async def one(_: int) -> None:
        reader, writer = await target.dial(tls=False)
        try:
            writer.write(hello)
            while await reader.read(1 << 16):
                pass
        finally:
            writer.transport.abort()

    await crowd(HALF_OPEN, one)


async def slow_upgrades(target: Target) -> None:
    async def one(_: int) -> None:
        await drip((await target.dial())[1], HANDSHAKE)

    await crowd(HALF_OPEN // 3, one)


async def big_messages(target: Target) -> None:
    """Getters of a MiB, blocks of 8 MiB, and what is no JSON at all, as fast as they are read."""
    kinds = (
        text(GETTER, "0x" + "a5" * (512 * 1024 - 64)),
        text("sidechain_importBlock", "0x" + "a5" * (4 * 1024 * 1024 - 64)),
        b"[" * (1024 * 1024),
    )
    messages = [frame(kind) for kind in kinds]

    async def one(number: int) -> None:
        reader, writer = await target.upgraded()

        async def hear() -> None:
            while await reader.read(1 << 16):
                target.done["answers"] += 1

        hearing = asyncio.create_task(hear())
        try:
            while not writer.transport.is_closing():
                writer.write(messages[number % len(messages)])
                await writer.drain()
                target.done["messages"] += 1
                await asyncio.sleep(0)
        finally:
            hearing.cancel()
            writer.transport.abort()

    await crowd(CONNECTIONS // 2, one)


async def small_frames(target: Target) -> None:
    """Pings and empty fragments, as fast as they are read."""
    many = framed(b"", b"\x01\x02\x03\x04", PING) * 1000

    async def one(_: int) -> None:
        writer = (await target.upgraded())[1]
        try:
            while not writer.transport.is_closing():
                writer.write(many)
                await writer.drain()
                target.done["frames"] += 1000
                await asyncio.sleep(0)  # a stream that takes everything lets nobody else run
        finally:
            writer.transport.abort()

    await crowd(CONNECTIONS // 2, one)


async def churn(target: Target) -> None:
    async def one(_: int) -> None:
        writer = (await target.upgraded())[1]
        writer.transport.abort()

    await crowd(CONNECTIONS // 2, one)


ATTACKS: dict[str, Attack] = {
    "slow readers": slow_readers,
    "slow TLS handshakes": slow_tls,
    "unfinished TLS handshakes": unfinished_tls,
    "slow HTTP upgrades": slow_upgrades,
    "bad RSA": bad_rsa,
    "getters": getters,
    "batches of getters": batches,
    "pool entries": pool_entries,
    "subscriptions": subscriptions,
    "big messages": big_messages,
    "small frames": small_frames,
    "connection churn": churn,
}


# What they are made of


@dataclass(frozen=True)
class Forger:
    """Makes messages of which no two are the same."""

    ledger: Ledger
    shard: bytes
    mrenclave: bytes
    key: ShieldingPublicKey

    @classmethod
    async def of(cls, worker: WorkerClient) -> Forger:
        return cls(worker.ledger, await worker.shard(), await worker.mrenclave(), await worker.shielding_key())

    def garbage(self) -> Iterator[bytes]:
        """Submissions that nobody can decipher."""
        while True:
            yield self._request(SUBMIT, os.urandom(RSA_BYTES))

    def calls(self, method: str, nonces: Iterable[int]) -> Iterator[bytes]:
        """Calls of ever new accounts, with each of these nonces."""
        seed = os.urandom(4).hex()
        for number in itertools.count():
            pair = Sr25519Pair.from_uri(f"//Attacker//{seed}//{number}")
            call = self.ledger.call("noop", pair.public)
            for nonce in nonces:
                signed = self.ledger.sign_call(call, nonce, pair, self.mrenclave, self.shard)
                plain = self.ledger.codec(TrustedOperation).encode(DirectCall(signed))
                yield self._request(method, self.key.encrypt(plain))

    def _request(self, method: str, cyphertext: bytes) -> bytes:
        return frame(text(method, hexed(encode(Request, Request(self.shard, cyphertext)))))


async def signed_getter(target: Target) -> bytes:
    ledger, pair = target.worker.ledger, Sr25519Pair.from_uri("//Attacker")
    getter = Trusted(ledger.sign_getter(ledger.trusted_getter("account_info", pair.public), pair))
    return text(
        GETTER, hexed(encode(Request, Request(await target.worker.shard(), ledger.codec(Getter).encode(getter))))
    )


def client_hello(tls: ssl.SSLContext) -> bytes:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    with suppress(ssl.SSLWantReadError):
        tls.wrap_bio(incoming, outgoing).do_handshake()
    return outgoing.read()


async def drip(writer: asyncio.StreamWriter, message: bytes) -> None:
    """A byte at a time, and never the last one."""
    try:
        for byte in message[:-1]:
            writer.write(bytes((byte,)))
            await asyncio.sleep(DRIP_SECONDS)
            if writer.transport.is_closing():
                return
    finally:
        writer.transport.abort()


def step_back() -> None:
    """Leave the cores to those that are attacked."""
    if sys.platform == "linux":
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    else:
        os.nice(19)


async def prepared(url: str, names: list[str]) -> Target:
    target = Target(url, await WorkerClient.connect(url))
    forger = await Forger.of(target.worker)
    made = {
        "bad RSA": forger.garbage(),
        "pool entries": forger.calls(SUBMIT, (0, *range(2, FUTURE_NONCES))),
        "subscriptions": forger.calls(WATCH, range(1, FUTURE_NONCES)),
    }
    for name, frames in made.items():
        if name in names:
            target.made[name] = itertools.chain(list(itertools.islice(frames, MADE_BEFORE)), frames)
    return target


async def attack(url: str, names: list[str]) -> None:
    target = await prepared(url, names)
    orders = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    print(flush=True)
    while name := (await orders.readline()).decode().strip():
        target.done.clear()
        target.address = ADDRESS.format(1 + list(ATTACKS).index(name))
        attacking = asyncio.create_task(ATTACKS[name](target))
        ended = asyncio.create_task(orders.readline())
        await asyncio.wait((attacking, ended), return_when=asyncio.FIRST_COMPLETED)
        attacking.cancel()
        with suppress(asyncio.CancelledError):
            await attacking  # an attack ends by itself only if it fails
        print(json.dumps(dict(target.done)), flush=True)
    os._exit(0)  # its connections need no farewell


if __name__ == "__main__":
    step_back()
    uvloop.run(attack(sys.argv[1], sys.argv[2:]))
