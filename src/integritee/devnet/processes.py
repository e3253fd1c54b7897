"""A supervised process: started in its own group, heard, logged, and ended without remains."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, Self

from .errors import ProcessEnded, ProcessSilent

SUPERVISED: Final = "integritee.devnet.child"

START_TIMEOUT: Final = 60.0
"""Seconds a process may take to say what is waited for; far more than it needs on any machine."""

STOP_TIMEOUT: Final = 1.5
"""Seconds a process may take to stop before it is killed; whatever is killed recovers from its journal."""

CHUNK: Final = 64 * 1024
MAX_LINE: Final = 4096
MAX_HEARD: Final = 1000
"""Lines kept for `line`, and bytes of each; the log has all."""

TAIL_LINES: Final = 20
TAIL_BYTES: Final = 16 * 1024


class Child:
    """A running process. Make it with `start`; `stop` it in any case."""

    def __init__(self, name: str, process: asyncio.subprocess.Process, log: Path) -> None:
        self.name, self.log = name, log
        self._process = process
        self._heard: list[str] = []
        self._is_silent = False
        self._news = asyncio.Condition()
        self._listening = asyncio.create_task(self._listen())

    @classmethod
    async def start(
        cls,
        name: str,
        module: str,
        arguments: Sequence[str],
        log: Path,
        inherited: Sequence[int] = (),
        cwd: Path | None = None,
    ) -> Self:
        """Run a Python module, in `cwd` if that is said. Both its output streams go to `log`; `inherited` are
        descriptors it keeps open."""
        with log.open("ab") as errors:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", SUPERVISED, module, *arguments),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
                pass_fds=inherited,
                cwd=cwd,
                process_group=0,  # Ctrl-C in the terminal reaches the supervisor alone
            )
        return cls(name, process, log)

    @property
    def pid(self) -> int:
        return self._process.pid

    async def line(self, prefix: str, timeout: float = START_TIMEOUT) -> str:
        """The rest of the first line on standard output that begins with `prefix`; waits for it.

        Raises ProcessEnded, ProcessSilent.
        """
        try:
            async with asyncio.timeout(timeout), self._news:
                while (found := self._find(prefix)) is None:
                    if self._is_silent:
                        raise await self.failure()
                    await self._news.wait()
                return found
        except TimeoutError:
            raise ProcessSilent(self.name, prefix, timeout, tail(self.log)) from None

    def _find(self, prefix: str) -> str | None:
        return next((line.removeprefix(prefix).strip() for line in self._heard if line.startswith(prefix)), None)

    async def failure(self) -> ProcessEnded:
        """Wait for the process to end on its own."""
        return ProcessEnded(self.name, await self._process.wait(), tail(self.log))

    async def stop(self) -> None:
        """Ask, wait, kill the group. Cancelling it skips the waiting."""
        if self._process.returncode is None:
            self._process.terminate()
        try:
            async with asyncio.timeout(STOP_TIMEOUT):
                await self._process.wait()
                await asyncio.shield(self._listening)  # ends when nobody is left who could write
        except (TimeoutError, asyncio.CancelledError) as impatient:
            with suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
            if isinstance(impatient, asyncio.CancelledError):
                raise
            await self._process.wait()
            await self._listening

    async def _listen(self) -> None:
        assert self._process.stdout is not None
        begun = unlogged = b""
        with self.log.open("ab", buffering=0) as log:
            while chunk := await self._process.stdout.read(CHUNK):
                unlogged += chunk  # lines enter the log whole: the other stream writes into it as well
                whole = unlogged.rfind(b"\n") + 1 or (len(unlogged) if len(unlogged) > MAX_LINE else 0)
                log.write(unlogged[:whole])
                unlogged = unlogged[whole:]
                *lines, begun = (begun + chunk).split(b"\n")
                await self._hear(lines)
                begun = begun[:MAX_LINE]
            log.write(unlogged)
        self._is_silent = True
        await self._hear([])

    async def _hear(self, lines: list[bytes]) -> None:
        async with self._news:
            room = MAX_HEARD - len(self._heard)
            self._heard += [line[:MAX_LINE].decode(errors="replace") for line in lines[:room]]
            self._news.notify_all()


def tail(log: Path) -> str:
    """The last lines of a log, indented."""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - TAIL_BYTES))
        lines = file.read().decode(errors="replace").splitlines()
    return "\n".join(f"  {line}" for line in lines[-TAIL_LINES:])
