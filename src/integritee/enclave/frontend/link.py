"""The stream between front end and ledger: frames over a socket pair that only the two have.

All numbers are big-endian:

    frame    length u32 of the payload, kind u8, number u32, connection u32, payload

Front end to ledger, with a number of its own choice and the connection that asks, for fair turns:

    ADMIT       an operation                     → ANSWER with its hash
    QUERY       a getter                         → ANSWER: SCALE Option<Vec<u8>>
    HEADER                                       → ANSWER: SCALE SidechainHeader
    VAULT                                        → ANSWER: account and parentchain, or nothing
    PENDING     SCALE Vec<H256>, shards          → ANSWER: SCALE Vec<Vec<Vec<u8>>>
    NONCE       account                          → ANSWER: u32 as in SCALE
    CONTENT     CID as UTF-8                     → ANSWER with the content
    BLOCKS      SCALE Vec<SignedBlock>           → ANSWER with nothing
    OPERATIONS  sealed operations                → ANSWER with nothing

A request that fails has a REFUSAL instead of an ANSWER, or a DEFECT with nothing in it. Ledger to front end, beside
these:

    BEGIN       keys, facts, where to listen     → LISTENS, once; its port, or why it does not
    TELL        new statuses of operations, and whether these can still be undone
    SETTLE      hashes, 32 bytes each
    COUNT                                        → COUNTED: SCALE Figures
    STOP                                         → the end of the stream

Answers to several requests come in the order in which they are ready.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from enum import IntEnum
from typing import Final, NamedTuple, TypeAlias, cast

from .errors import LinkFailed

HEAD: Final = struct.Struct(">IBII")

MAX_PAYLOAD: Final = 16 * 1024 * 1024
"""Bytes; blocks of a peer are the most that is sent."""

PAUSE_SECONDS: Final = 0.002
"""Frames that need not hurry leave together after so long, if others have left just before: each time that something
leaves, the other process is woken, which costs both as much as a call's way through one of them."""

MAX_UNSENT: Final = 64 * 1024 * 1024
"""Bytes that wait for the other side to read; beyond, the link is given up."""


Later: TypeAlias = Callable[[float, Callable[[], None]], asyncio.TimerHandle]
"""Calls a function after so many seconds."""


class Kind(IntEnum):
    """Of frames."""

    ADMIT = 1
    QUERY = 2
    HEADER = 3
    VAULT = 4
    PENDING = 5
    NONCE = 6
    CONTENT = 7
    BLOCKS = 8
    OPERATIONS = 9
    ANSWER = 16
    REFUSAL = 17
    BEGIN = 18
    LISTENS = 19
    TELL = 20
    SETTLE = 21
    COUNT = 22
    COUNTED = 23
    STOP = 24
    DEFECT = 25


class Frame(NamedTuple):
    """One message; `number` and `connection` mean nothing in some kinds."""

    kind: int
    number: int
    connection: int
    payload: bytes


class FrameReader:
    """Takes a stream apart. What comes is copied but twice, in however many pieces a frame is."""

    def __init__(self) -> None:
        self._rest: list[bytes] = []
        self._missing = 0
        """Bytes without which there is no whole frame."""

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that are complete now. Raises LinkFailed."""
        if self._rest:
            self._rest.append(data)
            self._missing -= len(data)
            if self._missing > 0:
                return []
            data = b"".join(self._rest)
        frames, start, size = [], 0, HEAD.size
        self._missing = 0
        while len(data) - start >= size:
            length, kind, number, connection = HEAD.unpack_from(data, start)
            if length > MAX_PAYLOAD:
                raise LinkFailed(f"a frame of {length} bytes")
            end = start + size + length
            if len(data) < end:
                self._missing = end - len(data)
                break
            frames.append(Frame(kind, number, connection, data[start + size : end]))
            start = end
        self._rest = [data[start:]] if start < len(data) else []
        return frames


class Link(asyncio.Protocol):
    """One end of the stream: `received` is called for each frame, `lost` at the end."""

    def __init__(
        self, received: Callable[[Frame], None], lost: Callable[[], None], later: Later | None = None
    ) -> None:
        self._received, self._lost = received, lost
        self._later = later or asyncio.get_running_loop().call_later
        self._reader = FrameReader()
        self._transport: asyncio.Transport | None = None
        self._outgoing: list[bytes] = []
        self._pause: asyncio.TimerHandle | None = None
        """Until when what need not hurry waits for more."""
        self._is_paused = False

    def send(
        self, kind: Kind, payload: bytes = b"", number: int = 0, connection: int = 0, *, hurries: bool = True
    ) -> None:
        """Frames leave in the order in which they are sent. Does nothing once the stream has ended."""
        self._outgoing += HEAD.pack(len(payload), kind, number, connection), payload
        if self._pause is None:
            self._pause = self._later(PAUSE_SECONDS, self._pause_is_over)
            self._flush()
        elif hurries:
            self._flush()

    def _pause_is_over(self) -> None:
        self._pause = None
        if self._outgoing:
            self._pause = self._later(PAUSE_SECONDS, self._pause_is_over)
            self._flush()

    def _flush(self) -> None:
        frames, self._outgoing = self._outgoing, []
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        transport.write(b"".join(frames))
        if transport.get_write_buffer_size() > MAX_UNSENT:
            transport.abort()

    def close(self) -> None:
        """End the stream, behind what was sent."""
        if self._transport is not None:
            self._flush()
            self._transport.close()

    @classmethod
    async def over(cls, end: socket.socket, received: Callable[[Frame], None], lost: Callable[[], None]) -> Link:
        """On one end of a socket pair."""
        loop = asyncio.get_running_loop()
        _, link = await loop.create_unix_connection(lambda: cls(received, lost), sock=end)
        return link

    def have_other_side_wait(self, wait: bool) -> None:
        """Read nothing, or read on. Idempotent."""
        transport = self._transport
        if wait == self._is_paused or transport is None or transport.is_closing():
            return
        self._is_paused = wait
        if wait:
            transport.pause_reading()
        else:
            transport.resume_reading()

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        for frame in self._reader.feed(data):
            self._received(frame)

    def connection_lost(self, error: Exception | None) -> None:
        if self._pause is not None:
            self._pause.cancel()
        self._lost()
