"""A disk in memory whose machine can lose power before or after any step, or which refuses one (EIO).

What survives is what `enclave.store.files` assumes of disks: what was synced, and of the rest what the dice say.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Literal

from integritee.enclave.store.errors import DiskFailed, FileMissing, StoreLocked

EIO: Final = 5


class PowerFailure(BaseException):
    """The machine stops here."""


@dataclass
class Trap:
    """The `count`-th operation called `operation` from now (0: the next) ends badly: `EIO`, or loss of power before
    it took effect or after."""

    operation: str
    count: int
    ends: Literal["EIO", "before", "after"]


@dataclass
class Inode:
    """A file's bytes, of which the first `synced` survive anything."""

    data: bytearray = field(default_factory=bytearray)
    synced: int = 0

    def after_crash(self, dice: random.Random) -> Inode:
        kept = self.synced + dice.randint(0, len(self.data) - self.synced)
        data = self.data[:kept]
        if dice.random() < 0.3:
            data = data.ljust(len(self.data), b"\0")
        return Inode(data, len(data))


class Disk:
    """Implements `enclave.store.files.Directory`."""

    def __init__(self, contents: dict[str, bytes] | None = None) -> None:
        self._files = {name: Inode(bytearray(data), len(data)) for name, data in (contents or {}).items()}
        self._durable = dict(self._files)
        self._pending: list[Callable[[dict[str, Inode]], object]] = []
        self._locked = self._dead = False
        self.trap: Trap | None = None
        self.sprung = 0
        """Traps that something went into."""

    def contents(self) -> dict[str, bytes]:
        """All files as they are now."""
        return {name: bytes(inode.data) for name, inode in self._files.items()}

    def replace(self, contents: dict[str, bytes]) -> None:
        """The host makes the directory look like this, durably."""
        self._files = {name: Inode(bytearray(data), len(data)) for name, data in contents.items()}
        self._durable = dict(self._files)
        self._pending.clear()

    def reboot(self, dice: random.Random) -> None:
        """Lose power (unless it is already gone) and start again."""
        names = dict(self._durable)
        for change in self._pending:
            if dice.random() < 0.5:
                change(names)
        survived = {id(inode): inode.after_crash(dice) for inode in names.values()}
        self._durable = {name: survived[id(inode)] for name, inode in names.items()}
        self._files = dict(self._durable)
        self._pending.clear()
        self._locked = self._dead = False
        self.trap = None

    # -- Directory -----------------------------------------------------------------------------------

    def lock(self) -> None:
        if self._locked:
            raise StoreLocked("memory")
        self._locked = True

    def unlock(self) -> None:
        self._locked = False

    def names(self) -> list[str]:
        return sorted(self._files)

    def size(self, name: str) -> int:
        return len(self._inode(name).data)

    def read(self, name: str, offset: int, length: int) -> bytes:
        return bytes(self._inode(name).data[offset : offset + length])

    def create(self, name: str) -> File:
        inode = Inode()
        self.step("create", name, lambda: self._change(lambda names: names.__setitem__(name, inode)))
        return File(self, name, inode)

    def truncate(self, name: str, size: int) -> None:
        inode = self._inode(name)

        def cut() -> None:
            del inode.data[size:]
            inode.synced = size

        self.step("truncate", name, cut)

    def rename(self, old: str, new: str) -> None:
        inode = self._inode(old)

        def move(names: dict[str, Inode]) -> None:
            names.pop(old, None)
            names[new] = inode

        self.step("rename", old, lambda: self._change(move))

    def remove(self, name: str) -> None:
        self._inode(name)
        self.step("remove", name, lambda: self._change(lambda names: names.pop(name, None)))

    def sync(self) -> None:
        def settle() -> None:
            self._durable = dict(self._files)
            self._pending.clear()

        self.step("sync", "directory", settle)

    # -- faults --------------------------------------------------------------------------------------

    def step(self, operation: str, name: str, effect: Callable[[], None]) -> None:
        """Do something to the disk, unless its turn has come to fail. Raises PowerFailure, DiskFailed."""
        if self._dead:
            raise PowerFailure
        trap = self.trap
        if trap is None or trap.operation != operation:
            effect()
            return
        if trap.count:
            trap.count -= 1
            effect()
            return
        self.trap, self.sprung = None, self.sprung + 1
        if trap.ends == "EIO":
            raise DiskFailed(operation, name, EIO)
        if trap.ends == "after":
            effect()
        self._dead = True
        raise PowerFailure

    def _inode(self, name: str) -> Inode:
        if name not in self._files:
            raise FileMissing(name)
        return self._files[name]

    def _change(self, change: Callable[[dict[str, Inode]], object]) -> None:
        change(self._files)
        self._pending.append(change)


class File:
    """Implements `enclave.store.files.AppendFile`."""

    def __init__(self, disk: Disk, name: str, inode: Inode) -> None:
        self._disk, self._name, self._inode = disk, name, inode

    def append(self, data: bytes) -> None:
        def write() -> None:
            self._inode.data += data

        try:
            self._disk.step("append to", self._name, write)
        except DiskFailed:
            self._inode.data += data[: len(data) // 2]  # an interrupted write has written something
            raise

    def sync(self) -> None:
        def settle() -> None:
            self._inode.synced = len(self._inode.data)

        self._disk.step("sync", self._name, settle)

    def close(self) -> None:
        pass
