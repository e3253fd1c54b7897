"""The enclave's memory across restarts: journal, snapshots and secrets in one locked directory.

What the files guarantee together: everything up to the last `sync` is back after a crash, once and in
order; whatever the host alters, removes in the middle or mixes is noticed when the store is opened or when
the part is read. What no sealed file can guarantee is that the host did not put back an older state of the
whole directory or cut off its end; compare `sequence` (and what the records say) with the confirmations on
the parentchain.

The journal always reaches back to the older of the two kept snapshots, so that a damaged newest one loses
nothing; see `repair`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Final

from .errors import (
    HistoryForked,
    JournalBehindSnapshot,
    NothingRecorded,
    SegmentMissing,
    SnapshotMissing,
    SnapshotRunning,
    StoreClosed,
    StoreError,
)
from .files import TEMPORARY, Directory
from .journal import Journal
from .seal import Random, Sealer
from .secrets import Secrets
from .segments import History, Record, Segment, is_segment, read_records, recover
from .snapshots import Preface, Snapshot, SnapshotWriter, is_snapshot, snapshot_name, snapshot_sequences

SNAPSHOT_MIN_BYTES: Final = 16 << 20
"""Less journal than this is no reason for a snapshot: to replay it takes a second or two, while snapshots of a small
state each few seconds took a tenth of a busy enclave's time."""

MAX_SEGMENTS: Final = 64
"""More segments than this (restarts make them) are a reason for a snapshot, however small they are."""

KEPT_SNAPSHOTS: Final = 2


class Records:
    """The records after the snapshot, in order. May be iterated again until the next snapshot is made."""

    def __init__(self, directory: Directory, sealer: Sealer, segments: Iterable[Segment], after: int) -> None:
        self._directory = directory
        self._sealer = sealer
        self._segments = tuple(segments)
        self._after = after

    def __iter__(self) -> Iterator[Record]:
        """Reads the disk as it goes. Raises `HistoryError`, `SealError` or `DiskError`."""
        return read_records(self._directory, self._sealer, self._segments, self._after)


@dataclass(frozen=True, slots=True)
class Recovered:
    """What the store held when it was opened: the state of `snapshot`, then `records` on top of it."""

    snapshot: Snapshot | None
    records: Records
    sequence: int
    """Of the newest record; 0 if there never was one."""
    torn: int
    """Bytes cut off the journal: of a record that was being written when the process died."""
    damaged: tuple[StoreError, ...]
    """Only after a repair: why newer snapshots were dropped."""


class SealedStore:
    """An open store. One thread owns it; `sync` and the writing of a begun snapshot may run in others."""

    def __init__(
        self,
        directory: Directory,
        sealer: Sealer,
        journal: Journal,
        secrets: Secrets,
        snapshots: list[int],
        snapshot_size: int,
    ) -> None:
        """Use `open`."""
        self._directory = directory
        self._sealer = sealer
        self._journal = journal
        self._secrets = secrets
        self._snapshots = snapshots
        self._snapshot_size = snapshot_size
        self._running: SnapshotWriter | None = None
        self._closed = False

    @classmethod
    def open(
        cls,
        directory: Directory,
        seal_key: bytes,
        kind: int,
        *,
        repair: bool = False,
        random: Random = os.urandom,
    ) -> tuple[SealedStore, Recovered]:
        """Lock the directory, verify the journal, cut off what a crash left of a last record.

        `seal_key`: 32 bytes that only this enclave can have; `kind`: number of the TEE (0…255). With
        `repair`, a newest snapshot that is damaged or gone is done without if the one before it (or none)
        and the journal lead to the same record; the next record settles it. Raises `StoreLocked`,
        `SealError`, `HistoryError`, `DiskError`.
        """
        sealer = Sealer(seal_key, kind, random)
        directory.lock()
        try:
            return cls._open(directory, sealer, repair)
        except BaseException:
            directory.unlock()
            raise

    @classmethod
    def _open(cls, directory: Directory, sealer: Sealer, repair: bool) -> tuple[SealedStore, Recovered]:
        names = directory.names()
        for name in names:
            if name.endswith(TEMPORARY):
                directory.remove(name)
        # What a killed process renamed may not have reached the disk yet; our caller will rely on it.
        directory.sync()
        sequences = snapshot_sequences(names)
        history = recover(directory, sealer, frozenset(sequences))
        snapshot, damaged = _choose_snapshot(directory, sealer, history, sequences, repair)
        for _ in damaged:
            directory.remove(snapshot_name(sequences.pop()))
        secrets = Secrets(directory, sealer, (snapshot.secrets if snapshot else []) + history.secrets)
        after = snapshot.sequence if snapshot else 0
        records = Records(directory, sealer, history.segments, after)
        recovered = Recovered(snapshot, records, history.sequence, history.torn, damaged)
        newest, size = (snapshot.sequence, snapshot.size) if snapshot else (None, 0)
        journal = Journal(directory, sealer, history, secrets, newest)
        return cls(directory, sealer, journal, secrets, sequences, size), recovered

    @property
    def sequence(self) -> int:
        """Of the newest record; 0 if there is none."""
        return self._journal.sequence

    @property
    def synced(self) -> int:
        """Records up to this sequence survive a power failure."""
        return self._journal.synced

    def append(self, kind: int, payload: bytes) -> int:
        """Write a record (`kind` 0…255) and return its sequence. It is not durable before `sync`.

        Raises `TooLarge`; `DiskError`, after which only `StoreFailed` until the store is reopened.
        """
        self._check()
        return self._journal.append(kind, payload)

    def sync(self) -> int:
        """Make all records appended before the call durable; the sequence of the newest of them.

        Any number of appends may share one sync. Raises `DiskError`, then `StoreFailed` as `append`.
        """
        self._check()
        return self._journal.sync()

    def snapshot_due(self, size_hint: int = 0) -> bool:
        """Whether replaying the journal would cost more than reading a snapshot.

        `size_hint`: expected bytes of a snapshot; 0: as large as the one before.
        """
        newest = self._snapshots[-1] if self._snapshots else 0
        size, segments = self._journal.extent(newest)
        return size > max(SNAPSHOT_MIN_BYTES, size_hint or self._snapshot_size) or segments > MAX_SEGMENTS

    def maybe_snapshot(
        self, state_items: Iterable[tuple[bytes, bytes]], meta: bytes = b"", size_hint: int = 0
    ) -> bool:
        """Make a snapshot of the state after the newest record if one is due; whether it was.

        `state_items` is not touched otherwise. Raises as `begin_snapshot` and `commit_snapshot`.
        """
        if not self.snapshot_due(size_hint):
            return False
        self.snapshot(state_items, meta)
        return True

    def snapshot(self, state_items: Iterable[tuple[bytes, bytes]], meta: bytes = b"") -> None:
        """Make a snapshot now. Raises as `begin_snapshot` and `commit_snapshot`."""
        writer = self.begin_snapshot(meta)
        try:
            writer.write(state_items)
            writer.finish()
        except BaseException:
            self.abandon_snapshot(writer)
            raise
        self.commit_snapshot(writer)

    def begin_snapshot(self, meta: bytes = b"") -> SnapshotWriter:
        """Begin a snapshot of the state after the newest record, to be written bit by bit.

        Appending may go on meanwhile; the entries must be those of the state as it is now. Afterwards pass
        the finished writer to `commit_snapshot` or else to `abandon_snapshot`. Raises `SnapshotRunning`,
        `NothingRecorded`, `TooLarge`, `DiskError`, `StoreFailed`.
        """
        self._check()
        if not self._journal.sequence:
            raise NothingRecorded
        if self._running is not None:
            raise SnapshotRunning(self._running.sequence)
        self._journal.rotate()
        preface = Preface(self._journal.tag, self._secrets.marks, meta)
        self._running = SnapshotWriter(self._directory, self._sealer, self._journal.sequence, preface)
        return self._running

    def commit_snapshot(self, writer: SnapshotWriter) -> None:
        """Let a finished snapshot count; remove older ones and the journal before them. Raises `DiskError`."""
        self._check()
        self._running = None
        writer.publish()
        self._snapshots = sorted({*self._snapshots, writer.sequence})
        self._snapshot_size = writer.size
        self._journal.snapshot = self._snapshots[-1]
        while len(self._snapshots) > KEPT_SNAPSHOTS:
            self._directory.remove(snapshot_name(self._snapshots[0]))
            del self._snapshots[0]
        if len(self._snapshots) == KEPT_SNAPSHOTS:
            self._journal.prune(self._snapshots[0])

    def abandon_snapshot(self, writer: SnapshotWriter) -> None:
        """Give up a begun snapshot; harmless after a `commit_snapshot` that failed. Raises `DiskError`."""
        self._running = None
        writer.abandon()

    def put_secret(self, label: str, data: bytes) -> None:
        """Durably replace a secret (see `secrets`). Raises `InvalidLabel`, `TooLarge` or `DiskError`."""
        self._check()
        # The next record begins a segment and so notes the new version.
        self._journal.rotate()
        self._secrets.put(label, data)

    def get_secret(self, label: str) -> bytes | None:
        """The secret as last put, None if it never was. Raises `SecretMissing`, `SecretReplayed`, …"""
        self._check()
        return self._secrets.get(label)

    def close(self) -> None:
        """Make all durable and release the lock. A snapshot still running is abandoned. Idempotent."""
        if self._closed:
            return
        self._closed = True
        try:
            if self._running is not None:
                self.abandon_snapshot(self._running)
            self._journal.close()
        finally:
            self._directory.unlock()

    def __enter__(self) -> SealedStore:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _check(self) -> None:
        if self._closed:
            raise StoreClosed


def erase_history(directory: Directory) -> None:
    """Remove journal and snapshots for good, whether or not they can be opened; secrets stay.

    The next opening finds an empty store with these secrets. A crash in between may leave a store that does
    not open until this is repeated, but costs no secret. Raises `StoreLocked` or `DiskError`.
    """
    directory.lock()
    try:
        for name in directory.names():
            if is_segment(name) or is_snapshot(name):
                directory.remove(name)
        directory.sync()
    finally:
        directory.unlock()


def _choose_snapshot(
    directory: Directory, sealer: Sealer, history: History, sequences: list[int], repair: bool
) -> tuple[Snapshot | None, tuple[StoreError, ...]]:
    """The newest snapshot and no errors; with `repair` the newest intact one and what is wrong with others."""
    damaged: list[StoreError] = []
    for sequence in reversed(sequences):
        try:
            snapshot = _open_snapshot(directory, sealer, history, sequence)
            if repair:
                snapshot.verify()
            else:
                _expect_snapshot(history, sequence)
            return snapshot, tuple(damaged)
        except StoreError as reason:
            if not repair or sequence > history.sequence:
                raise
            damaged.append(reason)
    if damaged and history.first > 1:
        raise damaged[0]
    if not repair or history.first > 1:
        _expect_snapshot(history, None)
    return None, tuple(damaged)


def _open_snapshot(directory: Directory, sealer: Sealer, history: History, sequence: int) -> Snapshot:
    """A snapshot from which the journal goes on."""
    snapshot = Snapshot(directory, sealer, sequence)
    if history.sequence < sequence:
        raise JournalBehindSnapshot(snapshot=sequence, journal=history.sequence)
    if history.first > sequence + 1:
        raise SegmentMissing(expected=sequence + 1, found=history.first)
    if history.tags.get(sequence) != snapshot.tag:
        raise HistoryForked(snapshot_name(sequence), sequence)
    return snapshot


def _expect_snapshot(history: History, found: int | None) -> None:
    """Check that the newest snapshot `found` is at least the one the journal knows of or begins after."""
    expected = max(history.snapshot or 0, history.first - 1)
    if expected > (found or 0):
        raise SnapshotMissing(expected=expected, found=found)
