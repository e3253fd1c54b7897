"""Frames taken apart by hand say what the library says of them, however they are cut."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode

from integritee.enclave.rpc.frames import LONG_HEAD, is_one_frame, size_of, text_size, whole_text
from integritee.enclave.rpc.limits import MAX_READ_AS_A_WHOLE, MAX_STRUCTURED_BYTES, ServerLimits

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


long_texts = st.builds("".__class__.__mul__, st.sampled_from(["y", "äx"]), st.sampled_from([65_536, 140_000]))
messages = st.lists(
    st.text(max_size=150) | st.sampled_from([b"ping", b"binary"]) | st.tuples(st.text(), st.text()) | long_texts,
    max_size=12,
)


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


def run(wire: bytes, cuts: list[int]) -> list[str]:
    """What a server hears of these bytes, cut at these places."""

    async def hear() -> list[str]:
        server = Server(held=1 << 26, idle_frames=1000, requests_per_connection=1000)
        client, _ = server.client()
        for start, end in zip([0, *cuts], [*cuts, len(wire)], strict=True):
            client.data_received(wire[start:end])
            await settle(3)
        await settle()
        return [message if isinstance(message, str) else message.decode() for _, message in server.heard]

    return asyncio.run(hear())


@pytest.mark.parametrize("cut", range(LONG_HEAD + 2))
def test_the_head_of_a_long_text_may_be_cut_anywhere(cut: int) -> None:
    text = "z" * (MAX_STRUCTURED_BYTES + 3)
    wire = sent(b"before") + sent(text.encode()) + sent(b"behind")
    start = len(sent(b"before"))
    assert run(wire, [start, start + cut]) == ["before", text, "behind"]


@pytest.mark.parametrize(
    ("frames", "is_heard"),
    [
        ([sent(b"x" * (MAX_READ_AS_A_WHOLE + 1))], True),
        ([sent(b"x" * ServerLimits().message_bytes)], True),
        ([sent(b"x" * (ServerLimits().message_bytes + 1))], False),
        ([sent(b"x" * MAX_READ_AS_A_WHOLE, fin=False), sent(b"x", Opcode.CONT)], False),
        ([sent(b"x" * (MAX_READ_AS_A_WHOLE - 1), fin=False), sent(b"x", Opcode.CONT)], True),
        ([sent(b"x" * (MAX_READ_AS_A_WHOLE + 1), Opcode.BINARY)], False),
    ],
    ids=["long", "longest", "too long", "too long in parts", "long in parts", "too long and no text"],
)
async def test_only_a_text_of_one_frame_may_be_longer_than_the_library_takes(
    frames: list[bytes], is_heard: bool
) -> None:
    server = Server(held=1 << 26)
    client, wire = server.client()
    data = b"".join(frames)
    for start in range(0, len(data), 256 * 1024):
        client.data_received(data[start : start + 256 * 1024])
        await settle(20)
    await settle(1000)
    assert len(server.heard) == is_heard
    assert client.is_open is is_heard
    assert is_heard or (wire.closing() or (0,))[0] == 1009


async def test_a_long_text_of_one_who_leaves_is_forgotten() -> None:
    server = Server(held=1 << 26)
    client, _ = server.client()
    client.data_received(sent(b"x" * (1 << 20))[:-1])
    await settle(1000)
    assert server.budget.held >= (1 << 20) - 1
    client.connection_lost(None)
    assert server.heard == [] and server.budget.held == 0


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
