"""The data directory of a set-up: temporary unless named, and used by one set-up at a time."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .errors import DataDirInUse


@dataclass(frozen=True)
class DataDirectory:
    """`lock` is a descriptor: whoever has inherited it keeps others out."""

    path: Path
    lock: int

    def below(self, name: str) -> Path:
        """A directory in it, made if missing."""
        path = self.path / name
        path.mkdir(exist_ok=True)
        return path


@contextmanager
def open_directory(path: Path | None) -> Iterator[DataDirectory]:
    """A locked directory; without `path` a new one that is gone afterwards. Raises DataDirInUse, OSError.

    The lock is on the directory itself and belongs to the processes that hold the descriptor: no file remains,
    and it ends with the last of them, however they end.
    """
    if path is None:
        directory = Path(tempfile.mkdtemp(prefix="integritee-"))
    else:
        directory = path.resolve()
        directory.mkdir(parents=True, exist_ok=True)
    lock = os.open(directory, os.O_RDONLY)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DataDirInUse(directory) from None
        yield DataDirectory(directory, lock)
    finally:
        os.close(lock)
        if path is None:
            shutil.rmtree(directory, ignore_errors=True)
