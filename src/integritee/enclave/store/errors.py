"""Errors of the sealed store.

    IntegriteeError
    └── StoreError                   store
        ├── DiskError                store.disk
        │   ├── DiskFailed           store.disk_failed
        │   ├── FileMissing          store.file_missing
        │   └── StoreLocked          store.locked
        ├── SealError                store.seal
        │   ├── SealBroken           store.seal_broken
        │   ├── WrongVersion         store.wrong_version
        │   ├── WrongKind            store.wrong_kind
        │   ├── WrongLabel           store.wrong_label
        │   └── WrongCounter         store.wrong_counter
        ├── HistoryError             store.history
        │   ├── JournalTampered      store.journal_tampered
        │   ├── SegmentMissing       store.segment_missing
        │   ├── HistoryForked        store.history_forked
        │   ├── JournalBehindSnapshot  store.journal_behind_snapshot
        │   ├── SnapshotMissing      store.snapshot_missing
        │   ├── SnapshotTampered     store.snapshot_tampered
        │   ├── SecretMissing        store.secret_missing
        │   └── SecretReplayed       store.secret_replayed
        ├── TooLarge                 store.too_large
        ├── InvalidLabel             store.invalid_label
        ├── NothingRecorded          store.nothing_recorded
        ├── SnapshotRunning          store.snapshot_running
        ├── StoreFailed              store.failed
        └── StoreClosed              store.closed

A `SealError` is about one file on its own, a `HistoryError` about files that do not fit together. Facts
are names, numbers and lengths, never contents.
"""

from __future__ import annotations

from integritee.errors import IntegriteeError


class StoreError(IntegriteeError):
    """Any failure of the sealed store."""

    code = "store"


class DiskError(StoreError):
    """The file system did not do what it was asked."""

    code = "store.disk"


class DiskFailed(DiskError):
    """A system call failed; `errno` is the system's number (see errno(3))."""

    code = "store.disk_failed"

    def __init__(self, operation: str, name: str, errno: int) -> None:
        super().__init__(f"cannot {operation} {name!r}: errno {errno}")
        self.operation, self.name, self.errno = operation, name, errno


class FileMissing(DiskError):
    """A file that was there is gone."""

    code = "store.file_missing"

    def __init__(self, name: str) -> None:
        super().__init__(f"no file {name!r}")
        self.name = name


class StoreLocked(DiskError):
    """Another process has this directory open."""

    code = "store.locked"

    def __init__(self, path: str) -> None:
        super().__init__(f"{path} is in use by another process")
        self.path = path


class SealError(StoreError):
    """One sealed file cannot be opened."""

    code = "store.seal"

    def __init__(self, text: str, name: str) -> None:
        super().__init__(f"{name}: {text}")
        self.name = name


class SealBroken(SealError):
    """Not a sealed file, altered, or sealed with another key (which of them cannot be told)."""

    code = "store.seal_broken"

    def __init__(self, name: str) -> None:
        super().__init__("altered, or sealed with another key", name)


class WrongVersion(SealError):
    """Sealed in a format this code does not know."""

    code = "store.wrong_version"

    def __init__(self, name: str, *, expected: int, found: int) -> None:
        super().__init__(f"format version {found}, expected {expected}", name)
        self.expected, self.found = expected, found


class WrongKind(SealError):
    """Sealed by another kind of TEE, such as the simulation."""

    code = "store.wrong_kind"

    def __init__(self, name: str, *, expected: int, found: int) -> None:
        super().__init__(f"sealed by TEE kind {found}, this one is {expected}", name)
        self.expected, self.found = expected, found


class WrongLabel(SealError):
    """A genuine sealed file under the name of another."""

    code = "store.wrong_label"

    def __init__(self, name: str, *, expected: str, found: str) -> None:
        super().__init__(f"labelled {found!r}, expected {expected!r}", name)
        self.expected, self.found = expected, found


class WrongCounter(SealError):
    """A genuine sealed file with a number other than its name says."""

    code = "store.wrong_counter"

    def __init__(self, name: str, *, expected: int, found: int) -> None:
        super().__init__(f"numbered {found}, expected {expected}", name)
        self.expected, self.found = expected, found


class HistoryError(StoreError):
    """The files do not make up one history: something was altered, removed or put back."""

    code = "store.history"


class JournalTampered(HistoryError):
    """The record `sequence` is damaged, or is not the one that was written there."""

    code = "store.journal_tampered"

    def __init__(self, sequence: int) -> None:
        super().__init__(f"journal record {sequence} is altered")
        self.sequence = sequence


class SegmentMissing(HistoryError):
    """Records `expected` … `found` - 1 are gone."""

    code = "store.segment_missing"

    def __init__(self, *, expected: int, found: int) -> None:
        super().__init__(f"the journal goes on at record {found}, expected {expected}")
        self.expected, self.found = expected, found


class HistoryForked(HistoryError):
    """A file was made in another history than the one that leads to record `sequence`."""

    code = "store.history_forked"

    def __init__(self, name: str, sequence: int) -> None:
        super().__init__(f"{name} does not belong to the history of record {sequence}")
        self.name, self.sequence = name, sequence


class JournalBehindSnapshot(HistoryError):
    """The journal ends before the snapshot that was made from it."""

    code = "store.journal_behind_snapshot"

    def __init__(self, *, snapshot: int, journal: int) -> None:
        super().__init__(f"the snapshot holds record {snapshot} but the journal ends at {journal}")
        self.snapshot, self.journal = snapshot, journal


class SnapshotMissing(HistoryError):
    """The journal knows of snapshot `expected`, the newest there is `found` (None: there is none)."""

    code = "store.snapshot_missing"

    def __init__(self, *, expected: int, found: int | None) -> None:
        super().__init__(f"snapshot {expected} is gone, the newest is {found}")
        self.expected, self.found = expected, found


class SnapshotTampered(HistoryError):
    """Chunk `chunk` of the snapshot is damaged, missing or one too many."""

    code = "store.snapshot_tampered"

    def __init__(self, sequence: int, chunk: int) -> None:
        super().__init__(f"chunk {chunk} of snapshot {sequence} is altered")
        self.sequence, self.chunk = sequence, chunk


class SecretMissing(HistoryError):
    """The journal knows a secret whose file is gone."""

    code = "store.secret_missing"

    def __init__(self, label: str) -> None:
        super().__init__(f"the secret {label!r} is gone")
        self.label = label


class SecretReplayed(HistoryError):
    """The file of a secret holds another version than the journal knows."""

    code = "store.secret_replayed"

    def __init__(self, label: str, *, expected: int, found: int) -> None:
        super().__init__(f"the secret {label!r} was put back to version {found} of {expected}")
        self.label, self.expected, self.found = label, expected, found


class TooLarge(StoreError):
    """Something exceeds its limit (bytes, or files of a directory)."""

    code = "store.too_large"

    def __init__(self, what: str, *, limit: int, found: int) -> None:
        super().__init__(f"{what} of {found} exceeds the limit of {limit}")
        self.what, self.limit, self.found = what, limit, found


class InvalidLabel(StoreError):
    """A secret's label is not 1 to 24 of a-z, 0-9 and hyphen."""

    code = "store.invalid_label"

    def __init__(self, label: str) -> None:
        super().__init__(f"invalid label {label!r}")
        self.label = label


class NothingRecorded(StoreError):
    """A snapshot before the first record: nothing would tie it to this store. Record its origin first."""

    code = "store.nothing_recorded"

    def __init__(self) -> None:
        super().__init__("a snapshot needs a record before it")


class SnapshotRunning(StoreError):
    """A snapshot was begun and neither committed nor abandoned."""

    code = "store.snapshot_running"

    def __init__(self, sequence: int) -> None:
        super().__init__(f"snapshot {sequence} is still being written")
        self.sequence = sequence


class StoreFailed(StoreError):
    """An earlier write failed, so what is on disk is uncertain; reopen the store to find out."""

    code = "store.failed"

    def __init__(self) -> None:
        super().__init__("an earlier write failed; reopen the store")


class StoreClosed(StoreError):
    """The store was closed."""

    code = "store.closed"

    def __init__(self) -> None:
        super().__init__("the store is closed")
