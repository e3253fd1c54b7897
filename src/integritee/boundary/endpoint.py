"""One end of the boundary stream over asyncio: calls out, dispatch of calls in.

The only I/O here is reading and writing the stream. Requests are handled concurrently in the order they
arrive; at most MAX_IN_FLIGHT of each direction are open. Whatever the other side does wrong ends the stream.

    EndpointError
    ├── RemoteFailure   the other side refused a request
    ├── StreamClosed    the stream ended while a request was open
    └── UnsentBacklog   the other side does not read
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final, TypeVar

from integritee.errors import IntegriteeError
from integritee.scale import DecodeError, Struct, codec

from .framing import Frame, FrameDecoder, FramingError, Kind, MalformedFrame, encode_frame
from .interface import Method, methods_of
from .messages import Failure

MAX_IN_FLIGHT: Final = 64
"""Requests one side may have open; more wait for a place."""

MAX_UNSENT: Final = 128 * 1024 * 1024
"""Bytes that may wait for the other side to read; beyond, the stream is given up."""

READ_SIZE: Final = 256 * 1024
CLOSED_CODE: Final = "boundary.closed"

Q = TypeVar("Q", bound=Struct)
A = TypeVar("A", bound=Struct)
Handler = Callable[[Any], Awaitable[Any]]
log = logging.getLogger(__name__)


class EndpointError(IntegriteeError):
    """A request over the boundary failed."""

    code = "boundary.endpoint"


class RemoteFailure(EndpointError):
    """The other side refused a request; `code` and facts are those of its error."""

    code = "boundary.remote"

    def __init__(self, failure: Failure) -> None:
        self.code = failure.code  # type: ignore[misc]  # the code is a fact of the instance here
        self._data = failure.data
        super().__init__(failure.message)

    def data(self) -> dict[str, str | int | bool | None]:
        facts: dict[str, str | int | bool | None] = json.loads(self._data)
        return facts


class StreamClosed(EndpointError):
    """The stream ended while a request was open."""

    code = CLOSED_CODE


class UnsentBacklog(EndpointError):
    """The other side does not read what it is told."""

    code = "boundary.unsent_backlog"

    def __init__(self, found: int, limit: int) -> None:
        self.found, self.limit = found, limit
        super().__init__(f"{found} bytes wait for the other side, {limit} is the limit")


class Endpoint:
    """Both roles of one side: `call` and `notify` the other interface, serve the own one.

    `handlers` maps methods of the served interface to coroutines. `run` returns when the stream ends.
    """

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        served: type,
        handlers: dict[Method[Any, Any], Handler],
    ) -> None:
        self._reader, self._writer = reader, writer
        self._methods = methods_of(served)
        self._handlers = {m.number: h for m, h in handlers.items()}
        self._open: dict[int, asyncio.Future[bytes]] = {}
        self._next_id = 0
        self._outgoing = asyncio.Semaphore(MAX_IN_FLIGHT)
        self._incoming = asyncio.Semaphore(MAX_IN_FLIGHT)
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False

    async def call(self, method: Method[Q, A], request: Q) -> A:
        """Ask the other side. Raises RemoteFailure with its error, StreamClosed if it went away."""
        async with self._outgoing:
            if self._closed:
                raise StreamClosed("the boundary stream is closed")
            self._next_id += 1
            answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
            self._open[self._next_id] = answer
            number = self._next_id
            try:
                frame = Frame(Kind.REQUEST, number, method.number, method.encode_request(request))
                await self._write(encode_frame(frame))
                return method.decode_answer(await answer)
            finally:
                self._open.pop(number, None)

    def notify(self, method: Method[Q, Any], notice: Q) -> None:
        """Tell the other side; no answer. Raises FrameTooLong; UnsentBacklog, and the stream is closed then."""
        if self._closed:
            return
        frame = encode_frame(Frame(Kind.NOTICE, 0, method.number, method.encode_request(notice)))
        backlog = self._writer.transport.get_write_buffer_size()
        if backlog + len(frame) > MAX_UNSENT:
            self._closed = True
            self._writer.transport.abort()
            raise UnsentBacklog(backlog, MAX_UNSENT)
        self._writer.write(frame)

    async def run(self) -> None:
        """Serve until the stream ends or breaks."""
        decoder = FrameDecoder()
        try:
            while data := await self._reader.read(READ_SIZE):
                for frame in decoder.feed(data):
                    await self._accept(frame)
        except (FramingError, DecodeError, ConnectionError) as broken:
            log.error("boundary stream broken: %s", broken)
        finally:
            await self._shut()

    async def _accept(self, frame: Frame) -> None:
        if frame.kind in (Kind.REPLY, Kind.FAILURE):
            waiting = self._open.get(frame.id)
            if waiting is None or waiting.done():
                return  # answers nobody waits for are ignored, never acted on
            if frame.kind is Kind.REPLY:
                waiting.set_result(frame.payload)
            else:
                waiting.set_exception(RemoteFailure(codec(Failure).decode(frame.payload)))
            return
        if frame.method not in self._methods:
            raise MalformedFrame(f"method {frame.method}")
        await self._incoming.acquire()
        task = asyncio.create_task(self._handle(frame))
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._incoming.release()

    async def _handle(self, frame: Frame) -> None:
        try:
            reply = await self._reply(frame)
        except IntegriteeError as failed:
            reply = self._failure(frame, Failure(failed.code, str(failed), json.dumps(failed.data())))
        except Exception:
            log.exception("method %d failed", frame.method)
            reply = self._failure(frame, Failure("boundary.internal", "internal error", "{}"))
        if frame.kind is Kind.REQUEST and not self._closed:
            with suppress(StreamClosed):  # then `run` ends, and with it whoever waits
                await self._write(reply)

    async def _reply(self, frame: Frame) -> bytes:
        method = self._methods[frame.method]
        answer = await self._handlers[frame.method](method.decode_request(frame.payload))
        return encode_frame(Frame(Kind.REPLY, frame.id, frame.method, method.encode_answer(answer)))

    @staticmethod
    def _failure(frame: Frame, failure: Failure) -> bytes:
        if frame.kind is Kind.NOTICE:
            log.warning("notice %d refused: %s (%s)", frame.method, failure.message, failure.code)
        return encode_frame(Frame(Kind.FAILURE, frame.id, frame.method, codec(Failure).encode(failure)))

    async def _write(self, frame: bytes) -> None:
        self._writer.write(frame)
        try:
            await self._writer.drain()
        except ConnectionError:
            raise StreamClosed("the boundary stream is closed") from None

    async def _shut(self) -> None:
        self._closed = True
        for waiting in self._open.values():
            if not waiting.done():
                waiting.set_exception(StreamClosed("the boundary stream is closed"))
        for task in list(self._tasks):
            task.cancel()
        self._writer.close()
