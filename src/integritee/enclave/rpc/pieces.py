"""What a client sent, cut into pieces that take about as long to be taken apart, whatever is in them.

Small frames cost by the frame, large ones by the byte. So a piece is small at first, and doubles as long as it is the
middle of one large frame.
"""

from __future__ import annotations

from collections import deque
from typing import Final

FRAME_LENGTH: Final = 0x7F
"""Bits of a frame's second byte that are its length, unless they say where that stands (RFC 6455, 5.2)."""

MASK_BYTES: Final = 4

TEXT: Final = 0x81
"""First byte of a frame that is all of a text message (5.2)."""


def is_one_frame(data: bytes) -> bool:
    """Whether these bytes, which begin with a frame of a client, are no more than that frame."""
    if len(data) < 2:
        return True
    length, head = data[1] & FRAME_LENGTH, 2
    if length > 125:
        head = 4 if length == 126 else 10
        length = int.from_bytes(data[2:head], "big")
    return len(data) <= head + MASK_BYTES + length


def text_head(length: int) -> bytes:
    """What stands before a text that a server sends in one frame."""
    if length < 126:
        return bytes((TEXT, length))
    if length < 1 << 16:
        return bytes((TEXT, 126)) + length.to_bytes(2, "big")
    return bytes((TEXT, 127)) + length.to_bytes(8, "big")


class Pieces:
    """Bytes that wait to be taken apart, in order."""

    __slots__ = ("_chunks", "_large", "_size", "_small", "size")

    def __init__(self, small: int, large: int) -> None:
        self._small, self._large, self._size = small, large, small
        self._chunks: deque[memoryview] | None = None  # seldom needed, and an empty one is not small
        self.size = 0
        """Bytes that wait."""

    def is_one(self, data: bytes) -> bool:
        """Whether these bytes need not wait: they are no more than the next piece."""
        return self.size == 0 and len(data) <= self._size

    def add(self, data: bytes) -> None:
        """Have bytes wait."""
        if self._chunks is None:
            self._chunks = deque()
        self._chunks.append(memoryview(data))
        self.size += len(data)

    def next(self) -> memoryview:
        """The next piece; at least a byte if any waits."""
        if not self._chunks:
            return memoryview(b"")
        chunk = self._chunks.popleft()
        piece, rest = chunk[: self._size], chunk[self._size :]
        if rest:
            self._chunks.appendleft(rest)
        self.size -= len(piece)
        if not self.size:
            self._chunks = None
        return piece

    def brought(self, events: int) -> None:
        """How many frames the last piece completed."""
        self._size = self._small if events else min(2 * self._size, self._large)

    def clear(self) -> None:
        """Drop what waits."""
        self._chunks, self.size = None, 0
