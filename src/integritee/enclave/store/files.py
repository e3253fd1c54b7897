"""The only part of the store that touches a disk: a flat directory of append-only files.

`Directory` is what the store needs of a file system, one method per step that can fail or be interrupted,
so that tests can stop the machine between any two of them. `DiskDirectory` is the real one.

What is assumed of the disk after a power failure: synced bytes are there; of bytes that were appended but
not synced a prefix is there, perhaps followed by zeros; creations, renames and removals since the last
`sync` of the directory happened or did not, each on its own; a rename is atomic.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Protocol

from .errors import DiskFailed, FileMissing, StoreLocked, TooLarge

MAX_FILES: Final = 10_000
"""Files of one directory; the host may create any number."""

TEMPORARY: Final = ".tmp"
"""Ending of files under construction; worthless after a crash."""

LOCK_FILE: Final = "lock"


class AppendFile(Protocol):
    """A file being written, from its beginning."""

    def append(self, data: bytes) -> None:
        """Write all of `data` at the end."""
        ...

    def sync(self) -> None:
        """Return when everything appended so far survives a power failure. Any thread may call it."""
        ...

    def close(self) -> None: ...


class Directory(Protocol):
    """A flat directory. Failures are `DiskError`s."""

    def lock(self) -> None:
        """Keep other processes out until `unlock` or the end of this process. Raises `StoreLocked`."""
        ...

    def unlock(self) -> None: ...

    def names(self) -> list[str]:
        """The files, sorted. Raises `TooLarge` above MAX_FILES."""
        ...

    def size(self, name: str) -> int:
        """Bytes of a file. Raises `FileMissing`."""
        ...

    def read(self, name: str, offset: int, length: int) -> bytes:
        """At most `length` bytes from `offset`, fewer only at the end. Raises `FileMissing`."""
        ...

    def create(self, name: str) -> AppendFile:
        """A new empty file, replacing what had the name."""
        ...

    def truncate(self, name: str, size: int) -> None:
        """Cut a file to `size` bytes and make all that remains durable."""
        ...

    def rename(self, old: str, new: str) -> None:
        """Rename atomically, replacing what had the new name."""
        ...

    def remove(self, name: str) -> None: ...

    def sync(self) -> None:
        """Return when all creations, renames and removals so far survive a power failure."""
        ...


def write_atomic(directory: Directory, name: str, data: bytes) -> None:
    """Durably replace a small file: after a crash it is the old one or the new one, never a mixture."""
    temporary = name + TEMPORARY
    file = directory.create(temporary)
    try:
        file.append(data)
        file.sync()
    finally:
        file.close()
    directory.rename(temporary, name)
    directory.sync()


class DiskDirectory:
    """A directory of the operating system, created on `lock` if missing, readable by its owner only."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock: int | None = None

    def lock(self) -> None:
        with _errors("create", str(self.path)):
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = self._open("lock", LOCK_FILE, os.O_RDWR | os.O_CREAT)
        try:
            # The kernel drops the lock with the last descriptor, hence also when the process is killed.
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as failure:
            os.close(descriptor)
            if failure.errno in (errno.EWOULDBLOCK, errno.EACCES):
                raise StoreLocked(str(self.path)) from None
            raise DiskFailed("lock", LOCK_FILE, failure.errno or 0) from failure
        self._lock = descriptor

    def unlock(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def names(self) -> list[str]:
        found: list[str] = []
        with _errors("list", str(self.path)), os.scandir(self.path) as entries:
            for entry in entries:
                found.append(entry.name)
                if len(found) > MAX_FILES:
                    raise TooLarge("directory", limit=MAX_FILES, found=len(found))
        return sorted(found)

    def size(self, name: str) -> int:
        with self._opened("measure", name, os.O_RDONLY) as descriptor:
            return os.fstat(descriptor).st_size

    def read(self, name: str, offset: int, length: int) -> bytes:
        with self._opened("read", name, os.O_RDONLY) as descriptor:
            data = os.pread(descriptor, length, offset)
            while 0 < len(data) < length:
                more = os.pread(descriptor, length - len(data), offset + len(data))
                if not more:
                    break
                data += more
            return data

    def create(self, name: str) -> AppendFile:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND
        return _DiskFile(name, self._open("create", name, flags))

    def truncate(self, name: str, size: int) -> None:
        with self._opened("truncate", name, os.O_WRONLY) as descriptor:
            os.ftruncate(descriptor, size)
            os.fsync(descriptor)

    def rename(self, old: str, new: str) -> None:
        with _errors("rename", old):
            (self.path / old).rename(self.path / new)

    def remove(self, name: str) -> None:
        with _errors("remove", name):
            (self.path / name).unlink()

    def sync(self) -> None:
        with _errors("sync", str(self.path)):
            descriptor = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    @contextmanager
    def _opened(self, operation: str, name: str, flags: int) -> Iterator[int]:
        descriptor = self._open(operation, name, flags)
        try:
            with _errors(operation, name):
                yield descriptor
        finally:
            os.close(descriptor)

    def _open(self, operation: str, name: str, flags: int) -> int:
        # The host owns the directory: never follow its links, never wait for its pipes.
        flags |= os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        with _errors(operation, name):
            descriptor = os.open(self.path / name, flags, 0o600)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise DiskFailed(operation, name, errno.EINVAL)
        return descriptor


class _DiskFile:
    def __init__(self, name: str, descriptor: int) -> None:
        self._name = name
        self._descriptor = descriptor

    def append(self, data: bytes) -> None:
        try:
            written = os.write(self._descriptor, data)
            while written < len(data):
                written += os.write(self._descriptor, memoryview(data)[written:])
        except OSError as failure:
            raise DiskFailed("append to", self._name, failure.errno or 0) from failure

    def sync(self) -> None:
        with _errors("sync", self._name):
            os.fdatasync(self._descriptor)

    def close(self) -> None:
        with _errors("close", self._name):
            os.close(self._descriptor)


@contextmanager
def _errors(operation: str, name: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise FileMissing(name) from None
    except OSError as failure:
        raise DiskFailed(operation, name, failure.errno or 0) from failure
