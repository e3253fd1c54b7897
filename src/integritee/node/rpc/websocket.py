"""One WebSocket: requests in, one at a time; replies and notifications out, in order.

`send` may be called from any thread. A client that does not read stops being served, and is dropped when too
much waits for it.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from aiohttp import WSMsgType, web

from .limits import MAX_REQUEST_BYTES, ServerLimits

log = logging.getLogger(__name__)

OnMessage: TypeAlias = Callable[[str | bytes], Awaitable[None]]


class Connection:
    """A client that has upgraded to WebSocket."""

    def __init__(self, request: web.BaseRequest, limits: ServerLimits) -> None:
        self._request = request
        self._limits = limits
        self._loop = asyncio.get_running_loop()
        self._socket = web.WebSocketResponse(
            compress=False, max_msg_size=MAX_REQUEST_BYTES, heartbeat=limits.ping_seconds
        )
        self._outgoing: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._news = asyncio.Event()
        self._drained = asyncio.Event()
        self._drained.set()

    async def run(self, on_message: OnMessage) -> web.StreamResponse:
        """Serve the client until it leaves. `on_message` is awaited before the next message is looked at."""
        await self._socket.prepare(self._request)
        writer = asyncio.create_task(self._write())
        try:
            async for message in self._socket:
                if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
                    await on_message(message.data)
                    await self._drained.wait()
        finally:
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)
        return self._socket

    async def close(self, code: int) -> None:
        """Say goodbye."""
        await self._socket.close(code=code)

    def send(self, text: bytes) -> None:
        """Queue a text message. From any thread; does nothing once the client has left."""
        self._loop.call_soon_threadsafe(self._queue, text)

    def _queue(self, text: bytes) -> None:
        if self._socket.closed:
            return
        self._outgoing.append(text)
        self._waiting_bytes += len(text)
        self._news.set()
        if self._waiting_bytes > self._limits.resume_bytes:
            self._drained.clear()
        if self._waiting_bytes > self._limits.outgoing_bytes:
            self._drop()

    def _drop(self) -> None:
        log.info("dropped a client that does not read: %d bytes wait for it", self._waiting_bytes)
        self._outgoing.clear()
        if self._request.transport is not None:
            self._request.transport.abort()

    async def _write(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            while self._outgoing:
                text = self._outgoing.popleft()
                await self._socket.send_frame(text, WSMsgType.TEXT)
                self._waiting_bytes -= len(text)
                if self._waiting_bytes <= self._limits.resume_bytes:
                    self._drained.set()
