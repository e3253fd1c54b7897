"""What a client sent, cut into pieces that take about as long to be taken apart, whatever is in them.

Small frames cost by the frame, large ones by the byte. So a piece is small at first, and doubles as long as it is the
middle of one large frame; and a frame that is a whole message is a piece of its own.
"""

from __future__ import annotations

from collections import deque


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

    @property
    def head(self) -> memoryview:
        """What waits and came first; of no more than came at once."""
        return self._chunks[0] if self._chunks else memoryview(b"")

    def next(self, size: int = 0) -> memoryview:
        """The next piece, or so much of the `head`; at least a byte if any waits."""
        if not self._chunks:
            return memoryview(b"")
        chunk, size = self._chunks.popleft(), size or self._size
        piece, rest = chunk[:size], chunk[size:]
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
