"""The data directory from outside: permissions, who has it locked, sizes, room on the disk."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from .finding import Finding, Severity

STORE_DIRECTORY: Final = "enclave"
BLOCKS_DIRECTORY: Final = "sidechain_db"
SEAL_ROOT_FILE: Final = "simulated-seal-root"
LOCK: Final = f"{STORE_DIRECTORY}/lock"
KNOWN: Final = {STORE_DIRECTORY, BLOCKS_DIRECTORY, SEAL_ROOT_FILE}

LOW_SPACE: Final = 256 << 20
"""Bytes free on the disk below which a worker is in danger: a few snapshots of a middling state."""

FUTURE: Final = 60
"""Seconds that a file may be newer than the clock."""


@dataclass(frozen=True)
class Layout:
    """Sizes in bytes; `holder` is the process that has the state locked: its id and command line."""

    sizes: dict[str, int]
    free: int
    holder: tuple[int, str] | None


def look(data_dir: Path) -> Layout:
    """Of an existing directory. Raises OSError."""
    sizes = {entry.name: _size(entry) for entry in sorted(data_dir.iterdir())}
    disk = os.statvfs(data_dir)
    return Layout(sizes, disk.f_bavail * disk.f_frsize, lock_holder(data_dir / LOCK))


def findings(data_dir: Path, layout: Layout, budget: int, block_bytes: int, now: float) -> list[Finding]:
    """What the layout shows; `now` in unix seconds."""
    found = []
    if layout.holder is not None:
        pid, command = layout.holder
        message = f"a running enclave has the state: process {pid} ({command})"
        found.append(Finding(Severity.INFO, "doctor.in_use", message, {"pid": pid, "command": command}))
    elif not os.access(data_dir, os.W_OK | os.X_OK):
        found.append(_unusable(data_dir, "not writable by this user"))
    foreign = sorted(name for name in layout.sizes if name not in KNOWN and not name.endswith(".log"))
    if foreign:
        text = ", ".join(foreign[:10])
        found.append(Finding(Severity.INFO, "doctor.foreign_files", f"not the worker's: {text}", {"names": text}))
    found += _seal_root(data_dir / SEAL_ROOT_FILE)
    found += _room(layout.free, budget, block_bytes)
    found += _clock(data_dir, now)
    return found


def _unusable(path: Path, reason: str) -> Finding:
    return Finding(Severity.ERROR, "doctor.data_dir_unusable", f"{path}: {reason}", {"path": str(path)})


def _seal_root(path: Path) -> list[Finding]:
    try:
        status = path.lstat()
    except FileNotFoundError:
        return []
    mode = stat.S_IMODE(status.st_mode)
    if not stat.S_ISREG(status.st_mode):
        return [_unusable(path, "not a regular file")]
    if status.st_uid != os.geteuid():
        return [_unusable(path, "belongs to another user")]
    if not mode & 0o077:
        return []
    message = f"{path.name} can be read or written by others (mode {mode:o})"
    return [Finding(Severity.ERROR, "doctor.seal_root_exposed", message, {"mode": f"{mode:o}"})]


def _room(free: int, budget: int, block_bytes: int) -> list[Finding]:
    facts: dict[str, str | int | bool | None] = {"free": free, "budget": budget, "blocks": block_bytes}
    if free < LOW_SPACE:
        return [Finding(Severity.ERROR, "doctor.disk_full", f"{free >> 20} MiB are free on the disk", facts)]
    if free + block_bytes < budget + LOW_SPACE:
        message = f"blocks may take {budget >> 20} MiB, but {(free + block_bytes) >> 20} MiB is all there is for them"
        return [Finding(Severity.WARNING, "doctor.budget_exceeds_disk", message, facts)]
    return []


def _clock(data_dir: Path, now: float) -> list[Finding]:
    newest = max(_status(path).st_mtime for path in (data_dir, *(data_dir / STORE_DIRECTORY).glob("*")))
    if newest <= now + FUTURE:
        return []
    ahead = int(newest - now)
    message = f"files were written {ahead} s in the future: the clock was put back"
    return [Finding(Severity.WARNING, "doctor.clock_behind", message, {"seconds": ahead})]


def lock_holder(path: Path) -> tuple[int, str] | None:
    """Process that has the lock on a file, as Linux tells (proc(5), ``/proc/locks``); None if nobody is known to."""
    try:
        status, table = path.stat(), Path("/proc/locks").read_text()
    except OSError:
        return None
    wanted = f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}:{status.st_ino}"
    for line in table.splitlines():
        fields = line.split()
        if len(fields) >= 6 and fields[1] == "FLOCK" and fields[5] == wanted:
            return int(fields[4]), _command(int(fields[4]))
    return None


def _command(pid: int) -> str:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return "unknown"
    return b" ".join(words).decode(errors="replace").strip()[:200]


def _size(path: Path) -> int:
    if path.is_dir() and not path.is_symlink():
        return sum(_status(entry).st_size for entry in path.rglob("*") if not entry.is_dir())
    return _status(path).st_size


def _status(path: Path) -> os.stat_result:
    """Of what is there, not of what it leads to; all zero if a running worker has just removed it."""
    try:
        return path.lstat()
    except FileNotFoundError:
        return os.stat_result((0,) * 10)
