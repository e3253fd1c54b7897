"""Attackers of a worker's trusted RPC: ``python -m bench.attackers NAME URL``, until they are ended.

Each is what one machine far away could do with one process: it runs at the lowest priority, for here it shares its
cores with those it attacks, and comes from an address of its own. Whoever is dropped comes back. What was attempted
is printed at the end, as JSON.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import signal
import socket
import ssl
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import uvloop

from integritee.client.jsonrpc import unverified_tls
from integritee.client.worker import GETTER, SUBMIT, WATCH, WorkerClient
from integritee.crypto import Sr25519Pair
from integritee.load.websocket import PING, framed
from integritee.primitives.enclave_bridge import Request
from integritee.scale import encode
from integritee.stf.operation import DirectCall, Getter, Trusted

ADDRESS = "127.0.0.66"
CONNECTIONS = 32
PIPELINED = 32
"""Requests under way on each connection of a flood."""

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
    done: Counter[str] = field(default_factory=Counter)
    tls: ssl.SSLContext = field(default_factory=unverified_tls)

    async def dial(self, tls: bool = True, receive_bytes: int | None = None) -> Streams:
        place = urlsplit(self.url)
        plug = socket.socket()
        plug.setblocking(False)
        if receive_bytes is not None:
            plug.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        plug.bind((ADDRESS, 0))
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


Attack = Callable[[Target], Awaitable[None]]


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


async def flood(target: Target, frames: Callable[[], bytes], until: bytes | None = None, replies: int = 1) -> None:
    """Messages as fast as they are answered, on many connections; an answer with `until` is a reason to come back."""

    async def one(_: int) -> None:
        reader, writer = await target.upgraded()
        try:
            under_way = 0
            while True:
                while under_way < PIPELINED * replies:
                    writer.write(frames())
                    under_way += replies
                await writer.drain()
                data = await reader.read(1 << 16)
                if not data or (until is not None and until in data):
                    target.done["sent away"] += 1
                    return
                answered = data.count(b'"jsonrpc"')
                target.done["answers"] += answered
                under_way -= answered
        finally:
            writer.transport.abort()

    await crowd(CONNECTIONS, one)


# The attacks


async def getters(target: Target) -> None:
    message = frame(await signed_getter(target))
    await flood(target, lambda: message)


async def batches(target: Target) -> None:
    message = frame(b"[" + b",".join([await signed_getter(target)] * 64) + b"]")
    await flood(target, lambda: message, replies=64)


async def bad_rsa(target: Target) -> None:
    shard = await target.worker.shard()

    def garbage() -> bytes:
        return frame(text(SUBMIT, hexed(encode(Request, Request(shard, os.urandom(RSA_BYTES))))))

    await flood(target, garbage, until=b"rate_exceeded")


async def pool_entries(target: Target) -> None:
    """Well signed calls of accounts without funds, half of them with nonces to come, as fast as they are made."""
    await stream(target, SUBMIT, (0, *range(2, FUTURE_NONCES)))


async def subscriptions(target: Target) -> None:
    """As `pool_entries`, all with nonces to come, and watched."""
    await stream(target, WATCH, range(1, FUTURE_NONCES))


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


async def signed_getter(target: Target) -> bytes:
    ledger, pair = target.worker.ledger, Sr25519Pair.from_uri("//Attacker")
    getter = Trusted(ledger.sign_getter(ledger.trusted_getter("account_info", pair.public), pair))
    return text(
        GETTER, hexed(encode(Request, Request(await target.worker.shard(), ledger.codec(Getter).encode(getter))))
    )


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


async def stream(target: Target, method: str, nonces: Iterator[int] | range | tuple[int, ...]) -> None:
    """Calls of ever new accounts with each of these nonces, answers unread but for their number."""
    worker, numbers, seed = target.worker, itertools.count(), os.urandom(4).hex()

    async def one(_: int) -> None:
        reader, writer = await target.upgraded()
        try:
            while True:
                pair = Sr25519Pair.from_uri(f"//Attacker//{seed}//{next(numbers)}")
                for nonce in nonces:
                    signed = await worker.sign("noop", pair.public, signer=pair, nonce=nonce)
                    request = await worker.shielded(DirectCall(signed))
                    writer.write(frame(text(method, hexed(encode(Request, request)))))
                    target.done["calls"] += 1
                    if not await reader.read(1 << 16):
                        return
        finally:
            writer.transport.abort()

    await crowd(CONNECTIONS, one)


async def _attack(name: str, url: str) -> None:
    target = Target(url, await WorkerClient.connect(url))
    await target.worker.shard()
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    attacking = asyncio.ensure_future(ATTACKS[name](target))
    print(flush=True)
    await asyncio.wait((attacking, asyncio.create_task(ended.wait())), return_when=asyncio.FIRST_COMPLETED)
    if attacking.done():
        attacking.result()
    print(json.dumps(dict(target.done)), flush=True)
    os._exit(0)  # its connections need no farewell


def main(name: str, url: str) -> None:
    os.nice(19)
    uvloop.run(_attack(name, url))


if __name__ == "__main__":
    main(*sys.argv[1:])
