"""Reading the journal: segments on disk, what a crash did to them, whether they make one history.

    segment   header (label "journal", counter = its first sequence) ‖ frame(link) ‖ frame(record)*
    link      tag of the record before 16 bytes ‖ newest snapshot Option<u64> ‖ marks of the secrets (SCALE)
    record    kind u8 ‖ payload

Sequences count from 1 and leave no gap. A record is bound to its segment, to its place there and to the
record before it; the link carries that over from one segment to the next. So records cannot be altered,
swapped, left out, doubled or mixed with those of another journal. The end is different: whoever owns the
disk can put back an older state of all of it. What the store can tell its caller then is its sequence.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from integritee.scale import Bytes16, DecodeError, Struct, codec, u64

from .errors import HistoryForked, JournalTampered, SealBroken, SegmentMissing
from .files import Directory
from .frames import FrameReader, Stop, blank
from .seal import MAX_HEADER, NO_TAG, Sealer, header_length
from .secrets import SecretMark, SecretMarks

MAX_RECORD: Final = 64 << 20
"""Bytes of one record's payload."""

MAX_LINK: Final = 16 << 10
"""Bytes of a segment's link."""

LABEL: Final = "journal"
_NAME: Final = re.compile(r"journal-(\d{20})")


class Record(NamedTuple):
    """One entry of the journal. `kind` (0…255) and `payload` are the caller's."""

    sequence: int
    kind: int
    payload: bytes


class Link(Struct, frozen=True):
    """First message of a segment: what came before it."""

    previous: Bytes16
    snapshot: u64 | None
    secrets: SecretMarks


LINK: Final = codec(Link)


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment whose records `first` … `last` were verified."""

    first: int
    last: int
    size: int
    """Bytes of its file."""
    previous: bytes
    """Tag of record `first` - 1."""


@dataclass(slots=True)
class History:
    """What the journal holds."""

    segments: list[Segment] = field(default_factory=list)
    sequence: int = 0
    """Of the newest record; 0 if there is none."""
    tag: bytes = NO_TAG
    """Of the newest record."""
    tags: dict[int, bytes] = field(default_factory=dict)
    """Tags of the records that were asked for, and of the one before the first."""
    snapshot: int | None = None
    """Newest snapshot that the newest segment knows of."""
    secrets: list[SecretMark] = field(default_factory=list)
    """Current secrets that the newest segment knows of."""
    torn: int = 0
    """Bytes cut off: of a record whose writing a crash interrupted."""

    @property
    def first(self) -> int:
        """Of the oldest record that is still there, or of the next one if there is none."""
        return self.segments[0].first if self.segments else self.sequence + 1


def segment_name(first: int) -> str:
    return f"{LABEL}-{first:020}"


def is_segment(name: str) -> bool:
    return _NAME.fullmatch(name) is not None


def recover(directory: Directory, sealer: Sealer, watch: Collection[int]) -> History:
    """Verify the whole journal, cut off a torn end, make the rest durable.

    `watch` are the sequences whose tags the caller wants. Raises `HistoryError`, `SealError`, `DiskError`.
    """
    history = History()
    firsts = sorted(int(match[1]) for name in directory.names() if (match := _NAME.fullmatch(name)))
    while firsts and _is_unborn(directory, sealer, firsts[-1]):
        # Its nonces may be spent on a record that was never finished: start over with another salt.
        name = segment_name(firsts.pop())
        history.torn += directory.size(name)
        directory.remove(name)
    for first in firsts:
        reader = SegmentReader(directory, sealer, first)
        _connect(history, reader)
        for record in reader:
            history.sequence = record.sequence
            if record.sequence in watch:
                history.tags[record.sequence] = reader.tag
        if reader.stop is Stop.BROKEN or (reader.stop is Stop.TORN and first != firsts[-1]):
            raise JournalTampered(history.sequence + 1)
        history.tag = reader.tag
        history.snapshot = reader.link.snapshot
        history.secrets = reader.link.secrets
        history.segments.append(Segment(first, history.sequence, reader.at, reader.link.previous))
    if firsts:
        name = segment_name(firsts[-1])
        history.torn += directory.size(name) - history.segments[-1].size
        # Also where nothing is torn: what a killed process wrote may not have reached the disk yet, and it
        # must not vanish behind the segment that comes next.
        directory.truncate(name, history.segments[-1].size)
    return history


def read_records(directory: Directory, sealer: Sealer, segments: Collection[Segment], after: int) -> Iterator[Record]:
    """The records with sequences greater than `after` from verified segments, verifying them again."""
    for segment in segments:
        if segment.last <= after:
            continue
        reader = SegmentReader(directory, sealer, segment.first)
        if reader.link.previous != segment.previous:
            raise HistoryForked(segment_name(segment.first), segment.first)
        sequence = segment.first - 1
        for record in reader:
            sequence = record.sequence
            if sequence > after:
                yield record
            if sequence == segment.last:
                break
        if sequence != segment.last:
            raise JournalTampered(sequence + 1)


class SegmentReader:
    """Iterates over the records of one segment."""

    def __init__(self, directory: Directory, sealer: Sealer, first: int) -> None:
        """Open segment `first` and read its link. Raises `SealError` or `DiskError`."""
        self.first = first
        name = segment_name(first)
        header = directory.read(name, 0, MAX_HEADER)
        self._frames = FrameReader(directory, name, sealer.open_file(name, header, LABEL, first))
        link = self._frames.next(MAX_LINK)
        if isinstance(link, Stop):
            raise SealBroken(name)
        try:
            self.link: Link = LINK.decode(link)
        except DecodeError:
            raise SealBroken(name) from None
        self.stop = Stop.END
        """After the iteration: why it ended."""

    @property
    def at(self) -> int:
        """Offset behind the newest record."""
        return self._frames.at

    @property
    def tag(self) -> bytes:
        """Tag of the newest record."""
        return self._frames.tag

    def __iter__(self) -> Iterator[Record]:
        sequence = self.first
        while not isinstance(message := self._frames.next(MAX_RECORD + 1), Stop):
            yield Record(sequence, message[0], message[1:])
            sequence += 1
        self.stop = message


def _connect(history: History, reader: SegmentReader) -> None:
    """Check that a segment continues the history so far."""
    first, previous = reader.first, reader.link.previous
    if not history.segments and first > 1:
        history.sequence, history.tag = first - 1, previous
        history.tags[first - 1] = previous
    if first > history.sequence + 1:
        raise SegmentMissing(expected=history.sequence + 1, found=first)
    if first <= history.sequence or previous != history.tag:
        raise HistoryForked(segment_name(first), first)


def _is_unborn(directory: Directory, sealer: Sealer, first: int) -> bool:
    """Whether a crash came before the first record of a segment was complete."""
    name = segment_name(first)
    length = header_length(LABEL)
    if directory.size(name) < length or blank(directory, name, length):
        return True
    cipher = sealer.open_file(name, directory.read(name, 0, MAX_HEADER), LABEL, first)
    frames = FrameReader(directory, name, cipher)
    unfinished = (Stop.END, Stop.TORN)
    return frames.next(MAX_LINK) in unfinished or frames.next(MAX_RECORD + 1) in unfinished
