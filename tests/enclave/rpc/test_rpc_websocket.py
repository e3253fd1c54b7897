"""Websocket clients on a transport of the tests': what they may do, who is next, and what each limit says."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Callable
from typing import Any

import pytest

from integritee.enclave.collector import collector_paused
from integritee.enclave.rpc.budget import Budget
from integritee.enclave.rpc.errors import TooManyClients
from integritee.enclave.rpc.frames import Message
from integritee.enclave.rpc.limits import ServerLimits
from integritee.enclave.rpc.turns import ROUND_SECONDS, TASK_SECONDS, Turns
from integritee.enclave.rpc.websocket import WebSocket

PER_ROUND = int(ROUND_SECONDS / TASK_SECONDS)
UPGRADE = (
    b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)
CONTINUED, TEXT, BINARY, PING = 0, 1, 2, 9


def frame(data: bytes, opcode: int = TEXT, fin: bool = True) -> bytes:
    """As a client sends it, under the mask 0."""
    length = bytes([0x80 | len(data)]) if len(data) < 126 else b"\xfe" + len(data).to_bytes(2, "big")
    return bytes([0x80 * fin | opcode]) + length + bytes(4) + data


class Wire(asyncio.Transport):
    """Keeps what is written; `unread` is what the client has left of it."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.unread = 0
        self.is_read = True
        self.resumed = asyncio.Event()
        self.is_closed = False

    def write(self, data: Any) -> None:
        self.written += data

    def get_write_buffer_size(self) -> int:
        return self.unread

    def pause_reading(self) -> None:
        self.is_read = False

    def resume_reading(self) -> None:
        self.is_read = True
        self.resumed.set()

    def is_closing(self) -> bool:
        return self.is_closed

    def close(self) -> None:
        self.is_closed = True

    abort = close

    def closing(self) -> tuple[int, bytes] | None:
        """Code and reason of a close frame, if that is what was written last."""
        at = self.written.rfind(b"\x88")
        length = self.written[at + 1]
        return int.from_bytes(self.written[at + 2 : at + 4], "big"), self.written[at + 4 : at + 2 + length]


class Server:
    """What websockets share, and what they heard, in order."""

    def __init__(self, held: int = 1 << 20, spared: int = 1000, **limits: Any) -> None:
        self.turns: Turns[int] = Turns(clock=lambda: 0.0)
        self.budget = Budget(held, spared)
        self.limits = ServerLimits(**limits)
        self.heard: list[tuple[int, Message]] = []
        self.wires: list[Wire] = []
        self.gate: asyncio.Event | None = None

    def client(self, refusal: TooManyClients | None = None) -> tuple[WebSocket, Wire]:
        async def hear(client: WebSocket, message: Message) -> None:
            self.heard.append((client.number, message))
            if self.gate is not None:
                await self.gate.wait()

        ignore: Callable[[WebSocket], None] = lambda _: None  # noqa: E731
        client = WebSocket(
            len(self.wires) + 1,
            self.limits,
            self.turns,
            self.budget,
            on_open=ignore,
            on_message=hear,
            on_close=ignore,
            refusal=refusal,
        )
        wire = Wire()
        self.wires.append(wire)
        client.connection_made(wire)
        client.data_received(UPGRADE)
        return client, wire


async def settle(rounds: int = 200) -> None:
    for _ in range(rounds):
        await asyncio.sleep(0)


async def test_one_message_of_a_quiet_client_comes_before_most_of_a_flood() -> None:
    server = Server(requests_per_connection=1000)
    (flooding, _), (honest, _) = server.client(), server.client()
    flooding.data_received(b"".join(frame(b"%d" % number) for number in range(500)))
    honest.data_received(frame(b"honest"))
    await settle(1000)
    numbers = [number for number, _ in server.heard]
    assert numbers.index(2) <= 2 * PER_ROUND * 2
    assert [message for number, message in server.heard if number == 1] == [str(n) for n in range(500)]


async def test_many_floods_cost_a_quiet_client_one_turn_each_at_most() -> None:
    server = Server()
    floods = [server.client()[0] for _ in range(50)]
    honest, _ = server.client()
    for client in floods:
        client.data_received(frame(b"x" * 50) * 32)
    await settle(50)
    already = len(server.heard)
    honest.data_received(frame(b"honest"))
    await settle(1000)
    assert [number for number, _ in server.heard].index(honest.number) - already <= 2 * PER_ROUND
    assert len(server.heard) == 50 * 32 + 1


async def test_the_next_piece_waits_for_room_and_the_client_is_not_read_from_meanwhile() -> None:
    server = Server(requests_per_connection=2, piece_bytes=64)
    server.gate = asyncio.Event()
    client, wire = server.client()
    client.data_received(frame(b"a" * 50) * 40)
    await settle()
    assert len(server.heard) == 2
    assert not wire.is_read
    server.gate.set()
    await settle(1000)
    assert len(server.heard) == 40
    assert wire.is_read


async def test_whose_replies_are_large_has_fewer_turns_a_round() -> None:
    server = Server()
    (large, _), (small, _) = server.client(), server.client()
    await large.reply(bytes(1 << 20))
    await small.reply(bytes(10))
    await settle()
    for client, expected in ((large, 1), (small, PER_ROUND)):
        server.heard.clear()
        client.data_received(b"".join(frame(b"%d" % number) for number in range(20)))
        for _ in range(50):
            await asyncio.sleep(0)
            if server.heard:
                break
        assert 0 < len(server.heard) <= expected
        await settle(1000)
        assert len(server.heard) == 20


async def test_large_messages_are_not_worked_on_together() -> None:
    server = Server(bytes_worked_on=500)
    server.gate = asyncio.Event()
    client, _ = server.client()
    for size in (600, 200, 200, 200, 200):
        client.data_received(frame(b"a" * size))
    await settle()
    assert [len(message) for _, message in server.heard] == [600]
    server.gate.set()
    server.gate = asyncio.Event()
    await settle()
    assert [len(message) for _, message in server.heard] == [600, 200, 200]
    server.gate.set()
    await settle()
    assert len(server.heard) == 5


async def test_whoever_sends_more_than_its_share_is_read_from_later() -> None:
    server = Server(bytes_at_once=1000, bytes_per_second=1_000_000)
    client, wire = server.client()
    client.data_received(frame(b"a" * 100) * 50)
    assert not wire.is_read
    await asyncio.wait_for(wire.resumed.wait(), 20)
    await settle(1000)
    assert len(server.heard) == 50
    assert wire.is_read


async def test_after_a_large_read_others_have_their_turns_also_when_all_is_discarded() -> None:
    server = Server(close_seconds=60, requests_per_connection=1000)
    clients = [server.client() for _ in range(10)]
    for client, _ in clients:
        client.close(1000, "enough")
    for client, _ in clients:
        client.data_received(bytes(2**18))
    await settle(2)
    assert sum(wire.is_read for _, wire in clients) < 10
    await settle(1000)
    assert all(wire.is_read for _, wire in clients)


@pytest.mark.parametrize(
    "idle, useful",
    [
        (frame(b"", PING), frame(b"hello")),
        (frame(b"", BINARY), frame(b"a" * 64, BINARY)),
        (
            frame(b"", TEXT, fin=False) + frame(b"", CONTINUED),
            frame(b"a" * 64, TEXT, fin=False) + frame(b"a" * 64, CONTINUED),
        ),
    ],
    ids=["pings", "binary", "fragments"],
)
async def test_frames_that_bring_nothing_are_few(idle: bytes, useful: bytes) -> None:
    server = Server(idle_frames=10, idle_frames_per_second=1e-6, close_seconds=60)
    client, wire = server.client()
    for _ in range(5):
        client.data_received(idle)
        client.data_received(useful * 5)
        await settle()
    assert client.is_open
    for _ in range(6):
        client.data_received(idle)
    assert wire.closing() == (1008, b"rpc.too_many_frames: too many frames that bring no message")
    assert not wire.is_read, "nor is what it still sends"
    client.connection_lost(None)
    assert server.budget.held == 0


def large(size: int) -> bytes:
    """The beginning of a text frame."""
    return b"\x81\xff" + size.to_bytes(8, "big") + bytes(4)


async def test_when_too_much_is_held_whoever_adds_to_it_goes_and_then_there_is_room_again() -> None:
    server = Server(held=10_000, spared=1000, close_seconds=60)
    (first, _), (second, wire), (small, _) = server.client(), server.client(), server.client()
    first.data_received(large(100_000) + b"a" * 8000)
    assert server.budget.held == 8000
    second.data_received(large(100_000) + b"a" * 500)
    assert second.is_open, "it is spared"
    second.data_received(b"a" * 2000)
    assert wire.closing() == (1013, b"rpc.too_much_held: 10000 bytes of messages are held already; try again later")
    small.data_received(frame(b"hello"))
    await settle()
    assert server.heard == [(3, "hello")]
    first.connection_lost(None)
    second.connection_lost(None)
    assert server.budget.held == 0
    again, _ = server.client()
    again.data_received(large(100_000) + b"a" * 9000)
    assert again.is_open


async def test_what_is_held_is_given_back_when_it_is_answered() -> None:
    server = Server()
    server.gate = asyncio.Event()
    client, _ = server.client()
    client.data_received(frame(b"a" * 100) + frame(b"b" * 50, fin=False))
    await settle()
    assert server.budget.held == 150
    server.gate.set()
    await settle()
    assert server.budget.held == 50
    client.data_received(frame(b"c" * 50, 0))
    await settle()
    assert server.budget.held == 0
    assert server.heard[-1] == (1, "b" * 50 + "c" * 50)


async def test_updates_that_are_not_read_are_too_many_at_some_point() -> None:
    server = Server(outgoing_bytes=1000, close_seconds=60)
    client, wire = server.client()
    wire.unread = 1001
    client.push(b"update")
    assert wire.closing() == (1008, b"rpc.slow_reader: replies and updates are not read")


async def test_replies_that_are_not_read_count() -> None:
    server = Server(held=10_000, spared=1000, close_seconds=60)
    client, wire = server.client()
    wire.unread = 10_001
    await client.reply(b"a")
    assert wire.closing() == (1013, b"rpc.too_much_held: 10000 bytes of messages are held already; try again later")


async def test_a_refusal_is_an_http_answer_with_a_code() -> None:
    _, wire = Server().client(refusal=TooManyClients(7))
    assert wire.written.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
    assert wire.written.endswith(
        b'{"code":"rpc.too_many_clients","message":"7 clients are served already; try again later","data":{"limit":7}}\n'
    )
    assert wire.is_closed


async def test_messages_that_wait_when_their_client_leaves_are_given_up() -> None:
    server = Server(requests_per_connection=2)
    server.gate = asyncio.Event()
    client, _ = server.client()
    client.data_received(frame(b"a" * 50) * 20)
    await settle()
    client.connection_lost(None)
    server.gate.set()
    await settle()
    assert len(server.heard) == 2
    assert server.budget.held == 0
    assert len(server.turns) == 0


async def test_nothing_of_a_connection_that_is_gone_waits_for_the_collector() -> None:
    """What lived through a full collection is never looked at again."""
    server = Server()
    client, _ = server.client()
    client.data_received(frame(b"hello"))
    await settle()
    left = [weakref.ref(client), weakref.ref(client._protocol)]
    with collector_paused():
        client.connection_lost(None)
        await settle()
        del client
        assert [each() for each in left] == [None, None]
