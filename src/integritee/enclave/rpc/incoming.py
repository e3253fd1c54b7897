"""What a client sends, taken apart: texts by hand where that is worth it (`frames`), all else by the library."""

from __future__ import annotations

from typing import Final, TypeAlias, cast

from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import State
from websockets.server import ServerProtocol

from .frames import LONG_HEAD, LongText, may_be_long, size_of, whole_text

END_OF_REQUEST: Final = b"\r\n\r\n"

Event: TypeAlias = Frame | Request


class Incoming:
    """Of one connection, whose `protocol` is the library's half; texts of one frame have up to `most` bytes."""

    __slots__ = ("_head", "_long", "_most", "_protocol", "_unfinished")

    def __init__(self, protocol: ServerProtocol, most: int) -> None:
        self._protocol, self._most = protocol, most
        self._long: LongText | None = None
        """Which has begun."""
        self._head = b""
        """Of a frame that may be long, as long as it is not complete."""
        self._unfinished = 0
        """Bytes that the library has of a frame that is not complete, or of the request for the upgrade."""

    @property
    def held(self) -> int:
        """Bytes of what has begun and is not complete."""
        return len(self._protocol.reader.buffer) + (0 if self._long is None else len(self._long.text))

    @property
    def is_between(self) -> bool:
        """Whether what comes next begins a frame that is no part of a message."""
        is_inside = self._unfinished or self._long is not None or self._protocol.current_size is not None
        return not is_inside and self._protocol.state is State.OPEN

    def take(self, piece: bytes | memoryview) -> list[Event]:
        """The next bytes; what is complete now."""
        events: list[Event] = []
        while piece:
            if self.is_between:
                piece, self._head = self._head + bytes(piece) if self._head else piece, b""
                if (text := whole_text(piece)) is not None and len(text) <= self._most:
                    events.append(Frame(Opcode.TEXT, text))
                    break
                if len(piece) < LONG_HEAD and may_be_long(piece):
                    self._head = bytes(piece)
                    break
                if (begun := LongText.begin(piece, self._most)) is not None:
                    self._long, piece = begun, piece[LONG_HEAD:]
            if self._long is None:
                events += self._by_library(piece)
                break
            piece = self._long.add(piece)
            if not self._long.missing:
                events.append(Frame(Opcode.TEXT, self._long.text))
                self._long = None
        return events

    def clear(self) -> None:
        """Nothing more comes."""
        self._long = None

    def _by_library(self, piece: bytes | memoryview) -> list[Event]:
        protocol = self._protocol
        protocol.receive_data(cast(bytes, piece))
        events = cast(list[Event], protocol.events_received())
        self._unfinished += len(piece) - size_of(event for event in events if isinstance(event, Frame))
        is_upgrade = any(isinstance(event, Request) for event in events)
        if is_upgrade and bytes(piece[-len(END_OF_REQUEST) :]) == END_OF_REQUEST:
            self._unfinished = 0
        return events
