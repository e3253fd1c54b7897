"""A directory that shows what opening a store would do to it, and does nothing."""

from __future__ import annotations

from ..store.errors import FileMissing
from ..store.files import AppendFile, Directory


class ChangeNeeded(Exception):
    """Something has to be written, which a rehearsal does not."""


class Rehearsal:
    """A `Directory` whose changes are remembered instead of made.

    Only the lock is real: nobody may write while we read.
    """

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._removed: set[str] = set()
        self._sizes: dict[str, int] = {}

    @property
    def changes(self) -> bool:
        """Whether anything would have been changed."""
        return bool(self._removed or self._sizes)

    def lock(self) -> None:
        self._directory.lock()

    def unlock(self) -> None:
        self._directory.unlock()

    def names(self) -> list[str]:
        return [name for name in self._directory.names() if name not in self._removed]

    def size(self, name: str) -> int:
        self._check(name)
        return self._sizes.get(name, self._directory.size(name))

    def read(self, name: str, offset: int, length: int) -> bytes:
        self._check(name)
        left = max(0, self._sizes.get(name, offset + length) - offset)
        return self._directory.read(name, offset, min(length, left))

    def truncate(self, name: str, size: int) -> None:
        if size != self.size(name):
            self._sizes[name] = size

    def remove(self, name: str) -> None:
        self._check(name)
        self._removed.add(name)

    def create(self, name: str) -> AppendFile:
        raise ChangeNeeded(name)

    def rename(self, old: str, new: str) -> None:
        raise ChangeNeeded(new)

    def sync(self) -> None:
        """There is nothing to make durable."""

    def _check(self, name: str) -> None:
        if name in self._removed:
            raise FileMissing(name)
