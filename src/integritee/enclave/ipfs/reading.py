"""Reading content from IPFS through the host, for whoever asks: what comes is checked here."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from integritee.boundary.messages import ContentFetched, FetchContent
from integritee.primitives.cid import Cid
from integritee.primitives.ipfs import CidMismatch, IpfsTimeout, IpfsUnavailable, RelayBusy, daemon_error

READ_LIMIT: Final = 40.0
"""Seconds the host may take; its own patience with the daemon is shorter."""

MAX_READS: Final = 64
"""At a time: their content is in memory until it is sent to those who asked. Of these the host searches for few."""


class ContentReader:
    """`ask` tells the host what to fetch; None while there is no host with a daemon."""

    def __init__(self, ask: Callable[[FetchContent], None] | None = None) -> None:
        self.ask = ask
        self._pending: dict[int, asyncio.Future[ContentFetched]] = {}
        self._last = 0

    async def read(self, text: str) -> bytes:
        """Content by its identifier, which it has indeed; of `MAX_CONTENT_BYTES` at most.

        Raises InvalidCid, RelayBusy, DaemonError, CidMismatch.
        """
        cid = Cid.parse(text)
        if self.ask is None:
            raise IpfsUnavailable("this worker has none")
        if len(self._pending) >= MAX_READS:
            raise RelayBusy("all together", MAX_READS)
        self._last += 1
        number = self._last
        answer = self._pending[number] = asyncio.get_running_loop().create_future()
        try:
            self.ask(FetchContent(number, text))
            async with asyncio.timeout(READ_LIMIT):
                return _checked(cid, await answer)
        except TimeoutError:
            raise IpfsTimeout(f"the host has not answered for {READ_LIMIT:g} s") from None
        finally:
            del self._pending[number]

    def fetched(self, report: ContentFetched) -> None:
        """The host's answer; one that nobody waits for changes nothing."""
        answer = self._pending.get(report.number)
        if answer is not None and not answer.done():
            answer.set_result(report)


def _checked(cid: Cid, report: ContentFetched) -> bytes:
    if report.code:
        raise daemon_error(report.code, report.detail)
    if not cid.is_of(report.content):
        raise CidMismatch(str(cid.of(report.content)), str(cid))
    return report.content
