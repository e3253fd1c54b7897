"""Those who have connected and said little yet: without TLS, a task, or a timer of their own.

Connections are cheap to make, and may come by the thousand; TLS for each, what its drops of bytes take and what it
leaves to the garbage collector would stop the event loop for tens of milliseconds. So a socket waits here until the
first record on it is whole (RFC 8446, section 5.1; it has the ClientHello), and the kernel is asked not to tell of
less (SO_RCVLOWAT, socket(7)): a stranger costs a few system calls, however it spreads its bytes. When many speak or
leave at once, they are seen to a few at a time. Who has spoken still waits here for its handshake.
"""

from __future__ import annotations

import asyncio
import selectors
import socket
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from ..provisioning.admission import Network
from .errors import Closing

LOOKS_AT_ONCE: Final = 8
"""Sockets that are looked at before the event loop goes on; each takes some hundredths of a millisecond."""

HANDSHAKE_RECORD: Final = b"\x16"
RECORD_HEAD_BYTES: Final = 5
MAX_RECORD_BYTES: Final = 1 << 14
"""Without its head."""


@dataclass(eq=False, slots=True)
class Stranger:
    """A connected socket, where it comes from, and until when its handshake is to be begun, by the loop's clock."""

    number: int
    site: Network
    socket: socket.socket
    until: float
    refusal: Closing | None = None
    """What it will be told instead of being served."""

    expected: int = RECORD_HEAD_BYTES
    """Bytes of the first record, or of its head as long as that is not there."""

    has_spoken: bool = False


class Strangers:
    """Those who wait, by number, between `start` and `stop`; they are to be given the same time each.

    `spoke` is told of who has sent a record, or no TLS at all; `left` of who is gone: of its own accord before, or
    because its time was over.
    """

    def __init__(self, spoke: Callable[[Stranger], None], left: Callable[[int], None]) -> None:
        self._spoke, self._left = spoke, left
        self._waiting: dict[int, Stranger] = {}
        """In the order of arrival, so in that of their deadlines."""
        self._selector = selectors.DefaultSelector()
        self._ready: deque[Stranger] = deque()
        self._sweep: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Look after them on the running event loop."""
        asyncio.get_running_loop().add_reader(self._selector, self._look_at_some)

    def __len__(self) -> int:
        """Those who wait."""
        return len(self._waiting)

    def add(self, stranger: Stranger) -> None:
        """Have somebody wait. Raises OSError, and then has not taken the socket."""
        _expect(stranger, RECORD_HEAD_BYTES)
        self._selector.register(stranger.socket, selectors.EVENT_READ, stranger)
        self._waiting[stranger.number] = stranger
        self._sweep_later()

    def take(self, number: int) -> bool:
        """Leave one who waits, and its socket, to the caller; False if nobody of this number does."""
        stranger = self._waiting.pop(number, None)
        if stranger is None:
            return False
        self._listen_no_more(stranger)
        return True

    def drop(self, number: int) -> bool:
        """As `take`, and close the socket."""
        stranger = self._waiting.get(number)
        if stranger is None:
            return False
        self.take(number)
        stranger.socket.close()
        return True

    def stop(self) -> None:
        """Drop all that wait, without telling `left`; nobody can be added any more."""
        for number in list(self._waiting):
            self.drop(number)
        if self._sweep is not None:
            self._sweep.cancel()
        asyncio.get_running_loop().remove_reader(self._selector)
        self._selector.close()

    def _look_at_some(self) -> None:
        if not self._ready:
            self._ready.extend(key.data for key, _ in self._selector.select(0))
        for _ in range(min(len(self._ready), LOOKS_AT_ONCE)):
            stranger = self._ready.popleft()
            if stranger.number in self._waiting and not stranger.has_spoken:
                self._look_at(stranger)

    def _look_at(self, stranger: Stranger) -> None:
        """All bytes that were expected have come; or none come any more."""
        try:
            found = stranger.socket.recv(stranger.expected, socket.MSG_PEEK)
            size = _record_bytes(found)
            if len(found) < stranger.expected:
                self._dismiss(stranger)
            elif stranger.expected < size:
                _expect(stranger, size)
            else:
                _expect(stranger, 1)
                self._listen_no_more(stranger)
                self._spoke(stranger)
        except OSError:
            self._dismiss(stranger)

    def _dismiss(self, stranger: Stranger) -> None:
        self.drop(stranger.number)
        self._left(stranger.number)

    def _listen_no_more(self, stranger: Stranger) -> None:
        if not stranger.has_spoken:
            stranger.has_spoken = True
            self._selector.unregister(stranger.socket)

    def _sweep_later(self) -> None:
        if self._sweep is None and self._waiting:
            oldest = next(iter(self._waiting.values()))
            self._sweep = asyncio.get_running_loop().call_at(oldest.until, self._sweep_one)

    def _sweep_one(self) -> None:
        self._sweep = None
        oldest = next(iter(self._waiting.values()), None)
        if oldest is not None and oldest.until <= asyncio.get_running_loop().time():
            self._dismiss(oldest)
        self._sweep_later()


def _expect(stranger: Stranger, size: int) -> None:
    """Have the kernel tell of the socket once so many bytes are there, or no more come. Raises OSError."""
    stranger.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, size)
    stranger.expected = size


def _record_bytes(begin: bytes) -> int:
    """Size of a record of the TLS handshake, by its head; 0 if that is none."""
    size = int.from_bytes(begin[3:RECORD_HEAD_BYTES], "big")
    is_handshake = begin[:1] == HANDSHAKE_RECORD and size <= MAX_RECORD_BYTES
    return RECORD_HEAD_BYTES + size if is_handshake else 0
