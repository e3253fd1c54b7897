"""Chains of sealed messages in a file, shared by journal segments and snapshots.

    file    header ‖ frame*
    frame   length u32 ‖ CRC-32 of the length u32 ‖ ciphertext ‖ tag ‖ end mark u8        (little-endian)

Each message is bound to its file, its place and the tag before it (see `seal`), so the only change to a
file that goes unnoticed here is leaving out frames at its end; journal and snapshots have their own means
against that. CRC and end mark are no protection against the host. They keep a damaged frame apart from one
whose end was never written, which is what a crash leaves behind: too few bytes, or zeros in their place.
"""

from __future__ import annotations

import enum
import struct
import zlib
from typing import Final

from integritee.crypto.aead import TAG_LENGTH

from .files import Directory
from .seal import NO_TAG, FileCipher

_LENGTH: Final = struct.Struct("<I")
_HEAD: Final = struct.Struct("<II")

_END_MARK: Final = b"\xed"
"""Not zero, so that a frame's last byte tells whether all of it was written."""

READ_BLOCK: Final = 256 * 1024
"""Bytes read from the disk at a time, unless one frame needs more."""


class Stop(enum.Enum):
    """Why there is no further message."""

    END = "the file ends behind a frame"
    TORN = "the file ends within a frame"
    BROKEN = "the frame is not the one that was written here"


class FrameWriter:
    """Seals the messages of one file in order."""

    def __init__(self, cipher: FileCipher) -> None:
        self._cipher = cipher
        self._index = 0
        self.tag = NO_TAG
        """Tag of the newest frame."""

    def frame(self, message: bytes) -> bytes:
        """The bytes to append for the next message."""
        sealed = self._cipher.seal(self._index, self.tag, message)
        self._index += 1
        self.tag = sealed[-TAG_LENGTH:]
        length = len(sealed)
        return _HEAD.pack(length, zlib.crc32(_LENGTH.pack(length))) + sealed + _END_MARK


class FrameReader:
    """Opens the messages of one file in order, from its first frame."""

    def __init__(self, directory: Directory, name: str, cipher: FileCipher) -> None:
        self._directory = directory
        self._name = name
        self._cipher = cipher
        self._size = directory.size(name)
        self._index = 0
        self._block = b""
        self._block_at = 0
        self.at = len(cipher.prefix)
        """Offset behind the newest opened frame."""
        self.tag = NO_TAG
        """Tag of the newest opened frame."""

    def next(self, limit: int) -> bytes | Stop:
        """The next message, of at most `limit` bytes, or why there is none."""
        left = self._size - self.at
        if left <= 0:
            return Stop.END
        if left < _HEAD.size:
            return Stop.TORN
        length, check = _HEAD.unpack(self._read(self.at, _HEAD.size))
        if zlib.crc32(_LENGTH.pack(length)) != check:
            return self._torn_if_blank(self.at + _HEAD.size)
        if not TAG_LENGTH <= length <= limit + TAG_LENGTH:
            return Stop.BROKEN
        end = self.at + _HEAD.size + length + len(_END_MARK)
        if end > self._size:
            return Stop.TORN
        body = self._read(self.at + _HEAD.size, length + len(_END_MARK))
        if body[length:] != _END_MARK:
            return self._torn_if_blank(end - len(_END_MARK))
        sealed = body[:length]
        message = self._cipher.open(self._index, self.tag, sealed)
        if message is None:
            return Stop.BROKEN
        self._index += 1
        self.tag = sealed[-TAG_LENGTH:]
        self.at = end
        return message

    def _torn_if_blank(self, offset: int) -> Stop:
        return Stop.TORN if blank(self._directory, self._name, offset) else Stop.BROKEN

    def _read(self, offset: int, length: int) -> bytes:
        start = offset - self._block_at
        if start < 0 or start + length > len(self._block):
            self._block = self._directory.read(self._name, offset, max(length, READ_BLOCK))
            self._block_at, start = offset, 0
        # A file that shrinks while it is read yields zeros, which no tag fits.
        return self._block[start : start + length].ljust(length, b"\0")


def blank(directory: Directory, name: str, offset: int) -> bool:
    """Whether all bytes from `offset` are zero: room the file system made and a crash left unfilled."""
    while block := directory.read(name, offset, READ_BLOCK):
        if block.count(0) != len(block):
            return False
        offset += len(block)
    return True
