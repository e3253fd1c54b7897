"""Both ends of the boundary over a real socket pair: calls, failures, notices, hostile bytes, and the end."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from integritee.boundary import endpoint as endpoint_module
from integritee.boundary import framing
from integritee.boundary.endpoint import MAX_IN_FLIGHT, Endpoint, RemoteFailure, StreamClosed, UnsentBacklog
from integritee.boundary.framing import Frame, FrameDecoder, Kind, encode_frame
from integritee.boundary.interface import Ecalls, Method, Ocalls
from integritee.boundary.messages import (
    EnclaveStatus,
    Failure,
    ImportBlocks,
    Nothing,
    PhaseChanged,
    RuntimeFacts,
    RuntimeUpdate,
    SyncState,
)
from integritee.errors import IntegriteeError
from integritee.primitives.ids import ParentchainId
from integritee.scale import codec

Handlers = dict[Method[Any, Any], Callable[[Any], Awaitable[Any]]]
UPDATE = RuntimeUpdate(ParentchainId.Integritee, RuntimeFacts(b"meta", 410, 8))


class Refused(IntegriteeError):
    code = "test.refused"

    def __init__(self, found: int) -> None:
        self.found = found
        super().__init__(f"refused {found}")


async def imports(request: ImportBlocks) -> SyncState:
    return SyncState(len(request.blocks), b"\x01" * 32, [b"key"], "grandpa")


async def refuses(update: RuntimeUpdate) -> Nothing:
    raise Refused(update.runtime.spec_version)


async def breaks(_: Nothing) -> EnclaveStatus:
    raise ZeroDivisionError("a secret in a message")


async def lies(_: Nothing) -> EnclaveStatus:
    return Nothing()  # type: ignore[return-value]


SERVED: Handlers = {Ecalls.import_blocks: imports, Ecalls.set_runtime: refuses, Ecalls.status: breaks}


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110  # nothing in the code under test announces it
        await asyncio.sleep(0)


class Pair:
    """An enclave's endpoint and either a host's, or the bare stream of a hostile one."""

    def __init__(self) -> None:
        self.notices: list[PhaseChanged] = []
        self.ended: asyncio.Task[None]

    async def open(self, handlers: Handlers, bare: bool = False) -> None:
        left, right = socket.socketpair()
        reader, writer = await asyncio.open_connection(sock=left)
        self.enclave = Endpoint(reader, writer, Ecalls, handlers)
        self.ended = asyncio.create_task(self.enclave.run())
        self.reader, self.writer = await asyncio.open_connection(sock=right)
        if not bare:
            self.host = Endpoint(self.reader, self.writer, Ocalls, {Ocalls.phase_changed: self.note})
            self.served = asyncio.create_task(self.host.run())

    async def note(self, notice: PhaseChanged) -> Nothing:
        self.notices.append(notice)
        if notice.phase == "bad":
            raise Refused(1)
        return Nothing()

    async def close(self) -> None:
        self.writer.close()
        await self.ended

    async def frame(self) -> Frame:
        decoder = FrameDecoder()
        while True:
            frames = decoder.feed(await self.reader.read(65536))
            if frames:
                return frames[0]


@pytest.fixture
async def pair() -> AsyncIterator[Pair]:
    pair = Pair()
    await pair.open(SERVED)
    yield pair
    await pair.close()


@pytest.fixture
async def hostile() -> AsyncIterator[Pair]:
    pair = Pair()
    await pair.open(SERVED, bare=True)
    yield pair
    await pair.close()


async def test_call(pair: Pair) -> None:
    answer = await pair.host.call(Ecalls.import_blocks, ImportBlocks(ParentchainId.Integritee, []))
    assert answer == SyncState(0, b"\x01" * 32, [b"key"], "grandpa")


async def test_many_calls_at_once_find_their_answers() -> None:
    waiting: list[asyncio.Event] = []

    async def slow(update: RuntimeUpdate) -> Nothing:
        event = asyncio.Event()
        waiting.append(event)
        await event.wait()
        raise Refused(update.runtime.spec_version)

    pair = Pair()
    await pair.open({Ecalls.set_runtime: slow})
    calls = [
        asyncio.create_task(
            pair.host.call(Ecalls.set_runtime, RuntimeUpdate(ParentchainId.Integritee, RuntimeFacts(b"", n, 0)))
        )
        for n in range(MAX_IN_FLIGHT + 10)
    ]
    await until(lambda: len(waiting) >= MAX_IN_FLIGHT)
    await asyncio.sleep(0.01)
    assert len(waiting) == MAX_IN_FLIGHT
    for event in reversed(waiting):
        event.set()
    await until(lambda: len(waiting) >= len(calls))
    for event in waiting:
        event.set()
    failures = await asyncio.gather(*calls, return_exceptions=True)
    assert [f.data() for f in failures] == [{"found": n} for n in range(len(calls))]  # type: ignore[union-attr]
    await pair.close()


async def test_a_refusal_keeps_code_text_and_facts(pair: Pair) -> None:
    with pytest.raises(RemoteFailure) as caught:
        await pair.host.call(Ecalls.set_runtime, UPDATE)
    assert (caught.value.code, str(caught.value), caught.value.data()) == (
        "test.refused",
        "refused 410",
        {"found": 410},
    )


async def test_an_unexpected_error_says_nothing_of_itself(pair: Pair) -> None:
    with pytest.raises(RemoteFailure) as caught:
        await pair.host.call(Ecalls.status, Nothing())
    assert (caught.value.code, str(caught.value), caught.value.data()) == ("boundary.internal", "internal error", {})


async def test_an_answer_that_cannot_be_encoded_is_a_failure() -> None:
    pair = Pair()
    await pair.open({Ecalls.status: lies})
    with pytest.raises(RemoteFailure) as caught:
        await pair.host.call(Ecalls.status, Nothing())
    assert caught.value.code == "scale.encode"
    await pair.close()


async def test_an_answer_that_is_too_long_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    async def talks(_: ImportBlocks) -> SyncState:
        return SyncState(0, bytes(32), [bytes(100)] * 100, "grandpa")

    monkeypatch.setattr(framing, "MAX_FRAME", 4096)
    pair = Pair()
    await pair.open({Ecalls.import_blocks: talks})
    with pytest.raises(RemoteFailure) as caught:
        await pair.host.call(Ecalls.import_blocks, ImportBlocks(ParentchainId.Integritee, []))
    assert caught.value.code == "boundary.frame_too_long"
    await pair.close()


async def test_a_method_nobody_handles() -> None:
    pair = Pair()
    await pair.open({})
    with pytest.raises(RemoteFailure) as caught:
        await pair.host.call(Ecalls.status, Nothing())
    assert caught.value.code == "boundary.internal"
    await pair.close()


async def test_notices(pair: Pair, caplog: pytest.LogCaptureFixture) -> None:
    sent = [PhaseChanged(ParentchainId.Integritee, phase, "", 7) for phase in ("first", "bad", "last")]
    for notice in sent:
        pair.enclave.notify(Ocalls.phase_changed, notice)
    await until(lambda: len(pair.notices) >= 3)
    assert pair.notices == sent
    await asyncio.sleep(0)
    assert "test.refused" in caplog.text


async def test_the_end_fails_what_is_open() -> None:
    forever = asyncio.Event()

    async def never(_: Nothing) -> EnclaveStatus:
        await forever.wait()
        raise Refused(0)

    pair = Pair()
    await pair.open({Ecalls.status: never})
    call = asyncio.create_task(pair.host.call(Ecalls.status, Nothing()))
    await asyncio.sleep(0.01)
    pair.ended.cancel()
    with pytest.raises(StreamClosed):
        await call
    with pytest.raises(StreamClosed):
        await pair.host.call(Ecalls.status, Nothing())
    pair.host.notify(Ocalls.phase_changed, PhaseChanged(ParentchainId.Integritee, "", "", 0))
    await pair.served


async def test_a_cancelled_call_does_not_confuse_the_next(pair: Pair) -> None:
    call = asyncio.create_task(pair.host.call(Ecalls.set_runtime, UPDATE))
    await asyncio.sleep(0)
    call.cancel()
    answer = await pair.host.call(Ecalls.import_blocks, ImportBlocks(ParentchainId.Integritee, []))
    assert answer.watched_keys == [b"key"]


async def test_a_host_that_does_not_read_is_given_up(hostile: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint_module, "MAX_UNSENT", 1 << 20)
    notice = PhaseChanged(ParentchainId.Integritee, "x" * 100_000, "", 0)
    with pytest.raises(UnsentBacklog) as caught:
        for _ in range(1000):
            hostile.enclave.notify(Ocalls.phase_changed, notice)
    assert caught.value.limit == 1 << 20
    await hostile.ended
    hostile.enclave.notify(Ocalls.phase_changed, notice)


# -- a hostile host

HOSTILE = [
    pytest.param(b"\xff" * 64, id="noise"),
    pytest.param(bytes(4), id="empty_frame"),
    pytest.param(encode_frame(Frame(Kind.REQUEST, 1, 99, b"")), id="unknown_method"),
    pytest.param(encode_frame(Frame(Kind.NOTICE, 0, 0, b"")), id="unknown_notice"),
]


@pytest.mark.parametrize("data", HOSTILE)
async def test_malformed_bytes_end_the_stream(hostile: Pair, data: bytes, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)
    hostile.writer.write(data)
    await hostile.ended
    assert await hostile.reader.read(1) == b""
    assert "boundary stream broken" in caplog.text


async def test_answers_nobody_asked_for_are_ignored(hostile: Pair) -> None:
    for kind in (Kind.REPLY, Kind.FAILURE):
        hostile.writer.write(encode_frame(Frame(kind, 1, 1, b"nonsense")))
    hostile.writer.write(encode_frame(Frame(Kind.REQUEST, 5, Ecalls.import_blocks.number, b"\x00\x00\x00")))
    frame = await hostile.frame()
    assert (frame.kind, frame.id) == (Kind.REPLY, 5)


async def test_a_malformed_request_is_refused_and_the_stream_goes_on(hostile: Pair) -> None:
    number = Ecalls.import_blocks.number
    hostile.writer.write(encode_frame(Frame(Kind.REQUEST, 5, number, b"\x07")))
    frame = await hostile.frame()
    failure: Failure = codec(Failure).decode(frame.payload)
    assert (frame.kind, frame.id, failure.code) == (Kind.FAILURE, 5, "scale.unknown_variant")
    hostile.writer.write(encode_frame(Frame(Kind.REQUEST, 6, number, b"\x00\x00\x00")))
    assert (await hostile.frame()).kind is Kind.REPLY


async def test_a_malformed_failure_ends_the_stream() -> None:
    """On the host's side: an enclave that answers nonsense is no partner any more."""
    left, right = socket.socketpair()
    reader, writer = await asyncio.open_connection(sock=left)
    host = Endpoint(reader, writer, Ocalls, {})
    served = asyncio.create_task(host.run())
    other_reader, other = await asyncio.open_connection(sock=right)
    call = asyncio.create_task(host.call(Ecalls.status, Nothing()))
    request = FrameDecoder().feed(await other_reader.read(1000))[0]
    other.write(encode_frame(Frame(Kind.FAILURE, request.id, request.method, b"\xff")))
    with pytest.raises(StreamClosed):
        await call
    await served
    other.close()
