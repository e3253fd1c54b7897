"""Who has connected: when they are listened to, when they are gone, and how little the others notice."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, cast

import pytest
import uvloop

from integritee.enclave.provisioning.admission import site_of
from integritee.enclave.rpc.strangers import LOOKS_AT_ONCE, MAX_RECORD_BYTES, Stranger, Strangers

PATIENCE = 20.0
SITE = site_of("127.0.0.1")
RECORD = b"\x16\x03\x01\x00\x40" + bytes(64)
LARGEST = b"\x16\x03\x01" + MAX_RECORD_BYTES.to_bytes(2, "big") + bytes(MAX_RECORD_BYTES)
TOO_LARGE = b"\x16\x03\x01" + (MAX_RECORD_BYTES + 1).to_bytes(2, "big")
PLAIN = b"GET / HTTP/1.1\r\n\r\n"

Run = Callable[[Coroutine[Any, Any, None]], None]
both_loops = pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])


class Watched:
    """A socket that counts how often somebody looks into it."""

    def __init__(self, plug: socket.socket) -> None:
        self._plug = plug
        self.looks = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._plug, name)

    def recv(self, size: int, flags: int) -> bytes:
        self.looks += 1
        return self._plug.recv(size, flags)


class Door:
    """Clients by number, from 0, and what became of them."""

    def __init__(self) -> None:
        self.strangers = Strangers(lambda stranger: self.spoke.append(stranger.number), self._note_left)
        self.spoke: list[int] = []
        self.left: list[int] = []
        self.clients: list[socket.socket] = []
        self.sockets: list[Watched] = []
        self._listener = socket.create_server(("127.0.0.1", 0))

    def _note_left(self, number: int) -> None:
        self.left.append(number)

    def come(self, seconds: float = PATIENCE) -> socket.socket:
        """Another one, who has so long."""
        self.clients.append(socket.create_connection(self._listener.getsockname()))
        accepted = self._listener.accept()[0]
        accepted.setblocking(False)
        self.sockets.append(Watched(accepted))
        until = asyncio.get_running_loop().time() + seconds
        plug = cast(socket.socket, self.sockets[-1])
        self.strangers.add(Stranger(len(self.sockets) - 1, SITE, plug, until))
        return self.clients[-1]

    async def until(self, happened: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not happened():  # noqa: ASYNC110  # in one turn of the loop or another
                await asyncio.sleep(0)

    def close(self) -> None:
        self.strangers.stop()
        for plug in (self._listener, *self.clients, *self.sockets):
            plug.close()


@contextmanager
def door() -> Iterator[Door]:
    opened = Door()
    opened.strangers.start()
    try:
        yield opened
    finally:
        opened.close()


async def turns_of_the_loop() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


@both_loops
@pytest.mark.parametrize("said", [RECORD, LARGEST, RECORD + RECORD], ids=["record", "largest", "more"])
def test_who_has_sent_a_record_is_listened_to(run: Run, said: bytes) -> None:
    async def story() -> None:
        with door() as opened:
            opened.come().sendall(said)
            await opened.until(lambda: opened.spoke == [0])
            assert (opened.strangers.take(0), opened.strangers.take(0), len(opened.strangers)) == (True, False, 0)
            there = opened.sockets[0].getsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT)
            assert (there, opened.sockets[0].recv(len(said), socket.MSG_PEEK)[:5]) == (1, said[:5])

    run(story())


@both_loops
@pytest.mark.parametrize("said", [PLAIN, TOO_LARGE, b"\x80\x2e\x01\x03\x01"], ids=["http", "too large", "SSL 2"])
def test_what_is_no_record_is_for_tls_to_refuse(run: Run, said: bytes) -> None:
    async def story() -> None:
        with door() as opened:
            opened.come().sendall(said)
            await opened.until(lambda: opened.spoke == [0])

    run(story())


@both_loops
def test_who_drips_is_not_looked_at_until_there_is_something(run: Run) -> None:
    async def story() -> None:
        with door() as opened:
            client = opened.come()
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            looks = []
            for byte in RECORD:
                client.sendall(bytes((byte,)))
                await turns_of_the_loop()
                looks.append(opened.sockets[0].looks)
            await opened.until(lambda: opened.spoke == [0])
            assert looks[3] == 0
            assert set(looks[5:-1]) == {1}, "for its head"

    run(story())


@both_loops
@pytest.mark.parametrize("said", [b"", RECORD[:3], RECORD[:40]], ids=["nothing", "little", "much"])
@pytest.mark.parametrize("reset", [False, True], ids=["closes", "resets"])
def test_who_leaves_is_gone(run: Run, said: bytes, reset: bool) -> None:
    async def story() -> None:
        with door() as opened:
            client = opened.come()
            client.sendall(said)
            await turns_of_the_loop()
            if reset:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            client.close()
            await opened.until(lambda: opened.left == [0])
            assert (opened.spoke, opened.sockets[0].fileno()) == ([], -1)

    run(story())


@both_loops
@pytest.mark.parametrize("has_spoken", [False, True])
def test_time_is_over_for_one_after_the_other(run: Run, has_spoken: bool) -> None:
    async def story() -> None:
        with door() as opened:
            for number in range(4):
                opened.come(PATIENCE if number == 3 else 0.0).sendall(RECORD if has_spoken else RECORD[:-1])
            before = 0
            while len(opened.left) < 3:
                await asyncio.sleep(0)
                assert len(opened.left) - before <= 1
                before = len(opened.left)
            assert (opened.left, len(opened.strangers)) == ([0, 1, 2], 1)

    run(story())


@both_loops
@pytest.mark.parametrize("leave", [False, True], ids=["speak", "leave"])
def test_of_many_at_once_a_few_are_seen_to_in_one_turn_of_the_loop(run: Run, leave: bool) -> None:
    async def story() -> None:
        many = 3 * LOOKS_AT_ONCE + 1
        with door() as opened:
            for _ in range(many):
                opened.come()
            for client in opened.clients:
                client.close() if leave else client.sendall(PLAIN)
            seen = opened.left if leave else opened.spoke
            before = 0
            while len(seen) < many:
                await asyncio.sleep(0)
                assert len(seen) - before <= LOOKS_AT_ONCE
                before = len(seen)

    run(story())


@both_loops
def test_who_is_dropped_is_closed_and_nobody_is_told(run: Run) -> None:
    async def story() -> None:
        with door() as opened:
            opened.come().sendall(PLAIN)
            opened.come()
            assert (opened.strangers.drop(0), opened.strangers.drop(0), opened.strangers.drop(7)) == (
                True,
                False,
                False,
            )
            await turns_of_the_loop()
            assert ([plug.fileno() == -1 for plug in opened.sockets], len(opened.strangers)) == ([True, False], 1)
            assert (opened.spoke, opened.left) == ([], [])

    run(story())


@both_loops
def test_a_dead_socket_is_not_taken(run: Run) -> None:
    async def story() -> None:
        with door() as opened:
            dead = socket.socket()
            dead.close()
            with pytest.raises(OSError, match="descriptor"):
                opened.strangers.add(Stranger(0, SITE, dead, PATIENCE))
            assert len(opened.strangers) == 0

    run(story())
