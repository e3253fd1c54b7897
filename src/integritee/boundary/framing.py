"""Frames of the stream between host and enclave, sans-IO.

    frame = length u32 LE ‖ kind u8 ‖ id u64 LE ‖ method u8 ‖ payload (SCALE)

`length` counts what follows it. A request (0) is answered by a reply (1) or a failure (2) of the same id; a
notice (3) is not answered. The enclave treats every byte as hostile: anything malformed ends the stream.

    FramingError
    ├── FrameTooLong
    └── MalformedFrame
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final

from integritee.errors import IntegriteeError

MAX_FRAME: Final = 64 * 1024 * 1024
"""Longest frame in bytes, header included."""

HEADER: Final = 10
"""Bytes of kind, id and method."""


class FramingError(IntegriteeError):
    """The byte stream does not consist of frames."""

    code = "boundary.framing"


class FrameTooLong(FramingError):
    """A frame has more bytes than any may have."""

    code = "boundary.frame_too_long"

    def __init__(self, found: int, limit: int) -> None:
        self.found, self.limit = found, limit
        super().__init__(f"a frame of {found} bytes exceeds {limit}")


class MalformedFrame(FramingError):
    """A frame is not what its kind says."""

    code = "boundary.malformed_frame"

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"malformed frame: {reason}")


class Kind(enum.IntEnum):
    REQUEST = 0
    REPLY = 1
    FAILURE = 2
    NOTICE = 3


@dataclass(frozen=True, slots=True)
class Frame:
    kind: Kind
    id: int
    method: int
    payload: bytes


def encode_frame(frame: Frame) -> bytes:
    """Bytes of a frame. Raises FrameTooLong."""
    length = HEADER + len(frame.payload)
    if length > MAX_FRAME:
        raise FrameTooLong(length, MAX_FRAME)
    head = length.to_bytes(4, "little") + bytes((frame.kind,)) + frame.id.to_bytes(8, "little")
    return head + bytes((frame.method,)) + frame.payload


class FrameDecoder:
    """Cuts a byte stream into frames."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Frame]:
        """Frames completed by `data`. Raises FramingError, after which the stream is unusable."""
        self._buffer += data
        frames, at = [], 0
        while len(self._buffer) - at >= 4:
            length = int.from_bytes(self._buffer[at : at + 4], "little")
            if length > MAX_FRAME:
                raise FrameTooLong(length, MAX_FRAME)
            if length < HEADER:
                raise MalformedFrame(f"length {length}")
            end = at + 4 + length
            if len(self._buffer) < end:
                break
            frames.append(_parse(bytes(self._buffer[at + 4 : end])))
            at = end
        del self._buffer[:at]
        return frames


def _parse(body: bytes) -> Frame:
    if body[0] > Kind.NOTICE:
        raise MalformedFrame(f"kind {body[0]}")
    return Frame(Kind(body[0]), int.from_bytes(body[1:9], "little"), body[9], body[10:])
