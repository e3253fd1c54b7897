"""One end of the boundary stream over asyncio: calls out, dispatch of calls in.

The only I/O here is reading and writing the stream. Requests are handled concurrently in the order they
arrive; at most MAX_IN_FLIGHT of each direction are open.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

from integritee.errors import IntegriteeError
from integritee.scale import Struct, codec

from .framing import Frame, FrameDecoder, FramingError, Kind, MalformedFrame, encode_frame
from .interface import Method, methods_of
from .messages import Failure

MAX_IN_FLIGHT: Final = 64
"""Requests one side may have open; more wait for a place."""

READ_SIZE: Final = 256 * 1024
CLOSED_CODE: Final = "boundary.closed"

Q = TypeVar("Q", bound=Struct)
A = TypeVar("A", bound=Struct)
Handler = Callable[[Any], Awaitable[Any]]
log = logging.getLogger(__name__)


class RemoteFailure(IntegriteeError):
    """The other side refused a request; `code` and facts are those of its error."""

    code = "boundary.remote"

    def __init__(self, failure: Failure) -> None:
        self.code = failure.code  # type: ignore[misc]  # the code is a fact of the instance here
        self._data = failure.data
        super().__init__(failure.message)

    def data(self) -> dict[str, str | int | bool | None]:
        facts: dict[str, str | int | bool | None] = json.loads(self._data)
        return facts


class StreamClosed(IntegriteeError):
    """The stream ended while a request was open."""

    code = CLOSED_CODE


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
                await self._send(Frame(Kind.REQUEST, number, method.number, method.encode_request(request)))
                return method.decode_answer(await answer)
            finally:
                self._open.pop(number, None)

    def notify(self, method: Method[Q, Any], notice: Q) -> None:
        """Tell the other side; no answer."""
        if not self._closed:
            self._writer.write(encode_frame(Frame(Kind.NOTICE, 0, method.number, method.encode_request(notice))))

    async def run(self) -> None:
        """Serve until the stream ends or breaks."""
        decoder = FrameDecoder()
        try:
            while data := await self._reader.read(READ_SIZE):
                for frame in decoder.feed(data):
                    await self._accept(frame)
        except (FramingError, ConnectionError) as broken:
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
        method = self._methods[frame.method]
        try:
            answer = await self._handlers[frame.method](method.decode_request(frame.payload))
        except IntegriteeError as failed:
            facts = json.dumps(failed.data())
            await self._fail(frame, Failure(failed.code, str(failed), facts))
        except Exception:
            log.exception("method %d failed", frame.method)
            await self._fail(frame, Failure("boundary.internal", "internal error", "{}"))
        else:
            if frame.kind is Kind.REQUEST:
                await self._send(Frame(Kind.REPLY, frame.id, frame.method, method.encode_answer(answer)))

    async def _fail(self, frame: Frame, failure: Failure) -> None:
        if frame.kind is Kind.NOTICE:
            log.warning("notice %d refused: %s (%s)", frame.method, failure.message, failure.code)
            return
        await self._send(Frame(Kind.FAILURE, frame.id, frame.method, codec(Failure).encode(failure)))

    async def _send(self, frame: Frame) -> None:
        self._writer.write(encode_frame(frame))
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
