"""Frames taken apart by hand say what the library says of them, however they are cut."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode

from integritee.enclave.rpc.frames import is_one_frame, size_of, text_size, whole_text
from integritee.enclave.rpc.limits import ServerLimits

from .test_rpc_websocket import Server, settle

LENGTHS = (0, 1, 125, 126, 127, 65_535)


def sent(data: bytes, opcode: Opcode = Opcode.TEXT, fin: bool = True) -> bytes:
    """As a client sends it, under a random mask."""
    return Frame(opcode, data, fin).serialize(mask=True)


@pytest.mark.parametrize("length", LENGTHS)
def test_a_text_alone_is_taken_apart(length: int) -> None:
    text = bytes(place % 251 for place in range(length))
    data = sent(text)
    assert whole_text(data) == whole_text(memoryview(data)) == text
    assert size_of([Frame(Opcode.TEXT, text)]) == len(data)
    assert text_size(data) == text_size(memoryview(data + b"\x81")) == len(data)
    assert is_one_frame(data) and not is_one_frame(data + b"\0")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        sent(b"cut")[:-1],
        sent(b"and more") + b"\x81",
        sent(b"x" * 65_536),
        sent(b"binary", Opcode.BINARY),
        sent(b"first", fin=False),
        sent(b"rest", Opcode.CONT),
        sent(b"ping", Opcode.PING),
        b"\xc1" + sent(b"reserved bit")[1:],
        Frame(Opcode.TEXT, b"no mask").serialize(mask=False),
    ],
    ids=["nothing", "cut", "more", "64 KiB", "binary", "first part", "rest", "ping", "reserved", "no mask"],
)
def test_all_else_is_the_librarys(data: bytes) -> None:
    assert whole_text(data) is None


messages = st.lists(st.text(max_size=150) | st.sampled_from([b"ping", b"binary"]) | st.tuples(st.text(), st.text()))


@given(messages, st.data())
def test_what_is_heard_does_not_depend_on_where_it_is_cut(said: list[object], data: st.DataObject) -> None:
    wire, texts = b"", []
    for each in said:
        match each:
            case str():
                wire += sent(each.encode())
                texts.append(each)
            case (str() as first, str() as rest):
                wire += sent(first.encode(), fin=False) + sent(b"", Opcode.PING) + sent(rest.encode(), Opcode.CONT)
                texts.append(first + rest)
            case b"ping":
                wire += sent(b"", Opcode.PING)
            case _:
                wire += sent(b"binary", Opcode.BINARY)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(wire)), max_size=12)))
    assert run(wire, cuts) == texts


def run(wire: bytes, cuts: list[int]) -> list[str | bytes]:
    """What a server hears of these bytes, cut at these places."""

    async def hear() -> list[str | bytes]:
        server = Server(idle_frames=1000, requests_per_connection=1000)
        client, _ = server.client()
        for start, end in zip([0, *cuts], [*cuts, len(wire)], strict=True):
            client.data_received(wire[start:end])
            await settle(3)
        await settle()
        return [message for _, message in server.heard]

    return asyncio.run(hear())


async def test_a_text_that_is_too_long_is_refused_alike() -> None:
    server = Server(message_bytes=100)
    client, wire = server.client()
    client.data_received(sent(b"x" * 101))
    await settle()
    assert wire.closing() is not None and wire.closing()[0] == 1009  # type: ignore[index]
    assert server.heard == [] and ServerLimits().message_bytes > 101


async def test_a_text_within_a_message_of_several_frames_is_refused() -> None:
    server = Server()
    client, wire = server.client()
    client.data_received(sent(b"first", fin=False))
    client.data_received(sent(b"whole"))
    await settle()
    assert wire.closing() is not None and wire.closing()[0] == 1002  # type: ignore[index]
    assert server.heard == []
