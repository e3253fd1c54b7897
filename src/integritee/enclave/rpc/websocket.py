"""One websocket connection as an asyncio protocol, on top of the sans-IO half of `websockets` (RFC 6455).

It costs no task while idle. What a client can make us hold is bounded: while `requests_per_connection` of
its messages are worked on, or it does not read its replies, or has sent more than its share of bytes, nothing more is
read from it; and if it leaves too many bytes unread, or any for too long, it is dropped.

What it can make us do is bounded, too: its messages, and pieces of what it sends, are worked on in turns (`turns`).
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final, TypeAlias, cast

import msgspec
from websockets.frames import CloseCode, Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import SEND_EOF, State
from websockets.server import ServerProtocol

from .budget import Budget
from .errors import Closing, Reason, SlowReader, TooManyFrames, TooMuchHeld
from .frames import Message, is_one_frame, text_head, text_size
from .incoming import Incoming
from .limits import MAX_READ_AS_A_WHOLE, MAX_STRUCTURED_BYTES, ServerLimits
from .pieces import Pieces
from .rate import TokenBucket
from .turns import TASK_SECONDS, Turns

log = logging.getLogger(__name__)

# The library prints frames at level DEBUG, with what clients sent; a level of its own keeps it from that.
_library_log = logging.getLogger(__name__ + ".protocol")
_library_log.setLevel(logging.WARNING)

LARGE_READ: Final = 32 * 1024
"""Bytes that came at once, before more of which others have their turns: deciphering TLS takes the loop's time."""

SECONDS_PER_BYTE: Final = 2e-9
"""What TLS takes of it, about."""

SECONDS_PER_BYTE_SENT: Final = 4e-9
"""What making a reply takes, and TLS, about."""

TEXT_NOT_UTF8: Final = "text is not UTF-8"
TOO_MANY_FRAGMENTS: Final = "too many fragments"

OnMessage: TypeAlias = "Callable[[WebSocket, Message], Awaitable[None]]"
OnState: TypeAlias = "Callable[[WebSocket], None]"


class WebSocket(asyncio.Protocol):
    """A client. `on_message` runs per text message, in order of arrival up to its first await.

    `on_open` is called after the upgrade, `on_close` once for every socket. With a `refusal` the upgrade is
    answered with 503 and that error as JSON. `turns` and `budget` are shared by all clients.
    """

    def __init__(
        self,
        number: int,
        limits: ServerLimits,
        turns: Turns[int],
        budget: Budget,
        *,
        on_open: OnState,
        on_message: OnMessage,
        on_close: OnState,
        refusal: Closing | None = None,
    ) -> None:
        self.number = number
        self._limits = limits
        self._turns = turns
        self._budget = budget
        self._on_open = on_open
        self._on_message = on_message
        self._on_close = on_close
        self._refusal = refusal
        most = min(limits.message_bytes, MAX_READ_AS_A_WHOLE)  # of frames that the library takes apart
        self._protocol = ServerProtocol(max_size=most, logger=_library_log)
        self._incoming = Incoming(self._protocol, limits.message_bytes)
        self._transport: asyncio.Transport | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._fragments: list[bytes | bytearray | memoryview] = []
        self._is_text = True
        self._sent_binary = False
        self._pieces = Pieces(limits.piece_bytes, limits.large_piece_bytes)
        self._piece_is_due = self._read_is_due = False
        self._bytes = TokenBucket(limits.bytes_per_second, limits.bytes_at_once)
        self._unpaid = 0
        """Bytes sent and received that `_bytes` was not asked for yet."""
        self._rest: asyncio.TimerHandle | None = None
        self._idle_frames = TokenBucket(limits.idle_frames_per_second, limits.idle_frames)
        self._waiting: deque[Message] = deque()
        self._task_seconds = TASK_SECONDS
        """What its next message will cost, judged by the last reply."""
        self._due = 0
        """Messages that wait for their turn."""
        self._worked_on = 0
        """Characters of those and of the ones that are worked on."""
        self._message_bytes = 0
        """Of messages and fragments that were read, until they are answered."""
        self._held = 0
        """What `budget` knows of."""
        self._running: set[asyncio.Task[None]] = set()
        self._is_cancelled = self._is_gone = self._is_dropped = False
        self._writable = asyncio.Event()
        self._writable.set()
        self._reading_paused = False
        self._unsent = 0
        self._frames: list[bytes] = []
        """Heads and bodies of text frames that leave with the next piece."""

    # What the server does with a connection

    @property
    def was_connected(self) -> bool:
        """Whether TLS came about, so that `on_close` was called or will be."""
        return self._transport is not None

    @property
    def is_open(self) -> bool:
        """Whether messages can be sent."""
        return self._protocol.state is State.OPEN

    async def reply(self, text: bytes, push_more: Callable[[], None] | None = None) -> None:
        """Send a text message once the client reads; does nothing for a connection that is gone.

        What `push_more` pushes leaves in one piece with it: a piece is a TLS record, and costs a system call.
        """
        while not self._writable.is_set():
            await self._writable.wait()
        self._task_seconds = TASK_SECONDS + len(text) * SECONDS_PER_BYTE_SENT
        self._send(text)
        if push_more is not None:
            push_more()
        is_last = len(self._running) == 1 and not self._waiting and not self._pieces.size
        if is_last:  # else more is about to be said, and leaves in one piece with this
            self._flush()

    def push(self, text: bytes) -> None:
        """Send a text message now; drops the client if too much waits for it already."""
        if self._outgoing() > self._limits.outgoing_bytes:
            self.drop(SlowReader())
        self._send(text)

    def close(self, code: int, reason: str) -> None:
        """Start closing; the socket goes away within `close_seconds`."""
        if self._protocol.state is State.OPEN:
            self._protocol.send_close(code, reason)
            self._flush()
            self._await_close()
        elif self._protocol.state is State.CONNECTING:
            self.abort()

    def drop(self, why: Closing) -> None:
        """End the connection one-sidedly; nothing is read from it any more."""
        if self.is_open:
            log.info("connection %d dropped: %s", self.number, why)
            self._is_dropped = True
            self._pieces.clear()
            self._fail(why.close_code, why.words)
        else:
            self.abort()

    def abort(self) -> None:
        """Drop the socket and what waits in it."""
        if self._transport is not None:
            self._transport.abort()

    def cancel(self) -> set[asyncio.Task[None]]:
        """Stop working on this client's messages; returns the tasks to wait for."""
        self._forget_waiting()
        self._is_cancelled = True
        for task in self._running:
            task.cancel()
        return self._running.copy()

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._set_deadline(self._limits.handshake_seconds, self.abort)

    def data_received(self, data: bytes) -> None:
        if self._is_dropped:
            return
        self._unpaid += len(data)
        if len(data) >= LARGE_READ and not self._read_is_due:
            self._read_is_due = True
            self._turns.take(self.number, self._may_read, len(data) * SECONDS_PER_BYTE)
        is_next = not self._pieces.size
        if is_next and (self._pieces.is_one(data) or (not self._incoming.held and is_one_frame(data))):
            self._take_apart(data)
        else:
            self._pieces.add(data)
        if self._rest is None:
            self._pay()
        self._pump()

    def eof_received(self) -> None:
        self._protocol.receive_eof()

    def connection_lost(self, exc: Exception | None) -> None:
        self._protocol.receive_eof()
        self._protocol.parser.close()  # it holds the protocol, which holds it; so does the traceback of an error
        self._protocol.parser_exc = None
        self._is_gone = True
        self._clear_deadline()
        self._forget_waiting()
        self._fragments.clear()
        self._incoming.clear()
        if self._rest is not None:
            self._rest.cancel()
        self._writable.set()  # replies under way find the connection closed
        self._pieces.clear()
        self._message_bytes = 0
        self._account()
        self._on_close(self)

    def pause_writing(self) -> None:
        self._writable.clear()
        if self.is_open:
            self._set_deadline(self._limits.stall_seconds, lambda: self.drop(SlowReader()))
        self._pump()

    def resume_writing(self) -> None:
        self._writable.set()
        if self.is_open:
            self._clear_deadline()
        self._pump()

    # Receiving

    def _take_apart(self, piece: bytes | memoryview) -> None:
        if self._protocol.reader.eof:  # it left while this waited for its turn
            return
        events = self._incoming.take(piece)
        self._pieces.brought(len(events))
        for event in events:
            if isinstance(event, Frame):
                self._frame_received(event)
            else:
                self._upgrade(event)
        if self._protocol.writes:
            self._flush()

    def _may_read(self) -> None:
        self._read_is_due = False
        self._pump()

    def _next_piece(self) -> None:
        self._piece_is_due = False
        self._take_apart(self._pieces.next(text_size(self._pieces.head) if self._incoming.is_between else 0))
        self._pump()

    def _pay(self) -> None:
        """Have a client that sends or is sent too much wait."""
        loop = asyncio.get_running_loop()
        if wait := self._bytes.take(self._unpaid, loop.time()):
            self._rest = loop.call_later(wait, self._have_rested)
        else:
            self._unpaid = 0

    def _have_rested(self) -> None:
        self._rest = None
        self._pay()
        self._pump()

    def _upgrade(self, request: Request) -> None:
        if self._refusal is None:
            response = self._protocol.accept(request)
        else:
            response = self._protocol.reject(503, _encode(Reason.of(self._refusal)).decode() + "\n")
        self._protocol.send_response(response)
        if self.is_open:
            self._clear_deadline()
            self._on_open(self)

    def _frame_received(self, frame: Frame) -> None:
        if frame.opcode in (Opcode.TEXT, Opcode.BINARY):
            self._is_text = frame.opcode is Opcode.TEXT
        brings = len(frame.data) >= self._limits.idle_frame_bytes or (frame.opcode is Opcode.TEXT and frame.fin)
        if not brings and not self._may_idle():
            return
        if frame.opcode not in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
            return
        self._fragments.append(frame.data if self._is_text else b"")
        self._message_bytes += len(self._fragments[-1])
        if len(self._fragments) > self._limits.fragments_per_message:
            self._fail(CloseCode.MESSAGE_TOO_BIG, TOO_MANY_FRAGMENTS)
            self._message_bytes -= sum(map(len, self._fragments))
            self._fragments.clear()
        if not frame.fin:
            return
        fragments, self._fragments = self._fragments, []
        if not self._is_text:
            self._note_binary()
            return
        data = cast(bytes | bytearray, fragments[0]) if len(fragments) == 1 else b"".join(fragments)
        try:
            message = data.decode() if len(data) <= MAX_STRUCTURED_BYTES else data
        except UnicodeDecodeError:
            self._message_bytes -= len(data)
            self._fail(CloseCode.INVALID_DATA, TEXT_NOT_UTF8)
        else:
            self._message_bytes += len(message) - len(data)  # characters: near enough, and as soon taken back
            self._waiting.append(message)

    def _may_idle(self) -> bool:
        """Whether the client may send another frame that brings no message; if not, it is dropped."""
        if not self._idle_frames.take(1, asyncio.get_running_loop().time()):
            return True
        if self.is_open:
            self.drop(TooManyFrames())
        return False

    def _note_binary(self) -> None:
        if not self._sent_binary:  # once, lest a client fills the log
            log.info("connection %d: binary messages are dropped", self.number)
        self._sent_binary = True

    def _pump(self) -> None:
        """Have waiting messages take turns while there is room, and let the client wait while there is none."""
        while self._waiting and self._has_room(len(self._waiting[0])) and self._writable.is_set():
            self._due += 1
            self._worked_on += len(self._waiting[0])
            self._turns.take(self.number, partial(self._start, self._waiting.popleft()), self._task_seconds)
        is_busy = bool(self._waiting) or not self._writable.is_set() or self._rest is not None
        if self._pieces.size and not self._piece_is_due and not is_busy:
            self._piece_is_due = True
            self._turns.take(self.number, self._next_piece)
        self._account()
        is_behind = self._pieces.size > 0 or self._read_is_due or self._is_dropped
        self._have_client_wait(is_behind or (self.is_open and is_busy))

    def _has_room(self, size: int) -> bool:
        """Whether a message may be worked on beside those that are."""
        limits, under_way = self._limits, len(self._running) + self._due
        is_small = self._worked_on + size <= limits.bytes_worked_on and under_way < limits.requests_per_connection
        return not under_way or is_small

    def _have_client_wait(self, pause: bool) -> None:
        transport = self._transport
        if transport is None or transport.is_closing() or pause == self._reading_paused:
            return
        self._reading_paused = pause
        if pause:
            transport.pause_reading()
        else:
            transport.resume_reading()

    def _start(self, message: Message) -> None:
        self._due -= 1
        if self._is_cancelled:
            return
        task = asyncio.get_running_loop().create_task(self._work(message))
        self._running.add(task)
        task.add_done_callback(self._work_done)

    async def _work(self, message: Message) -> None:
        try:
            await self._on_message(self, message)
        finally:
            self._message_bytes -= len(message)
            self._worked_on -= len(message)

    def _work_done(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (defect := task.exception()) is not None:
            log.error("connection %d: handling a message failed: %s", self.number, type(defect).__name__)
            self.abort()
        self._pump()

    # Sending and closing

    def _send(self, text: bytes) -> None:
        """Queue a message: all that one turn of the event loop has to say leaves in one piece."""
        if not self.is_open:  # closed while the reply was worked out
            return
        self._frames += text_head(len(text)), text
        if self._unsent == 0:
            asyncio.get_running_loop().call_soon(self._flush)
        self._unsent += len(text)
        self._unpaid += len(text)
        self._account()

    def _flush(self) -> None:
        self._unsent = 0
        transport = self._transport
        if transport is None:
            return
        writes = [*self._frames, *self._protocol.data_to_send()]  # behind a close there is no text
        self._frames.clear()
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

    def _await_close(self) -> None:
        """Give the peer a moment to read our last words, then drop the socket."""
        self._forget_waiting()
        self._pump()
        self._set_deadline(self._limits.close_seconds, self.abort)

    def _forget_waiting(self) -> None:
        """Messages that nobody has begun to work on."""
        self._message_bytes -= sum(map(len, self._waiting))
        self._waiting.clear()

    def _account(self) -> None:
        """Tell the budget what is held for this client, which may be too much."""
        incoming = self._pieces.size + self._incoming.held + self._message_bytes
        before, self._held = self._held, 0 if self._is_gone else incoming + self._outgoing()
        if not self._budget.change(before, self._held) and self.is_open:
            self.drop(TooMuchHeld(self._budget.total))

    def _outgoing(self) -> int:
        return self._unsent + (0 if self._transport is None else self._transport.get_write_buffer_size())

    def _set_deadline(self, seconds: float, action: Callable[[], Any]) -> None:
        self._clear_deadline()
        self._deadline = asyncio.get_running_loop().call_later(seconds, action)

    def _clear_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


_encode = msgspec.json.Encoder().encode
