"""A directory in memory whose machine can lose power between, and within, any two operations."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from integritee.enclave.store.errors import DiskFailed, FileMissing, StoreLocked


class PowerFailure(BaseException):
    """The machine stops here."""


class Survival:
    """What of the unsynced things is there after a power failure."""

    def kept(self, unsynced: int) -> int:
        """How many of so many unsynced bytes."""
        raise NotImplementedError

    def filled(self) -> bool:
        """Whether lost bytes leave zeros behind."""
        return False

    def happened(self) -> bool:
        """Whether an unsynced creation, rename or removal took place."""
        raise NotImplementedError


class Nothing(Survival):
    def kept(self, unsynced: int) -> int:
        return 0

    def happened(self) -> bool:
        return False


class Everything(Survival):
    def kept(self, unsynced: int) -> int:
        return unsynced

    def happened(self) -> bool:
        return True


class Names(Nothing):
    """Metadata arrives, data does not: files that were just created are empty."""

    def happened(self) -> bool:
        return True


class Zeros(Names):
    """As `Names`, but the files have their size already."""

    def filled(self) -> bool:
        return True


class Chance(Survival):
    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def kept(self, unsynced: int) -> int:
        return self._random.randint(0, unsynced)

    def filled(self) -> bool:
        return self._random.random() < 0.3

    def happened(self) -> bool:
        return self._random.random() < 0.5


@dataclass
class Inode:
    data: bytearray = field(default_factory=bytearray)
    synced: int = 0

    def after(self, survival: Survival) -> Inode:
        kept = self.synced + survival.kept(len(self.data) - self.synced)
        data = self.data[:kept]
        if survival.filled():
            data = data.ljust(len(self.data), b"\0")
        return Inode(data, len(data))


class FaultyDirectory:
    """Implements `Directory`. With `fail_at = n` the n-th operation from now fails: power, or EIO."""

    def __init__(self) -> None:
        self.files: dict[str, Inode] = {}
        self._durable: dict[str, Inode] = {}
        self._pending: list[Callable[[dict[str, Inode]], None]] = []
        self._locked = False
        self._dead = False
        self.operations = 0
        self.syncs = 0
        self.fail_at: int | None = None
        self.survival: Survival = Nothing()
        self.breaks_with: type[PowerFailure] | type[DiskFailed] = PowerFailure

    def reboot(self, survival: Survival | None = None) -> None:
        """Lose power (unless it is already gone) and start again."""
        names = dict(self._durable)
        survival = survival or self.survival
        for change in self._pending:
            if survival.happened():
                change(names)
        survived = {id(inode): inode.after(survival) for inode in names.values()}
        self._durable = {name: survived[id(inode)] for name, inode in names.items()}
        self.files = dict(self._durable)
        self._pending.clear()
        self._locked = self._dead = False
        self.fail_at = None

    def contents(self) -> dict[str, bytes]:
        return {name: bytes(inode.data) for name, inode in self.files.items()}

    def put_back(self, contents: dict[str, bytes]) -> None:
        """The host makes the directory look like this, durably."""
        self.files = {name: Inode(bytearray(data), len(data)) for name, data in contents.items()}
        self._durable = dict(self.files)
        self._pending.clear()

    # Directory

    def lock(self) -> None:
        if self._locked:
            raise StoreLocked("memory")
        self._locked = True

    def unlock(self) -> None:
        self._locked = False

    def names(self) -> list[str]:
        return sorted(self.files)

    def size(self, name: str) -> int:
        return len(self._inode(name).data)

    def read(self, name: str, offset: int, length: int) -> bytes:
        return bytes(self._inode(name).data[offset : offset + length])

    def create(self, name: str) -> FaultyFile:
        self.step("create", name)
        inode = Inode()
        self._change(lambda names: names.__setitem__(name, inode))
        return FaultyFile(self, name, inode)

    def truncate(self, name: str, size: int) -> None:
        self.step("truncate", name)
        inode = self._inode(name)
        del inode.data[size:]
        inode.synced = size

    def rename(self, old: str, new: str) -> None:
        self.step("rename", old)
        inode = self._inode(old)

        def change(names: dict[str, Inode]) -> None:
            names.pop(old, None)
            names[new] = inode

        self._change(change)

    def remove(self, name: str) -> None:
        self.step("remove", name)
        self._inode(name)
        self._change(lambda names: names.pop(name, None))

    def sync(self) -> None:
        self.step("sync", "directory")
        self._durable = dict(self.files)
        self._pending.clear()

    # Faults

    def step(self, operation: str, name: str) -> None:
        """Count an operation; fail before it takes effect if its turn has come."""
        if self._dead:
            raise PowerFailure
        if self.fail_at is not None:
            if self.fail_at == 0:
                self.fail_at = None
                if self.breaks_with is DiskFailed:
                    raise DiskFailed(operation, name, 5)
                self._dead = True
                raise PowerFailure
            self.fail_at -= 1
        self.operations += 1

    def _inode(self, name: str) -> Inode:
        if name not in self.files:
            raise FileMissing(name)
        return self.files[name]

    def _change(self, change: Callable[[dict[str, Inode]], object]) -> None:
        change(self.files)
        self._pending.append(change)  # type: ignore[arg-type]


class FaultyFile:
    def __init__(self, directory: FaultyDirectory, name: str, inode: Inode) -> None:
        self._directory = directory
        self._name = name
        self._inode = inode

    def append(self, data: bytes) -> None:
        try:
            self._directory.step("append to", self._name)
        except BaseException:
            # An interrupted write has written something.
            self._inode.data += data[: len(data) // 2]
            raise
        self._inode.data += data

    def sync(self) -> None:
        self._directory.step("sync", self._name)
        self._directory.syncs += 1
        self._inode.synced = len(self._inode.data)

    def close(self) -> None:
        pass
