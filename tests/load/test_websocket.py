"""Frames of the light client, beside what the library `websockets` makes and reads."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.asyncio.server import ServerConnection, serve
from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader

from integritee.load.errors import HandshakeRefused
from integritee.load.websocket import LENGTH_16, MAX_MESSAGE, PING, TEXT, Frames, WebSocketClient, framed


@given(
    st.binary(max_size=300) | st.sampled_from([bytes(125), bytes(126), bytes(65535), bytes(65536)]),
    st.binary(min_size=4, max_size=4),
)
def test_the_library_reads_what_is_framed(text: bytes, mask: bytes) -> None:
    assert _parsed(framed(text, mask)) == Frame(Opcode.TEXT, text)


def _parsed(data: bytes) -> Frame:
    reader = StreamReader()
    reader.feed_data(data)
    steps = Frame.parse(reader.read_exact, mask=True)
    with pytest.raises(StopIteration) as ended:
        next(steps)
    frame: Frame = ended.value.value
    return frame


@given(
    st.lists(st.tuples(st.sampled_from([Opcode.TEXT, Opcode.PING]), st.binary(max_size=200)), max_size=8),
    st.lists(st.integers(1, 50), min_size=1),
)
def test_frames_arrive_however_the_stream_is_cut(sent: list[tuple[Opcode, bytes]], cuts: list[int]) -> None:
    stream = b"".join(Frame(opcode, data).serialize(mask=False) for opcode, data in sent)
    frames, found, at, turn = Frames(), [], 0, 0
    while at < len(stream):
        size = cuts[turn % len(cuts)]
        found += frames.feed(stream[at : at + size])
        at, turn = at + size, turn + 1
    assert found == [(int(opcode), True, data) for opcode, data in sent]


@pytest.mark.parametrize(
    "data",
    [framed(b"masked", bytes(4)), bytes((0x81, 127)) + (MAX_MESSAGE + 1).to_bytes(8, "big")],
    ids=["masked by a server", "too long"],
)
def test_no_frames_of_a_server(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"mask|long"):
        list(Frames().feed(data))


Talk = Callable[[ServerConnection], Any]


async def _heard(talk: Talk, count: int) -> list[bytes]:
    """What a client hears of a server that has nothing but this to say."""
    heard: list[bytes] = []
    enough = asyncio.Event()

    def note(text: bytes) -> None:
        heard.append(text)
        if len(heard) == count:
            enough.set()

    async with serve(talk, "127.0.0.1", 0, compression=None) as server:
        port = server.sockets[0].getsockname()[1]
        client = await WebSocketClient.open(f"ws://127.0.0.1:{port}", note, enough.set)
        client.send(framed(b"hello", b"abcd", TEXT))
        await enough.wait()
        client.close()
    return heard


async def test_a_library_server_is_talked_to() -> None:
    async def talk(connection: ServerConnection) -> None:
        said = await connection.recv()
        await (await connection.ping())
        await connection.send(said)
        await connection.send(["in ", "pieces"])
        await connection.send("x" * (LENGTH_16 + 1))

    assert await _heard(talk, 3) == [b"hello", b"in pieces", b"x" * (LENGTH_16 + 1)]


async def test_a_question_has_the_next_message_for_its_answer() -> None:
    async def talk(connection: ServerConnection) -> None:
        async for said in connection:
            await connection.send(f"{said}?")

    heard: list[bytes] = []
    async with serve(talk, "127.0.0.1", 0, compression=None) as server:
        port = server.sockets[0].getsockname()[1]
        client = await WebSocketClient.open(f"ws://127.0.0.1:{port}", heard.append, lambda: None)
        assert await client.ask(framed(b"who", b"abcd")) == b"who?"
        client.close()
    assert heard == []


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 404 Not Found\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: bm8=\r\n\r\n",
        b"",
    ],
    ids=["another thing", "a wrong key", "hangs up"],
)
async def test_no_websocket(answer: bytes) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(HandshakeRefused):
            await WebSocketClient.open(f"ws://127.0.0.1:{port}", lambda _: None, lambda: None)


def test_a_ping_is_framed_like_text() -> None:
    assert _parsed(framed(b"?", b"abcd", PING)) == Frame(Opcode.PING, b"?")
