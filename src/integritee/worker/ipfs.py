"""What the host does on IPFS for its enclave: content is written and read as it comes, and reported in either case.

The enclave waits for nothing: it is told, by an ecall, what became of what it asked for. All that passes here is
encrypted, or public.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final

from integritee.boundary.endpoint import RemoteFailure
from integritee.boundary.messages import ContentFetched, ContentStored, FetchContent, Nothing, StoreContent
from integritee.primitives.ipfs import ContentNotFound, DaemonError, IpfsRefused, IpfsUnavailable

from .errors import EnclaveDied, EnclaveSilent
from .kubo import Kubo

MAX_WRITES: Final = 4
"""Uploads at a time; the enclave has a limit on how many wait."""

MAX_READS: Final = 8
"""As `MAX_WRITES`, downloads."""

MAX_SEARCHES: Final = 4
"""Downloads at a time of what the daemon has to ask others for, which takes long, or for ever."""

MAX_WAITING_SEARCHES: Final = 16
"""Searches under way; beyond, only what the daemon has itself is read. So nobody keeps others from that by asking
for what does not exist."""

MAX_WAITING: Final = 128
"""Requests of the enclave under way, of both kinds; more are answered at once, with an error."""

log = logging.getLogger(__name__)
ReportStored = Callable[[ContentStored], Awaitable[Nothing]]
ReportFetched = Callable[[ContentFetched], Awaitable[Nothing]]


class IpfsDesk:
    """Serves one life of the enclave with a daemon; `kubo` is None if there is none."""

    def __init__(self, kubo: Kubo | None, stored: ReportStored, fetched: ReportFetched) -> None:
        self._kubo, self._report_stored, self._report_fetched = kubo, stored, fetched
        self._writing, self._reading = asyncio.Semaphore(MAX_WRITES), asyncio.Semaphore(MAX_READS)
        self._searching, self._searches = asyncio.Semaphore(MAX_SEARCHES), 0
        self._tasks: set[asyncio.Task[None]] = set()

    def store(self, wanted: StoreContent) -> None:
        """Have content stored, soon."""
        self._begin(self._store(wanted))

    def fetch(self, wanted: FetchContent) -> None:
        """Have content brought, soon."""
        self._begin(self._fetch(wanted))

    async def close(self) -> None:
        """Leave everything as it is: the enclave that asked has ended."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._kubo is not None:
            await self._kubo.close()

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if task.cancelled() or (failed := task.exception()) is None:
            return
        if not isinstance(failed, RemoteFailure | EnclaveDied | EnclaveSilent):
            log.error("work on IPFS failed", exc_info=failed)

    def _daemon(self) -> Kubo:
        """Raises IpfsUnavailable, IpfsRefused."""
        if self._kubo is None:
            raise IpfsUnavailable("the worker was started without --ipfs-url")
        if len(self._tasks) > MAX_WAITING:
            raise IpfsRefused("too much is under way already")
        return self._kubo

    async def _store(self, wanted: StoreContent) -> None:
        try:
            kubo = self._daemon()
            async with self._writing:
                report = ContentStored(wanted.cid, reported=await kubo.store(wanted.content, wanted.cid))
            log.info("stored %d bytes on IPFS: %s", len(wanted.content), report.reported)
        except DaemonError as failed:
            log.warning("%s is not on IPFS: %s (%s)", wanted.cid, failed, failed.code)
            report = ContentStored(wanted.cid, code=failed.code, detail=failed.detail)
        await self._report_stored(report)

    async def _fetch(self, wanted: FetchContent) -> None:
        try:
            report = ContentFetched(wanted.number, await self._read(self._daemon(), wanted.cid))
        except DaemonError as failed:
            report = ContentFetched(wanted.number, code=failed.code, detail=failed.detail)
        await self._report_fetched(report)

    async def _read(self, kubo: Kubo, cid: str) -> bytes:
        """What the daemon has, else what it finds. Raises DaemonError."""
        try:
            async with self._reading:
                return await kubo.cat(cid, offline=True)
        except ContentNotFound:
            if self._searches >= MAX_WAITING_SEARCHES:
                raise
        self._searches += 1
        try:
            async with self._searching:
                return await kubo.cat(cid)
        finally:
            self._searches -= 1
