"""Writing the journal: append, group commit, rotation, pruning. `segments` has the format and the reading.

A segment is written by one process and never continued by another (see `seal`), so every opening of the
store that appends anything begins a segment of its own.
"""

from __future__ import annotations

from threading import Lock
from typing import Final

from .errors import StoreFailed, TooLarge
from .files import AppendFile, Directory
from .frames import FrameWriter
from .seal import Sealer
from .secrets import Secrets
from .segments import LABEL, LINK, MAX_RECORD, History, Link, Segment, segment_name

SEGMENT_BYTES: Final = 64 << 20
"""A segment that has reached this size gets no further record."""


class Journal:
    """The append side of a recovered journal. One thread owns it; `sync` may run in another one."""

    def __init__(
        self,
        directory: Directory,
        sealer: Sealer,
        history: History,
        secrets: Secrets,
        snapshot: int | None,
    ) -> None:
        """Continue `history`, whose newest snapshot is of record `snapshot`."""
        self._directory = directory
        self._sealer = sealer
        self._secrets = secrets
        self._closed = history.segments
        self._open: _OpenSegment | None = None
        self._failed = False
        self._syncing = Lock()
        self.snapshot = snapshot
        """Newest snapshot, noted in each new segment."""
        self.sequence = history.sequence
        """Of the newest record; 0 if there is none."""
        self.tag = history.tag
        """Of the newest record."""
        self.synced = history.sequence
        """Records up to here survive a power failure."""

    def append(self, kind: int, payload: bytes) -> int:
        """Write a record and return its sequence. It is not durable before `sync`.

        `kind` 0…255. Raises `TooLarge`; `DiskError`, after which only `StoreFailed` until reopened.
        """
        if len(payload) > MAX_RECORD:
            raise TooLarge("record", limit=MAX_RECORD, found=len(payload))
        message = bytes((kind,)) + payload
        if self._open is not None and self._open.size >= SEGMENT_BYTES:
            self.rotate()
        self._check()
        try:
            segment = self._open or self._begin()
            self.tag = segment.append(message)
            self.sequence += 1
        except BaseException:
            # How much of the record is on disk is unknown, and its nonce is spent.
            self._failed = True
            raise
        return self.sequence

    def sync(self) -> int:
        """Make all records appended before the call durable; the sequence of the newest of them.

        Many appends may share one sync, and appending may go on meanwhile. Raises as `append`.
        """
        with self._syncing:
            self._check()
            sequence, segment = self.sequence, self._open
            if segment is not None and sequence > self.synced:
                try:
                    segment.file.sync()
                except BaseException:
                    # The system may have dropped the pages that it failed to write: no second try.
                    self._failed = True
                    raise
                self.synced = sequence
            return self.synced

    def rotate(self) -> None:
        """Make all durable and let the next record begin a new segment. Raises as `append`."""
        self.sync()
        with self._syncing:
            segment, self._open = self._open, None
        if segment is not None:
            self._closed.append(Segment(segment.first, self.sequence, segment.size, segment.previous))
            segment.file.close()

    def prune(self, until: int) -> None:
        """Remove closed segments that hold no record after `until`. Raises `DiskError`."""
        while self._closed and self._closed[0].last <= until:
            self._directory.remove(segment_name(self._closed[0].first))
            # Oldest first and one by one: a crash must not leave a gap.
            self._directory.sync()
            del self._closed[0]

    def extent(self, after: int) -> tuple[int, int]:
        """Bytes and number of the segments that hold records after sequence `after`."""
        sizes = [segment.size for segment in self._closed if segment.last > after]
        if self._open is not None and self.sequence > after:
            sizes.append(self._open.size)
        return sum(sizes), len(sizes)

    def close(self) -> None:
        """Make all durable, unless a write failed before, and release the file."""
        try:
            if not self._failed:
                self.sync()
        finally:
            with self._syncing:
                segment, self._open = self._open, None
            if segment is not None:
                segment.file.close()

    def _begin(self) -> _OpenSegment:
        first = self.sequence + 1
        cipher = self._sealer.new_file(LABEL, first)
        file = self._directory.create(segment_name(first))
        self._open = segment = _OpenSegment(file, FrameWriter(cipher), first, self.tag)
        segment.begin(cipher.prefix, LINK.encode(Link(self.tag, self.snapshot, self._secrets.marks)))
        self._directory.sync()
        return segment

    def _check(self) -> None:
        if self._failed:
            raise StoreFailed


class _OpenSegment:
    """The segment being written."""

    __slots__ = ("file", "first", "frames", "previous", "size")

    def __init__(self, file: AppendFile, frames: FrameWriter, first: int, previous: bytes) -> None:
        self.file = file
        self.frames = frames
        self.first = first
        self.previous = previous
        self.size = 0

    def begin(self, header: bytes, link: bytes) -> None:
        self._write(header + self.frames.frame(link))

    def append(self, message: bytes) -> bytes:
        """Write a record's frame; its tag."""
        self._write(self.frames.frame(message))
        return self.frames.tag

    def _write(self, data: bytes) -> None:
        self.file.append(data)
        self.size += len(data)
