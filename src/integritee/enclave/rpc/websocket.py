"""One websocket connection as an asyncio protocol, on top of the sans-IO half of `websockets` (RFC 6455).

It costs no task while idle. What a client can make us hold is bounded: while `requests_per_connection` of
its messages are worked on, or it does not read its replies, nothing more is read from it; and if it leaves
too many bytes unread, or any for too long, it is dropped.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeAlias, cast

from websockets.exceptions import InvalidState
from websockets.frames import CloseCode, Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import SEND_EOF, State
from websockets.server import ServerProtocol

from .limits import ServerLimits

log = logging.getLogger(__name__)

# The library prints frames at level DEBUG, with what clients sent; a level of its own keeps it from that.
_library_log = logging.getLogger(__name__ + ".protocol")
_library_log.setLevel(logging.WARNING)

SLOW_READER: Final = "replies and updates are not read"
TEXT_NOT_UTF8: Final = "text is not UTF-8"
TOO_MANY_FRAGMENTS: Final = "too many fragments"

OnMessage: TypeAlias = "Callable[[WebSocket, str], Awaitable[None]]"
OnState: TypeAlias = "Callable[[WebSocket], None]"


class WebSocket(asyncio.Protocol):
    """A client. `on_message` runs per text message, in order of arrival up to its first await.

    `on_open` is called after the upgrade, `on_close` once for every socket. With a `refusal` the upgrade is
    answered with 503 and that text.
    """

    def __init__(
        self,
        number: int,
        limits: ServerLimits,
        *,
        on_open: OnState,
        on_message: OnMessage,
        on_close: OnState,
        refusal: str | None = None,
    ) -> None:
        self.number = number
        self._limits = limits
        self._on_open = on_open
        self._on_message = on_message
        self._on_close = on_close
        self._refusal = refusal
        self._protocol = ServerProtocol(max_size=limits.message_bytes, logger=_library_log)
        self._transport: asyncio.Transport | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._fragments: list[bytes | bytearray | memoryview] = []
        self._is_text = True
        self._sent_binary = False
        self._waiting: deque[str] = deque()
        self._running: set[asyncio.Task[None]] = set()
        self._writable = asyncio.Event()
        self._writable.set()
        self._reading_paused = False
        self._unsent = 0

    # What the server does with a connection

    @property
    def was_connected(self) -> bool:
        """Whether TLS came about, so that `on_close` was called or will be."""
        return self._transport is not None

    @property
    def is_open(self) -> bool:
        """Whether messages can be sent."""
        return self._protocol.state is State.OPEN

    async def reply(self, text: bytes) -> None:
        """Send a text message once the client reads; does nothing for a connection that is gone."""
        while not self._writable.is_set():
            await self._writable.wait()
        self._send(text)

    def push(self, text: bytes) -> None:
        """Send a text message now; drops the client if too much waits for it already."""
        if self._outgoing() > self._limits.outgoing_bytes:
            self._drop_slow_reader()
        self._send(text)

    def close(self, code: int, reason: str) -> None:
        """Start closing; the socket goes away within `close_seconds`."""
        if self._protocol.state is State.OPEN:
            self._protocol.send_close(code, reason)
            self._flush()
            self._await_close()
        elif self._protocol.state is State.CONNECTING:
            self.abort()

    def abort(self) -> None:
        """Drop the socket and what waits in it."""
        if self._transport is not None:
            self._transport.abort()

    def cancel(self) -> set[asyncio.Task[None]]:
        """Stop working on this client's messages; returns the tasks to wait for."""
        self._waiting.clear()
        for task in self._running:
            task.cancel()
        return self._running.copy()

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._set_deadline(self._limits.handshake_seconds, self.abort)

    def data_received(self, data: bytes) -> None:
        self._protocol.receive_data(data)
        for event in self._protocol.events_received():
            if isinstance(event, Frame):
                self._frame_received(event)
            elif isinstance(event, Request):
                self._upgrade(event)
        self._flush()
        self._pump()

    def eof_received(self) -> None:
        self._protocol.receive_eof()

    def connection_lost(self, exc: Exception | None) -> None:
        self._protocol.receive_eof()
        self._clear_deadline()
        self._waiting.clear()
        self._writable.set()  # replies under way find the connection closed
        self._on_close(self)

    def pause_writing(self) -> None:
        self._writable.clear()
        if self.is_open:
            self._set_deadline(self._limits.stall_seconds, self._drop_slow_reader)
        self._pump()

    def resume_writing(self) -> None:
        self._writable.set()
        if self.is_open:
            self._clear_deadline()
        self._pump()

    # Receiving

    def _upgrade(self, request: Request) -> None:
        if self._refusal is None:
            response = self._protocol.accept(request)
        else:
            response = self._protocol.reject(503, self._refusal + "\n")
        self._protocol.send_response(response)
        if self.is_open:
            self._clear_deadline()
            self._on_open(self)

    def _frame_received(self, frame: Frame) -> None:
        if frame.opcode in (Opcode.TEXT, Opcode.BINARY):
            self._is_text = frame.opcode is Opcode.TEXT
        elif frame.opcode is not Opcode.CONT:
            return
        self._fragments.append(frame.data if self._is_text else b"")
        if len(self._fragments) > self._limits.fragments_per_message:
            self._fail(CloseCode.MESSAGE_TOO_BIG, TOO_MANY_FRAGMENTS)
            self._fragments.clear()
        if not frame.fin:
            return
        fragments, self._fragments = self._fragments, []
        if not self._is_text:
            self._note_binary()
            return
        try:
            self._waiting.append(b"".join(fragments).decode())
        except UnicodeDecodeError:
            self._fail(CloseCode.INVALID_DATA, TEXT_NOT_UTF8)

    def _note_binary(self) -> None:
        if not self._sent_binary:  # once, lest a client fills the log
            log.info("connection %d: binary messages are dropped", self.number)
        self._sent_binary = True

    def _pump(self) -> None:
        """Start waiting messages while there is room, and let the client wait while there is none."""
        limit = self._limits.requests_per_connection
        while self._waiting and len(self._running) < limit and self._writable.is_set():
            task = asyncio.get_running_loop().create_task(self._work(self._waiting.popleft()))
            self._running.add(task)
            task.add_done_callback(self._work_done)
        transport = self._transport
        pause = self.is_open and (bool(self._waiting) or not self._writable.is_set())
        if transport is None or transport.is_closing() or pause == self._reading_paused:
            return
        self._reading_paused = pause
        if pause:
            transport.pause_reading()
        else:
            transport.resume_reading()

    async def _work(self, message: str) -> None:
        await self._on_message(self, message)

    def _work_done(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (defect := task.exception()) is not None:
            log.error("connection %d: handling a message failed: %s", self.number, type(defect).__name__)
            self.abort()
        self._pump()

    # Sending and closing

    def _send(self, text: bytes) -> None:
        """Queue a message: all that one turn of the event loop has to say leaves in one piece."""
        try:
            self._protocol.send_text(text)
        except InvalidState:  # closed while the reply was worked out
            return
        if self._unsent == 0:
            asyncio.get_running_loop().call_soon(self._flush)
        self._unsent += len(text)

    def _flush(self) -> None:
        self._unsent = 0
        transport = self._transport
        if transport is None:
            return
        writes = self._protocol.data_to_send()
        if data := b"".join(writes):
            transport.write(data)
        if SEND_EOF not in writes:
            return
        if self._protocol.close_rcvd is not None or self._protocol.state is State.CONNECTING:
            transport.close()
        else:  # we end this one-sidedly: what the peer still sends is read, lest a reset eats our words
            self._await_close()

    def _fail(self, code: int, reason: str) -> None:
        self._protocol.fail(code, reason)
        self._flush()

    def _drop_slow_reader(self) -> None:
        if self.is_open:
            log.info("connection %d dropped: %s", self.number, SLOW_READER)
            self._fail(CloseCode.POLICY_VIOLATION, SLOW_READER)

    def _await_close(self) -> None:
        """Give the peer a moment to read our last words, then drop the socket."""
        self._waiting.clear()
        self._pump()
        self._set_deadline(self._limits.close_seconds, self.abort)

    def _outgoing(self) -> int:
        return self._unsent + (0 if self._transport is None else self._transport.get_write_buffer_size())

    def _set_deadline(self, seconds: float, action: Callable[[], Any]) -> None:
        self._clear_deadline()
        self._deadline = asyncio.get_running_loop().call_later(seconds, action)

    def _clear_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
