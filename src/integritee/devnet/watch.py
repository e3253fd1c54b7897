"""Noticing that files of a project changed: by looking, now and then. Works on every file system."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeAlias

from integritee.apps.discovery import PROJECT_FILE, read_project
from integritee.apps.errors import AppError

LOOK_EVERY: Final = 0.15
"""Seconds between two looks. A change counts once two looks agree: editors write in several steps."""

MAX_FILES: Final = 10_000
"""Files that are looked at; an app has a handful."""

Looks: TypeAlias = dict[str, tuple[int, int, int]]
"""(time of the last change in ns, length, inode) by path."""


def measured_places(folders: Sequence[Path]) -> list[Path]:
    """What is measured of projects, and what says where that is."""
    places = []
    for folder in folders:
        places.append(folder / PROJECT_FILE)
        with suppress(AppError):  # the worker will say so
            source = read_project(folder)
            if source.folder is not None:
                places.append(source.folder / source.package)
    return places


class Watch:
    """Over files, and what is below folders; hidden entries and byte code do not count."""

    def __init__(self, places: Sequence[Path]) -> None:
        self._places = tuple(places)
        self._seen = self.look()

    def look(self) -> Looks:
        """How the files are now."""
        looks: Looks = {}
        for path in self._files():
            try:
                status = path.stat()
            except OSError:  # gone while we look
                continue
            looks[str(path)] = (status.st_mtime_ns, status.st_size, status.st_ino)
            if len(looks) == MAX_FILES:
                break
        return looks

    async def change(self) -> None:
        """Return once files are otherwise than at the last change, or at the beginning, and stay so for a moment."""
        before, last = self._seen, await asyncio.to_thread(self.look)
        while True:
            await asyncio.sleep(LOOK_EVERY)
            now = await asyncio.to_thread(self.look)
            if now == last and now != before:
                self._seen = now
                return
            last = now

    def _files(self) -> Iterator[Path]:
        for place in self._places:
            if place.is_file():
                yield place
            for folder, below, names in os.walk(place):
                below[:] = sorted(name for name in below if not name.startswith(".") and name != "__pycache__")
                yield from (Path(folder, name) for name in sorted(names) if not name.startswith("."))
