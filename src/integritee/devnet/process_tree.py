"""Processes that live together: by default, the end of one is the end of all."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine, Iterator, Sequence
from pathlib import Path
from typing import Final, TypeVar

from .errors import ProcessEnded
from .processes import Child

SYMPTOM_TIME: Final = 0.5
"""Seconds after failed work in which the end of a process counts as the cause: connections break first."""

T = TypeVar("T")


class ProcessTree:
    """Children by name. `stop` it in any case. `inherited` are descriptors that every child keeps open."""

    def __init__(self, inherited: Sequence[int] = ()) -> None:
        self._inherited = tuple(inherited)
        self._children: dict[str, Child] = {}
        self._watches: dict[str, asyncio.Task[None]] = {}
        self._ended: dict[str, ProcessEnded] = {}
        self._end = asyncio.Event()

    def __getitem__(self, name: str) -> Child:
        return self._children[name]

    def __contains__(self, name: object) -> bool:
        return name in self._children

    def __iter__(self) -> Iterator[str]:
        return iter(self._children)

    async def start(
        self,
        name: str,
        module: str,
        arguments: Sequence[str],
        log: Path,
        cwd: Path | None = None,
        is_expendable: bool = False,
    ) -> Child:
        """Run a module as a child. The end of one that `is_expendable` is reported, no more. Raises OSError."""
        child = await Child.start(name, module, arguments, log, self._inherited, cwd)
        self._children[name] = child
        self._watches[name] = asyncio.create_task(self._watch(child, is_expendable))
        return child

    async def _watch(self, child: Child, is_expendable: bool) -> None:
        ended = await child.failure()
        if is_expendable:
            print(f"error: {ended.code}: {ended}\nthe others go on", file=sys.stderr, flush=True)
            return
        self._ended[child.name] = ended
        self._end.set()

    async def while_alive(self, work: Coroutine[None, None, T]) -> T:
        """Do `work`. If a process ends meanwhile, the work is cancelled. Raises ProcessEnded, what `work` raises."""
        working, ending = asyncio.create_task(work), asyncio.create_task(self._end.wait())
        try:
            await asyncio.wait((working, ending), return_when=asyncio.FIRST_COMPLETED)
            if working.done() and working.exception() is not None:
                await asyncio.wait((ending,), timeout=SYMPTOM_TIME)
            for ended in self._ended.values():
                raise ended
            return await working
        finally:
            for task in (working, ending):
                task.cancel()
            await asyncio.gather(working, ending, return_exceptions=True)

    async def stop_one(self, name: str) -> None:
        """End one child; nothing if there is none of that name, or not any more."""
        if name not in self._children:
            return
        self._watches.pop(name).cancel()
        await self._children.pop(name).stop()
        if self._ended.pop(name, None) is not None and not self._ended:
            self._end.clear()

    async def stop(self) -> None:
        """End all children, at the same time."""
        for watch in self._watches.values():
            watch.cancel()
        await asyncio.gather(*(child.stop() for child in self._children.values()))
