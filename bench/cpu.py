"""What this process and all that came of it have cost, however many others want the cores meanwhile."""

from __future__ import annotations

import os
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
PARENT, TIMES = 1, slice(11, 15)
"""Fields of ``/proc/PID/stat`` behind the name: the parent's id; ticks in user mode and in the kernel, then those of
ended children (man page proc_pid_stat)."""


def cpu_seconds() -> float | None:
    """Of this process, its descendants, and the ended ones whose parents took note. None without ``/proc``."""
    stats = family(os.getpid())
    return sum(int(ticks) for fields in stats.values() for ticks in fields[TIMES]) / TICKS if stats else None


def family(process: int) -> dict[int, list[str]]:
    """What ``/proc`` says of a process and its descendants, itself first: by their ids, the fields behind the name.
    Empty without ``/proc``, or if it has ended."""
    stats = {int(path.parent.name): fields for path in Path("/proc").glob("[0-9]*/stat") if (fields := _fields(path))}
    members = [process] if process in stats else []
    for parent in members:
        members += [child for child, fields in stats.items() if int(fields[PARENT]) == parent]
    return {member: stats[member] for member in members}


def _fields(path: Path) -> list[str]:
    try:
        return path.read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):  # it has ended
        return []
