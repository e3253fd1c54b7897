"""A way to a port that can be closed: what a node or a peer looks like that goes away and comes back."""

from __future__ import annotations

import asyncio
from typing import Final, Self

HOST: Final = "127.0.0.1"


class Detour:
    """Listens on a port of its own and passes everything on to `target`, which may change, or be 0 while there is
    nobody. Use as an async context manager."""

    def __init__(self, target: int = 0) -> None:
        self.target = target
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0

    async def __aenter__(self) -> Self:
        await self.unblock()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.block()

    @property
    def url(self) -> str:
        return f"ws://{HOST}:{self.port}"

    @property
    def is_used(self) -> bool:
        return bool(self._open)

    async def unblock(self) -> None:
        """Listen, on the same port as ever."""
        self._server = await asyncio.start_server(self._serve, HOST, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def block(self) -> None:
        """End all connections and refuse new ones."""
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection(HOST, self.target)
        except OSError:
            writer.transport.abort()
            return
        for source, sink in ((reader, far_writer), (far_reader, writer)):
            task = asyncio.create_task(self._pass_on(source, sink))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pass_on(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        self._open.add(sink)
        try:
            while data := await source.read(1 << 16):
                sink.write(data)
                await sink.drain()
        except ConnectionError:
            pass
        finally:
            self._open.discard(sink)
            sink.transport.abort()
