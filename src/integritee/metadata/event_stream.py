"""The events of a block, of which one may be impossible to decode.

Events are not prefixed with their length, so where a strange one ends shows only in what follows: the stream says
how many records it has, and there may be just one offset from which exactly the remaining ones fill it to its last
byte. That offset is then the true one, provided that the others can all be decoded: the true one is always among
those that fit. Where several fit, or none, the stream is out of step and nothing behind the strange event is told.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

from integritee.scale import DecodeError, decode_compact
from integritee.scale.errors import TooLong, TrailingBytes

from .errors import EventsOutOfStep, InvalidMetadata
from .events import PHASE, EventCodec, EventRecord
from .values import Variant

MAX_UNDECODABLE_EVENT: Final = 4096
"""Longest record in bytes that is skipped."""

MAX_RECORDS_TRIED: Final = 16_384
"""Most records read in search of the end of one event."""


@dataclass(frozen=True, slots=True)
class UndecodableEvent:
    """An event that the metadata does not explain, the whole record in `raw`.

    `name` is "Pallet.Event" as far as the metadata knows it, else by index, as in "200.3". `code` and `reason`
    are those of the error that decoding it raises.
    """

    phase: Variant
    name: str
    raw: bytes
    code: str
    reason: str

    def __str__(self) -> str:
        return self.name


Event: TypeAlias = EventRecord | UndecodableEvent


def read_events(codec: EventCodec, data: bytes) -> list[Event]:
    """The records in the value of System.Events.

    Raises DecodeError if it is no list of records, EventsOutOfStep if one cannot be decoded nor skipped.
    """
    count, at = decode_compact(data)
    bound = (len(data) - at) // codec.record.min_size
    if count > bound:
        raise TooLong(0, count, bound)
    events: list[Event] = []
    while len(events) < count:
        try:
            record, end = codec.record.read(data, at, 0)
        except (DecodeError, InvalidMetadata) as error:
            return events + _beyond(codec, data, at, count - len(events) - 1, error)
        events.append(record)
        at = end
    if at != len(data):
        raise TrailingBytes(at, len(data))
    return events


def _beyond(
    codec: EventCodec, data: bytes, at: int, remaining: int, error: DecodeError | InvalidMetadata
) -> list[Event]:
    """The undecodable record at `at` and the `remaining` ones behind it. Raises EventsOutOfStep."""
    try:
        phase, start = PHASE.read(data, at, 1)
        name = codec.kinds.name(data, start)
    except DecodeError:
        raise EventsOutOfStep(at, 0, str(error)) from error
    least = start + codec.record.min_size - PHASE.min_size
    tail = _Tail(codec, data)
    last = min(at + MAX_UNDECODABLE_EVENT, len(data) - remaining * codec.record.min_size)
    ends = [end for end in range(least, last + 1) if tail.is_filled_by(remaining, end, phase)]
    if tail.is_exhausted or len(ends) != 1:
        raise EventsOutOfStep(at, len(ends), str(error)) from error
    return [UndecodableEvent(phase, name, data[at : ends[0]], error.code, str(error)), *tail.records(ends[0])]


class _Tail:
    """What lies between some offset and the end of a stream. Each record is read once, from wherever it is met."""

    def __init__(self, codec: EventCodec, data: bytes) -> None:
        self._codec, self._data = codec, data
        self._records: dict[int, tuple[EventRecord, int] | None] = {}
        self._lengths: dict[int, int | None] = {len(data): 0}

    @property
    def is_exhausted(self) -> bool:
        """Whether the search was given up, so that its results say nothing."""
        return len(self._records) >= MAX_RECORDS_TRIED

    def is_filled_by(self, count: int, at: int, phase: Variant) -> bool:
        """Whether `count` records that do not precede `phase` reach from `at` to the end."""
        return self._length(at) == count and (count == 0 or _moment(phase) <= self._moment(at))

    def records(self, at: int) -> list[Event]:
        """The records from an offset that is filled by some."""
        found: list[Event] = []
        while (entry := self._record(at)) is not None:
            found.append(entry[0])
            at = entry[1]
        return found

    def _record(self, at: int) -> tuple[EventRecord, int] | None:
        if at not in self._records:
            if self.is_exhausted:
                return None
            try:
                self._records[at] = self._codec.record.read(self._data, at, 0)
            except (DecodeError, InvalidMetadata):
                self._records[at] = None
        return self._records[at]

    def _length(self, at: int) -> int | None:
        """Number of records, ordered by time, that fill the stream from `at` to its end; None if none do."""
        path: list[int] = []
        while at not in self._lengths:
            entry = self._record(at)
            if entry is None:
                self._lengths[at] = None
                break
            path.append(at)
            at = entry[1]
        length = self._lengths[at]
        while path:
            before = path.pop()
            in_order = at == len(self._data) or self._moment(before) <= self._moment(at)
            length = length + 1 if length is not None and in_order else None
            self._lengths[before] = length
            at = before
        return length

    def _moment(self, at: int) -> tuple[int, int]:
        entry = self._record(at)
        return _moment(entry[0].phase) if entry else (0, 0)


def _moment(phase: Variant) -> tuple[int, int]:
    """Phases as they follow each other in a block."""
    stage = ("Initialization", "ApplyExtrinsic", "Finalization").index(phase.name)
    return stage, phase.value if phase.name == "ApplyExtrinsic" else 0
