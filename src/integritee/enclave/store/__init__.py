"""Sealed storage: journal, snapshots and secrets that survive crashes and notice a meddling host."""

from .errors import StoreError
from .files import AppendFile, Directory, DiskDirectory
from .segments import MAX_RECORD, Record
from .snapshots import Snapshot, SnapshotWriter
from .store import Records, Recovered, SealedStore, erase_history

__all__ = [
    "MAX_RECORD",
    "AppendFile",
    "Directory",
    "DiskDirectory",
    "Record",
    "Records",
    "Recovered",
    "SealedStore",
    "Snapshot",
    "SnapshotWriter",
    "StoreError",
    "erase_history",
]
