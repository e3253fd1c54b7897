"""Frames of a websocket as bytes (RFC 6455, 5.2), as far as reading and writing them by hand is worth it.

Nearly all that clients send are texts of one frame that arrive alone. Taking such a one apart by hand costs a part of
what the library takes. Whatever else comes is left to the library, which has to see a frame from its first byte on.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from websockets.frames import Frame
from websockets.frames import apply_mask as _apply_mask  # type: ignore[attr-defined]  # in C, or not

LENGTH: Final = 0x7F
"""Bits of a frame's second byte that are its length, unless they say where that stands."""

MASKED: Final = 0x80
"""The other bit of that byte; set in what clients send."""

MASK_BYTES: Final = 4

TEXT: Final = 0x81
"""First byte of a frame that is all of a text message."""

MAX_SHORT: Final = 125
"""Bytes of a frame whose length is in its second byte. Up to 65535 they are in two bytes behind, then in eight."""


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
