"""Frames of a websocket as bytes (RFC 6455, 5.2), as far as reading and writing them by hand is worth it.

Nearly all that clients send are texts of one frame that arrive alone. Taking such a one apart by hand costs a part of
what the library takes. Of long texts the library takes off the mask when they are complete, in one go that takes
milliseconds; by hand it is done piece by piece. Whatever else comes is left to the library, which has to see a frame
from its first byte on.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, TypeAlias

from websockets.frames import Frame
from websockets.frames import apply_mask as _apply_mask  # type: ignore[attr-defined]  # in C, or not

Message: TypeAlias = str | bytes | bytearray
"""A text; long ones as they came, for whoever reads them finds out whether they are UTF-8, in a turn of its own."""

LENGTH: Final = 0x7F
"""Bits of a frame's second byte that are its length, unless they say where that stands."""

MASKED: Final = 0x80
"""The other bit of that byte; set in what clients send."""

MASK_BYTES: Final = 4

TEXT: Final = 0x81
"""First byte of a frame that is all of a text message."""

MAX_SHORT: Final = 125
"""Bytes of a frame whose length is in its second byte. Up to `MAX_MIDDLE` it is in two behind, then in eight."""

MAX_MIDDLE: Final = (1 << 16) - 1
LONG_HEAD: Final = 2 + 8 + MASK_BYTES
"""Bytes before the data of a longer frame of a client."""


def _extent(data: bytes | memoryview) -> tuple[int, int]:
    """Bytes of a client's frame before its data, the mask included, and of the data, by the first two or more."""
    length, head = data[1] & LENGTH, 2
    if length > MAX_SHORT:
        head = 4 if length == MAX_SHORT + 1 else 10
        length = int.from_bytes(data[2:head], "big")
    return head + MASK_BYTES, length


def is_one_frame(data: bytes) -> bool:
    """Whether these bytes, which begin with a frame of a client, are no more than that frame."""
    return len(data) < 2 or len(data) <= sum(_extent(data))


def _text_extent(data: bytes | memoryview) -> tuple[int, int] | None:
    """As `_extent`, if these bytes have all of the frame, and it is a text below 64 KiB that is all of a message."""
    if len(data) < 2 + MASK_BYTES or data[0] != TEXT or not data[1] & MASKED:
        return None
    if data[1] & LENGTH == LENGTH:  # eight bytes of length
        return None
    extent = _extent(data)
    return extent if len(data) >= sum(extent) else None


def text_size(data: bytes | memoryview) -> int:
    """Bytes of the frame that these begin with, if they have all of it, and it is a text below 64 KiB that is all of
    a message; else 0."""
    return sum(_text_extent(data) or (0,))


def whole_text(data: bytes | memoryview) -> bytes | None:
    """The text, if these bytes are one frame of a client, below 64 KiB, that is all of a message; else None."""
    extent = _text_extent(data)
    if extent is None or len(data) != sum(extent):
        return None
    head, _ = extent
    text: bytes = _apply_mask(bytes(data[head:]), bytes(data[head - MASK_BYTES : head]))
    return text


def may_be_long(data: bytes | memoryview) -> bool:
    """Whether these bytes, of which there is at least one, begin with a `LongText`, as far as the first two tell."""
    return data[0] == TEXT and (len(data) < 2 or data[1] == MASKED | LENGTH)


class LongText:
    """A text of 64 KiB or more in one frame that is all of a message, as it comes."""

    __slots__ = ("_mask", "missing", "text")

    def __init__(self, length: int, mask: bytes) -> None:
        self.text = bytearray()
        self.missing = length
        """Bytes that have not come."""
        self._mask = mask

    @classmethod
    def begin(cls, data: bytes | memoryview, most: int) -> LongText | None:
        """If these bytes begin with the whole head of such a frame, of at most so many bytes."""
        if len(data) < LONG_HEAD or not may_be_long(data):
            return None
        head, length = _extent(data)
        return cls(length, bytes(data[head - MASK_BYTES : head])) if MAX_MIDDLE < length <= most else None

    def add(self, data: bytes | memoryview) -> memoryview:
        """More of the frame; what came behind it."""
        data = memoryview(data)
        mine, rest = data[: self.missing], data[self.missing :]
        turned = len(self.text) % MASK_BYTES
        self.text += _apply_mask(bytes(mine), self._mask[turned:] + self._mask[:turned])
        self.missing -= len(mine)
        return rest


def size_of(frames: Iterable[Frame]) -> int:
    """Bytes that frames of a client have on the wire, if their lengths are written in the shortest form."""
    return sum(_size(len(frame.data)) for frame in frames)


def _size(length: int) -> int:
    return (2 if length <= MAX_SHORT else 4 if length < 1 << 16 else 10) + MASK_BYTES + length


def text_head(length: int) -> bytes:
    """What stands before a text that a server sends in one frame."""
    if length <= MAX_SHORT:
        return bytes((TEXT, length))
    if length < 1 << 16:
        return bytes((TEXT, MAX_SHORT + 1)) + length.to_bytes(2, "big")
    return bytes((TEXT, MAX_SHORT + 2)) + length.to_bytes(8, "big")
