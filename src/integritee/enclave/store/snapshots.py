"""Snapshots: all of a state after some record, in one sealed file, so that the journal before can go.

    snapshot   header (label "snapshot", counter = sequence of the record) ‖ frame(preface) ‖ frame(chunk)*
    preface    tag of that record 16 bytes ‖ marks of the secrets ‖ meta        (SCALE)
    chunk      1 in the last one, else 0, u8 ‖ piece of the entries, at most CHUNK bytes
    entry      length of key u32 ‖ length of value u32 ‖ key ‖ value        (little-endian)

The preface ties a snapshot to the journal: only one that was made from this very history fits.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Iterator
from typing import Annotated, Final

from integritee.scale import Bounded, Bytes16, DecodeError, Struct, codec

from .errors import SealBroken, SnapshotTampered, TooLarge
from .files import TEMPORARY, Directory
from .frames import FrameReader, FrameWriter, Stop
from .seal import MAX_HEADER, Sealer
from .secrets import SecretMark, SecretMarks

CHUNK: Final = (1 << 20) - 1
"""Bytes of entries in one chunk; with its flag it makes 1 MiB."""

MAX_META: Final = 16 << 20
"""Bytes of a snapshot's meta."""

MAX_ENTRY: Final = 64 << 20
"""Bytes of key and value of one entry together."""

LABEL: Final = "snapshot"
_NAME: Final = re.compile(r"snapshot-(\d{20})")
_MAX_PREFACE: Final = MAX_META + (16 << 10)
_LENGTHS: Final = struct.Struct("<II")


class Preface(Struct, frozen=True):
    """First message of a snapshot."""

    tag: Bytes16
    secrets: SecretMarks
    meta: Annotated[bytes, Bounded(MAX_META)]


_PREFACE: Final = codec(Preface)


def snapshot_name(sequence: int) -> str:
    return f"{LABEL}-{sequence:020}"


def is_snapshot(name: str) -> bool:
    return _NAME.fullmatch(name.removesuffix(TEMPORARY)) is not None


def snapshot_sequences(names: Iterable[str]) -> list[int]:
    """The sequences of the snapshots among the files of a directory, ascending."""
    return sorted(int(match[1]) for name in names if (match := _NAME.fullmatch(name)))


class Snapshot:
    """A snapshot on disk. Its preface is verified when it is opened, each chunk when it is read."""

    def __init__(self, directory: Directory, sealer: Sealer, sequence: int) -> None:
        """Raises `SealError` or `DiskError`."""
        self.sequence = sequence
        """Of the newest record it holds, at least 1."""
        self._directory = directory
        self._name = snapshot_name(sequence)
        header = directory.read(self._name, 0, MAX_HEADER)
        self._cipher = sealer.open_file(self._name, header, LABEL, sequence)
        self.size = directory.size(self._name)
        """Bytes of its file."""
        preface = self._read_preface(FrameReader(directory, self._name, self._cipher))
        self.meta: bytes = preface.meta
        """The caller's own."""
        self.tag: bytes = preface.tag
        self.secrets: list[SecretMark] = preface.secrets

    def items(self) -> Iterator[tuple[bytes, bytes]]:
        """All entries in the order they were written.

        Reads the file as it goes: an entry is genuine when it is yielded, all are there when the iteration
        has ended. Raises `SnapshotTampered`, `SealBroken` or `DiskError`.
        """
        pieces: list[bytes] = []
        missing = 0
        for chunk in self.chunks():
            pieces.append(chunk)
            missing -= len(chunk)
            if missing > 0:
                continue
            data = b"".join(pieces)
            at, total = 0, len(data)
            while True:
                start = at + _LENGTHS.size
                if start > total:
                    missing = start - total
                    break
                key_length, value_length = _LENGTHS.unpack_from(data, at)
                middle = start + key_length
                end = middle + value_length
                if end > total:
                    missing = end - total
                    break
                yield data[start:middle], data[middle:end]
                at = end
            pieces = [data[at:]]

    def chunks(self) -> Iterator[bytes]:
        """The pieces of the entries, one chunk after the other. Raises as `items`."""
        reader = FrameReader(self._directory, self._name, self._cipher)
        self._read_preface(reader)
        number, last = 0, False
        while not isinstance(message := reader.next(CHUNK + 1), Stop):
            last = message[:1] == b"\1"
            yield message[1:]
            number += 1
        if message is not Stop.END or not last:
            raise SnapshotTampered(self.sequence, number)

    def verify(self) -> None:
        """Read all of it. Raises as `items`."""
        for _ in self.chunks():
            pass

    def _read_preface(self, reader: FrameReader) -> Preface:
        message = reader.next(_MAX_PREFACE)
        if isinstance(message, Stop):
            raise SealBroken(self._name)
        try:
            preface: Preface = _PREFACE.decode(message)
        except DecodeError:
            raise SealBroken(self._name) from None
        return preface


class SnapshotWriter:
    """Writes a snapshot piece by piece, under a temporary name, holding at most a chunk in memory.

    `write` and `finish` touch nothing but its own file: they may run in another thread than the store.
    """

    def __init__(self, directory: Directory, sealer: Sealer, sequence: int, preface: Preface) -> None:
        """`sequence` and `preface.tag` are those of the newest record. Raises `TooLarge` or `DiskError`."""
        if len(preface.meta) > MAX_META:
            raise TooLarge("snapshot meta", limit=MAX_META, found=len(preface.meta))
        self.sequence = sequence
        self._directory = directory
        self._name = snapshot_name(sequence)
        self._pending: list[bytes] = []
        self._pending_bytes = 0
        cipher = sealer.new_file(LABEL, sequence)
        self._frames = FrameWriter(cipher)
        self._file = directory.create(self._name + TEMPORARY)
        self._is_open, self._is_published = True, False
        self.size = 0
        """Bytes written so far."""
        try:
            self._append(cipher.prefix + self._frames.frame(_PREFACE.encode(preface)))
        except BaseException:
            self.abandon()
            raise

    def write(self, items: Iterable[tuple[bytes, bytes]]) -> None:
        """Add entries. May be called again. Raises `TooLarge` or `DiskError`."""
        pending, pack = self._pending, _LENGTHS.pack
        waiting = self._pending_bytes
        for key, value in items:
            length = len(key) + len(value)
            if length > MAX_ENTRY:
                raise TooLarge("snapshot entry", limit=MAX_ENTRY, found=length)
            pending += (pack(len(key), len(value)), key, value)
            waiting += length + _LENGTHS.size
            if waiting > CHUNK:
                waiting = self._flush()
        self._pending_bytes = waiting

    def finish(self) -> None:
        """No more entries: make the file durable. It counts once it is published. Raises `DiskError`."""
        self._append(self._frames.frame(b"\1" + b"".join(self._pending)))
        self._pending.clear()
        self._file.sync()
        self._close()

    def publish(self) -> None:
        """Give the finished file its name, durably. Raises `DiskError`."""
        self._directory.rename(self._name + TEMPORARY, self._name)
        self._is_published = True
        self._directory.sync()

    def abandon(self) -> None:
        """Remove the file unless it has its name already. Raises `DiskError`."""
        self._close()
        if not self._is_published:
            self._directory.remove(self._name + TEMPORARY)

    def _flush(self) -> int:
        """Write all whole chunks; how many bytes are left waiting."""
        data = b"".join(self._pending)
        whole = len(data) - len(data) % CHUNK
        for at in range(0, whole, CHUNK):
            self._append(self._frames.frame(b"\0" + data[at : at + CHUNK]))
        self._pending[:] = [data[whole:]]
        return len(data) - whole

    def _append(self, data: bytes) -> None:
        self._file.append(data)
        self.size += len(data)

    def _close(self) -> None:
        if self._is_open:
            self._is_open = False
            self._file.close()
