"""A way to a server on this machine that can be shut: a second address of the same node."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final, Self

CHUNK: Final = 1 << 16


class Door:
    """Passes on whatever comes to `port` of this machine to another one, as long as it is open."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._server: asyncio.Server | None = None
        self._passages: set[asyncio.Task[None]] = set()
        self.port = 0
        self.passed = 0
        """Connections so far."""

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *failure: object) -> None:
        await self.shut()

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._enter, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def shut(self) -> None:
        """Refuse new connections, end those there are."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for passage in self._passages:
            passage.cancel()
        await asyncio.gather(*self._passages, return_exceptions=True)

    def _enter(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        passage = asyncio.create_task(self._pass(reader, writer))
        self._passages.add(passage)
        passage.add_done_callback(self._passages.discard)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.passed += 1
        with suppress(OSError):
            try:
                there, back = await asyncio.open_connection("127.0.0.1", self._target)
                ways = [asyncio.create_task(_copy(reader, back)), asyncio.create_task(_copy(there, writer))]
                try:
                    await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for way in ways:
                        way.cancel()
                    await asyncio.gather(*ways, return_exceptions=True)
                    back.close()
            finally:
                writer.close()


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    while chunk := await source.read(CHUNK):
        target.write(chunk)
        await target.drain()
