"""What happened in a run: the latest events in words, and a digest of all of them."""

from __future__ import annotations

import hashlib
from collections import deque
from typing import Final

from .clock import Clock

KEPT: Final = 400
"""Latest events that can be told; the digest has all."""


class Trace:
    """Events of a run, each with its time in seconds since the start."""

    def __init__(self, clock: Clock) -> None:
        self._clock, self._start = clock, clock.now
        self._lines: deque[str] = deque(maxlen=KEPT)
        self._hash = hashlib.blake2b(digest_size=16)

    def say(self, what: str) -> None:
        line = f"{(self._clock.now - self._start) / 1000:9.3f}  {what}"
        self._lines.append(line)
        self._hash.update(line.encode())

    def latest(self, count: int) -> list[str]:
        """The last events, oldest first."""
        return list(self._lines)[-count:]

    def digest(self) -> str:
        """Hex of 16 bytes; equal runs have equal digests."""
        return self._hash.hexdigest()
